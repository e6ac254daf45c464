package probe

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

const (
	every = 100 * time.Microsecond // a SYN is sent, each from a port of its own

	// A port counts as closed when no SYN has been answered for so long.
	silence = 30 * time.Millisecond

	// limit bounds the wait for one change.
	limit = 30 * time.Second

	firstPort, lastPort = 20_000, 60_000 // that SYNs are sent from
)

// A sender sends SYNs as raw packets, so that the kernel neither repeats them
// nor takes the answers for itself, and knows which of them were answered.
type sender struct {
	fd       int // IPPROTO_RAW: what is written has an IP header
	answers  int // IPPROTO_TCP: sees all of TCP that arrives
	from, to netip.Addr
	sent     uint32 // SYNs: the number of the next is its sequence number
}

// Serve does what lines of in ask for, until there are no more: "open PORT" or
// "closed PORT". It says "aimed", sends SYNs to the port until it is so, and
// says at what monotonic time, in nanoseconds, the first SYN was sent that was
// answered, or that was not.
func Serve(in io.Reader, out io.Writer, from, to netip.Addr) error {
	s := &sender{from: from, to: to}
	var err error
	if s.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW); err != nil {
		return fmt.Errorf("open raw socket: %w", err)
	}
	defer unix.Close(s.fd)
	if s.answers, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_TCP); err != nil {
		return fmt.Errorf("open raw socket: %w", err)
	}
	defer unix.Close(s.answers)
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var what string
		var port uint16
		if _, err := fmt.Sscan(lines.Text(), &what, &port); err != nil {
			return fmt.Errorf("understand %q: %w", lines.Text(), err)
		}
		fmt.Fprintln(out, "aimed")
		at, err := s.await(port, what == "open")
		if err != nil {
			return fmt.Errorf("port %d never is %s: %w", port, what, err)
		}
		fmt.Fprintln(out, at.Nanoseconds())
	}
	return lines.Err()
}

// await sends SYNs to a port until it is open, or closed, and returns when the
// first was sent that shows it.
func (s *sender) await(port uint16, open bool) (time.Duration, error) {
	var sentAt []time.Duration
	first := s.sent
	answered := -1 // the last one that was
	for begin := Now(); Now()-begin < limit; {
		sentAt = append(sentAt, Now())
		if err := s.send(port); err != nil {
			return 0, err
		}
		for deadline := sentAt[len(sentAt)-1] + every; ; {
			seq, ok, err := s.answer(port, deadline-Now())
			if err != nil {
				return 0, err
			}
			if !ok {
				break
			}
			if i := int(seq - first); i >= 0 && i < len(sentAt) {
				answered = max(answered, i)
				if open {
					return sentAt[i], nil
				}
			}
		}
		refused := answered + 1
		if !open && refused < len(sentAt) && Now()-sentAt[refused] > silence {
			return sentAt[refused], nil
		}
	}
	return 0, errors.New("it took too long")
}

func (s *sender) send(port uint16) error {
	f := policy.Frame{
		Src: s.from, Dst: s.to, Proto: vpc.TCP, Flags: policy.SYN, Seq: s.sent,
		SrcPort: uint16(firstPort + s.sent%(lastPort-firstPort)), DstPort: port,
	}
	s.sent++
	if err := unix.Sendto(s.fd, f.Packet(), 0, &unix.SockaddrInet4{Addr: s.to.As4()}); err != nil {
		return fmt.Errorf("send SYN: %w", err)
	}
	return nil
}

// answer returns the number of a SYN to a port that is answered within a time,
// be it by a refusal: then the packet has passed.
func (s *sender) answer(port uint16, within time.Duration) (seq uint32, ok bool, err error) {
	b := make([]byte, 128)
	for deadline := Now() + within; ; {
		n, _, err := unix.Recvfrom(s.answers, b, 0)
		if err == nil {
			if seq, ok := s.acknowledged(b[:n], port); ok {
				return seq, true, nil
			}
			continue
		}
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
			return 0, false, fmt.Errorf("receive answer: %w", err)
		}
		left := deadline - Now()
		if left <= 0 {
			return 0, false, nil
		}
		wait := unix.NsecToTimespec(left.Nanoseconds())
		if _, err := unix.Ppoll([]unix.PollFd{{Fd: int32(s.answers), Events: unix.POLLIN}}, &wait, nil); err != nil && !errors.Is(err, unix.EINTR) {
			return 0, false, fmt.Errorf("wait for answer: %w", err)
		}
	}
}

// acknowledged returns the number of the SYN that an IPv4 packet answers.
func (s *sender) acknowledged(packet []byte, port uint16) (seq uint32, ok bool) {
	const tcpHeader = 20
	if len(packet) < 20 {
		return 0, false
	}
	header := 4 * int(packet[0]&0xf)
	if len(packet) < header+tcpHeader || netip.AddrFrom4([4]byte(packet[12:16])) != s.to {
		return 0, false
	}
	tcp := packet[header:]
	if binary.BigEndian.Uint16(tcp) != port {
		return 0, false
	}
	return binary.BigEndian.Uint32(tcp[8:]) - 1, true
}

// Now is a clock that all processes share.
func Now() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err) // cannot fail for this clock
	}
	return time.Duration(ts.Nano())
}

// Flood sends so many datagrams to a port in a second, some each millisecond,
// until stop is closed.
func Flood(to netip.AddrPort, perSecond int, stop <-chan struct{}) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open socket: %w", err)
	}
	defer unix.Close(fd)
	const tick = time.Millisecond
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	address := &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}
	for begin, sent := time.Now(), 0; ; {
		select {
		case <-stop:
			return nil
		case <-ticker.C:
		}
		for due := int(time.Since(begin).Seconds() * float64(perSecond)); sent < due; sent++ {
			err := unix.Sendto(fd, []byte{1}, unix.MSG_DONTWAIT, address)
			if err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.ECONNREFUSED) {
				return fmt.Errorf("send datagram: %w", err)
			}
		}
	}
}
