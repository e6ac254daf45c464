package policy

import (
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"ringfence/internal/vpc"
)

// answer asks a classifier as a kernel does: the rules about the peer and those
// about protocol and port, each by the longest match; the first of both decides.
func (c *Classifier) answer(identity vpc.Identity, peer netip.Addr, p *header) int {
	everybody := c.Any[1]
	if peer.Is4() {
		everybody = c.Any[0]
	}
	about := everybody
	for bits := peer.BitLen(); bits > 0; bits-- {
		if v := rulesOf(c.CIDRs, netip.PrefixFrom(peer, bits).Masked()); v != nil {
			about = v
			break
		}
	}
	return firstOfAnd(c.Identities[identity], about, c.l4(p))
}

func (c *Classifier) l4(p *header) Vector {
	if p.anyPort {
		if v := rulesOf(c.L4, L4Prefix{Proto: p.proto, Exact: true, Unknown: true}); v != nil {
			return v
		}
	} else {
		for bits := 16; bits > 0; bits-- {
			port := p.match >> (16 - bits) << (16 - bits)
			if v := rulesOf(c.L4, L4Prefix{Proto: p.proto, Exact: true, Port: port, Bits: bits}); v != nil {
				return v
			}
		}
	}
	if v := rulesOf(c.L4, L4Prefix{Proto: p.proto, Exact: true}); v != nil {
		return v
	}
	return rulesOf(c.L4, L4Prefix{})
}

// rulesOf returns the vector of a prefix, nil if it has none.
func rulesOf[P comparable](entries []Entry[P], p P) Vector {
	for _, e := range entries {
		if e.Prefix == p {
			return e.Rules
		}
	}
	return nil
}

var (
	drawProto = rapid.SampledFrom([]vpc.Proto{vpc.TCP, vpc.TCP, vpc.UDP, vpc.ICMP, vpc.ICMPv6, 47})
	drawPort  = rapid.OneOf(rapid.Uint16(), rapid.SampledFrom([]uint16{0, 1, 22, 80, 1023, 1024, 65534, 65535}))
	drawGroup = rapid.SampledFrom([]vpc.GroupID{"sg-1", "sg-2", "sg-3"})
)

func drawAddr(t *rapid.T) netip.Addr {
	// Few addresses, so that blocks and peers meet.
	if rapid.IntRange(0, 3).Draw(t, "family") == 0 {
		return netip.AddrFrom16([16]byte{0x20, 1, 15: byte(rapid.IntRange(0, 7).Draw(t, "host"))})
	}
	return netip.AddrFrom4([4]byte{10, byte(rapid.IntRange(0, 1).Draw(t, "net")), 0, byte(rapid.IntRange(0, 7).Draw(t, "host"))})
}

func drawCIDR(t *rapid.T) netip.Prefix {
	a := drawAddr(t)
	bits := rapid.OneOf(rapid.Just(0), rapid.Just(a.BitLen()), rapid.IntRange(0, a.BitLen())).Draw(t, "bits")
	return netip.PrefixFrom(a, bits).Masked()
}

// drawReach gives a rule or an entry its protocol, and the ports of it.
func drawReach(t *rapid.T) (proto vpc.Proto, ports vpc.PortRange, icmp vpc.ICMPType) {
	if rapid.IntRange(0, 5).Draw(t, "any") == 0 {
		return vpc.AnyProto, ports, icmp
	}
	proto = drawProto.Draw(t, "proto")
	switch {
	case proto.HasPorts():
		a, b := drawPort.Draw(t, "port"), drawPort.Draw(t, "port")
		ports = vpc.PortRange{From: min(a, b), To: max(a, b)}
	case proto.IsICMP():
		icmp.Type = int16(rapid.IntRange(-1, 255).Draw(t, "type"))
		icmp.Code = int16(rapid.IntRange(-1, 3).Draw(t, "code"))
		if icmp.Type == vpc.AnyICMP {
			icmp.Code = vpc.AnyICMP
		}
	}
	return proto, ports, icmp
}

func drawRule(t *rapid.T, n int) *vpc.Rule {
	r := &vpc.Rule{ID: vpc.RuleID(fmt.Sprintf("sgr-%06d", n)), Group: "sg-1"}
	r.Proto, r.Ports, r.ICMP = drawReach(t)
	if rapid.IntRange(0, 2).Draw(t, "peer") == 0 {
		r.Peer.Group = drawGroup.Draw(t, "group")
	} else {
		r.Peer.CIDR = drawCIDR(t)
	}
	return r
}

// drawHeader is of a packet that some rule may be about.
func drawHeader(t *rapid.T) *header {
	p := &header{proto: drawProto.Draw(t, "proto"), match: drawPort.Draw(t, "port"), inFlow: true}
	if p.proto.IsICMP() {
		p.match = icmpPort(uint8(rapid.IntRange(0, 255).Draw(t, "type")), uint8(rapid.IntRange(0, 4).Draw(t, "code")))
	}
	p.anyPort = rapid.IntRange(0, 4).Draw(t, "ports") == 0
	return p
}

// A classifier names the very rule that a search from the first to the last
// finds, for few rules and for more than fit one vector of the kernel.
func TestClassifierAgreesWithSearch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.IntRange(0, 40).Draw(t, "rules")
		repeated := rapid.SampledFrom([]int{1, 1, 1, 40}).Draw(t, "times")
		var rules []*vpc.Rule
		for n := range drawn {
			rules = append(rules, drawRule(t, n))
		}
		for len(rules) < drawn*repeated { // many rules that differ from few
			r := *rules[len(rules)-drawn]
			r.ID, r.Ports.To = vpc.RuleID(fmt.Sprintf("sgr-%06d", len(rules))), max(r.Ports.From, r.Ports.To-1)
			rules = append(rules, &r)
		}
		set := &Set{Identity: 7, Groups: []vpc.GroupID{"sg-2", "sg-3"}}
		c := CompileRules(rules, []*Set{set})
		h := NewHost(RevokeAWS)
		h.sets[set.Identity] = set
		for range 20 {
			peer, p := end{addr: drawAddr(t)}, drawHeader(t)
			if rapid.Bool().Draw(t, "member") {
				peer.iface = &vpc.NetworkInterface{Identity: set.Identity, Addresses: []netip.Addr{peer.addr}}
			}
			want := -1
			for i, r := range rules {
				if h.matches(r, peer, p) {
					want = i
					break
				}
			}
			identity := vpc.Identity(0)
			if peer.iface != nil {
				identity = set.Identity
			}
			if got := c.answer(identity, peer.addr, p); got != want {
				t.Fatalf("peer %v, %+v: rule %d, want %d", peer, p, got, want)
			}
		}
	})
}

// So does that of a network ACL, whose entries deny too, and which ends by
// denying all.
func TestACLClassifierAgreesWithSearch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := &vpc.NetworkACL{ID: "acl-1"}
		for n := range rapid.IntRange(0, 20).Draw(t, "entries") {
			e := vpc.ACLEntry{Number: n + 1, Allow: rapid.Bool().Draw(t, "allow"), CIDR: drawCIDR(t)}
			e.Proto, e.Ports, e.ICMP = drawReach(t)
			a.Entries = append(a.Entries, e)
		}
		c := CompileACL(a, false)
		for range 20 {
			peer, p := drawAddr(t), drawHeader(t)
			allow, rule := judgeACL(a, false, peer, p)
			got := c.answer(0, peer, p)
			if got < 0 || c.Rules[got] != rule || c.Deny.Has(got) == allow {
				t.Fatalf("peer %v, %+v: entry %d, want %s, allow %v", peer, p, got, rule, allow)
			}
		}
	})
}

// A flow is untracked only if everybody may use all ports of its protocol the
// other way, which a classifier knows without a search.
func TestClassifierKnowsWhatIsOpenToAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rules []*vpc.Rule
		for n := range rapid.IntRange(0, 10).Draw(t, "rules") {
			r := drawRule(t, n)
			if rapid.Bool().Draw(t, "all") {
				r.Ports = vpc.PortRange{}
				if r.Proto.HasPorts() {
					r.Ports = vpc.AllPorts
				}
			}
			rules = append(rules, r)
		}
		h := NewHost(RevokeAWS)
		set := &Set{Groups: []vpc.GroupID{"sg-1"}}
		h.ofGroup["sg-1"] = &groupRules{in: rules}
		c := CompileRules(rules, nil)
		for _, proto := range []vpc.Proto{vpc.TCP, vpc.UDP} {
			for _, src := range []string{"10.0.0.1", "2001::1"} {
				p := &header{proto: proto, src: netip.MustParseAddr(src)}
				if got, want := c.AllPorts[Openness{proto, p.src.Is4()}], h.allPortsOpen(set, false, p); got != want {
					t.Fatalf("%v of %s: open is %v, want %v", proto, src, got, want)
				}
			}
		}
	})
}
