package load

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// chunk is how much is written or read at once, as iperf3 does.
const chunk = 128 << 10

// Streams sends as much as the path takes over some TCP connections and returns
// how many bits arrive in a second.
func Streams(e Ends, connections int, o Options) (bitsPerSecond float64, err error) {
	from, to, err := e.connect(connections)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, closeAll(to)) }()
	clientCPU, serverCPU, err := CPUs()
	if err != nil {
		return 0, errors.Join(err, closeAll(from))
	}
	err = together(o.Realtime,
		end{e.Client, clientCPU, func() error { return errors.Join(sendAll(from, o.Duration), closeAll(from)) }},
		end{e.Server, serverCPU, func() error {
			bitsPerSecond, err = receiveAll(to)
			return err
		}})
	return bitsPerSecond, err
}

// connect opens connections, and returns both ends of them.
func (e Ends) connect(n int) (from, to []socket, err error) {
	listener, err := listen(e.Server, e.ServerAddr, unix.SOCK_STREAM, StreamPort)
	if err != nil {
		return nil, nil, err
	}
	defer listener.close()
	for range n {
		client, err := dial(e.Client, e.ServerAddr, unix.SOCK_STREAM, StreamPort)
		if err != nil {
			return nil, nil, errors.Join(err, closeAll(from), closeAll(to))
		}
		from = append(from, client)
		server, err := listener.accept()
		if err != nil {
			return nil, nil, errors.Join(err, closeAll(from), closeAll(to))
		}
		to = append(to, server)
	}
	return from, to, nil
}

func closeAll(sockets []socket) error {
	var errs []error
	for _, s := range sockets {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}

// sendAll writes to whichever socket takes something, for a time.
func sendAll(sockets []socket, long time.Duration) error {
	data := make([]byte, chunk)
	until := time.Now().Add(long)
	return each(sockets, unix.POLLOUT, func(s socket) (done bool, err error) {
		if _, err := unix.SendmsgN(int(s), data, nil, nil, unix.MSG_DONTWAIT); !passing(err) {
			return false, fmt.Errorf("send: %w", err)
		}
		return !time.Now().Before(until), nil
	})
}

// receiveAll reads from whichever socket has something until all have ended,
// and returns the bits per second.
func receiveAll(sockets []socket) (float64, error) {
	data := make([]byte, chunk)
	start := time.Now()
	bytes := 0
	err := each(sockets, unix.POLLIN, func(s socket) (done bool, err error) {
		n, err := unix.Read(int(s), data)
		if passing(err) && err != nil {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("receive: %w", err)
		}
		bytes += n
		return n == 0, nil
	})
	return float64(8*bytes) / time.Since(start).Seconds(), err
}

// passing reports whether an error, if it is one, says only "not now".
func passing(err error) bool {
	return err == nil || err == unix.EINTR || err == unix.EAGAIN
}

// each calls fn for every socket that is ready, until it is done with all.
func each(sockets []socket, events int16, fn func(socket) (done bool, err error)) error {
	polls := make([]unix.PollFd, len(sockets))
	for i, s := range sockets {
		polls[i] = unix.PollFd{Fd: int32(s), Events: events}
	}
	for open := len(sockets); open > 0; {
		n, err := unix.Poll(polls, int(Patience.Milliseconds()))
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("wait for connections: %w", err)
		}
		if n == 0 && err == nil {
			return fmt.Errorf("nothing has moved for %v", Patience)
		}
		for i := range polls {
			if polls[i].Revents == 0 {
				continue
			}
			done, err := fn(sockets[i])
			if err != nil {
				return err
			}
			if done {
				polls[i].Fd = -1 // poll(2) passes over it
				open--
			}
		}
	}
	return nil
}
