package fabric

import (
	"errors"
	"runtime"

	"golang.org/x/sys/unix"
)

// OnOwnThread runs fn on an operating system thread that runs nothing else and
// ends with it, so fn may change the thread's namespaces and cgroups as it
// likes and need not change them back.
func OnOwnThread(fn func() error) error {
	result := make(chan error, 1)
	go func() {
		err := errors.New("the function ended its goroutine")
		defer func() { result <- err }()
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			// The first thread cannot end, and is what others see as the
			// process. While it is held here, another runs fn.
			defer runtime.UnlockOSThread()
			err = OnOwnThread(fn)
			return
		}
		// Not unlocked: the thread ends with this goroutine.
		err = fn()
	}()
	return <-result
}
