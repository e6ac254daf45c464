package load

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"ringfence/bench/internal/stats"
)

// Times are how long something took that was done again and again.
type Times struct {
	PerSecond float64
	P50, P99  time.Duration
}

func timesOf(all []time.Duration, took time.Duration) (Times, error) {
	if len(all) == 0 {
		return Times{}, errors.New("the load was too short for a single answer")
	}
	return Times{
		PerSecond: float64(len(all)) / took.Seconds(),
		P50:       stats.NearestRank(all, 0.5), P99: stats.NearestRank(all, 0.99),
	}, nil
}

// mostTimes is how many times there is room for in advance, so that nothing is
// allocated while the clock runs.
const mostTimes = 1 << 18

// Requests sends a byte over one TCP connection and waits for one back, again
// and again. Both ends share a CPU: a wake-up of another one would hide what
// the path costs.
func Requests(e Ends, o Options) (Times, error) {
	return onOneCPU(e, o, RequestPort, answerRequests, sendRequests)
}

// onOneCPU lets a server answer on a port for as long as a client asks, both
// ends on one CPU.
func onOneCPU(e Ends, o Options, port int, answer func(socket) error, ask func(Ends, time.Duration) (Times, error)) (times Times, err error) {
	listener, err := listen(e.Server, e.ServerAddr, unix.SOCK_STREAM, port)
	if err != nil {
		return Times{}, err
	}
	defer listener.close()
	cpu, _, err := CPUs()
	if err != nil {
		return Times{}, err
	}
	err = together(o.Realtime,
		end{e.Server, cpu, func() error { return answer(listener) }},
		end{e.Client, cpu, func() error {
			times, err = ask(e, o.Duration)
			return err
		}})
	return times, err
}

// sendRequests does so for a time, and then closes the connection.
func sendRequests(e Ends, long time.Duration) (Times, error) {
	s, err := dialHere(e.ServerAddr, unix.SOCK_STREAM, RequestPort)
	if err != nil {
		return Times{}, err
	}
	defer s.close()
	all := make([]time.Duration, 0, mostTimes)
	b := make([]byte, 1)
	start := time.Now()
	for now := start; now.Sub(start) < long; {
		if err := s.write(b); err != nil {
			return Times{}, err
		}
		if _, err := s.read(b); err != nil {
			return Times{}, err
		}
		before := now
		now = time.Now()
		all = append(all, now.Sub(before))
	}
	return timesOf(all, time.Since(start))
}

// answerRequests sends back what comes over one connection.
func answerRequests(listener socket) error {
	s, err := listener.accept()
	if err != nil {
		return err
	}
	defer s.close()
	b := make([]byte, 1)
	for {
		n, err := s.read(b)
		if err != nil || n == 0 {
			return err
		}
		if err := s.write(b); err != nil {
			return err
		}
	}
}

// What a client says on a connection of Connections.
const (
	another byte = iota + 1
	theLast
)

// Connections opens a TCP connection, sends a byte each way and closes it,
// again and again, both ends on one CPU. The server closes first, so that it,
// and not the client, remembers the connection for a while: otherwise the
// client would search longer and longer for a free port.
func Connections(e Ends, o Options) (Times, error) {
	return onOneCPU(e, o, ConnectionPort, answerConnections, openConnections)
}

func openConnections(e Ends, long time.Duration) (Times, error) {
	all := make([]time.Duration, 0, mostTimes)
	start := time.Now()
	for now := start; now.Sub(start) < long; {
		if err := connectOnce(e, another); err != nil {
			return Times{}, fmt.Errorf("connection %d: %w", len(all)+1, err)
		}
		before := now
		now = time.Now()
		all = append(all, now.Sub(before))
	}
	times, err := timesOf(all, time.Since(start))
	return times, errors.Join(err, connectOnce(e, theLast))
}

func connectOnce(e Ends, word byte) error {
	s, err := dialHere(e.ServerAddr, unix.SOCK_STREAM, ConnectionPort)
	if err != nil {
		return err
	}
	defer s.close()
	b := []byte{word}
	if err := s.write(b); err != nil {
		return err
	}
	if n, err := s.read(b); err != nil || n != 1 {
		return errors.Join(err, fmt.Errorf("the answer has %d bytes, not 1", n))
	}
	if n, err := s.read(b); err != nil || n != 0 {
		return errors.Join(err, errors.New("the server has not closed the connection"))
	}
	return nil
}

func answerConnections(listener socket) error {
	b := make([]byte, 1)
	for b[0] != theLast {
		s, err := listener.accept()
		if err != nil {
			return err
		}
		_, err = s.read(b)
		if err == nil {
			err = s.write(b)
		}
		if err := errors.Join(err, s.close()); err != nil {
			return err
		}
	}
	return nil
}
