package fabric

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A processID tells one process from all others that ever had its number.
type processID struct {
	PID   int
	Start uint64 // in clock ticks since the host's boot
	Boot  string // of the host
}

// identify returns the identity of the process that is pid now.
func identify(pid int) (processID, error) {
	id := processID{PID: pid}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return id, err
	}
	id.Boot = strings.TrimSpace(string(boot))
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return id, err
	}
	// The second field is a name in parentheses that may hold anything; the
	// start time is the 22nd (proc_pid_stat(5)).
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 20 {
		return id, fmt.Errorf("unreadable /proc/%d/stat", pid)
	}
	id.Start, err = strconv.ParseUint(fields[19], 10, 64)
	return id, err
}

// open returns a file that stands for the process, fs.ErrNotExist when it is
// gone. The file is readable once the process has ended (pidfd_open(2)).
func (id processID) open() (*os.File, error) {
	if id.PID == 0 {
		return nil, fs.ErrNotExist
	}
	fd, err := unix.PidfdOpen(id.PID, unix.PIDFD_NONBLOCK)
	if errors.Is(err, unix.ESRCH) {
		return nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, fmt.Errorf("open process %d: %w", id.PID, err)
	}
	f := os.NewFile(uintptr(fd), "process")
	// Only now is it certain that the number is not taken again meanwhile.
	now, err := identify(id.PID)
	if err != nil || now != id {
		f.Close()
		if err == nil || errors.Is(err, unix.ESRCH) {
			err = fs.ErrNotExist
		}
		return nil, err
	}
	return f, nil
}

// killWait bounds how long the kernel may take to end a killed process and its
// whole process namespace.
const killWait = 10 * time.Second

// kill ends the process, and with an init all that runs in its machine. One
// that is gone is no error.
func (id processID) kill(ctx context.Context) error {
	f, err := id.open()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	err = unix.PidfdSendSignal(int(f.Fd()), unix.SIGKILL, nil, 0)
	if err != nil && err != unix.ESRCH {
		return fmt.Errorf("kill process %d: %w", id.PID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, killWait)
	defer cancel()
	return id.await(ctx)
}

// await returns when the process has ended.
func (id processID) await(ctx context.Context) error {
	f, err := id.open()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	stop := context.AfterFunc(ctx, func() { f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	err = raw.Read(func(fd uintptr) bool {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		return err == nil && n == 1
	})
	if err != nil {
		return fmt.Errorf("wait for process %d: %w", id.PID, errors.Join(ctx.Err(), err))
	}
	// It may be this daemon's child, which then waits to be collected, or an
	// earlier one's.
	if _, err := unix.Wait4(id.PID, nil, unix.WNOHANG, nil); err != nil && err != unix.ECHILD {
		return fmt.Errorf("collect process %d: %w", id.PID, err)
	}
	return nil
}
