package dataplane

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"sync/atomic"

	"github.com/cilium/ebpf"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// outsideNumbers begin above all numbers of interfaces, so that a host on the
// internet side is never taken for one.
const outsideNumbers = 1 << 31

// OutsideNumber stands for the host on the internet side behind a port where
// drops are counted.
func OutsideNumber(port policy.Port) vpc.InterfaceNumber {
	return vpc.InterfaceNumber(outsideNumbers | uint32(port))
}

// Connect lets the interface, or the outside host, behind a port send and
// receive as h says. The port's link is attached already, and still down when
// it is new.
func (d *Dataplane) Connect(h *policy.Host, port policy.Port) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer d.raiseEpoch()
	if uint32(port) >= d.tables.ports.len() {
		return fmt.Errorf("link index %d is above the limit of %d", port, d.tables.ports.len()-1)
	}
	plug, ok := h.Plug(port)
	if !ok {
		return fmt.Errorf("nothing is known to be behind port %d", port)
	}
	if a := d.attached[port]; a != nil && a.number != 0 {
		return d.refresh(h, a, plug)
	}
	a := d.attachment(port)
	a.plug = plug
	if plug.Interface == "" {
		return d.connectOutside(a)
	}
	n := h.Interface(plug.Interface)
	if n == nil {
		return fmt.Errorf("network interface %s behind port %d is not known", plug.Interface, port)
	}
	return d.connectInterface(h, a, n)
}

// refresh connects a port anew when what is behind it is another than before.
func (d *Dataplane) refresh(h *policy.Host, a *attachment, plug policy.Plug) error {
	n := h.Interface(plug.Interface)
	switch {
	case a.plug != plug:
	case a.iface == n:
		return nil
	case n != nil && n.Number == a.iface.Number:
		return d.moveInterface(h, a, n)
	}
	return fmt.Errorf("port %d is connected to %v already, disconnect it before %v", a.port, a.plug, plug)
}

func (d *Dataplane) attachment(port policy.Port) *attachment {
	a := d.attached[port]
	if a == nil {
		a = &attachment{port: port}
		d.attached[port] = a
	}
	return a
}

func (d *Dataplane) connectOutside(a *attachment) error {
	a.number = uint32(OutsideNumber(a.port))
	d.writePort(a.port, kernelPort{
		Number: a.number, Flags: uint32(kernelPortFlagsPORT_OUTSIDE),
		Mac: toMAC(vpc.MACOf(a.plug.Outside)), Addr: toAddr(a.plug.Outside),
	})
	d.step()
	return d.locate(location{0, a.plug.Outside}, kernelWhereabouts{
		Number: a.number, Ifindex: uint32(a.port), Private: toAddr(a.plug.Outside),
	})
}

// connectInterface makes an interface reachable by its private addresses, then
// there, then reachable from the internet: before and after each step every
// packet meets it as it was or as it will be.
func (d *Dataplane) connectInterface(h *policy.Host, a *attachment, n *vpc.NetworkInterface) error {
	set, acl, err := d.acquire(h, n)
	if err != nil {
		return fmt.Errorf("connect %s: %w", n.ID, err)
	}
	a.set, a.acl, a.iface, a.number = set, acl, n, uint32(n.Number)
	d.connected[n.ID] = a
	private, public := whereabouts(a, n)
	if err := d.locateAll(private); err != nil {
		return err
	}
	d.step()
	d.writePort(a.port, a.portOf(n))
	return d.locateAll(public)
}

func (a *attachment) portOf(n *vpc.NetworkInterface) kernelPort {
	p := kernelPort{
		Number: uint32(n.Number), Network: uint32(n.NetworkNo), Set: a.set.index, Subnet: a.acl.index,
		Mac: toMAC(n.MAC()), Addr: toAddr(n.Primary()),
	}
	if n.NoSourceDestCheck {
		p.Flags |= uint32(kernelPortFlagsPORT_NO_CHECK)
	}
	if public, ok := n.Public[n.Primary()]; ok {
		p.Public = toAddr(public)
	}
	return p
}

// writePort fills in a port, or takes it out of use. Its number is written last
// when it comes into use and first when it goes out, so that no packet meets
// half of it.
func (d *Dataplane) writePort(port policy.Port, p kernelPort) {
	at := d.tables.ports.at(uint32(port))
	number := p.Number
	if number != 0 && number == at.Number { // an earlier process has connected it
		d.updatePort(port, p)
		return
	}
	p.Number = 0
	atomic.StoreUint32(&at.Number, 0)
	*at = p
	atomic.StoreUint32(&at.Number, number)
}

// updatePort changes a port that is in use, each field by one store. The lower
// half of a public address is all of it: the upper one is the same for all of
// IPv4, and zero for none.
func (d *Dataplane) updatePort(port policy.Port, p kernelPort) {
	at := d.tables.ports.at(uint32(port))
	atomic.StoreUint32(&at.Set, p.Set)
	d.step()
	atomic.StoreUint32(&at.Subnet, p.Subnet)
	d.step()
	atomic.StoreUint32(&at.Flags, p.Flags)
	d.step()
	atomic.StoreUint64(&at.Public.Lo, p.Public.Lo)
}

// A location is an address in a network; network 0 is the internet.
type location struct {
	network vpc.NetworkNumber
	addr    netip.Addr
}

func (l location) key() kernelLocation {
	return kernelLocation{Network: uint32(l.network), Addr: toAddr(l.addr)}
}

func (d *Dataplane) locate(l location, w kernelWhereabouts) error {
	key := l.key()
	if err := d.objects.Locations.Put(&key, &w); err != nil {
		return fmt.Errorf("put location of %s: %w", l.addr, err)
	}
	return nil
}

// unlocate removes an address if it is still that of the interface with a
// number: another may have it already.
func (d *Dataplane) unlocate(l location, number uint32) error {
	key := l.key()
	var w kernelWhereabouts
	switch err := d.objects.Locations.Lookup(&key, &w); {
	case errors.Is(err, ebpf.ErrKeyNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look up location of %s: %w", l.addr, err)
	case w.Number != number:
		return nil
	}
	return deleteAll(d.objects.Locations, []kernelLocation{key})
}

func (d *Dataplane) locateAll(at map[location]kernelWhereabouts) error {
	for l, w := range at {
		d.step()
		if err := d.locate(l, w); err != nil {
			return err
		}
	}
	return nil
}

// whereabouts are the addresses by which an interface is found.
func whereabouts(a *attachment, n *vpc.NetworkInterface) (private, public map[location]kernelWhereabouts) {
	private, public = make(map[location]kernelWhereabouts), make(map[location]kernelWhereabouts)
	for _, addr := range n.Addresses {
		w := kernelWhereabouts{Number: uint32(n.Number), Ifindex: uint32(a.port), Network: uint32(n.NetworkNo), Private: toAddr(addr)}
		private[location{n.NetworkNo, addr}] = w
		if p, ok := n.Public[addr]; ok {
			public[location{0, p}] = w
		}
	}
	return private, public
}

// moveInterfaces follows interfaces that have changed while connected. Those
// that are gone stay connected, and unreachable, until Disconnect.
func (d *Dataplane) moveInterfaces(h *policy.Host, c *policy.Change) error {
	for _, old := range c.Left {
		a := d.connected[old.ID]
		if a == nil {
			continue
		}
		if n := h.Interface(old.ID); n != nil && n.Number == old.Number {
			if err := d.moveInterface(h, a, n); err != nil {
				return err
			}
			continue
		}
		if err := d.disconnect(a); err != nil {
			return err
		}
	}
	return nil
}

// moveInterface brings a connected interface to its new groups and addresses.
func (d *Dataplane) moveInterface(h *policy.Host, a *attachment, n *vpc.NetworkInterface) error {
	old := a.iface
	set, acl, err := d.acquire(h, n)
	if err != nil {
		return fmt.Errorf("move %s: %w", n.ID, err)
	}
	a.set, a.acl, a.iface = set, acl, n
	d.step()
	d.updatePort(a.port, a.portOf(n))
	d.releaseAll(old)
	wasPrivate, wasPublic := whereabouts(a, old)
	private, public := whereabouts(a, n)
	for _, to := range []map[location]kernelWhereabouts{private, public} {
		for at, w := range to {
			if was, ok := wasPrivate[at]; ok && was == w {
				continue // a program that looks it up while it is put may miss it
			}
			if was, ok := wasPublic[at]; ok && was == w {
				continue
			}
			d.step()
			if err := d.locate(at, w); err != nil {
				return err
			}
		}
	}
	maps.DeleteFunc(wasPrivate, func(at location, _ kernelWhereabouts) bool { _, ok := private[at]; return ok })
	maps.DeleteFunc(wasPublic, func(at location, _ kernelWhereabouts) bool { _, ok := public[at]; return ok })
	return errors.Join(d.unlocateAll(wasPublic, a.number), d.unlocateAll(wasPrivate, a.number))
}

func (d *Dataplane) unlocateAll(at map[location]kernelWhereabouts, number uint32) error {
	for l := range at {
		d.step()
		if err := d.unlocate(l, number); err != nil {
			return err
		}
	}
	return nil
}

// Disconnect lets nothing behind a port send or receive any more.
func (d *Dataplane) Disconnect(port policy.Port) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer d.raiseEpoch()
	a := d.attached[port]
	if a == nil {
		return nil
	}
	return d.disconnect(a)
}

// disconnect goes the way of connectInterface and connectOutside backwards.
func (d *Dataplane) disconnect(a *attachment) error {
	if a.number == 0 {
		return nil
	}
	private := map[location]kernelWhereabouts{}
	public := map[location]kernelWhereabouts{{0, a.plug.Outside}: {}}
	if a.iface != nil {
		private, public = whereabouts(a, a.iface)
	}
	if err := d.unlocateAll(public, a.number); err != nil {
		return err
	}
	d.step()
	d.writePort(a.port, kernelPort{})
	if err := d.unlocateAll(private, a.number); err != nil {
		return err
	}
	if a.iface != nil {
		delete(d.connected, a.iface.ID)
		d.releaseAll(a.iface)
	}
	a.iface, a.set, a.acl, a.number, a.plug = nil, nil, nil, 0, policy.Plug{}
	return nil
}
