package scenario_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// Where things are in a frame, and in one of IPv4.
const (
	macLen, etherLen                    = 6, 14
	checksumAt, sourceAt, destinationAt = etherLen + 10, etherLen + 12, etherLen + 16
)

// An exchange is an IPv4 address in the place of another, in a frame and in the
// packet that an ICMP error quotes.
type exchange struct {
	at, quotedAt int // from the beginning of the frame, and of the quoted packet
	old, new     netip.Addr
}

// checkDelivered holds a delivered frame to the one that was sent: it has other
// MAC addresses and perhaps other IPv4 addresses, with the checksums that follow
// from them, and is otherwise the same.
func (c *comparison) checkDelivered(port policy.Port, to policy.Port, sent, got []byte) error {
	p, _ := policy.ParseFrame(sent)
	want := bytes.Clone(sent)
	copy(want, c.macAt(to))
	exchanges := c.exchanges(port, to, &p)
	if c.interfaceAt(to) == nil || c.subnetOf(port) != c.subnetOf(to) || len(exchanges) > 0 {
		copy(want[macLen:], []byte{2, 0x52, 0, 0, 0, 1}) // of the router
	}
	for _, x := range exchanges {
		x.apply(want, &p)
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("what is delivered is %x\nand should be %x", got, want)
	}
	return nil
}

func (c *comparison) interfaceAt(port policy.Port) *vpc.NetworkInterface {
	plug, _ := c.host.Plug(port)
	return c.host.Interface(plug.Interface)
}

func (c *comparison) macAt(port policy.Port) []byte {
	plug, _ := c.host.Plug(port)
	mac := vpc.MACOf(plug.Outside)
	if n := c.interfaceAt(port); n != nil {
		mac = n.MAC()
	}
	return mac[:]
}

// subnetOf is 0 on the internet side.
func (c *comparison) subnetOf(port policy.Port) vpc.SubnetNumber {
	if n := c.interfaceAt(port); n != nil {
		return n.SubnetNo
	}
	return 0
}

// onInternet reports whether a packet passes the internet side.
func (c *comparison) onInternet(port policy.Port, p *policy.Packet) bool {
	n := c.interfaceAt(port)
	if n == nil {
		return true
	}
	routes := c.host.Routes(n.SubnetNo, n.NetworkNo)
	i := slices.IndexFunc(routes, func(r policy.Route) bool { return r.Destination.Contains(p.Dst) })
	return c.host.At(n.NetworkNo, p.Dst) == nil && i >= 0 && routes[i].Kind == policy.RouteInternet
}

// exchanges are of the private addresses that a packet leaves and reaches by way
// of the internet side.
func (c *comparison) exchanges(port, to policy.Port, p *policy.Packet) (list []exchange) {
	if !p.Src.Is4() || !c.onInternet(port, p) {
		return nil
	}
	if sender := c.interfaceAt(port); sender != nil {
		list = append(list, exchange{sourceAt, 16, p.Src, sender.Public[p.Src]})
	}
	if c.interfaceAt(to) != nil {
		_, private := c.host.AtPublic(p.Dst)
		list = append(list, exchange{destinationAt, 12, p.Dst, private})
	}
	return list
}

func (x exchange) apply(frame []byte, p *policy.Packet) {
	put := func(at, checksum int) {
		x.correct(frame[checksum:])
		copy(frame[at:], x.new.AsSlice())
	}
	put(x.at, checksumAt)
	transport := frame[etherLen+int(frame[etherLen]&0xf)*4:]
	switch {
	case p.Fragment.Later:
	case p.Proto == vpc.TCP:
		x.correct(transport[16:])
	case p.Proto == vpc.UDP:
		x.correctUDP(transport[6:])
	case p.ICMP.Quoted != nil:
		quoted := len(frame) - len(transport) + 8
		if bytes.HasPrefix(frame[quoted+x.quotedAt:], x.old.AsSlice()) {
			put(quoted+x.quotedAt, quoted+10)
		}
	}
}

// correctUDP is correct where 0 is no checksum (RFC 768).
func (x exchange) correctUDP(checksum []byte) {
	none := []byte{0, 0}
	if bytes.HasPrefix(checksum, none) {
		return
	}
	if x.correct(checksum); bytes.HasPrefix(checksum, none) {
		copy(checksum, []byte{0xff, 0xff})
	}
}

// correct brings a checksum to the exchange (RFC 1624).
func (x exchange) correct(checksum []byte) {
	was, now := x.old.As4(), x.new.As4()
	sum := uint32(^binary.BigEndian.Uint16(checksum))
	for i := 0; i < 4; i += 2 {
		sum += uint32(^binary.BigEndian.Uint16(was[i:])) + uint32(binary.BigEndian.Uint16(now[i:]))
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	binary.BigEndian.PutUint16(checksum, ^uint16(sum))
}
