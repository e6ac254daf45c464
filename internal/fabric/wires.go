package fabric

import (
	"errors"
	"fmt"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// wireName is the device at a wire's other end.
const wireName = "eth0"

// A Wire is a port like a machine's, with nobody behind it: frames are put in
// and taken out as they are, and no kernel answers them by itself.
type Wire struct {
	inner  netns.NsHandle
	socket int // AF_PACKET, bound to the inner device
}

// Wires runs fn on a thread in a network namespace of its own, which has a wire
// of each index. All is gone when fn returns.
//
// The thread stays on one CPU, so that frames are taken in the order in which
// they were sent, whichever wires they were sent by.
func Wires(indexes []int, fn func(map[int]*Wire) error) error {
	return OnOwnThread(func() (err error) {
		if err := newNetwork(); err != nil {
			return err
		}
		if err := stayOnCPU(); err != nil {
			return fmt.Errorf("stay on one CPU: %w", err)
		}
		h, err := netlink.NewHandle()
		if err != nil {
			return fmt.Errorf("open netlink: %w", err)
		}
		defer h.Close()
		wires := make(map[int]*Wire)
		defer func() {
			for _, w := range wires {
				err = errors.Join(err, w.close())
			}
		}()
		for _, i := range indexes {
			w, err := newWire(h, i)
			if err != nil {
				return fmt.Errorf("add wire %d: %w", i, err)
			}
			wires[i] = w
		}
		return fn(wires)
	})
}

func stayOnCPU() error {
	var allowed, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return err
	}
	for cpu := range len(allowed) * 64 {
		if allowed.IsSet(cpu) {
			one.Set(cpu)
			break
		}
	}
	return unix.SchedSetaffinity(0, &one)
}

func newWire(h *netlink.Handle, index int) (*Wire, error) {
	w := &Wire{inner: netns.None(), socket: -1}
	err := OnOwnThread(func() error {
		if err := newNetwork(); err != nil {
			return err
		}
		var err error
		w.inner, err = netns.Get()
		return err
	})
	if err == nil {
		err = w.connect(h, index)
	}
	if err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *Wire) connect(h *netlink.Handle, index int) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.Index = fmt.Sprintf("port%d", index), index
	pair := netlink.NewVeth(attrs)
	pair.PeerName, pair.PeerNamespace = wireName, netlink.NsFd(w.inner)
	if err := h.LinkAdd(pair); err != nil {
		return err
	}
	if err := h.LinkSetUp(pair); err != nil {
		return err
	}
	return OnOwnThread(func() error {
		if err := netns.Set(w.inner); err != nil {
			return err
		}
		inner, err := netlink.LinkByName(wireName)
		if err == nil {
			err = netlink.LinkSetUp(inner)
		}
		if err != nil {
			return err
		}
		if w.socket, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, everyProtocol); err != nil {
			return err
		}
		return unix.Bind(w.socket, &unix.SockaddrLinklayer{Protocol: everyProtocol, Ifindex: inner.Attrs().Index})
	})
}

// everyProtocol is ETH_P_ALL in network order.
const everyProtocol = unix.ETH_P_ALL << 8

func (w *Wire) close() error {
	var errs []error
	if w.socket >= 0 {
		errs = append(errs, unix.Close(w.socket))
	}
	if w.inner.IsOpen() {
		errs = append(errs, w.inner.Close())
	}
	return errors.Join(errs...)
}

// Send puts a frame of at least 14 bytes into the wire.
func (w *Wire) Send(frame []byte) error {
	if err := unix.Send(w.socket, frame, 0); err != nil {
		return fmt.Errorf("send frame of %d bytes: %w", len(frame), err)
	}
	return nil
}

// Receive takes the next frame out of the wire, nil if none comes within wait.
func (w *Wire) Receive(wait time.Duration) ([]byte, error) {
	b := make([]byte, 1<<16)
	for deadline := time.Now().Add(wait); ; {
		n, _, err := unix.Recvfrom(w.socket, b, unix.MSG_DONTWAIT)
		switch {
		case err == nil:
			return b[:n], nil
		case errors.Is(err, unix.EINTR):
			continue
		case !errors.Is(err, unix.EAGAIN):
			return nil, fmt.Errorf("receive frame: %w", err)
		}
		left := time.Until(deadline)
		if left <= 0 {
			return nil, nil
		}
		poll := []unix.PollFd{{Fd: int32(w.socket), Events: unix.POLLIN}}
		if _, err := unix.Poll(poll, int(left.Milliseconds())+1); err != nil && !errors.Is(err, unix.EINTR) {
			return nil, fmt.Errorf("wait for frame: %w", err)
		}
	}
}
