package scenario

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// A World is a small set of nouns that changes at random: an EC2-Classic
// network and two VPCs, which all use the same addresses, with their subnets,
// routes, gateways, groups, rules, ACLs and interfaces, and hosts on the
// internet side.
type World struct {
	rnd *rand.Rand

	vpcs       []*vpc.VPC
	gateways   []*vpc.InternetGateway // one for each VPC, attached or not
	tables     []*vpc.RouteTable      // two for each VPC
	acls       []*vpc.NetworkACL      // two for each VPC
	groups     map[vpc.NetworkID][]vpc.GroupID
	rules      []*vpc.Rule
	interfaces []*vpc.NetworkInterface
	ports      map[policy.Port]policy.Plug
	inUse      []vpc.RuleID // that have admitted packets lately

	long      bool                    // some lists of rules are
	unplugged policy.Port             // behind which nothing is for the moment, 0 if there is none
	late      []*vpc.NetworkInterface // that come with the next change, for others which are gone already

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
var Ports = []int{11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27}

// A place is where an interface is.
type place struct {
	network vpc.NetworkID
	number  vpc.NetworkNumber
	subnet  vpc.SubnetNumber
}

// places are those of the interfaces behind the first ports.
var places = []place{
	{vpc.ClassicNetwork, 1, 1}, {vpc.ClassicNetwork, 1, 1}, {vpc.ClassicNetwork, 1, 1}, {vpc.ClassicNetwork, 1, 1},
	{"vpc-1", 2, 2}, {"vpc-1", 2, 2}, {"vpc-1", 2, 3}, {"vpc-1", 2, 3}, {"vpc-1", 2, 3},
	{"vpc-2", 3, 4}, {"vpc-2", 3, 4}, {"vpc-2", 3, 5},
}

// groupsOf are how many groups a network has: mostly few, so that rules and
// members meet.
var groupsOf = []int{3, 3, 3, 60}

// outsideAddrs are the hosts on the internet side, behind the other ports.
var outsideAddrs = []netip.Addr{
	netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("203.0.113.8"), netip.MustParseAddr("198.51.100.200"),
	netip.MustParseAddr("2001:db8:8000::7"), netip.MustParseAddr("2001:db8:8000::8"),
}

// NewWorld makes a world. The same seed makes the same world, but for numbers.
func NewWorld(rnd *rand.Rand, numbers *Numbers) *World {
	numbers.identities = make(map[string]vpc.Identity)
	w := &World{
		rnd:     rnd,
		groups:  make(map[vpc.NetworkID][]vpc.GroupID),
		ports:   make(map[policy.Port]policy.Plug),
		numbers: numbers,
		long:    rnd.IntN(100) == 0,
	}
	for _, network := range []vpc.NetworkID{vpc.ClassicNetwork, "vpc-1", "vpc-2"} {
		for i := range pick(rnd, groupsOf) {
			w.groups[network] = append(w.groups[network], vpc.GroupID(fmt.Sprintf("sg-%s-%02d", network, i)))
		}
	}
	for i := range places {
		w.interfaces = append(w.interfaces, w.newInterface(i))
		w.ports[policy.Port(Ports[i])] = policy.Plug{Interface: w.interfaces[i].ID}
	}
	for i, a := range outsideAddrs {
		w.ports[policy.Port(Ports[len(places)+i])] = policy.Plug{Outside: a}
	}
	for i := range 2 {
		w.addVPC(i)
	}
	for range 10 + rnd.IntN(60) {
		w.AddRule()
	}
	if w.long {
		w.pad(w.groups["vpc-1"][0])
	}
	return w
}

// newInterface makes the interface behind the port of an index. The first one
// of each network has the same address.
func (w *World) newInterface(i int) *vpc.NetworkInterface {
	w.numbers.iface++
	p := places[i]
	first := slices.IndexFunc(places, func(other place) bool { return other.network == p.network })
	n := &vpc.NetworkInterface{
		ID: interfaceIDOf(i), Number: w.numbers.iface,
		Network: p.network, NetworkNo: p.number, SubnetNo: p.subnet,
		Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 254, 0, byte(10 + i - first)})},
	}
	if n.Network != vpc.ClassicNetwork && w.rnd.IntN(4) == 0 {
		n.LoadBalancer = "elb-1"
	}
	w.furnish(n, i)
	w.join(n)
	return n
}

// furnish gives an interface what may change as long as it is there. In a VPC
// it may have several addresses, IPv6 among them, and forward for others.
func (w *World) furnish(n *vpc.NetworkInterface, i int) {
	n.Instance = vpc.InstanceID(fmt.Sprintf("i-%d", i/2))
	n.Public = make(map[netip.Addr]netip.Addr)
	if public := publicAddr(i, 0); i != 3 && w.isFree(public, i) {
		n.Public[n.Primary()] = public
	}
	if n.Network == vpc.ClassicNetwork {
		return
	}
	if w.rnd.IntN(4) > 0 {
		n.Addresses = append(n.Addresses, ipv6Addr(i))
	}
	if w.rnd.IntN(3) == 0 && !w.hasPassed(i) {
		n.Addresses = append(n.Addresses, secondaryAddr(i))
	}
	n.NoSourceDestCheck = w.rnd.IntN(3) == 0
	w.changePatience(n)
}

// interfaceIDOf is the id of whichever interface is behind the port of an index.
func interfaceIDOf(i int) vpc.InterfaceID { return vpc.InterfaceID(fmt.Sprintf("eni-%d", i)) }

func publicAddr(i, k int) netip.Addr {
	return netip.AddrFrom4([4]byte{203, 0, 113, byte(40 + 2*i + k)})
}
func secondaryAddr(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 254, 1, byte(10 + i)}) }
func ipv6Addr(i int) netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf("2001:db8:0:%d0%d::%d", places[i].number-1, places[i].subnet, 10+i))
}

func (w *World) changePatience(n *vpc.NetworkInterface) {
	n.Timeouts = vpc.ConnectionTimeouts{
		TCPEstablished: pick(w.rnd, []int{0, 0, 60, 300, 600}), UDPStream: pick(w.rnd, []int{0, 0, 60, 120}), UDP: pick(w.rnd, []int{0, 0, 30, 60}),
	}
}

// refurnish changes one thing about an interface of a VPC.
func (w *World) refurnish(n *vpc.NetworkInterface, i int) {
	n.Addresses, n.Public = slices.Clone(n.Addresses), maps.Clone(n.Public)
	switch w.rnd.IntN(6) {
	case 0:
		w.join(n)
	case 1:
		n.NoSourceDestCheck = !n.NoSourceDestCheck
	case 2:
		w.changePatience(n)
	case 3:
		k := w.rnd.IntN(2)
		if k == 1 && w.hasPassed(i) {
			break
		}
		n.Addresses = toggle(n.Addresses, []netip.Addr{ipv6Addr(i), secondaryAddr(i)}[k])
		if k == 1 {
			delete(n.Public, secondaryAddr(i))
		}
	case 4:
		if n.Instance != "" {
			n.Instance = "" // no route leads to it
		} else {
			n.Instance = "i-1"
		}
	case 5:
		k := w.rnd.IntN(2)
		private := []netip.Addr{n.Primary(), secondaryAddr(i)}[k]
		if _, ok := n.Public[private]; ok {
			delete(n.Public, private)
		} else if public := publicAddr(i, k); slices.Contains(n.Addresses, private) && w.isFree(public, i) {
			n.Public[private] = public
		}
	}
}

func toggle(list []netip.Addr, a netip.Addr) []netip.Addr {
	if i := slices.Index(list, a); i >= 0 {
		return slices.Delete(list, i, i+1)
	}
	return append(list, a)
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

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// Whole is all there is, as a feed.
func (w *World) Whole() *vpc.Feed {
	w.numbers.revision++
	f := &vpc.Feed{
		Revision: w.numbers.revision, Whole: true,
		VPCs: slices.Clone(w.vpcs), Gateways: slices.Clone(w.gateways), RouteTables: slices.Clone(w.tables),
		ACLs: slices.Clone(w.acls), Rules: slices.Clone(w.rules),
		Interfaces: slices.DeleteFunc(slices.Clone(w.interfaces), func(n *vpc.NetworkInterface) bool { return slices.Contains(w.late, n) }),
	}
	for i, p := range places {
		if p.network != vpc.ClassicNetwork && p.subnet != places[i-1].subnet {
			f.Subnets = append(f.Subnets, &vpc.Subnet{ID: subnetID(p.subnet), Number: p.subnet, Network: p.network, NetworkNo: p.number})
		}
	}
	return f
}

func subnetID(n vpc.SubnetNumber) vpc.SubnetID { return vpc.SubnetID(fmt.Sprintf("subnet-%d", n)) }

// Admitted says that a rule has admitted a packet. One of those is more likely
// to go than others: flows depend on it.
func (w *World) Admitted(rule vpc.RuleID) {
	w.inUse = append(w.inUse, rule)
	if len(w.inUse) > 4 {
		w.inUse = w.inUse[1:]
	}
}

// anyRule is the index of one.
func (w *World) anyRule() int {
	if len(w.inUse) > 0 && w.rnd.IntN(4) > 0 {
		id := pick(w.rnd, w.inUse)
		if i := slices.IndexFunc(w.rules, func(r *vpc.Rule) bool { return r.ID == id }); i >= 0 {
			return i
		}
	}
	return w.rnd.IntN(len(w.rules))
}

// Change changes one thing, and returns it as a feed. A plug that was pulled may
// be put back.
func (w *World) Change() *vpc.Feed {
	w.numbers.revision++
	w.unplugged = 0
	f := &vpc.Feed{Revision: w.numbers.revision}
	if len(w.late) > 0 {
		f.Interfaces, w.late = w.late, nil
		return f
	}
	switch w.rnd.IntN(16) {
	case 0, 1:
		f.Rules = []*vpc.Rule{w.AddRule()}
	case 2, 3, 4:
		if len(w.rules) > 0 {
			i := w.anyRule()
			f.GoneRules = []vpc.RuleID{w.rules[i].ID}
			w.rules = slices.Delete(w.rules, i, i+1)
		}
	case 5, 6, 7:
		i := 4 + w.rnd.IntN(len(w.interfaces)-4) // those of EC2-Classic stay as they are
		n := *w.interfaces[i]
		w.refurnish(&n, i)
		w.interfaces[i] = &n
		f.Interfaces = []*vpc.NetworkInterface{&n}
	case 8:
		i := w.rnd.IntN(len(w.interfaces)) // another takes over the addresses
		w.interfaces[i] = w.newInterface(i)
		f.Interfaces = []*vpc.NetworkInterface{w.interfaces[i]}
		if w.rnd.IntN(2) == 0 {
			f.GoneInterfaces, f.Interfaces, w.late = []vpc.InterfaceID{w.interfaces[i].ID}, nil, f.Interfaces
		}
	case 9:
		f.ACLs = []*vpc.NetworkACL{w.changeACL(w.rnd.IntN(len(w.acls)))}
	case 10:
		f.ACLs = w.moveACL()
	case 11:
		f.RouteTables = w.changeTables()
	case 12:
		f.Gateways = []*vpc.InternetGateway{w.changeGateway()}
	case 13:
		f.VPCs = []*vpc.VPC{w.changeVPC()}
	case 14:
		f.Interfaces = w.moveAddress()
	case 15:
		f.Interfaces = w.movePublic()
	}
	return f
}
