package dataplane

import (
	"errors"
	"fmt"
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
	if uint32(port) >= d.ports.len() {
		return fmt.Errorf("link index %d is above the limit of %d", port, d.ports.len()-1)
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
	if a.plug == plug && (plug.Interface == "" || a.iface == h.Interface(plug.Interface)) {
		return nil
	}
	if a.plug == plug && a.iface.Number == h.Interface(plug.Interface).Number {
		return d.moveInterface(h, a, h.Interface(plug.Interface))
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

func (d *Dataplane) connectInterface(h *policy.Host, a *attachment, n *vpc.NetworkInterface) error {
	var err error
	if a.set, err = d.acquireSet(h, h.Set(n.Identity)); err != nil {
		return fmt.Errorf("connect %s: %w", n.ID, err)
	}
	if a.acl, err = d.acquireACL(h, n.SubnetNo); err != nil {
		return fmt.Errorf("connect %s: %w", n.ID, err)
	}
	a.iface, a.number = n, uint32(n.Number)
	d.step()
	d.writePort(a.port, a.portOf(n))
	return d.locateAll(a, n)
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

// writePort fills in a port. Its number is written last when it comes into
// use and first when it goes out, so that no packet meets half of it.
func (d *Dataplane) writePort(port policy.Port, p kernelPort) {
	at := d.ports.at(uint32(port))
	number := p.Number
	if p.Number = at.Number; number == 0 {
		atomic.StoreUint32(&at.Number, 0)
		p.Number = 0
	}
	*at = p
	atomic.StoreUint32(&at.Number, number)
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

func (d *Dataplane) locateAll(a *attachment, n *vpc.NetworkInterface) error {
	for at, w := range whereabouts(a, n) {
		d.step()
		if err := d.locate(at, w); err != nil {
			return err
		}
	}
	return nil
}

// whereabouts are the addresses by which an interface is found, private and
// public.
func whereabouts(a *attachment, n *vpc.NetworkInterface) map[location]kernelWhereabouts {
	found := make(map[location]kernelWhereabouts)
	for _, private := range n.Addresses {
		w := kernelWhereabouts{Number: uint32(n.Number), Ifindex: uint32(a.port), Network: uint32(n.NetworkNo), Private: toAddr(private)}
		found[location{n.NetworkNo, private}] = w
		if public, ok := n.Public[private]; ok {
			found[location{0, public}] = w
		}
	}
	return found
}

// moveInterfaces follows interfaces that have changed while connected. Those
// that are gone stay connected, and unreachable, until Disconnect.
func (d *Dataplane) moveInterfaces(h *policy.Host, c *policy.Change) error {
	for _, old := range c.Left {
		a := d.attachmentOf(old.ID)
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

func (d *Dataplane) attachmentOf(id vpc.InterfaceID) *attachment {
	for _, a := range d.attached {
		if a.iface != nil && a.iface.ID == id {
			return a
		}
	}
	return nil
}

// moveInterface brings a connected interface to its new groups and addresses.
func (d *Dataplane) moveInterface(h *policy.Host, a *attachment, n *vpc.NetworkInterface) error {
	old := a.iface
	before := whereabouts(a, old)
	set, err := d.acquireSet(h, h.Set(n.Identity))
	if err != nil {
		return err
	}
	acl, err := d.acquireACL(h, n.SubnetNo)
	if err != nil {
		return err
	}
	a.set, a.acl, a.iface = set, acl, n
	d.step()
	atomic.StoreUint32(&d.ports.at(uint32(a.port)).Set, set.index)
	d.writePort(a.port, a.portOf(n))
	if err := d.locateAll(a, n); err != nil {
		return err
	}
	now := whereabouts(a, n)
	for at := range before {
		if _, ok := now[at]; !ok {
			d.step()
			if err := d.unlocate(at, a.number); err != nil {
				return err
			}
		}
	}
	d.releaseSet(old.Identity)
	d.releaseACL(old.SubnetNo)
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

func (d *Dataplane) disconnect(a *attachment) error {
	if a.number == 0 {
		return nil
	}
	where := map[location]kernelWhereabouts{{0, a.plug.Outside}: {}}
	if a.iface != nil {
		where = whereabouts(a, a.iface)
	}
	for at := range where {
		d.step()
		if err := d.unlocate(at, a.number); err != nil {
			return err
		}
	}
	d.step()
	d.writePort(a.port, kernelPort{})
	if a.iface != nil {
		d.releaseSet(a.iface.Identity)
		d.releaseACL(a.iface.SubnetNo)
	}
	a.iface, a.set, a.acl, a.number, a.plug = nil, nil, nil, 0, policy.Plug{}
	return nil
}
