package policy

import (
	"maps"
	"net/netip"
	"slices"

	"ringfence/internal/vpc"
)

// A Revocation says what becomes of flows whose rule goes away.
type Revocation int

const (
	// RevokeAWS lets tracked flows go on and cuts untracked ones (EC2 User
	// Guide, "Amazon EC2 security group connection tracking").
	RevokeAWS Revocation = iota
	// RevokeStrict cuts all of them.
	RevokeStrict
)

// A Host is what one host enforces: nouns at a revision, and the ports behind
// which they are. It is not safe for concurrent use.
type Host struct {
	Revision int64
	Revoke   Revocation

	// StrictICMPErrors lets an ICMP error pass only by a rule of its own, although
	// it tells of a flow that was admitted.
	StrictICMPErrors bool

	interfaces map[vpc.InterfaceID]*vpc.NetworkInterface
	byNumber   map[vpc.InterfaceNumber]*vpc.NetworkInterface
	byAddr     map[location]*vpc.NetworkInterface
	byPublic   map[netip.Addr]holder // public IPv4 addresses, and all of IPv6
	rules      map[vpc.RuleID]*vpc.Rule
	ofGroup    map[vpc.GroupID]*groupRules
	sets       map[vpc.Identity]*Set
	setsWith   map[vpc.GroupID]map[vpc.Identity]bool
	acls       map[vpc.ACLID]*vpc.NetworkACL
	aclOf      map[vpc.SubnetNumber]*vpc.NetworkACL

	vpcs          map[vpc.NetworkID]*vpc.VPC
	vpcByNumber   map[vpc.NetworkNumber]*vpc.VPC
	numbers       map[network]vpc.NetworkNumber
	classic       map[vpc.NetworkNumber]bool // as interfaces tell it
	subnets       map[vpc.SubnetID]*vpc.Subnet
	subnetsOf     map[vpc.NetworkID]map[vpc.SubnetNumber]bool
	gateways      map[vpc.GatewayID]*vpc.InternetGateway
	gatewayOf     map[vpc.NetworkID]vpc.GatewayID
	tables        map[vpc.RouteTableID]*vpc.RouteTable
	mainTable     map[vpc.NetworkID]*vpc.RouteTable
	tableOfSubnet map[vpc.SubnetNumber]*vpc.RouteTable
	tablesTo      map[vpc.InterfaceID][]*vpc.RouteTable // with a route to the interface

	ports   map[Port]Plug
	portOf  map[vpc.InterfaceID]Port
	outside map[netip.Addr]Port
}

// A network has a name in its region: every region has an EC2-Classic.
type network struct {
	region vpc.Region
	id     vpc.NetworkID
}

// A location is an address within a network.
type location struct {
	network vpc.NetworkNumber
	addr    netip.Addr
}

// A holder is who has a public address, and what stands for it.
type holder struct {
	iface   *vpc.NetworkInterface
	private netip.Addr
}

// groupRules are the rules of one group, each direction in canonical order.
type groupRules struct{ in, out []*vpc.Rule }

// A Set is an interned set of groups.
type Set struct {
	Identity vpc.Identity
	Groups   []vpc.GroupID // sorted
	// OpenEgress says that everything may leave: EC2-Classic groups have no
	// egress rules (EC2 User Guide 2012, "Creating Your Own Security Groups").
	OpenEgress bool
	members    int
}

// A Plug says what is behind a port: an interface, or else a host on the
// internet side with the address Outside.
type Plug struct {
	Interface vpc.InterfaceID
	Outside   netip.Addr
}

// NewHost returns a host that knows nothing and so delivers nothing.
func NewHost(revoke Revocation) *Host {
	return &Host{
		Revoke:     revoke,
		interfaces: make(map[vpc.InterfaceID]*vpc.NetworkInterface),
		byNumber:   make(map[vpc.InterfaceNumber]*vpc.NetworkInterface),
		byAddr:     make(map[location]*vpc.NetworkInterface),
		byPublic:   make(map[netip.Addr]holder),
		rules:      make(map[vpc.RuleID]*vpc.Rule),
		ofGroup:    make(map[vpc.GroupID]*groupRules),
		sets:       make(map[vpc.Identity]*Set),
		setsWith:   make(map[vpc.GroupID]map[vpc.Identity]bool),
		acls:       make(map[vpc.ACLID]*vpc.NetworkACL),
		aclOf:      make(map[vpc.SubnetNumber]*vpc.NetworkACL),

		vpcs:          make(map[vpc.NetworkID]*vpc.VPC),
		vpcByNumber:   make(map[vpc.NetworkNumber]*vpc.VPC),
		numbers:       make(map[network]vpc.NetworkNumber),
		classic:       make(map[vpc.NetworkNumber]bool),
		subnets:       make(map[vpc.SubnetID]*vpc.Subnet),
		subnetsOf:     make(map[vpc.NetworkID]map[vpc.SubnetNumber]bool),
		gateways:      make(map[vpc.GatewayID]*vpc.InternetGateway),
		gatewayOf:     make(map[vpc.NetworkID]vpc.GatewayID),
		tables:        make(map[vpc.RouteTableID]*vpc.RouteTable),
		mainTable:     make(map[vpc.NetworkID]*vpc.RouteTable),
		tableOfSubnet: make(map[vpc.SubnetNumber]*vpc.RouteTable),
		tablesTo:      make(map[vpc.InterfaceID][]*vpc.RouteTable),

		ports:   make(map[Port]Plug),
		portOf:  make(map[vpc.InterfaceID]Port),
		outside: make(map[netip.Addr]Port),
	}
}

// Connect puts an interface, or a host on the internet side, behind a port.
func (h *Host) Connect(port Port, plug Plug) {
	h.Disconnect(port)
	h.ports[port] = plug
	if plug.Interface != "" {
		h.portOf[plug.Interface] = port
	} else {
		h.outside[plug.Outside] = port
	}
}

// Disconnect leaves nothing behind a port.
func (h *Host) Disconnect(port Port) {
	plug, ok := h.ports[port]
	if !ok {
		return
	}
	delete(h.ports, port)
	if plug.Interface != "" {
		delete(h.portOf, plug.Interface)
	} else {
		delete(h.outside, plug.Outside)
	}
}

// PortOf returns the port of an interface, 0 for one that is not on this host.
func (h *Host) PortOf(id vpc.InterfaceID) Port { return h.portOf[id] }

// Plug returns what is behind a port.
func (h *Host) Plug(port Port) (Plug, bool) {
	plug, ok := h.ports[port]
	return plug, ok
}

// isTaken reports whether it is known who is behind a port: not any more if it
// was an interface that is gone.
func (h *Host) isTaken(port Port) bool {
	plug, ok := h.ports[port]
	return ok && (plug.Interface == "" || h.interfaces[plug.Interface] != nil)
}

// Interface returns an interface by its id, nil for an unknown one.
func (h *Host) Interface(id vpc.InterfaceID) *vpc.NetworkInterface { return h.interfaces[id] }

// InterfaceNumbered returns an interface by its number, nil for an unknown one.
func (h *Host) InterfaceNumbered(n vpc.InterfaceNumber) *vpc.NetworkInterface { return h.byNumber[n] }

// At returns the interface that has a private address, nil if none has.
func (h *Host) At(network vpc.NetworkNumber, addr netip.Addr) *vpc.NetworkInterface {
	return h.byAddr[location{network, addr}]
}

// AtIn is At by the names of a region and a network.
func (h *Host) AtIn(region vpc.Region, id vpc.NetworkID, addr netip.Addr) *vpc.NetworkInterface {
	number, ok := h.numbers[network{region, id}]
	if !ok {
		return nil
	}
	return h.At(number, addr)
}

// OutsidePort returns the port of a host on the internet side, 0 if there is
// none with the address.
func (h *Host) OutsidePort(addr netip.Addr) Port { return h.outside[addr] }

// AtPublic returns the interface that has an address on the internet side, and
// the private address that stands for it: an IPv6 address stands for itself.
func (h *Host) AtPublic(addr netip.Addr) (*vpc.NetworkInterface, netip.Addr) {
	at := h.byPublic[addr]
	return at.iface, at.private
}

// Rules returns the rules of a set of groups in one direction, in canonical
// order.
func (h *Host) Rules(set *Set, egress bool) []*vpc.Rule {
	var rules []*vpc.Rule
	for _, id := range set.Groups {
		g := h.ofGroup[id]
		switch {
		case g == nil:
		case egress:
			rules = append(rules, g.out...)
		default:
			rules = append(rules, g.in...)
		}
	}
	return rules
}

// Rule returns a rule by its id, nil for one that is not in force.
func (h *Host) Rule(id vpc.RuleID) *vpc.Rule { return h.rules[id] }

// Set returns the set of groups that an identity stands for, nil for one that
// no interface has.
func (h *Host) Set(id vpc.Identity) *Set { return h.sets[id] }

// Sets returns all sets that some interface has, in the order of identities.
func (h *Host) Sets() []*Set {
	return slices.SortedFunc(maps.Values(h.sets), func(a, b *Set) int { return int(a.Identity) - int(b.Identity) })
}

// Peers returns the sets that rules about groups are about, in the order of
// identities.
func (h *Host) Peers(rules []*vpc.Rule) []*Set {
	peers := make(map[vpc.Identity]*Set)
	for _, r := range rules {
		for id := range h.setsWith[r.Peer.Group] {
			peers[id] = h.sets[id]
		}
	}
	return slices.SortedFunc(maps.Values(peers), func(a, b *Set) int { return int(a.Identity) - int(b.Identity) })
}

// ACL returns the network ACL of a subnet, nil where there is none, as in
// EC2-Classic: everything passes.
func (h *Host) ACL(subnet vpc.SubnetNumber) *vpc.NetworkACL { return h.aclOf[subnet] }

// Has reports whether id is one of the set's groups.
func (s *Set) Has(id vpc.GroupID) bool {
	_, ok := slices.BinarySearch(s.Groups, id)
	return ok
}
