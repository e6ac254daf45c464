package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"ringfence/internal/lock"
)

// An InUseError says that another process has the data directory.
type InUseError struct {
	Dir string
	PID int // of the holder; 0 when it has not written it yet
}

func (e *InUseError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("data directory %s is in use by another process", e.Dir)
	}
	return fmt.Sprintf("data directory %s is in use by process %d", e.Dir, e.PID)
}

// lockDir takes dir for this process, until the file is closed.
func lockDir(dir string) (*os.File, error) {
	f, err := lock.Acquire(filepath.Join(dir, "lock"))
	if held, ok := errors.AsType[*lock.HeldError](err); ok {
		return nil, &InUseError{Dir: dir, PID: held.PID}
	}
	return f, err
}
