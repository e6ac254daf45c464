package vpc

import (
	"net/netip"
	"time"
)

// A NetworkACL is a stateless, ordered list for each direction. It judges
// packets that cross the boundary of its subnets.
type NetworkACL struct {
	ID          ACLID
	Account     AccountID
	Region      Region
	Network     NetworkID
	Default     bool
	Entries     []ACLEntry
	Subnets     []ACLAssociation // whose ACL this is
	Created     time.Time
	ClientToken string
	Tags        []Tag
}

// An ACLAssociation gives a subnet its ACL. Every subnet has exactly one.
type ACLAssociation struct {
	ID       AssociationID // aclassoc-
	Subnet   SubnetID
	SubnetNo SubnetNumber
}

// An ACLEntry allows or denies. Entries are tried by rising number, and the
// first match decides; when none matches the packet is denied.
type ACLEntry struct {
	Number int // 1–32766
	Egress bool
	Allow  bool
	Proto  Proto
	Ports  PortRange // of TCP and UDP
	ICMP   ICMPType  // of ICMP and ICMPv6
	CIDR   netip.Prefix
}
