package scenario

import (
	"net/netip"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// complain turns a frame into an ICMP error about a packet that was sent, and
// says by which port it comes.
func (t *Traffic) complain(c *conversation, port policy.Port, f *policy.Frame) policy.Port {
	about := pick(t.rnd, t.sent)
	if t.rnd.IntN(3) > 0 { // about what the other end has said
		about = policy.Frame{Src: f.Dst, Dst: f.Src, Proto: c.proto, SrcPort: f.DstPort, DstPort: f.SrcPort, ICMPType: c.icmpType, ICMPID: c.clientPort, Payload: make([]byte, 8)}
	}
	quoted := about.Packet()
	if t.rnd.IntN(6) == 0 {
		quoted = quoted[:t.rnd.IntN(len(quoted))]
	}
	src, dst := f.Src, f.Dst
	if t.rnd.IntN(4) == 0 {
		port, src = t.bystander(port, src)
	}
	*f = policy.Frame{Src: src, Dst: dst, SrcMAC: t.macOf(port), DstMAC: vpc.MACOf(dst), ICMPCode: uint8(t.rnd.IntN(5)), Payload: quoted}
	if src.Is4() {
		f.Proto, f.ICMPType = vpc.ICMP, pick(t.rnd, []uint8{3, 3, 3, 4, 5, 11, 12})
	} else {
		f.Proto, f.ICMPType = vpc.ICMPv6, pick(t.rnd, []uint8{1, 2, 2, 3, 4, 5, 100})
	}
	return port
}

// bystander is somebody in the network of who is behind a port, as a router would
// be, and an address of his of the same family; or who is there, if he finds none.
func (t *Traffic) bystander(port policy.Port, src netip.Addr) (policy.Port, netip.Addr) {
	_, network := t.world.homes(port)
	other := policy.Port(pick(t.rnd, Ports))
	homes, there := t.world.homes(other)
	if a := pick(t.rnd, homes).private; there == network && a.Is4() == src.Is4() {
		return other, a
	}
	return port, src
}

// nowhere are addresses that nothing is delivered to.
var nowhere = []netip.Addr{
	netip.MustParseAddr("224.0.0.1"), netip.MustParseAddr("255.255.255.255"), netip.MustParseAddr("10.254.255.255"), netip.MustParseAddr("10.254.0.99"),
	netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("127.0.0.1"),
	netip.MustParseAddr("ff02::1"), netip.MustParseAddr("fe80::1"), netip.MustParseAddr("::"), netip.MustParseAddr("::1"),
	netip.MustParseAddr("::ffff:10.254.0.10"), netip.MustParseAddr("2001:db8:0:1ff::9"), netip.MustParseAddr("2001:db8:9000::9"),
}

// lie makes a frame one that its sender has no right to send.
func (t *Traffic) lie(f *policy.Frame) {
	switch t.rnd.IntN(5) {
	case 0:
		f.SrcMAC[5] ^= 1
	case 1:
		homes, _ := t.world.homes(policy.Port(pick(t.rnd, Ports)))
		if a := pick(t.rnd, homes).private; a.Is4() == f.Dst.Is4() {
			f.Src = a
		}
	case 2:
		if a := pick(t.rnd, nowhere); a.Is4() == f.Src.Is4() {
			f.Dst = a
		}
	case 3:
		f.Dst = f.Src
	case 4:
		if f.Src.Is6() {
			f.Src = pick(t.rnd, nowhere[7:])
		}
	}
}

// damage cuts a frame short, or changes one bit of it.
func (t *Traffic) damage(b []byte) []byte {
	if t.rnd.IntN(2) == 0 {
		return b[:14+t.rnd.IntN(len(b)-13)]
	}
	b[t.rnd.IntN(len(b))] ^= byte(1 << t.rnd.IntN(8))
	return b
}

// ask makes a question for a neighbour of a frame.
func (t *Traffic) ask(f *policy.Frame) []byte {
	if f.Src.Is6() {
		return t.solicit(f)
	}
	b := append([]byte{}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	b = append(b, f.SrcMAC[:]...)
	b = append(b, 8, 6, 0, 1, 8, 0, 6, 4, 0, byte(1+t.rnd.IntN(3)))
	b = append(b, f.SrcMAC[:]...)
	src, dst := f.Src.As4(), f.Dst.As4()
	if t.rnd.IntN(5) == 0 {
		src = [4]byte{}
	}
	if t.rnd.IntN(5) == 0 {
		dst = src
	}
	b = append(b, src[:]...)
	b = append(b, make([]byte, 6)...)
	return append(b, dst[:]...)
}

func (t *Traffic) solicit(f *policy.Frame) []byte {
	sender, target := f.Src, f.Dst
	switch t.rnd.IntN(6) {
	case 0:
		sender = netip.MustParseAddr("fe80::52")
	case 1:
		sender = netip.IPv6Unspecified()
	case 2:
		target = sender
	case 3:
		target = pick(t.rnd, nowhere[7:])
	}
	s := policy.Solicitation(f.SrcMAC, sender, target)
	switch t.rnd.IntN(12) {
	case 0:
		s.ICMPType = uint8(132 + t.rnd.IntN(7))
	case 1:
		s.ICMPCode = 1
	case 2:
		s.TTL = 64
	case 3:
		s.Payload = s.Payload[:t.rnd.IntN(len(s.Payload)+1)]
	case 4:
		s.Payload = append(s.Payload, make([]byte, 8*t.rnd.IntN(3))...)
	case 5:
		t.extend(s)
	case 6:
		s.Payload[t.rnd.IntN(len(s.Payload))] ^= byte(1 << t.rnd.IntN(8))
	}
	return s.Bytes()
}
