package vpc

import (
	"net/netip"
	"time"
)

// A VPC is a network of one account, apart from all others: two VPCs may use
// the same addresses.
type VPC struct {
	ID          NetworkID
	Number      NetworkNumber
	Account     AccountID
	Region      Region
	Default     bool              // of its region; at most one of an account's is
	CIDRs       []CIDRAssociation // IPv4, /16 to /28; the first is the primary block
	IPv6        []CIDRAssociation // /56
	DHCPOptions string            // dopt-, or "default"; shown, without effect
	Tenancy     string            // default or dedicated; shown, without effect

	// DNSSupport lets the resolver of the VPC answer at all; DNSHostnames gives
	// instances with public addresses public names (Amazon VPC User Guide, "DNS
	// attributes for your VPC").
	DNSSupport, DNSHostnames bool

	UsageMetrics bool // shown, without effect

	Tags []Tag
}

// A CIDRAssociation gives a VPC or a subnet a block of addresses.
type CIDRAssociation struct {
	ID   AssociationID // vpc-cidr-assoc- or subnet-cidr-assoc-
	CIDR netip.Prefix
}

// A Subnet is a part of a VPC in one zone. Its members are neighbours: what
// they send each other passes neither its route table nor its network ACL.
type Subnet struct {
	ID             SubnetID
	Number         SubnetNumber
	Account        AccountID
	Region         Region
	Network        NetworkID
	NetworkNo      NetworkNumber
	Zone           Zone
	CIDR           netip.Prefix
	IPv6           []CIDRAssociation // at most one, /64
	DefaultForZone bool
	MapPublicIP    bool // at launch, unless the launch says otherwise
	AssignIPv6     bool // likewise
	Tags           []Tag
}

// ReservedAddresses are how many addresses at the beginning of a subnet nobody
// gets; the last one is nobody's either (Amazon VPC User Guide, "Subnet
// sizing"): the network, its router, the resolver, and one for the future.
const ReservedAddresses = 4

// Router is the address of a subnet's virtual router.
func (s *Subnet) Router() netip.Addr { return s.CIDR.Addr().Next() }

// RouterIPv6 is the address of every subnet's virtual router over IPv6.
var RouterIPv6 = netip.MustParseAddr("fe80::1")

// An InternetGateway joins a VPC to the internet.
type InternetGateway struct {
	ID      GatewayID
	Account AccountID
	Region  Region
	Network NetworkID // "" when not attached
	Created time.Time
	Tags    []Tag
}

// A RouteTable says where packets go that leave a subnet. The longest prefix
// that holds the destination decides. The local routes of a VPC's own blocks
// are not among Routes: every table has them, and nobody can change them.
type RouteTable struct {
	ID           RouteTableID
	Account      AccountID
	Region       Region
	Network      NetworkID
	Routes       []Route
	Associations []RouteTableAssociation
	ClientToken  string
	Created      time.Time
	Tags         []Tag
}

// A RouteTableAssociation gives a subnet its table. The main association has
// no subnet: it is for all subnets of the VPC that have no other.
type RouteTableAssociation struct {
	ID       AssociationID // rtbassoc-
	Subnet   SubnetID      // "": main
	SubnetNo SubnetNumber
}

// Main reports whether t is the main route table of its VPC.
func (t *RouteTable) Main() bool {
	for _, a := range t.Associations {
		if a.Subnet == "" {
			return true
		}
	}
	return false
}

// A Route sends a block of addresses to a target: an internet gateway, or an
// interface. A target that is gone, or not attached, makes a black hole of it.
type Route struct {
	Destination netip.Prefix
	Gateway     GatewayID   // "" for an interface
	Interface   InterfaceID // "" for a gateway
	Instance    InstanceID  // that the route was made for, or ""; shown
	Origin      string      // CreateRouteTable, CreateRoute or EnableVgwRoutePropagation
}

// An Address is a public address that an account keeps: an Elastic IP address.
type Address struct {
	Public      netip.Addr
	Allocation  AllocationID // "" in EC2-Classic
	Account     AccountID
	Region      Region
	Association AssociationID // eipassoc-; "" when free, and in EC2-Classic
	Interface   InterfaceID   // "" when free
	Private     netip.Addr    // of Interface; invalid when free
	Tags        []Tag
}

// An Attachment joins an interface to an instance.
type Attachment struct {
	ID                  AttachmentID
	Device              int // index; 0 is the instance's first interface
	Time                time.Time
	DeleteOnTermination bool
}

// ConnectionTimeouts are how long an interface remembers idle flows (EC2 API
// reference, ConnectionTrackingSpecification). 0 is the default.
type ConnectionTimeouts struct {
	TCPEstablished int // seconds, 60–432000
	UDPStream      int // seconds, 60–180
	UDP            int // seconds, 30–60
}
