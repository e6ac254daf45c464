package initproto

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"sync"

	"golang.org/x/sys/unix"
)

// joinTerminal copies between the command's terminal and the caller's files,
// until the command has ended and its last output has been copied. The terminal
// follows the size of the caller's.
func joinTerminal(terminal *os.File, cmd Command, ended <-chan struct{}) {
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, unix.SIGWINCH)
	defer signal.Stop(resized)

	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		for {
			select {
			case <-ended:
				return
			case <-resized:
				if size, err := windowSize(cmd.Stdin); err == nil {
					_ = SetWindowSize(terminal, size) // the size only matters to the eye
				}
			}
		}
	})
	wg.Go(func() { copyUntil(terminal, cmd.Stdin, ended) })
	// The command leads its session: at its end the kernel hangs up the
	// terminal, and this read fails once all output is read.
	_, _ = io.Copy(cmd.Stdout, terminal)
}

// copyUntil copies from src to dst until src ends or ended is closed. A plain
// copy would keep a byte of the caller's next line, and would never return.
func copyUntil(dst, src *os.File, ended <-chan struct{}) {
	wake, stop, err := os.Pipe()
	if err != nil {
		return // no descriptors left: the command goes without input
	}
	defer wake.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		<-ended
		stop.Close()
	})

	fds := []unix.PollFd{
		{Fd: int32(src.Fd()), Events: unix.POLLIN},
		{Fd: int32(wake.Fd()), Events: unix.POLLIN},
	}
	buf := make([]byte, 4096)
	for {
		if _, err := unix.Poll(fds, -1); err == unix.EINTR {
			continue
		} else if err != nil || fds[1].Revents != 0 {
			return
		}
		n, err := src.Read(buf)
		if _, werr := dst.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

// rawMode lets every key of a terminal through as it is typed (termios(3),
// cfmakeraw), and returns how to undo it. Other files are left alone.
func rawMode(f *os.File) (restore func()) {
	fd := int(f.Fd())
	old, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return func() {}
	}
	raw := *old
	raw.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	raw.Oflag &^= unix.OPOST
	raw.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	raw.Cflag &^= unix.CSIZE | unix.PARENB
	raw.Cflag |= unix.CS8
	raw.Cc[unix.VMIN] = 1
	raw.Cc[unix.VTIME] = 0
	_ = unix.IoctlSetTermios(fd, unix.TCSETS, &raw)
	return func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, old) }
}

func windowSize(f *os.File) (WindowSize, error) {
	w, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return WindowSize{}, err
	}
	return WindowSize{Rows: w.Row, Columns: w.Col}, nil
}

// SetWindowSize tells the programs on a terminal how large it is. It leaves the
// file as it is; with Fd, no read of it would end at Close any more.
func SetWindowSize(terminal *os.File, s WindowSize) error {
	c, err := terminal.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = c.Control(func(fd uintptr) {
		set = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: s.Rows, Col: s.Columns})
	})
	return errors.Join(err, set)
}
