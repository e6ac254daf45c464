package policy

import (
	"net/netip"
	"slices"
	"time"

	"ringfence/internal/vpc"
)

// Decide says what becomes of a packet, given the flows known so far, and
// brings those up to date. Its order is the contract that docs/packet.md
// draws:
//
//	port → anti-spoofing → destination → flow, or rules → remember → deliver
//
// Not modelled are the limits of memory: a kernel whose tables are full
// decides Untracked or TableFull instead.
func (h *Host) Decide(fs *Flows, p *Packet) Verdict {
	if !h.isTaken(p.Port) {
		return drop(UnknownPort)
	}
	plug := h.ports[p.Port]
	if plug.Interface == "" {
		return h.fromOutside(fs, p, plug.Outside)
	}
	return h.fromInterface(fs, p, h.interfaces[plug.Interface])
}

// DecideFrame is Decide for a frame as it comes in by a port.
func (h *Host) DecideFrame(fs *Flows, port Port, at time.Duration, frame []byte) Verdict {
	if !h.isTaken(port) {
		return drop(UnknownPort)
	}
	p, reason := ParseFrame(frame)
	if reason != 0 {
		return drop(reason)
	}
	p.Port, p.At = port, at
	return h.Decide(fs, &p)
}

func (h *Host) fromInterface(fs *Flows, p *Packet, n *vpc.NetworkInterface) Verdict {
	if p.SrcMAC != n.MAC() {
		return drop(Spoofed)
	}
	if p.ARP != nil {
		return answerARP(p.ARP, n.MAC(), n.Addresses, n.NoSourceDestCheck)
	}
	if p.ND != nil {
		return answerND(p.ND, n.MAC(), n.Addresses, n.NoSourceDestCheck)
	}
	if v := undeliverable(p, n.Addresses, n.NoSourceDestCheck); v.Reason != 0 {
		return v
	}
	src := end{n, p.Src}
	if peer := h.At(n.NetworkNo, p.Dst); peer != nil {
		return h.pass(fs, p, n.NetworkNo, src, end{peer, p.Dst})
	}
	switch route, _ := h.route(n, p.Dst); route.Kind {
	case RouteInternet:
		return h.toInternet(fs, p, src)
	case RouteInterface:
		if route.Interface == n {
			return drop(NoRoute) // it would get its own packet back
		}
		return h.pass(fs, p, n.NetworkNo, src, end{route.Interface, p.Dst})
	default:
		return drop(NoRoute)
	}
}

// toInternet decides a packet that a route leads to the internet. It leaves
// from a public address of the very interface that sends it, never from that
// of somebody for whom it forwards.
func (h *Host) toInternet(fs *Flows, p *Packet, src end) Verdict {
	public, ok := publicOf(src.iface, p.Src)
	if !ok || !h.reachable(p.Dst) {
		return drop(NoRoute)
	}
	v := h.pass(fs, p, src.iface.NetworkNo, src, end{addr: p.Dst})
	if !v.Accept {
		return v
	}
	if port, ok := h.outside[p.Dst]; ok {
		v.To = port
		return v
	}
	return h.toPublic(fs, leaving(p, public))
}

// fromOutside decides a packet of a host on the internet side, which may send
// from its own addresses only.
func (h *Host) fromOutside(fs *Flows, p *Packet, addr netip.Addr) Verdict {
	mac := vpc.MACOf(addr)
	if p.SrcMAC != mac {
		return drop(Spoofed)
	}
	if p.ARP != nil {
		return answerARP(p.ARP, mac, []netip.Addr{addr}, false)
	}
	if p.ND != nil {
		return answerND(p.ND, mac, []netip.Addr{addr}, false)
	}
	if v := undeliverable(p, []netip.Addr{addr}, false); v.Reason != 0 {
		return v
	}
	return h.toPublic(fs, p)
}

// undeliverable decides packets that go nowhere, whatever routes and rules say.
// Addresses of the link are no foreign ones, but lead nowhere either.
func undeliverable(p *Packet, own []netip.Addr, forwards bool) Verdict {
	switch {
	case !forwards && !ofLink(p.Src) && !slices.Contains(own, p.Src):
		return drop(Spoofed)
	case isMulticast(p.Dst):
		return drop(Multicast)
	case ofLink(p.Src) || ofLink(p.Dst):
		return drop(NoRoute)
	default:
		return Verdict{}
	}
}

// toPublic decides a packet on the internet side: to another host there, or to
// the public address of an interface, which is exchanged for its private one
// before anything is judged. It takes a way into the interface's network, but
// no route there.
func (h *Host) toPublic(fs *Flows, p *Packet) Verdict {
	if port, ok := h.outside[p.Dst]; ok {
		return Verdict{Accept: true, Reason: Admitted, To: port}
	}
	n, private := h.AtPublic(p.Dst)
	if n == nil || !h.HasInternet(n.NetworkNo) {
		return drop(NoRoute)
	}
	return h.pass(fs, arriving(p, private), n.NetworkNo, end{addr: p.Src}, end{n, private})
}

// reachable reports whether somebody on the internet side is there who has an
// address.
func (h *Host) reachable(addr netip.Addr) bool {
	if _, ok := h.outside[addr]; ok {
		return true
	}
	n, _ := h.AtPublic(addr)
	return n != nil && h.HasInternet(n.NetworkNo) && h.portOf[n.ID] != 0
}

// pass decides a packet between two ends of a network, one of which may be the
// internet.
func (h *Host) pass(fs *Flows, p *Packet, network vpc.NetworkNumber, src, dst end) Verdict {
	if dst.iface != nil && h.portOf[dst.iface.ID] == 0 {
		return drop(NoRoute)
	}
	if p.Src == p.Dst {
		return drop(Malformed)
	}
	hd := newHeader(p)
	datagram := newSeedKey(network, p)
	var v Verdict
	if s, ok := fs.seed(datagram, p.At); !p.Fragment.Later {
		v = h.decide(fs, p, network, src, dst, &hd)
	} else if ok {
		hd = s.header
		v = h.decide(fs, p, network, src, dst, &hd)
	} else {
		v = h.fragmentAlone(src, dst, &hd)
	}
	if !v.Accept {
		return v
	}
	if p.Fragment.More && !p.Fragment.Later {
		hd.later, hd.opens = true, false
		fs.plant(datagram, seed{hd, p.At})
	}
	if dst.iface != nil {
		v.To = h.portOf[dst.iface.ID]
	}
	return v
}

// decide decides one datagram, or a later fragment of one.
func (h *Host) decide(fs *Flows, p *Packet, network vpc.NetworkNumber, src, dst end, hd *header) Verdict {
	if !hd.later && hd.proto.IsICMP() && p.ICMP.Quoted != nil && !h.StrictICMPErrors {
		if v, ok := h.related(fs, p, network, src, dst, hd); ok {
			return v
		}
	}
	if !hd.inFlow {
		return h.alone(src, dst, hd)
	}
	key, from := newFlowKey(network, hd, src, dst)
	f := fs.lookup(key, endNumbers(from, src, dst), p.At)
	if f != nil && hd.proto.IsICMP() && !hd.later && hd.opens != (from == f.opener) {
		f = nil // asked by the one who was asked, or answered by the one who asked
	}
	switch {
	case f != nil && !(hd.proto == vpc.TCP && hd.opens):
		return h.known(fs, key, f, from, src, dst, hd, p.At)
	case hd.opens:
		j := h.judge(src, dst, hd)
		return h.open(fs, key, from, src, dst, hd, &j, p.At)
	case hd.proto == vpc.TCP && !hd.later:
		return h.pickUp(fs, key, from, src, dst, hd, p.At)
	default:
		return h.alone(src, dst, hd)
	}
}

// alone decides a packet that is part of no flow and begins none.
func (h *Host) alone(src, dst end, hd *header) Verdict {
	j := h.judge(src, dst, hd)
	if !j.allows() {
		return Verdict{Reason: j.reason, Rule: j.rule}
	}
	return Verdict{Accept: true, Reason: Admitted, Rule: j.decisive(dst)}
}

// fragmentAlone decides a later fragment whose ports nobody has told: only
// rules for all ports can allow it.
func (h *Host) fragmentAlone(src, dst end, hd *header) Verdict {
	hd.anyPort = true
	v := h.alone(src, dst, hd)
	if !v.Accept {
		v.Reason = FragmentAlone
	}
	return v
}

// open begins a flow if the rules allow it. An opening that they refuse leaves
// a flow of the same ports alone.
func (h *Host) open(fs *Flows, key flowKey, from side, src, dst end, hd *header, j *judgement, now time.Duration) Verdict {
	if !j.allows() {
		return Verdict{Reason: j.reason, Rule: j.rule}
	}
	f := &flow{ends: endNumbers(from, src, dst), opener: from, idle: idleTimeouts(src, dst)}
	f.record(j)
	if !f.observe(hd, from, now) {
		fs.put(key, f)
	}
	return Verdict{Accept: true, Reason: Admitted, Rule: j.decisive(dst)}
}

// pickUp begins a flow in the middle of a TCP connection, as after a loss of
// state. It takes rules that allow both directions: otherwise the next segment
// of a server would bring back, through its open egress, what a revocation
// has cut.
func (h *Host) pickUp(fs *Flows, key flowKey, from side, src, dst end, hd *header, now time.Duration) Verdict {
	j := h.judge(src, dst, hd)
	back := h.judge(dst, src, hd.reversed())
	if j.allows() && !back.allows() {
		return drop(NoFlow)
	}
	return h.open(fs, key, from, src, dst, hd, &j, now)
}

// known decides a packet of a flow. The flow's opening is judged again by the
// rules of now; only a kernel has reason to remember that they are the same.
func (h *Host) known(fs *Flows, key flowKey, f *flow, from side, src, dst end, hd *header, now time.Duration) Verdict {
	opener, other := src, dst
	if from != f.opener {
		opener, other = dst, src
	}
	opening := f.opening(key)
	j := h.judgeGroups(opener, other, opening)

	if f.cut {
		if hd.proto != vpc.TCP && !hd.later && from == f.opener {
			if j := h.judge(src, dst, hd); j.allows() {
				return h.open(fs, key, from, src, dst, hd, &j, now)
			}
		}
		f.last = now
		return drop(Revoked)
	}
	if h.cuts(f, &j) {
		f.cut, f.last = true, now
		return drop(Revoked)
	}
	f.record(&j)
	if reason, rule := h.judgeACLs(src, dst, hd); reason != 0 {
		return Verdict{Reason: reason, Rule: rule}
	}
	if f.observe(hd, from, now) {
		delete(fs.flows, key)
	}
	v := Verdict{Accept: true, Reason: Known, Rule: f.decisive(other)}
	if !j.allows() {
		v.Reason = Lingering
	}
	return v
}

// cuts reports whether a judgement ends a flow that was admitted earlier.
func (h *Host) cuts(f *flow, j *judgement) bool {
	return h.ends(j, [2]bool{f.tracked[f.opener], f.tracked[f.opener.other()]})
}

// ends is cuts for a flow that was admitted as tracked, or not, at its opener
// and at the other end.
func (h *Host) ends(j *judgement, tracked [2]bool) bool {
	for i, failed := range j.failed {
		if failed && (h.Revoke == RevokeStrict || !tracked[i]) {
			return true
		}
	}
	return false
}

// related decides an ICMP error that quotes a packet of a flow: what tells an
// admitted flow of its troubles needs no rule of its own. It goes to the
// quoted packet's sender. An interface may only tell of packets that came to it,
// which the ends of the flow say: one that forwards, of packets to others too.
// To the internet it tells in the name of the address that was sent to, as the
// public one is exchanged in both; on the internet side every router may tell.
func (h *Host) related(fs *Flows, p *Packet, network vpc.NetworkNumber, src, dst end, hd *header) (Verdict, bool) {
	q := p.ICMP.Quoted
	if q.Src != p.Dst || q.Src == q.Dst {
		return Verdict{}, false
	}
	if q.Dst != p.Src && src.iface != nil && dst.iface == nil {
		return Verdict{}, false
	}
	quoted := header{src: q.Src, dst: q.Dst, proto: q.Proto, srcPort: q.SrcPort, dstPort: q.DstPort}
	sender, receiver := dst, end{src.iface, q.Dst}
	key, from := newFlowKey(network, &quoted, sender, receiver)
	f := fs.lookup(key, endNumbers(from, sender, receiver), p.At)
	if f == nil || f.cut {
		return Verdict{}, false
	}
	opener, other := sender, receiver
	if from != f.opener {
		opener, other = receiver, sender
	}
	if j := h.judgeGroups(opener, other, f.opening(key)); h.cuts(f, &j) {
		return Verdict{}, false
	}
	if reason, rule := h.judgeACLs(src, dst, hd); reason != 0 {
		return Verdict{Reason: reason, Rule: rule}, true
	}
	return Verdict{Accept: true, Reason: Related, Rule: f.decisive(other)}, true
}

// endNumbers puts the ends of a packet in the order of its flow key.
func endNumbers(from side, src, dst end) (ends [2]vpc.InterfaceNumber) {
	ends[from], ends[from.other()] = src.number(), dst.number()
	return ends
}
