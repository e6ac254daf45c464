package load

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"ringfence/bench/internal/netns"
)

const (
	datagramSize = 18 // bytes: with its headers the smallest Ethernet frame
	batch        = 64 // datagrams in a call
)

// Datagrams sends small UDP packets as fast as the path takes them and returns
// how many arrive in a second. The receiver's socket is full and nobody reads
// it, so that no wake-up hides what the path costs: the kernel counts what it
// has to throw away there.
func Datagrams(e Ends, o Options) (perSecond float64, err error) {
	receiver, err := listen(e.Server, e.ServerAddr, unix.SOCK_DGRAM, DatagramPort)
	if err != nil {
		return 0, err
	}
	defer receiver.close()
	if err := unix.SetsockoptInt(int(receiver), unix.SOL_SOCKET, unix.SO_RCVBUF, 1); err != nil {
		return 0, fmt.Errorf("make the receiver's buffer small: %w", err)
	}
	cpu, _, err := CPUs()
	if err != nil {
		return 0, err
	}
	before, err := unread(e.Server, e.ServerAddr.Is6())
	if err != nil {
		return 0, err
	}
	var took time.Duration
	err = together(o.Realtime, end{e.Client, cpu, func() error {
		took, err = sendDatagrams(e, o.Duration)
		return err
	}})
	if err != nil {
		return 0, err
	}
	after, err := unread(e.Server, e.ServerAddr.Is6())
	if err == nil && after == before {
		err = errors.New("no datagram has arrived")
	}
	return float64(after-before) / took.Seconds(), err
}

// sendDatagrams does so for a time, and returns how long it really took.
func sendDatagrams(e Ends, long time.Duration) (time.Duration, error) {
	s, err := dialHere(e.ServerAddr, unix.SOCK_DGRAM, DatagramPort)
	if err != nil {
		return 0, err
	}
	defer s.close()
	payload := make([]byte, datagramSize)
	one := unix.Iovec{Base: &payload[0], Len: datagramSize}
	var messages [batch]unix.Mmsghdr
	for i := range messages {
		messages[i].Hdr.Iov, messages[i].Hdr.Iovlen = &one, 1
	}
	for start := time.Now(); ; {
		_, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(s), uintptr(unsafe.Pointer(&messages[0])), batch, 0, 0, 0)
		if errno != 0 && errno != unix.EINTR && errno != unix.EAGAIN {
			return 0, fmt.Errorf("send datagrams: %w", errno)
		}
		if took := time.Since(start); took >= long {
			return took, nil
		}
	}
}

// unread is how many datagrams a namespace has thrown away because nobody read
// them.
func unread(in *netns.Namespace, v6 bool) (n uint64, err error) {
	err = in.Do(func() error {
		if v6 {
			n, err = counter6("Udp6RcvbufErrors")
		} else {
			n, err = counter4("Udp", "RcvbufErrors")
		}
		return err
	})
	return n, err
}

// counter4 reads a counter of the calling thread's namespace. Each protocol has
// a line of names and below it a line of values.
func counter4(proto, name string) (uint64, error) {
	const path = "/proc/thread-self/net/snmp"
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != proto+":" {
			continue
		}
		if names == nil {
			names = fields
			continue
		}
		for i, n := range names {
			if n == name && i < len(fields) {
				return strconv.ParseUint(fields[i], 10, 64)
			}
		}
	}
	return 0, fmt.Errorf("%s has no %s %s", path, proto, name)
}

// counter6 reads a counter of IPv6, of which each has a line.
func counter6(name string) (uint64, error) {
	const path = "/proc/thread-self/net/snmp6"
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == name {
			return strconv.ParseUint(fields[1], 10, 64)
		}
	}
	return 0, fmt.Errorf("%s has no %s", path, name)
}
