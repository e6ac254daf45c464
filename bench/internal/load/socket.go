package load

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"ringfence/bench/internal/netns"
)

// Congestion is the congestion control of every TCP socket here.
const Congestion = "cubic"

// A socket is a file descriptor. Calls of package unix are made as they are:
// Go's own network package would put its poller between the load and the path.
type socket int

func (s socket) close() error { return unix.Close(int(s)) }

// open makes a socket that waits no longer than Patience for anything.
func open(family netip.Addr, typ int) (socket, error) {
	domain := unix.AF_INET
	if family.Is6() {
		domain = unix.AF_INET6
	}
	fd, err := unix.Socket(domain, typ|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open socket: %w", err)
	}
	s := socket(fd)
	if err := s.prepare(typ); err != nil {
		return -1, errors.Join(err, s.close())
	}
	return s, nil
}

func (s socket) prepare(typ int) error {
	if err := s.limit(Patience); err != nil {
		return err
	}
	if typ != unix.SOCK_STREAM {
		return nil
	}
	if err := unix.SetsockoptString(int(s), unix.IPPROTO_TCP, unix.TCP_CONGESTION, Congestion); err != nil {
		return fmt.Errorf("use %s (modprobe tcp_%s): %w", Congestion, Congestion, err)
	}
	if err := unix.SetsockoptInt(int(s), unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return fmt.Errorf("send without delay: %w", err)
	}
	return nil
}

// limit bounds how long a call waits.
func (s socket) limit(wait time.Duration) error {
	tv := unix.NsecToTimeval(wait.Nanoseconds())
	for _, option := range []int{unix.SO_RCVTIMEO, unix.SO_SNDTIMEO} {
		if err := unix.SetsockoptTimeval(int(s), unix.SOL_SOCKET, option, &tv); err != nil {
			return fmt.Errorf("limit waiting: %w", err)
		}
	}
	return nil
}

func sockaddr(addr netip.Addr, port int) unix.Sockaddr {
	if addr.Is4() {
		return &unix.SockaddrInet4{Port: port, Addr: addr.As4()}
	}
	return &unix.SockaddrInet6{Port: port, Addr: addr.As16()}
}

// listen opens a socket in a namespace, bound to a port.
func listen(in *netns.Namespace, addr netip.Addr, typ, port int) (s socket, err error) {
	err = in.Do(func() error {
		if s, err = open(addr, typ); err != nil {
			return err
		}
		err := unix.SetsockoptInt(int(s), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
		if err == nil {
			err = unix.Bind(int(s), sockaddr(addr, port))
		}
		if err == nil && typ == unix.SOCK_STREAM {
			err = unix.Listen(int(s), 1024)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("listen on port %d: %w", port, err), s.close())
		}
		return nil
	})
	return s, err
}

// dial opens a socket in a namespace, connected to an address.
func dial(in *netns.Namespace, addr netip.Addr, typ, port int) (s socket, err error) {
	err = in.Do(func() error {
		s, err = dialHere(addr, typ, port)
		return err
	})
	return s, err
}

// dialHere is dial in the namespace of the calling thread.
func dialHere(addr netip.Addr, typ, port int) (socket, error) {
	s, err := open(addr, typ)
	if err != nil {
		return -1, err
	}
	if err := retry(func() error { return unix.Connect(int(s), sockaddr(addr, port)) }); err != nil {
		return -1, errors.Join(fmt.Errorf("connect to %s port %d: %w", addr, port, err), s.close())
	}
	return s, nil
}

func (s socket) accept() (accepted socket, err error) {
	err = retry(func() error {
		fd, _, err := unix.Accept4(int(s), unix.SOCK_CLOEXEC)
		accepted = socket(fd)
		return err
	})
	if err != nil {
		return -1, fmt.Errorf("accept connection: %w", err)
	}
	return accepted, nil
}

// read returns 0 when the other end has nothing more to say.
func (s socket) read(b []byte) (n int, err error) {
	err = retry(func() error {
		n, err = unix.Read(int(s), b)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("read: %w", err)
	}
	return n, nil
}

func (s socket) write(b []byte) error {
	err := retry(func() error {
		_, err := unix.Write(int(s), b)
		return err
	})
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// retry makes a call again that a signal of Go's scheduler has interrupted.
func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}
