package policy

import (
	"cmp"
	"maps"
	"net/netip"
	"time"

	"ringfence/internal/vpc"
)

// How long a flow is remembered after its last packet. 600 s for other
// protocols is EC2's (EC2 User Guide, "Amazon EC2 security group connection
// tracking"); EC2 does not publish the rest.
const (
	tcpOpening   = 60 * time.Second
	tcpClosing   = 60 * time.Second
	icmpQuery    = 30 * time.Second
	otherProto   = 600 * time.Second
	fragmentSeed = 30 * time.Second // RFC 1122 §3.3.2 asks for 60 to 120; Linux takes 30
)

// DefaultTimeouts are those of an interface that says nothing else (EC2 User
// Guide, "Amazon EC2 security group connection tracking").
var DefaultTimeouts = vpc.ConnectionTimeouts{TCPEstablished: 432000, UDPStream: 180, UDP: 30}

// TimeoutsOf are how long an interface remembers idle flows, none of them 0.
func TimeoutsOf(n *vpc.NetworkInterface) vpc.ConnectionTimeouts {
	return vpc.ConnectionTimeouts{
		TCPEstablished: cmp.Or(n.Timeouts.TCPEstablished, DefaultTimeouts.TCPEstablished),
		UDPStream:      cmp.Or(n.Timeouts.UDPStream, DefaultTimeouts.UDPStream),
		UDP:            cmp.Or(n.Timeouts.UDP, DefaultTimeouts.UDP),
	}
}

// idleTimeouts are those of a flow: what the less patient of its ends says. The
// internet has no say.
func idleTimeouts(src, dst end) vpc.ConnectionTimeouts {
	switch {
	case src.iface == nil:
		return TimeoutsOf(dst.iface)
	case dst.iface == nil:
		return TimeoutsOf(src.iface)
	}
	a, b := TimeoutsOf(src.iface), TimeoutsOf(dst.iface)
	return vpc.ConnectionTimeouts{
		TCPEstablished: min(a.TCPEstablished, b.TCPEstablished),
		UDPStream:      min(a.UDPStream, b.UDPStream),
		UDP:            min(a.UDP, b.UDP),
	}
}

// Flows are what is remembered of packets that were decided. The zero value
// remembers nothing.
type Flows struct {
	flows map[flowKey]*flow
	seeds map[seedKey]seed
}

// Len returns the number of flows, those included that have expired unseen.
func (fs *Flows) Len() int { return len(fs.flows) }

// Clone returns a copy that shares nothing with fs.
func (fs *Flows) Clone() *Flows {
	clone := &Flows{seeds: maps.Clone(fs.seeds)}
	for k, f := range fs.flows {
		same := *f
		clone.put(k, &same)
	}
	return clone
}

// A side is an end of a flow: the one with the lower address, or the other.
type side int

const (
	low side = iota
	high
)

func (s side) other() side { return 1 - s }

// A flowKey is the same for both directions of a flow.
type flowKey struct {
	network vpc.NetworkNumber
	proto   vpc.Proto
	addr    [2]netip.Addr // low < high
	port    [2]uint16     // see icmpPorts for ICMP; 0 for protocols without

	// via is the interface that is there for an address which is not its own,
	// else 0. A connection through an interface that forwards for others is one
	// flow before it and another behind it, of the same addresses and ports.
	via [2]vpc.InterfaceNumber
}

// A flow was admitted once.
type flow struct {
	ends   [2]vpc.InterfaceNumber // 0 for an end that is not an interface
	opener side
	idle   vpc.ConnectionTimeouts // as its ends had them when it was opened
	rules  [2]vpc.RuleID          // that admitted it at each end

	// tracked says that the end's rules admit the flow in a way that lets it
	// outlive them. Valid for ends that are interfaces.
	tracked [2]bool

	// cut flows stay cut: the entry is a tombstone until it times out or a
	// new, permitted opening takes its place.
	cut bool

	confirmed bool // the opener has been answered
	stream    bool // UDP: and has gone on
	reset     bool // TCP
	fin       [2]bool
	finAcked  [2]bool
	finSeq    [2]uint32 // valid iff fin: the acknowledgement that covers it

	last time.Duration
}

func newFlowKey(network vpc.NetworkNumber, h *header, src, dst end) (flowKey, side) {
	k := flowKey{network: network, proto: h.proto, addr: [2]netip.Addr{h.src, h.dst}, port: [2]uint16{h.srcPort, h.dstPort}}
	k.via = [2]vpc.InterfaceNumber{src.via(), dst.via()}
	if h.src.Less(h.dst) {
		return k, low
	}
	k.addr[low], k.addr[high] = k.addr[high], k.addr[low]
	k.port[low], k.port[high] = k.port[high], k.port[low]
	k.via[low], k.via[high] = k.via[high], k.via[low]
	return k, high
}

// closing reports whether f is TCP that has ended.
func (f *flow) closing() bool { return f.reset || f.fin[low] && f.fin[high] }

// timeout is how long f lives without a packet.
func (f *flow) timeout(proto vpc.Proto) time.Duration {
	return Timeout(proto, f.confirmed, f.stream, f.closing(), f.idle)
}

// Timeout is how long a flow lives without a packet: one that is answered, that
// has gone on after that, or is TCP that has ended, at interfaces that say how
// patient they are.
func Timeout(proto vpc.Proto, answered, stream, closing bool, idle vpc.ConnectionTimeouts) time.Duration {
	switch proto {
	case vpc.TCP:
		switch {
		case closing:
			return tcpClosing
		case !answered:
			return tcpOpening
		default:
			return seconds(idle.TCPEstablished)
		}
	case vpc.UDP:
		if stream {
			return seconds(idle.UDPStream)
		}
		return seconds(idle.UDP)
	case vpc.ICMP, vpc.ICMPv6:
		return icmpQuery
	default:
		return otherProto
	}
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// lookup returns the flow of a key, nil when there is none, or it has expired,
// or it is one of earlier owners of its addresses.
func (fs *Flows) lookup(k flowKey, ends [2]vpc.InterfaceNumber, now time.Duration) *flow {
	f := fs.flows[k]
	if f == nil || f.ends != ends || now-f.last > f.timeout(k.proto) {
		return nil
	}
	return f
}

func (fs *Flows) put(k flowKey, f *flow) {
	if fs.flows == nil {
		fs.flows = make(map[flowKey]*flow)
	}
	fs.flows[k] = f
}

// observe brings f's state forward by a packet from one of its ends, and
// reports whether the flow is over: both FINs are acknowledged.
func (f *flow) observe(h *header, from side, now time.Duration) (over bool) {
	f.last = now
	if from != f.opener {
		f.confirmed = true
	} else if f.confirmed {
		f.stream = true
	}
	if h.proto != vpc.TCP || h.later {
		return false
	}
	t := h.tcp
	if t.Flags&RST != 0 {
		f.reset = true
	}
	if t.Flags&FIN != 0 {
		f.fin[from] = true
		f.finSeq[from] = t.Seq + t.Length + 1
	}
	peer := from.other()
	if t.Flags&ACK != 0 && f.fin[peer] && int32(t.Ack-f.finSeq[peer]) >= 0 {
		f.finAcked[peer] = true
	}
	return f.finAcked[low] && f.finAcked[high]
}

// A seedKey tells the datagram that a fragment is part of (RFC 791 §3.2). That
// of an IPv6 datagram has no protocol: only its first fragment need name it
// (RFC 8200 §4.5).
type seedKey struct {
	network  vpc.NetworkNumber
	src, dst netip.Addr
	proto    vpc.Proto
	id       uint32
}

func newSeedKey(network vpc.NetworkNumber, p *Packet) seedKey {
	k := seedKey{network: network, src: p.Src, dst: p.Dst, id: p.Fragment.ID}
	if p.Src.Is4() {
		k.proto = p.Proto
	}
	return k
}

// A seed is what the first fragment of a datagram leaves for the later ones.
type seed struct {
	header header
	at     time.Duration
}

func (fs *Flows) plant(k seedKey, s seed) {
	if fs.seeds == nil {
		fs.seeds = make(map[seedKey]seed)
	}
	fs.seeds[k] = s
}

func (fs *Flows) seed(k seedKey, now time.Duration) (seed, bool) {
	s, ok := fs.seeds[k]
	return s, ok && now-s.at <= fragmentSeed
}

// record remembers what a judgement says of the ends whose rules allow the
// flow; an end whose rule is gone keeps what it was admitted with.
func (f *flow) record(j *judgement) {
	for i, s := range [2]side{f.opener, f.opener.other()} {
		if !j.failed[i] {
			f.rules[s] = [2]vpc.RuleID{j.out, j.in}[i]
			f.tracked[s] = j.tracked[i]
		}
	}
}

// decisive is the rule to name for f: that of the end which was not the
// opener, where it is an interface.
func (f *flow) decisive(other end) vpc.RuleID {
	if other.iface != nil {
		return f.rules[f.opener.other()]
	}
	return f.rules[f.opener]
}
