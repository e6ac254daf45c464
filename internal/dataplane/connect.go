package dataplane

import (
	"errors"
	"fmt"
	"sync/atomic"

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
		return errors.Join(d.moveInterface(h, a, n), d.unsettle(a, placesOf(h, a, n)))
	}
	return fmt.Errorf("port %d is connected to %v already, disconnect it before %v", a.port, a.plug, plug)
}

func (d *Dataplane) attachment(port policy.Port) *attachment {
	a := d.attached[port]
	if a == nil {
		a = &attachment{port: port, places: newPlaces()}
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
	return d.settle(a, placesOutside(a))
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
	want := placesOf(h, a, n)
	if err := d.settleInside(a, want); err != nil {
		return err
	}
	d.step()
	d.writePort(a.port, a.portOf(n))
	return d.settle(a, want)
}

func (a *attachment) portOf(n *vpc.NetworkInterface) kernelPort {
	t := policy.TimeoutsOf(n)
	p := kernelPort{
		Number: uint32(n.Number), Network: uint32(n.NetworkNo), Set: a.set.index, Subnet: a.acl.index,
		Mac: toMAC(n.MAC()), Addr: toAddr(n.Primary()),
		TcpTimeout: uint32(t.TCPEstablished), UdpTimeouts: uint32(t.UDPStream) | uint32(t.UDP)<<16,
	}
	if n.NoSourceDestCheck {
		p.Flags |= uint32(kernelPortFlagsPORT_NO_CHECK)
	}
	if n.IsBalancerNode() {
		p.Flags |= uint32(kernelPortFlagsPORT_NODE)
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

// updatePort changes a port that is in use, each field by one store.
func (d *Dataplane) updatePort(port policy.Port, p kernelPort) {
	at := d.tables.ports.at(uint32(port))
	atomic.StoreUint32(&at.Set, p.Set)
	d.step()
	atomic.StoreUint32(&at.Subnet, p.Subnet)
	d.step()
	atomic.StoreUint32(&at.Flags, p.Flags)
	d.step()
	atomic.StoreUint32(&at.TcpTimeout, p.TcpTimeout)
	d.step()
	atomic.StoreUint32(&at.UdpTimeouts, p.UdpTimeouts)
}

// moveInterfaces follows interfaces that have changed while connected. Those
// that are gone stay connected, and unreachable, until Disconnect. An address
// that passes from one to another is nobody's at no time: all come where they
// are going before any leaves where it was.
func (d *Dataplane) moveInterfaces(h *policy.Host, c *policy.Change) error {
	var moved, gone []*attachment
	for _, old := range c.Left {
		a := d.connected[old.ID]
		if a == nil {
			continue
		}
		n := h.Interface(old.ID)
		if n == nil || n.Number != old.Number {
			gone = append(gone, a)
			continue
		}
		if err := d.moveInterface(h, a, n); err != nil {
			return err
		}
		moved = append(moved, a)
	}
	for _, a := range gone {
		if err := d.disconnect(a); err != nil {
			return err
		}
	}
	for _, a := range moved {
		if err := d.unsettle(a, placesOf(h, a, a.iface)); err != nil {
			return err
		}
	}
	return nil
}

// moveInterface brings a connected interface to its new groups and addresses;
// those that it had stay, for unsettle.
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
	return d.settle(a, placesOf(h, a, n))
}

// moveGateways opens the ways from the internet into networks, or closes them.
func (d *Dataplane) moveGateways(h *policy.Host, c *policy.Change) error {
	if len(c.Gateways) == 0 {
		return nil
	}
	for _, a := range d.connected {
		if !c.Gateways[a.iface.NetworkNo] {
			continue
		}
		want := placesOf(h, a, a.iface)
		if err := errors.Join(d.settle(a, want), d.unsettle(a, want)); err != nil {
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
	if err := d.unsettleOutside(a, places{}); err != nil {
		return err
	}
	d.step()
	d.writePort(a.port, kernelPort{})
	if err := d.unsettle(a, places{}); err != nil {
		return err
	}
	if a.iface != nil {
		delete(d.connected, a.iface.ID)
		d.releaseAll(a.iface)
		number := a.number
		d.retire(func() error { return d.sumUpDrops(number) })
	}
	a.iface, a.set, a.acl, a.number, a.plug = nil, nil, nil, 0, policy.Plug{}
	return nil
}
