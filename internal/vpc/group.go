package vpc

import (
	"cmp"
	"net/netip"
	"strings"
	"time"
)

// A SecurityGroup admits traffic to its members by its rules, which are nouns
// of their own. Name and description never change.
type SecurityGroup struct {
	ID          GroupID
	Account     AccountID
	Region      Region
	Network     NetworkID
	Name        string
	Description string
	Created     time.Time
	Tags        []Tag
}

// IsClassic reports whether g belongs to EC2-Classic.
func (g *SecurityGroup) IsClassic() bool { return g.Network == ClassicNetwork }

// A Tag is a key and a value that a user has given to a noun.
type Tag struct{ Key, Value string }

// DefaultGroupName is the group that an instance launched without groups
// joins. EC2 makes it, and nobody can delete it (EC2 User Guide 2012, "Default
// Security Group").
const DefaultGroupName = "default"

// A Rule admits traffic; a security group has no deny rules. Every rule is
// atomic: one direction, one protocol, one range, one peer.
type Rule struct {
	ID          RuleID
	Group       GroupID
	Egress      bool
	Proto       Proto
	Ports       PortRange // of TCP and UDP; the zero value otherwise
	ICMP        ICMPType  // of ICMP and ICMPv6; the zero value otherwise
	Peer        Peer
	Description string
	Tags        []Tag

	// Position orders the rules of a group as they were added. Describe
	// prints in this order; verdicts do not depend on it.
	Position int64
}

// A PortRange is From to To, both included. Invariant: 0 ≤ From ≤ To ≤ 65535.
type PortRange struct{ From, To uint16 }

// AllPorts is every port of TCP and UDP.
var AllPorts = PortRange{0, 65535}

// Contains reports whether port is in r.
func (r PortRange) Contains(port uint16) bool { return r.From <= port && port <= r.To }

// An ICMPType is a type and a code, either of which may be AnyICMP. A rule for
// every type is for every code.
type ICMPType struct{ Type, Code int16 }

// AnyICMP as a type or a code matches all of them.
const AnyICMP = -1

// Contains reports whether t covers an ICMP message.
func (t ICMPType) Contains(typ, code uint8) bool {
	if t.Type == AnyICMP {
		return true
	}
	return t.Type == int16(typ) && (t.Code == AnyICMP || t.Code == int16(code))
}

// A Peer is who is at the other end. Exactly one field is set (invariant).
type Peer struct {
	// CIDR holds every address of a block. Its host bits are zero, and an
	// IPv4 block is never IPv4-mapped.
	CIDR netip.Prefix

	// Group holds the private addresses of the members of a group, never
	// their public ones (EC2 User Guide 2012, "Security Group Rules").
	Group GroupID
}

// SameAs reports whether r and o are one rule for Authorize and Revoke: their
// group, direction, protocol, range and peer. Descriptions do not count.
func (r *Rule) SameAs(o *Rule) bool {
	return r.Group == o.Group && r.Egress == o.Egress && r.Proto == o.Proto &&
		r.Ports == o.Ports && r.ICMP == o.ICMP && r.Peer == o.Peer
}

// CompareRules orders rules canonically: by group, then by rule id. A verdict
// names the first match in this order.
func CompareRules(a, b *Rule) int {
	return cmp.Or(strings.Compare(string(a.Group), string(b.Group)), strings.Compare(string(a.ID), string(b.ID)))
}
