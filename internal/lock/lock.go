// Package lock lets one process at a time have a name.
package lock

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A HeldError says that another process has a lock.
type HeldError struct {
	Path string
	PID  int // of the holder; 0 when it has not written it yet
}

func (e *HeldError) Error() string {
	if e.PID == 0 {
		return e.Path + " is locked by another process"
	}
	return fmt.Sprintf("%s is locked by process %d", e.Path, e.PID)
}

// Acquire takes the lock of a file, which it makes if need be, and writes the
// process id into it. The lock ends when the file is closed or the process
// ends, however it ends; the file stays, unless Remove is called, and means
// nothing by itself.
func Acquire(path string) (*os.File, error) {
	for {
		f, err := acquire(path)
		if err != nil {
			return nil, err
		}
		there, err := names(path, f)
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if there {
			return f, nil
		}
		// Its last holder removed the file between our opening and locking it.
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
}

// Remove gives up a lock that is held and removes its file. The caller closes
// f afterwards.
func Remove(f *os.File) error { return os.Remove(f.Name()) }

// names reports whether path still names the file that is open.
func names(path string, f *os.File) (bool, error) {
	now, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	mine, err := f.Stat()
	return err == nil && os.SameFile(now, mine), err
}

func acquire(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		return nil, &HeldError{path, holder(path)}
	}
	if err := f.Truncate(0); err != nil {
		return nil, errors.Join(fmt.Errorf("write lock: %w", err), f.Close())
	}
	if _, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		return nil, errors.Join(fmt.Errorf("write lock: %w", err), f.Close())
	}
	return f, nil
}

// holder reads who has a lock, 0 between locking and writing.
func holder(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}
