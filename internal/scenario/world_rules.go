package scenario

import (
	"fmt"
	"net/netip"
	"slices"

	"ringfence/internal/vpc"
)

var (
	somePorts  = []uint16{0, 22, 80, 443, 1023, 1024, 8080, 40000, 65535}
	someProtos = []vpc.Proto{vpc.TCP, vpc.TCP, vpc.TCP, vpc.UDP, vpc.UDP, vpc.ICMP, vpc.AnyProto, vpc.AnyProto, 47, vpc.ICMPv6}
	someTypes  = []vpc.ICMPType{
		{Type: -1, Code: -1}, {Type: 8, Code: -1}, {Type: 8, Code: 0}, {Type: 3, Code: 4}, {Type: 0, Code: -1}, {Type: 13, Code: 0},
		{Type: 128, Code: -1}, {Type: 128, Code: 0}, {Type: 2, Code: 0}, {Type: 129, Code: -1},
	}
	someCIDRs = []string{
		"0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/0", "203.0.113.0/24", "203.0.113.7/32", "203.0.113.8/31", "10.254.0.0/16",
		"10.254.0.10/32", "10.254.0.8/29", "198.51.0.0/16", "0.0.0.0/1", "203.0.113.40/30", "8.8.0.0/16",
		"::/0", "::/0", "::/0", "2001:db8::/32", "::/8", "2001:db8:0:100::/56", "2001:db8:0:102::/64", "2001:db8:8000::/33", "2001:db8:8000::7/128",
	}
)

func (w *World) portRange() vpc.PortRange {
	switch w.rnd.IntN(4) {
	case 0:
		return vpc.AllPorts
	case 1:
		a, b := pick(w.rnd, somePorts), pick(w.rnd, somePorts)
		return vpc.PortRange{From: min(a, b), To: max(a, b)}
	default:
		a := pick(w.rnd, somePorts)
		return vpc.PortRange{From: a, To: a}
	}
}

// AddRule adds a random rule.
func (w *World) AddRule() *vpc.Rule {
	network := pick(w.rnd, []vpc.NetworkID{vpc.ClassicNetwork, "vpc-1", "vpc-1", "vpc-2"})
	r := &vpc.Rule{Egress: network != vpc.ClassicNetwork && w.rnd.IntN(2) == 0, Group: pick(w.rnd, w.groups[network])}
	switch r.Proto = pick(w.rnd, someProtos); {
	case r.Proto.HasPorts():
		r.Ports = w.portRange()
	case r.Proto.IsICMP():
		r.ICMP = pick(w.rnd, someTypes)
	}
	if w.rnd.IntN(3) == 0 {
		r.Peer.Group = pick(w.rnd, w.groups[network])
	} else {
		r.Peer.CIDR = netip.MustParsePrefix(pick(w.rnd, someCIDRs))
	}
	return w.addRule(r)
}

// longList is how many rules are too many for one vector, or two.
const longList = 1100

// pad puts rules about ports that nobody uses between those of a group which
// count.
func (w *World) pad(group vpc.GroupID) {
	for i := range 2 * longList {
		r := &vpc.Rule{Egress: i%2 == 0, Group: group, Proto: vpc.TCP, Ports: unusedPort(i)}
		r.Peer.CIDR = netip.MustParsePrefix("0.0.0.0/0")
		w.addRule(r)
	}
}

func unusedPort(i int) vpc.PortRange {
	return vpc.PortRange{From: uint16(2000 + i), To: uint16(2000 + i)}
}

// padACL are entries about ports that nobody uses, behind an entry's number.
func (w *World) padACL(egress bool, number int) []vpc.ACLEntry {
	var entries []vpc.ACLEntry
	for i := range longList / 5 {
		entries = append(entries, vpc.ACLEntry{Number: number + 1 + i, Egress: egress, Proto: vpc.TCP, Ports: unusedPort(i), CIDR: netip.MustParsePrefix("0.0.0.0/0")})
	}
	return entries
}

// open lets a group's members send everything, as those of a new group may, or
// receive it.
func (w *World) open(group vpc.GroupID, egress bool) {
	for _, everybody := range []string{"0.0.0.0/0", "::/0"} {
		r := &vpc.Rule{Egress: egress, Group: group, Proto: vpc.AnyProto}
		r.Peer.CIDR = netip.MustParsePrefix(everybody)
		w.addRule(r)
	}
}

func (w *World) addRule(r *vpc.Rule) *vpc.Rule {
	w.numbers.rule++
	r.ID = vpc.RuleID(fmt.Sprintf("sgr-%02x%06d", w.rnd.IntN(256), w.numbers.rule))
	w.rules = append(w.rules, r)
	return r
}

// changeACL gives an ACL other entries.
func (w *World) changeACL(i int) *vpc.NetworkACL {
	a := *w.acls[i]
	a.Entries = nil
	for _, egress := range []bool{false, true} {
		number := 0
		for range w.rnd.IntN(6) {
			number += 1 + w.rnd.IntN(50)
			e := vpc.ACLEntry{Number: number, Egress: egress, Allow: w.rnd.IntN(3) > 0, Proto: pick(w.rnd, someProtos), CIDR: netip.MustParsePrefix(pick(w.rnd, someCIDRs))}
			switch {
			case e.Proto.HasPorts():
				e.Ports = w.portRange()
			case e.Proto.IsICMP():
				e.ICMP = pick(w.rnd, someTypes)
			}
			a.Entries = append(a.Entries, e)
			if w.long {
				a.Entries = append(a.Entries, w.padACL(egress, number)...)
				number += longList / 5
			}
		}
		for k, everybody := range []string{"0.0.0.0/0", "::/0"} {
			if w.rnd.IntN(3) > 0 {
				a.Entries = append(a.Entries, vpc.ACLEntry{Number: number + 1 + k, Egress: egress, Allow: true, Proto: vpc.AnyProto, CIDR: netip.MustParsePrefix(everybody)})
			}
		}
	}
	w.acls[i] = &a
	return &a
}

// moveACL gives a subnet the other ACL of its VPC. Sometimes it is left without
// one, as no subnet of a server's ever is.
func (w *World) moveACL() []*vpc.NetworkACL {
	v := 2 * w.rnd.IntN(len(w.vpcs))
	a, b := *w.acls[v], *w.acls[v+1]
	if w.rnd.IntN(2) == 0 {
		a, b = b, a
	}
	w.acls[v], w.acls[v+1] = &a, &b
	if len(a.Subnets) > 0 {
		if w.rnd.IntN(4) > 0 {
			b.Subnets = append(slices.Clone(b.Subnets), a.Subnets[0])
		}
		a.Subnets = a.Subnets[1:]
	}
	return []*vpc.NetworkACL{&a, &b}
}
