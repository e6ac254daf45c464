package api

import (
	"net/netip"
	"slices"
	"time"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

var (
	anyIPv4 = netip.MustParsePrefix("0.0.0.0/0")
	anyIPv6 = netip.MustParsePrefix("::/0")
)

// vpcGroupDescription is what the default group of every VPC says of itself.
const vpcGroupDescription = "default VPC security group"

// The numbers of the entries by which a default ACL allows everything (Amazon
// VPC User Guide, "Default network ACL").
const (
	allowIPv4Entry = 100
	allowIPv6Entry = 101
)

// The values of a route's origin (EC2 API reference, Route).
const (
	originTable = "CreateRouteTable" // local routes
	originRoute = "CreateRoute"
)

// makeVPC makes a VPC with what template says, and all that every VPC has from
// the start: a default group, a main route table and a default network ACL.
func (r *request) makeVPC(tx *store.Tx, template vpc.VPC) *vpc.VPC {
	v := &template
	v.ID = newIDUnless("vpc", r.Account.Era, func(id vpc.NetworkID) bool { return tx.VPC(r.Region, r.Account.ID, id) != nil })
	v.Number = tx.NetworkNumber(r.Region, v.ID)
	v.Account, v.Region = r.Account.ID, r.Region
	v.DHCPOptions = r.dhcpOptions()
	v.DNSSupport = true
	tx.PutVPC(v)
	r.makeVPCGroup(tx, v)
	table := r.newRouteTable(tx, v)
	table.Associations = []vpc.RouteTableAssociation{{ID: r.newAssociationID("rtbassoc")}}
	tx.PutRouteTable(table)
	acl := r.newACL(tx, v.ID)
	acl.Default = true
	acl.Entries = []vpc.ACLEntry{allowAll(allowIPv4Entry, false, anyIPv4), allowAll(allowIPv4Entry, true, anyIPv4)}
	tx.PutACL(acl)
	if len(v.IPv6) > 0 {
		r.allowIPv6(tx, v)
	}
	return v
}

// newAssociationID returns an id for an association. It is known only together
// with what it joins, so nothing is overwritten should it not be the only one.
func (r *request) newAssociationID(prefix string) vpc.AssociationID {
	return vpc.AssociationID(newID(prefix, r.Account.Era))
}

// makeVPCGroup makes the default group of a VPC: its members reach each other,
// and everything over IPv4 (Amazon VPC User Guide, "Default security groups").
func (r *request) makeVPCGroup(tx *store.Tx, v *vpc.VPC) {
	g := &vpc.SecurityGroup{
		ID: newGroupID(tx, r.Region, r.Account.Era), Account: r.Account.ID, Region: r.Region, Network: v.ID,
		Name: vpc.DefaultGroupName, Description: vpcGroupDescription, Created: time.Now().UTC(),
	}
	tx.PutGroup(g)
	tx.PutRule(g, &vpc.Rule{ID: newRuleID(), Group: g.ID, Proto: vpc.AnyProto, Peer: vpc.Peer{Group: g.ID}, Position: 1})
	tx.PutRule(g, &vpc.Rule{ID: newRuleID(), Group: g.ID, Egress: true, Proto: vpc.AnyProto, Peer: vpc.Peer{CIDR: anyIPv4}, Position: 2})
}

// allowIPv6 lets the default group and the default ACL of a VPC, which gets its
// first IPv6 block, allow over IPv6 what they allow over IPv4 from the start. A
// direction that somebody has edited stays as it is (Amazon VPC User Guide,
// "Default security groups" and "Default network ACL").
func (r *request) allowIPv6(tx *store.Tx, v *vpc.VPC) {
	if g := tx.GroupNamed(r.Region, r.Account.ID, v.ID, vpc.DefaultGroupName); g != nil {
		rules := tx.Rules(g)
		egress := slices.DeleteFunc(slices.Clone(rules), func(rule *vpc.Rule) bool { return !rule.Egress })
		if len(egress) == 1 && egress[0].Proto == vpc.AnyProto && egress[0].Peer.CIDR == anyIPv4 {
			tx.PutRule(g, &vpc.Rule{ID: newRuleID(), Group: g.ID, Egress: true, Proto: vpc.AnyProto,
				Peer: vpc.Peer{CIDR: anyIPv6}, Position: rules[len(rules)-1].Position + 1})
		}
	}
	was := r.defaultACL(tx.Reader, v.ID)
	acl := *was
	acl.Entries = slices.Clone(was.Entries)
	for _, egress := range []bool{false, true} {
		entries := slices.DeleteFunc(slices.Clone(was.Entries), func(e vpc.ACLEntry) bool { return e.Egress != egress })
		if slices.Equal(entries, []vpc.ACLEntry{allowAll(allowIPv4Entry, egress, anyIPv4)}) {
			acl.Entries = append(acl.Entries, allowAll(allowIPv6Entry, egress, anyIPv6))
		}
	}
	tx.PutACL(&acl)
}

func allowAll(number int, egress bool, cidr netip.Prefix) vpc.ACLEntry {
	return vpc.ACLEntry{Number: number, Egress: egress, Allow: true, Proto: vpc.AnyProto, CIDR: cidr}
}

// defaultACL returns the ACL of those subnets of a VPC that nobody has given
// another one.
func (r *request) defaultACL(reader store.Reader, network vpc.NetworkID) *vpc.NetworkACL {
	for _, a := range reader.ACLs(r.Region, r.Account.ID) {
		if a.Network == network && a.Default {
			return a
		}
	}
	return nil
}

// makeSubnet makes a subnet of v with what template says. It gets the default
// ACL of the VPC.
func (r *request) makeSubnet(tx *store.Tx, v *vpc.VPC, template vpc.Subnet) *vpc.Subnet {
	s := &template
	s.ID = newIDUnless("subnet", r.Account.Era, func(id vpc.SubnetID) bool { return tx.Subnet(r.Region, r.Account.ID, id) != nil })
	s.Number = tx.SubnetNumber(r.Region, s.ID)
	s.Account, s.Region, s.Network, s.NetworkNo = r.Account.ID, r.Region, v.ID, v.Number
	tx.PutSubnet(s)
	acl := *r.defaultACL(tx.Reader, v.ID)
	acl.Subnets = append(slices.Clone(acl.Subnets), vpc.ACLAssociation{
		ID: r.newAssociationID("aclassoc"), Subnet: s.ID, SubnetNo: s.Number,
	})
	tx.PutACL(&acl)
	return s
}
