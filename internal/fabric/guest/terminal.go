package guest

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"ringfence/internal/fabric/initproto"
)

// openTerminal returns both ends of a new terminal (pts(4)). A read of the outer
// one ends when it is closed.
func openTerminal(size initproto.WindowSize) (outer, inner *os.File, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	outer = os.NewFile(uintptr(fd), "/dev/ptmx")
	if err == nil {
		inner, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		outer.Close()
		return nil, nil, err
	}
	if size != (initproto.WindowSize{}) {
		if err := initproto.SetWindowSize(outer, size); err != nil {
			outer.Close()
			inner.Close()
			return nil, nil, err
		}
	}
	return outer, inner, nil
}
