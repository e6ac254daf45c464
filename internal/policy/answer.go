package policy

import "ringfence/internal/vpc"

// Answer says what becomes of the first answer to a packet that opens a flow: it
// needs a route of its own, and ACLs are asked about it, too. ok is false when
// there is none, since the packet is not delivered.
func (h *Host) Answer(p *Packet) (v Verdict, ok bool) {
	flows := new(Flows)
	sent := h.Decide(flows, p)
	if !sent.Accept {
		return Verdict{}, false
	}
	return h.Decide(flows, h.answer(h.arrival(p), sent.To)), true
}

// arrival is a packet that is delivered as its receiver gets it.
func (h *Host) arrival(p *Packet) *Packet {
	if n := h.interfaces[h.ports[p.Port].Interface]; n != nil {
		route, _ := h.route(n, p.Dst)
		if h.At(n.NetworkNo, p.Dst) != nil || route.Kind != RouteInternet {
			return p
		}
		public, _ := publicOf(n, p.Src)
		p = leaving(p, public)
	}
	if n, private := h.AtPublic(p.Dst); n != nil {
		return arriving(p, private)
	}
	return p
}

// answer is what the receiver of p, which is behind a port, sends first.
func (h *Host) answer(p *Packet, port Port) *Packet {
	a := &Packet{At: p.At, Port: port, SrcMAC: vpc.MACOf(p.Dst), Src: p.Dst, Dst: p.Src, Proto: p.Proto, SrcPort: p.DstPort, DstPort: p.SrcPort}
	if n := h.interfaces[h.ports[port].Interface]; n != nil {
		a.SrcMAC = n.MAC()
	}
	switch {
	case p.Proto == vpc.TCP:
		a.TCP.Flags = SYN | ACK
	case p.Proto.IsICMP():
		a.ICMP = ICMPMessage{Type: replyTo(p.Proto, p.ICMP.Type), ID: p.ICMP.ID}
	}
	return a
}
