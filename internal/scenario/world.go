package scenario

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// A World is a small set of nouns that changes at random: an EC2-Classic
// network and a VPC with two subnets, their groups, rules, ACLs and
// interfaces, and hosts on the internet side.
type World struct {
	rnd *rand.Rand

	groups     map[vpc.NetworkID][]vpc.GroupID
	rules      []*vpc.Rule
	interfaces []*vpc.NetworkInterface
	acls       []*vpc.NetworkACL
	ports      map[policy.Port]policy.Plug

	numbers *Numbers
}

// Numbers are what a server hands out and never hands out twice. Worlds that
// follow each other in one kernel share them.
type Numbers struct {
	rule       int
	iface      vpc.InterfaceNumber
	identity   vpc.Identity
	revision   int64
	identities map[string]vpc.Identity
}

// Ports are the link indexes that a World uses.
var Ports = []int{11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22}

const vpcNetwork vpc.NetworkID = "vpc-1"

// outsideAddrs are the hosts on the internet side.
var outsideAddrs = []netip.Addr{
	netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("203.0.113.8"), netip.MustParseAddr("198.51.100.200"),
}

// NewWorld makes a world. The same seed makes the same world, but for numbers.
func NewWorld(rnd *rand.Rand, numbers *Numbers) *World {
	numbers.identities = make(map[string]vpc.Identity)
	w := &World{
		rnd:     rnd,
		groups:  make(map[vpc.NetworkID][]vpc.GroupID),
		ports:   make(map[policy.Port]policy.Plug),
		numbers: numbers,
	}
	for _, network := range []vpc.NetworkID{vpc.ClassicNetwork, vpcNetwork} {
		for i := range 3 {
			w.groups[network] = append(w.groups[network], vpc.GroupID(fmt.Sprintf("sg-%s%d", network, i)))
		}
	}
	for i := range 9 {
		w.interfaces = append(w.interfaces, w.newInterface(i))
		w.ports[policy.Port(Ports[i])] = policy.Plug{Interface: w.interfaces[i].ID}
	}
	for i, a := range outsideAddrs {
		w.ports[policy.Port(Ports[9+i])] = policy.Plug{Outside: a}
	}
	for range rnd.IntN(30) {
		w.AddRule()
	}
	for _, subnet := range []vpc.SubnetNumber{2, 3} {
		if rnd.IntN(4) > 0 {
			w.acls = append(w.acls, &vpc.NetworkACL{ID: vpc.ACLID(fmt.Sprintf("acl-%d", subnet)), Network: vpcNetwork, Subnets: []vpc.ACLAssociation{{SubnetNo: subnet}}})
			w.changeACL(len(w.acls) - 1)
		}
	}
	return w
}

// newInterface makes the interface behind the port of an index: five in
// EC2-Classic, two in each subnet of the VPC. Addresses of the two networks
// overlap.
func (w *World) newInterface(i int) *vpc.NetworkInterface {
	w.numbers.iface++
	n := &vpc.NetworkInterface{
		ID: vpc.InterfaceID(fmt.Sprintf("eni-%d", i)), Number: w.numbers.iface,
		Network: vpc.ClassicNetwork, NetworkNo: 1, Subnet: vpc.ClassicSubnet, SubnetNo: 1,
		Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 254, 0, byte(10 + i)})},
	}
	if i >= 5 {
		n.Network, n.NetworkNo = vpcNetwork, 2
		n.SubnetNo = vpc.SubnetNumber(2 + (i-5)/2)
		n.Addresses[0] = netip.AddrFrom4([4]byte{10, 254, 0, byte(10 + i - 5)})
		if w.rnd.IntN(3) == 0 {
			n.Addresses = append(n.Addresses, netip.AddrFrom4([4]byte{10, 254, 1, byte(10 + i)}))
		}
		n.NoSourceDestCheck = w.rnd.IntN(6) == 0
	}
	if i != 3 {
		n.Public = map[netip.Addr]netip.Addr{n.Addresses[0]: netip.AddrFrom4([4]byte{203, 0, 113, byte(40 + i)})}
	}
	w.join(n)
	return n
}

// join puts an interface into some groups of its network.
func (w *World) join(n *vpc.NetworkInterface) {
	n.Groups = nil
	for _, g := range w.groups[n.Network] {
		if w.rnd.IntN(2) == 0 {
			n.Groups = append(n.Groups, g)
		}
	}
	if len(n.Groups) == 0 {
		n.Groups = w.groups[n.Network][:1]
	}
	key := fmt.Sprint(n.Network, n.Groups)
	if w.numbers.identities[key] == 0 {
		w.numbers.identity++
		w.numbers.identities[key] = w.numbers.identity
	}
	n.Identity = w.numbers.identities[key]
}

var (
	somePorts  = []uint16{0, 22, 80, 443, 1023, 1024, 8080, 40000, 65535}
	someProtos = []vpc.Proto{vpc.TCP, vpc.TCP, vpc.TCP, vpc.UDP, vpc.UDP, vpc.ICMP, vpc.AnyProto, 47, vpc.ICMPv6}
	someTypes  = []vpc.ICMPType{{Type: -1, Code: -1}, {Type: 8, Code: -1}, {Type: 8, Code: 0}, {Type: 3, Code: 4}, {Type: 0, Code: -1}, {Type: 13, Code: 0}}
	someCIDRs  = []string{
		"0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/0", "203.0.113.0/24", "203.0.113.7/32", "203.0.113.8/31", "10.254.0.0/16",
		"10.254.0.10/32", "10.254.0.8/29", "198.51.0.0/16", "::/0", "2001:db8::/32", "::/8", "0.0.0.0/1", "203.0.113.40/30",
	}
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

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
	network := vpc.ClassicNetwork
	r := &vpc.Rule{}
	if w.rnd.IntN(2) == 0 {
		network, r.Egress = vpcNetwork, w.rnd.IntN(2) == 0
	}
	w.numbers.rule++
	r.ID = vpc.RuleID(fmt.Sprintf("sgr-%02x%06d", w.rnd.IntN(256), w.numbers.rule))
	r.Group = pick(w.rnd, w.groups[network])
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
		}
		if w.rnd.IntN(2) == 0 {
			a.Entries = append(a.Entries, vpc.ACLEntry{Number: number + 1, Egress: egress, Allow: true, Proto: vpc.AnyProto, CIDR: netip.MustParsePrefix("0.0.0.0/0")})
		}
	}
	w.acls[i] = &a
	return &a
}

// Whole is all there is, as a feed.
func (w *World) Whole() *vpc.Feed {
	w.numbers.revision++
	return &vpc.Feed{
		Revision: w.numbers.revision, Whole: true,
		VPCs:     []*vpc.VPC{{ID: vpcNetwork, Number: 2, CIDRs: []vpc.CIDRAssociation{{CIDR: netip.MustParsePrefix("10.254.0.0/16")}}}},
		Gateways: []*vpc.InternetGateway{{ID: "igw-1", Network: vpcNetwork}},
		RouteTables: []*vpc.RouteTable{{
			ID: "rtb-1", Network: vpcNetwork, Associations: []vpc.RouteTableAssociation{{}},
			Routes: []vpc.Route{{Destination: netip.MustParsePrefix("0.0.0.0/0"), Gateway: "igw-1"}},
		}},
		Rules: slices.Clone(w.rules), Interfaces: slices.Clone(w.interfaces), ACLs: slices.Clone(w.acls),
	}
}

// Change changes one thing, and returns it as a feed.
func (w *World) Change() *vpc.Feed {
	w.numbers.revision++
	f := &vpc.Feed{Revision: w.numbers.revision}
	switch w.rnd.IntN(8) {
	case 0, 1:
		f.Rules = []*vpc.Rule{w.AddRule()}
	case 2, 3, 4:
		if len(w.rules) > 0 {
			i := w.rnd.IntN(len(w.rules))
			f.GoneRules = []vpc.RuleID{w.rules[i].ID}
			w.rules = slices.Delete(w.rules, i, i+1)
		}
	case 5:
		i := 5 + w.rnd.IntN(4) // only in a VPC do running instances change groups
		n := *w.interfaces[i]
		w.join(&n)
		w.interfaces[i] = &n
		f.Interfaces = []*vpc.NetworkInterface{&n}
	case 6:
		i := w.rnd.IntN(len(w.interfaces)) // another takes over the addresses
		w.interfaces[i] = w.newInterface(i)
		f.Interfaces = []*vpc.NetworkInterface{w.interfaces[i]}
	case 7:
		if len(w.acls) > 0 {
			f.ACLs = []*vpc.NetworkACL{w.changeACL(w.rnd.IntN(len(w.acls)))}
		}
	}
	return f
}
