package policy

import (
	"net/netip"
	"slices"

	"ringfence/internal/vpc"
)

// A header is what judging looks at, once ports are known: a whole datagram's,
// or a later fragment's as its first one told them.
type header struct {
	src, dst netip.Addr
	proto    vpc.Proto

	// The ports of the flow, see icmpPorts. Valid iff inFlow.
	srcPort, dstPort uint16

	// match is what rules look at: the destination port of TCP and UDP, type
	// and code of ICMP.
	match uint16

	// anyPort says that the ports are not known: only a rule for all of them
	// matches.
	anyPort bool

	inFlow bool // the packet is of a kind that flows are made of
	opens  bool
	later  bool // a later fragment
	tcp    TCPSegment
}

// newHeader reads p. The ports of a later fragment are left at 0.
func newHeader(p *Packet) header {
	h := header{src: p.Src, dst: p.Dst, proto: p.Proto, later: p.Fragment.Later, opens: p.opens()}
	switch {
	case h.later:
	case h.proto.HasPorts():
		h.srcPort, h.dstPort, h.match, h.inFlow = p.SrcPort, p.DstPort, p.DstPort, true
		h.tcp = p.TCP
	case h.proto.IsICMP():
		h.srcPort, h.dstPort, h.inFlow = icmpPorts(h.proto, p.ICMP)
		h.match = icmpPort(p.ICMP.Type, p.ICMP.Code)
	default:
		h.inFlow = true
	}
	return h
}

// reversed is the header of a packet the other way.
func (h *header) reversed() *header {
	r := *h
	r.src, r.dst, r.srcPort, r.dstPort = h.dst, h.src, h.dstPort, h.srcPort
	r.match = r.dstPort
	return &r
}

// opening is the header that f was opened with, as rules look at it.
func (f *flow) opening(k flowKey) *header {
	o, s := f.opener, f.opener.other()
	return &header{
		src: k.addr[o], dst: k.addr[s], proto: k.proto,
		srcPort: k.port[o], dstPort: k.port[s], match: k.port[s], inFlow: true,
	}
}

// leaving is p with its sender's public address for the private one, also
// where an ICMP error quotes it.
func leaving(p *Packet, public netip.Addr) *Packet {
	t, private := *p, p.Src
	t.Src = public
	if q := p.ICMP.Quoted; q != nil && q.Dst == private {
		t.ICMP.Quoted = &Quoted{Src: q.Src, Dst: public, Proto: q.Proto, SrcPort: q.SrcPort, DstPort: q.DstPort}
	}
	return &t
}

// arriving is p with its receiver's private address for the public one, also
// where an ICMP error quotes it.
func arriving(p *Packet, private netip.Addr) *Packet {
	t, public := *p, p.Dst
	t.Dst = private
	if q := p.ICMP.Quoted; q != nil && q.Src == public {
		t.ICMP.Quoted = &Quoted{Src: private, Dst: q.Dst, Proto: q.Proto, SrcPort: q.SrcPort, DstPort: q.DstPort}
	}
	return &t
}

// answerARP decides an ARP from a port whose owner has a MAC and addresses. One
// that forwards asks from whichever address its own routes prefer.
// Every question is answered, with the MAC address that the interface with
// that address has or would have, but for the sender's own address: an answer
// to that would tell it that somebody else has it (RFC 5227 §2.1).
func answerARP(a *ARP, mac [6]byte, own []netip.Addr, forwards bool) Verdict {
	probe := a.Sender == netip.IPv4Unspecified()
	if a.SenderMAC != mac || !probe && !forwards && !slices.Contains(own, a.Sender) {
		return drop(Spoofed)
	}
	if !a.Request || slices.Contains(own, a.Target) || isMulticast(a.Target) {
		return drop(Ignored)
	}
	return Verdict{Reason: Answered}
}

// answerND decides a message of neighbour discovery from a port whose owner has
// a MAC and addresses. Whoever solicits a neighbour is answered with the
// router's MAC address, as delivery puts the receiver's in anyway. Everything
// else would only fill neighbour tables: duplicate addresses are looked for
// where no others are given out, and routes are not learnt from instances.
func answerND(d *ND, mac [6]byte, own []netip.Addr, forwards bool) Verdict {
	if !d.Solicitation || d.Sender.IsUnspecified() {
		return drop(Ignored)
	}
	known := forwards || d.Sender.IsLinkLocalUnicast() || slices.Contains(own, d.Sender)
	if !known || d.SenderMAC != nil && *d.SenderMAC != mac {
		return drop(Spoofed)
	}
	if slices.Contains(own, d.Target) {
		return drop(Ignored)
	}
	return Verdict{Reason: Answered}
}

// ofLink reports whether an IPv6 address means something on its link only: a
// router forwards nothing from it or to it (RFC 4291 §2.5).
func ofLink(a netip.Addr) bool {
	return a.Is6() && (a.IsLinkLocalUnicast() || a.IsUnspecified())
}

// isMulticast reports whether an address is one that is never delivered to:
// multicast, broadcast, and the reserved blocks 0/8 and 240/4 (RFC 6890).
func isMulticast(a netip.Addr) bool {
	if a.Is4() {
		first := a.As4()[0]
		return first == 0 || first >= 224
	}
	return a.IsMulticast()
}
