package policy

import (
	"cmp"
	"iter"
	"maps"
	"net/netip"
	"slices"

	"ringfence/internal/vpc"
)

// A Classifier is an ordered list of rules in the form in which a kernel can
// look it up in a few steps, however long it is: for a peer, the vector of the
// rules about it; for a protocol and port, the vector of the rules about them.
// The lowest rule in both decides (T. V. Lakshman and D. Stiliadis, SIGCOMM
// 1998, section 4).
type Classifier struct {
	// Rules name the bits.
	Rules []vpc.RuleID

	// Deny are the rules that deny; only ACLs have any.
	Deny Vector

	// Any are the rules about everybody: index 0 of IPv4, 1 of IPv6.
	Any [2]Vector

	// Identities hold the rules about groups of each identity that is in one.
	Identities map[vpc.Identity]Vector

	// CIDRs hold, for each block but 0.0.0.0/0 and ::/0, the rules about it
	// and about every block around it, so that the longest match is complete.
	// They are in the order of netip.Prefix.Compare.
	CIDRs []Entry[netip.Prefix]

	// L4 holds the rules about protocols and ports; the longest match is
	// complete. First is what is about all protocols, if anything; the ports of
	// each are in order.
	L4 []Entry[L4Prefix]

	// Stretches are, by protocol and family, the widest range of ports whose
	// first rule is about everybody, so that nothing else need be looked up.
	Stretches map[Openness]Stretch

	// AllPorts says which protocol and family a rule opens to everybody on all
	// ports.
	AllPorts map[Openness]bool

	// peerGroups are the rules about each group, for identities that appear.
	peerGroups map[vpc.GroupID]Vector
}

// An Entry says which rules are about what has a prefix.
type Entry[P any] struct {
	Prefix P
	Rules  Vector
}

// An Openness is a protocol with ports, of a family.
type Openness struct {
	Proto vpc.Proto
	IPv4  bool
}

// A Stretch is a range of ports that all have the same first rule.
type Stretch struct {
	Ports vpc.PortRange
	Rule  int
}

// An L4Prefix is a set of protocols and ports. The zero value is all of them.
type L4Prefix struct {
	Proto   vpc.Proto // valid iff Exact
	Exact   bool      // one protocol
	Unknown bool      // what a packet may match whose ports are not known
	Port    uint16    // ICMP: type and code
	Bits    int       // of Port that count; 0: all ports. Valid iff Exact and not Unknown
}

// A clause is what rules of groups and entries of ACLs have in common.
type clause struct {
	id    vpc.RuleID
	deny  bool
	proto vpc.Proto
	ports vpc.PortRange
	icmp  vpc.ICMPType
	peer  vpc.Peer
}

// CompileRules compiles rules, in this order. The identities are those whose
// members may be peers.
func CompileRules(rules []*vpc.Rule, identities []*Set) *Classifier {
	clauses := make([]clause, len(rules))
	for i, r := range rules {
		clauses[i] = clause{r.ID, false, r.Proto, r.Ports, r.ICMP, r.Peer}
	}
	c := compile(clauses)
	for _, set := range identities {
		if v := c.About(set); v != nil {
			c.Identities[set.Identity] = v
		}
	}
	return c
}

// CompileACL compiles one direction of an ACL. Its last rule, which denies
// everything, has no number.
func CompileACL(a *vpc.NetworkACL, egress bool) *Classifier {
	var clauses []clause
	for _, e := range ACLEntries(a, egress) {
		clauses = append(clauses, clause{ACLRuleID(a, e), !e.Allow, e.Proto, e.Ports, e.ICMP, vpc.Peer{CIDR: e.CIDR}})
	}
	for _, everybody := range []string{"0.0.0.0/0", "::/0"} {
		last := clause{id: aclLast(a), deny: true, proto: vpc.AnyProto}
		last.peer.CIDR = netip.MustParsePrefix(everybody)
		clauses = append(clauses, last)
	}
	return compile(clauses)
}

// About returns the rules about the groups of a set, nil if there are none.
func (c *Classifier) About(set *Set) Vector {
	var v Vector
	for _, g := range set.Groups {
		if rules := c.peerGroups[g]; rules != nil {
			if v == nil {
				v = newVector(len(c.Rules))
			}
			v.or(rules)
		}
	}
	return v
}

// PeerGroups are the groups that rules are about.
func (c *Classifier) PeerGroups() iter.Seq[vpc.GroupID] { return maps.Keys(c.peerGroups) }

// HasGroups reports whether any rule is about a group.
func (c *Classifier) HasGroups() bool { return len(c.peerGroups) > 0 }

func compile(clauses []clause) *Classifier {
	m := &maker{rules: len(clauses)}
	c := &Classifier{
		Rules:      make([]vpc.RuleID, 0, len(clauses)),
		Deny:       m.none(),
		Any:        [2]Vector{m.none(), m.none()},
		Identities: make(map[vpc.Identity]Vector),
		AllPorts:   make(map[Openness]bool),
		peerGroups: make(map[vpc.GroupID]Vector),
	}
	family := [2]Vector{m.none(), m.none()}
	for i, cl := range clauses {
		c.Rules = append(c.Rules, cl.id)
		for f, ipv4 := range []bool{true, false} {
			if cidr := cl.peer.CIDR; !cidr.IsValid() || cidr.Addr().Is4() == ipv4 {
				family[f].Set(i)
			}
		}
		if cl.deny {
			c.Deny.Set(i)
		}
		if !cl.peer.CIDR.IsValid() {
			if c.peerGroups[cl.peer.Group] == nil {
				c.peerGroups[cl.peer.Group] = m.none()
			}
			c.peerGroups[cl.peer.Group].Set(i)
		} else if cl.peer.CIDR.Bits() == 0 {
			c.openTo(i, cl)
		}
	}
	c.CIDRs = compileCIDRs(m, clauses, c.Any)
	c.L4 = compileL4(m, clauses)
	c.Stretches = c.stretches(family)
	return c
}

// openTo notes a rule for everybody of a family.
func (c *Classifier) openTo(i int, cl clause) {
	ipv4 := cl.peer.CIDR.Addr().Is4()
	if ipv4 {
		c.Any[0].Set(i)
	} else {
		c.Any[1].Set(i)
	}
	for _, proto := range []vpc.Proto{vpc.TCP, vpc.UDP} {
		if cl.proto == vpc.AnyProto || cl.proto == proto && cl.ports == vpc.AllPorts {
			c.AllPorts[Openness{proto, ipv4}] = true
		}
	}
}

func compileCIDRs(m *maker, clauses []clause, anybody [2]Vector) []Entry[netip.Prefix] {
	var narrow []int // the clauses about blocks
	for i, cl := range clauses {
		if p := cl.peer.CIDR; p.IsValid() && p.Bits() > 0 {
			narrow = append(narrow, i)
		}
	}
	// What is around a block comes before it, and each takes over what is.
	slices.SortFunc(narrow, func(a, b int) int { return clauses[a].peer.CIDR.Compare(clauses[b].peer.CIDR) })
	entries := make([]Entry[netip.Prefix], 0, len(narrow))
	var around []Entry[netip.Prefix] // the last of entries, from the widest to the narrowest
	for _, i := range narrow {
		p := clauses[i].peer.CIDR
		for len(around) > 0 && !around[len(around)-1].Prefix.Contains(p.Addr()) {
			around = around[:len(around)-1]
		}
		if len(around) == 0 || around[len(around)-1].Prefix != p {
			e := Entry[netip.Prefix]{p, m.copyOf(rulesAround(around, p, anybody))}
			entries, around = append(entries, e), append(around, e)
		}
		around[len(around)-1].Rules.Set(i)
	}
	return entries
}

// rulesAround are those about the narrowest block around p.
func rulesAround(around []Entry[netip.Prefix], p netip.Prefix, anybody [2]Vector) Vector {
	switch {
	case len(around) > 0:
		return around[len(around)-1].Rules
	case p.Addr().Is4():
		return anybody[0]
	default:
		return anybody[1]
	}
}

func compileL4(m *maker, clauses []clause) []Entry[L4Prefix] {
	entries := make([]Entry[L4Prefix], 0, len(clauses))
	all := m.none() // of every protocol
	protos := make(map[vpc.Proto]bool)
	for i, cl := range clauses {
		if cl.proto == vpc.AnyProto {
			all.Set(i)
		} else {
			protos[cl.proto] = true
		}
	}
	if !all.Empty() {
		entries = append(entries, Entry[L4Prefix]{L4Prefix{}, all})
	}
	for proto := range protos {
		entries = compileProto(m, entries, proto, all, clauses)
	}
	return entries
}

// compileProto adds the rules about one protocol: those for all its ports, and
// for every stretch of ports where others come in, the vector of that stretch.
func compileProto(m *maker, entries []Entry[L4Prefix], proto vpc.Proto, all Vector, clauses []clause) []Entry[L4Prefix] {
	base, unknown := m.copyOf(all), m.copyOf(all)
	type edge struct {
		rule  int
		first uint32
		last  uint32
	}
	var edges []edge
	cuts := []uint32{0, 1 << 16}
	for i, cl := range clauses {
		if cl.proto != proto {
			continue
		}
		first, last := cl.reach()
		if first == 0 && last == 1<<16-1 {
			base.Set(i)
			unknown.Set(i)
			continue
		}
		if cl.deny {
			unknown.Set(i) // as if it denied all, since it may deny these
		}
		edges = append(edges, edge{i, first, last})
		cuts = append(cuts, first, last+1)
	}
	entries = append(entries, Entry[L4Prefix]{L4Prefix{Proto: proto, Exact: true}, base})
	if !unknown.equal(base) {
		entries = append(entries, Entry[L4Prefix]{L4Prefix{Proto: proto, Exact: true, Unknown: true}, unknown})
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Compare(a.first, b.first) })
	var active []edge
	for i, from := range cuts[:len(cuts)-1] {
		active = slices.DeleteFunc(active, func(e edge) bool { return e.last < from })
		for len(edges) > 0 && edges[0].first == from {
			active = append(active, edges[0])
			edges = edges[1:]
		}
		if len(active) == 0 {
			continue
		}
		v := m.copyOf(base)
		for _, e := range active {
			v.Set(e.rule)
		}
		for _, p := range portPrefixes(from, cuts[i+1]-1) {
			p.Proto, p.Exact = proto, true
			entries = append(entries, Entry[L4Prefix]{p, v})
		}
	}
	return entries
}

// reach is the range of ports, or of ICMP types and codes, that a clause about
// one protocol covers.
func (cl *clause) reach() (first, last uint32) {
	switch {
	case cl.proto.HasPorts():
		return uint32(cl.ports.From), uint32(cl.ports.To)
	case !cl.proto.IsICMP() || cl.icmp.Type == vpc.AnyICMP:
		return 0, 1<<16 - 1
	case cl.icmp.Code == vpc.AnyICMP:
		first = uint32(cl.icmp.Type) << 8
		return first, first | 0xff
	default:
		first = uint32(cl.icmp.Type)<<8 | uint32(cl.icmp.Code)
		return first, first
	}
}

// portPrefixes are the fewest prefixes that cover first to last exactly.
func portPrefixes(first, last uint32) []L4Prefix {
	var out []L4Prefix
	for first <= last {
		size := uint32(1)
		for first&(size<<1-1) == 0 && first+size<<1-1 <= last && size < 1<<15 {
			size <<= 1
		}
		bits := 16
		for s := size; s > 1; s >>= 1 {
			bits--
		}
		out = append(out, L4Prefix{Port: uint16(first), Bits: bits})
		first += size
	}
	return out
}
