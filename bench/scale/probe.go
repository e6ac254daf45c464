package main

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// probeEvery is how often a SYN is sent, each from a port of its own.
const probeEvery = 100 * time.Microsecond

// sendProbes reads ports from standard input. To each it sends SYNs until one
// is answered, be it by a refusal: then the packet has passed. It says when.
func sendProbes(address string) error {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return err
	}
	ports := bufio.NewScanner(os.Stdin)
	for ports.Scan() {
		port, err := strconv.ParseUint(ports.Text(), 10, 16)
		if err != nil {
			return err
		}
		fmt.Println("aimed")
		at, err := awaitAnswer(&unix.SockaddrInet4{Port: int(port), Addr: addr.As4()})
		if err != nil {
			return err
		}
		fmt.Println(at.Nanoseconds())
	}
	return ports.Err()
}

// awaitAnswer opens connections until one of them is answered.
func awaitAnswer(to unix.Sockaddr) (time.Duration, error) {
	var open []unix.PollFd
	defer func() {
		for _, p := range open {
			unix.Close(int(p.Fd))
		}
	}()
	for {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return 0, fmt.Errorf("open socket: %w", err)
		}
		if err := unix.Connect(fd, to); err != nil && err != unix.EINPROGRESS {
			unix.Close(fd)
			return 0, fmt.Errorf("connect: %w", err)
		}
		open = append(open, unix.PollFd{Fd: int32(fd), Events: unix.POLLOUT})
		if len(open) > 500 { // the oldest has been refused long ago
			unix.Close(int(open[0].Fd))
			open = open[1:]
		}
		wait := unix.NsecToTimespec(probeEvery.Nanoseconds())
		if n, err := unix.Ppoll(open, &wait, nil); err == nil && n > 0 {
			return monotonic(), nil
		}
	}
}

// monotonic is a clock that all processes share.
func monotonic() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err) // cannot fail for this clock
	}
	return time.Duration(ts.Nano())
}
