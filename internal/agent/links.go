package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"

	"ringfence/internal/fabric"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// A link is a port of a machine, and what is behind it.
type link struct {
	plug policy.Plug
	port fabric.Port // Name and Index are zero when it is only wanted
}

func (l link) number() policy.Port { return policy.Port(l.port.Index) }

// is reports whether two links are of one device, though its addresses differ.
func (l link) is(other link) bool {
	return l.plug == other.plug && l.port.Device == other.port.Device && l.port.MAC == other.port.MAC
}

// wantedLinks are the links that the interfaces of m call for, by
// device index. An interface that is still behind a port of another machine is
// not among them; m is touched when it is free. a.mu is held.
func (a *Agent) wantedLinks(m *machine) []link {
	interfaces := a.nouns.interfacesAt(m.id)
	var links []link
	for _, n := range interfaces {
		if at := a.plugged[n.ID]; at != nil && at != m {
			continue
		}
		port, err := a.portFor(n)
		if err != nil {
			a.log.Error("interface cannot be plugged in", "machine", m.id, "err", err)
			continue
		}
		port.OwnTable = len(interfaces) > 1
		links = append(links, link{policy.Plug{Interface: n.ID}, port})
	}
	return links
}

// portFor is the port that an interface calls for. a.mu is held.
func (a *Agent) portFor(n *vpc.NetworkInterface) (fabric.Port, error) {
	port := fabric.Port{Device: n.Device(), MAC: n.MAC()}
	bits, router := classicBits, classicRouter
	if n.Network != vpc.ClassicNetwork {
		subnet := a.nouns.subnets[n.Subnet]
		if subnet == nil {
			return port, fmt.Errorf("subnet %s of %s is not known", n.Subnet, n.ID)
		}
		bits, router = subnet.CIDR.Bits(), subnet.Router()
	}
	port.Routers = []netip.Addr{router, vpc.RouterIPv6}
	for _, addr := range n.Addresses {
		if addr.Is6() {
			// Not on the link: all of IPv6 goes by the router, and an instance
			// needs one neighbour however many there are.
			port.Addresses = append(port.Addresses, netip.PrefixFrom(addr, addr.BitLen()))
		} else {
			port.Addresses = append(port.Addresses, netip.PrefixFrom(addr, bits))
		}
	}
	return port, nil
}

// take gives a link that is wanted an index and a name, and to m. a.mu is held.
func (a *Agent) take(m *machine, l link) link {
	l.port.Index = a.ports.take()
	l.port.Name = a.portName(l.number())
	a.hold(m, l)
	return l
}

// hold notes that a link is m's. a.mu is held.
func (a *Agent) hold(m *machine, l link) {
	m.links = append(m.links, l)
	slices.SortFunc(m.links, func(a, b link) int { return cmp.Compare(a.port.Device, b.port.Device) })
	if l.plug.Interface != "" {
		a.plugged[l.plug.Interface] = m
	}
}

// isWired reports whether a machine has the links that it should have. a.mu is
// held.
func (a *Agent) isWired(m *machine) bool {
	unwanted, wanted := a.rewiring(m)
	return len(unwanted)+len(wanted) == 0
}

// rewiring is what makes the links of a machine those that it should have: the
// ones to remove, then the ones to set. One to set that the machine has already
// has a name. a.mu is held.
func (a *Agent) rewiring(m *machine) (remove, set []link) {
	want := a.wantedLinks(m)
	for _, have := range m.links {
		if !slices.ContainsFunc(want, have.is) {
			remove = append(remove, have)
		}
	}
	for _, w := range want {
		i := slices.IndexFunc(m.links, w.is)
		if i < 0 {
			set = append(set, w)
			continue
		}
		have := m.links[i]
		w.port.Name, w.port.Index = have.port.Name, have.port.Index
		if !reflect.DeepEqual(w, have) {
			set = append(set, w)
		}
	}
	return remove, set
}

// rewire makes the links of a running machine those that it should have, unless
// it ends meanwhile.
func (a *Agent) rewire(ctx context.Context, m *machine, i *vpc.Instance) {
	a.insist(ctx, "change network interfaces", m.id, func() error {
		a.mu.Lock()
		remove, set := a.rewiring(m)
		ended := m.ended
		a.mu.Unlock()
		if ended || !a.isWanted(i) {
			return nil
		}
		for _, l := range remove {
			if err := a.unlink(m, l); err != nil {
				return err
			}
		}
		for _, l := range set {
			if err := a.setLink(m, l); err != nil {
				return err
			}
		}
		return nil
	})
}

// setLink gives a running machine a link, born closed: it is judged before it is
// up. One that the machine has already gets other addresses.
func (a *Agent) setLink(m *machine, l link) error {
	if l.port.Name != "" {
		if err := a.fabric.SetPort(m.id, l.port); err != nil {
			return err
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		m.links[slices.IndexFunc(m.links, l.is)] = l
		return nil
	}
	a.mu.Lock()
	l = a.take(m, l)
	a.mu.Unlock()
	err := a.fabric.SetPort(m.id, l.port)
	if err == nil {
		err = a.plug(m.id, l)
	}
	if err == nil {
		err = a.fabric.SetPortUp(l.port.Name)
	}
	if err != nil {
		return errors.Join(err, a.unlink(m, l))
	}
	return nil
}

// plug attaches the programs to a link of a machine, "" for the host, and connects
// it, unless its interface has left meanwhile.
func (a *Agent) plug(machine string, l link) error {
	err := a.fabric.InDataplane(func() error { return a.dataplane.Attach(l.number(), l.plug.Interface == "") })
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.isAt(l, machine) {
		return nil
	}
	a.host.Connect(l.number(), l.plug)
	return a.dataplane.Connect(a.host, l.number())
}

// isAt reports whether what is behind a link belongs to a machine. a.mu is held.
func (a *Agent) isAt(l link, machine string) bool {
	n := a.nouns.interfaces[l.plug.Interface]
	return l.plug.Interface == "" || n != nil && machineOf(n) == machine
}

// disconnectMoved disconnects the interfaces that a feed takes from their
// machines: who has one now is not judged as who had it. The links themselves
// are left to reconcile. a.mu is held.
func (a *Agent) disconnectMoved(f *vpc.Feed) error {
	moved := slices.Clone(f.GoneInterfaces)
	for _, n := range f.Interfaces {
		moved = append(moved, n.ID)
	}
	for _, id := range moved {
		m := a.plugged[id]
		if m == nil {
			continue
		}
		for _, l := range m.links {
			if l.plug.Interface != id || a.isAt(l, m.id) {
				continue
			}
			a.host.Disconnect(l.number())
			if err := a.dataplane.Disconnect(l.number()); err != nil {
				return fmt.Errorf("disconnect %s: %w", id, err)
			}
		}
	}
	return nil
}

// unlink takes a link from a running machine.
func (a *Agent) unlink(m *machine, l link) error {
	return a.release(m, []link{l}, func() error { return a.fabric.UnsetPort(m.id, l.port) })
}

// unplug takes a machine out of the network, ends it, and gives its ports back.
func (a *Agent) unplug(m *machine) error {
	a.silence(m)
	a.mu.Lock()
	m.running = false
	links := slices.Clone(m.links)
	a.mu.Unlock()
	if len(links) == 0 {
		return nil
	}
	return a.release(m, links, func() error { return a.fabric.Stop(context.Background(), m.id) })
}

// release disconnects links of a machine, removes them, and gives their indexes
// back.
func (a *Agent) release(m *machine, links []link, remove func() error) error {
	a.mu.Lock()
	for _, l := range links {
		a.host.Disconnect(l.number())
	}
	a.mu.Unlock()
	for _, l := range links {
		if err := a.dataplane.Disconnect(l.number()); err != nil {
			return err
		}
	}
	if err := remove(); err != nil {
		return err
	}
	for _, l := range links {
		if err := a.dataplane.Detach(l.number()); err != nil {
			return err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, l := range links {
		a.drop(m, l)
	}
	return nil
}

// drop notes that a link is m's no more, and that its interface is free for
// whoever has it now. a.mu is held.
func (a *Agent) drop(m *machine, l link) {
	m.links = slices.DeleteFunc(m.links, func(have link) bool { return have.port.Index == l.port.Index })
	a.ports.give(l.port.Index)
	delete(a.plugged, l.plug.Interface)
	if n := a.nouns.interfaces[l.plug.Interface]; n != nil && machineOf(n) != "" {
		a.touch(machineOf(n))
	}
}

// portName is the name of a link in the dataplane namespace.
func (a *Agent) portName(port policy.Port) string { return fmt.Sprintf("%s-p%d", a.opts.Name, port) }
