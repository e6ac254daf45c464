package load

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Passes fails unless one connection, or datagram, of each kind arrives.
func Passes(e Ends) error {
	for _, port := range []int{StreamPort, RequestPort, ConnectionPort} {
		connects, err := Connects(e, port, Patience)
		if err != nil {
			return err
		}
		if !connects {
			return fmt.Errorf("nobody answers at TCP port %d", port)
		}
	}
	return e.datagramPasses()
}

func (e Ends) datagramPasses() error {
	receiver, err := listen(e.Server, e.ServerAddr, unix.SOCK_DGRAM, DatagramPort)
	if err != nil {
		return err
	}
	defer receiver.close()
	sender, err := dial(e.Client, e.ServerAddr, unix.SOCK_DGRAM, DatagramPort)
	if err != nil {
		return err
	}
	defer sender.close()
	if err := sender.write([]byte{1}); err != nil {
		return err
	}
	if _, err := receiver.read(make([]byte, 1)); err != nil {
		return fmt.Errorf("a datagram to port %d: %w", DatagramPort, err)
	}
	return nil
}

// Connects reports whether a TCP connection to a port, at which the server
// listens, comes about within a time.
func Connects(e Ends, port int, within time.Duration) (connects bool, err error) {
	listener, err := listen(e.Server, e.ServerAddr, unix.SOCK_STREAM, port)
	if err != nil {
		return false, err
	}
	defer listener.close()
	err = e.Client.Do(func() error {
		s, err := open(e.ServerAddr, unix.SOCK_STREAM)
		if err != nil {
			return err
		}
		defer s.close()
		if err := s.limit(within); err != nil {
			return err
		}
		err = retry(func() error { return unix.Connect(int(s), sockaddr(e.ServerAddr, port)) })
		connects = err == nil
		// A connect that runs out of time says EINPROGRESS (socket(7), SO_SNDTIMEO).
		if errors.Is(err, unix.EINPROGRESS) || errors.Is(err, unix.EALREADY) || errors.Is(err, unix.ETIMEDOUT) {
			return nil
		}
		return err
	})
	return connects, err
}
