package fabric

import (
	"errors"
	"fmt"
	"slices"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// SetPort gives a running machine a port, which is down: now is the time to
// attach programs to it, and then to SetPortUp. A port that the machine has
// already, by its name, is brought to p's addresses and routes instead; its
// other fields stay.
func (f *Fabric) SetPort(id string, p Port) error {
	err := f.changePorts(id, func(s *state, ns netns.NsHandle) error {
		i := slices.IndexFunc(s.Ports, p.isNamed)
		if i < 0 {
			if err := f.plugIn(p, ns); err != nil {
				return err
			}
			s.Ports = append(s.Ports, p)
		} else {
			if err := inside(ns, func(h *netlink.Handle) error { return configure(h, p) }); err != nil {
				return err
			}
			s.Ports[i] = p
		}
		// Only now: a later daemon finds a port that it can rely on, or one that
		// is nobody's and is removed.
		return f.writeState(id, *s)
	})
	if err != nil {
		return fmt.Errorf("set port %s of %s: %w", p.Name, id, err)
	}
	return nil
}

// UnsetPort takes a port from a running machine. One that it does not have is
// no error.
func (f *Fabric) UnsetPort(id string, p Port) error {
	err := f.changePorts(id, func(s *state, ns netns.NsHandle) error {
		s.Ports = slices.DeleteFunc(s.Ports, p.isNamed)
		if err := f.writeState(id, *s); err != nil {
			return err
		}
		if err := f.RemovePorts(p.Name); err != nil {
			return err
		}
		// The routes are gone with the device; the rules are not.
		return inside(ns, func(h *netlink.Handle) error { return setRules(h, p.table(), nil) })
	})
	if err != nil {
		return fmt.Errorf("remove port %s of %s: %w", p.Name, id, err)
	}
	return nil
}

// isNamed reports whether other has p's name.
func (p Port) isNamed(other Port) bool { return other.Name == p.Name }

// plugIn makes p with its inner end in a machine's namespace, or nothing.
func (f *Fabric) plugIn(p Port, ns netns.NsHandle) error {
	if err := f.RemovePorts(p.Name); err != nil { // left by a try that failed
		return err
	}
	if err := f.addPort(p, ns, p.device()); err != nil {
		return err
	}
	if err := inside(ns, func(h *netlink.Handle) error { return configure(h, p) }); err != nil {
		return errors.Join(err, f.RemovePorts(p.Name))
	}
	return nil
}

// changePorts runs fn with what is known of a running machine and its network
// namespace.
func (f *Fabric) changePorts(id string, fn func(*state, netns.NsHandle) error) error {
	s, err := f.readState(id)
	if err != nil {
		return err
	}
	ns, err := s.Init.network()
	if err != nil {
		return fmt.Errorf("find network namespace: %w", err)
	}
	defer ns.Close()
	return fn(&s, ns)
}

// network opens the network namespace of a process; the error is fs.ErrNotExist
// when the process is gone.
func (id processID) network() (netns.NsHandle, error) {
	process, err := id.open()
	if err != nil {
		return netns.None(), err
	}
	defer process.Close()
	ns := netns.None()
	err = OnOwnThread(func() error {
		if err := unix.Setns(int(process.Fd()), unix.CLONE_NEWNET); err != nil {
			return err
		}
		var err error
		ns, err = netns.Get()
		return err
	})
	return ns, err
}
