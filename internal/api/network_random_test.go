package api_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ringfence/internal/awsquery"
	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// networkCalls are calls about VPCs and what is in them. A word in braces
// stands for one of several values: an id of such a noun, or a block.
var networkCalls = []string{
	"CreateVpc CidrBlock={vpc-block}", "CreateVpc CidrBlock={vpc-block} AmazonProvidedIpv6CidrBlock=true", "CreateDefaultVpc", "DeleteVpc VpcId={vpc}",
	"AssociateVpcCidrBlock VpcId={vpc} CidrBlock={vpc-block}", "AssociateVpcCidrBlock VpcId={vpc} AmazonProvidedIpv6CidrBlock=true",
	"DisassociateVpcCidrBlock AssociationId={vpc-association}",
	"CreateSubnet VpcId={vpc} CidrBlock={block}", "CreateSubnet VpcId={vpc} CidrBlock={block} Ipv6CidrBlock={ipv6-block}",
	"CreateSubnet VpcId={vpc} CidrBlock={block}", "CreateDefaultSubnet AvailabilityZone=us-east-1b", "DeleteSubnet SubnetId={subnet}",
	"AssociateSubnetCidrBlock SubnetId={subnet} Ipv6CidrBlock={ipv6-block}", "DisassociateSubnetCidrBlock AssociationId={subnet-association}",
	"ModifySubnetAttribute SubnetId={subnet} AssignIpv6AddressOnCreation.Value=true",
	"CreateInternetGateway", "DeleteInternetGateway InternetGatewayId={gateway}",
	"AttachInternetGateway InternetGatewayId={gateway} VpcId={vpc}", "DetachInternetGateway InternetGatewayId={gateway} VpcId={vpc}",
	"CreateRouteTable VpcId={vpc}", "DeleteRouteTable RouteTableId={table}", "AssociateRouteTable RouteTableId={table} SubnetId={subnet}",
	"DisassociateRouteTable AssociationId={table-association}", "ReplaceRouteTableAssociation AssociationId={table-association} RouteTableId={table}",
	"CreateRoute RouteTableId={table} DestinationCidrBlock={block} GatewayId={gateway}",
	"CreateRoute RouteTableId={table} DestinationIpv6CidrBlock={ipv6-block} NetworkInterfaceId={interface}",
	"ReplaceRoute RouteTableId={table} DestinationCidrBlock={block} NetworkInterfaceId={interface}",
	"DeleteRoute RouteTableId={table} DestinationCidrBlock={block}",
	"CreateNetworkAcl VpcId={vpc}", "DeleteNetworkAcl NetworkAclId={acl}", "ReplaceNetworkAclAssociation AssociationId={acl-association} NetworkAclId={acl}",
	"CreateNetworkInterface SubnetId={subnet}", "DeleteNetworkInterface NetworkInterfaceId={interface}",
	"CreateSecurityGroup VpcId={vpc} GroupName=web GroupDescription=d", "DeleteSecurityGroup GroupId={group}",
	"CreateTags ResourceId.1={vpc} ResourceId.2={subnet} Tag.1.Key=Name", "DeleteTags ResourceId.1={table} ResourceId.2={acl}",
}

// networkWords returns what the words in braces may stand for.
func networkWords(v *store.View) map[string][]string {
	words := map[string][]string{
		"vpc-block":  {"10.0.0.0/16", "10.1.0.0/20", "192.168.0.0/24"},
		"block":      {"0.0.0.0/0", "10.0.0.0/16", "10.0.0.0/24", "10.0.0.128/25", "10.0.1.0/24", "10.1.1.0/24", "192.168.0.0/28"},
		"ipv6-block": {"::/0", "2001:db8:0:100::/64", "2001:db8:0:101::/64", "2001:db8:0:200::/64"},
	}
	add := func(word, value string) { words[word] = append(words[word], value) }
	for _, n := range v.VPCs(usEast1, carol) {
		add("vpc", string(n.ID))
		for _, c := range slices.Concat(n.CIDRs, n.IPv6) {
			add("vpc-association", string(c.ID))
		}
	}
	for _, n := range v.Subnets(usEast1, carol) {
		add("subnet", string(n.ID))
		for _, c := range n.IPv6 {
			add("subnet-association", string(c.ID))
		}
	}
	for _, n := range v.Gateways(usEast1, carol) {
		add("gateway", string(n.ID))
	}
	for _, n := range v.RouteTables(usEast1, carol) {
		add("table", string(n.ID))
		for _, a := range n.Associations {
			add("table-association", string(a.ID))
		}
	}
	for _, n := range v.ACLs(usEast1, carol) {
		add("acl", string(n.ID))
		for _, a := range n.Subnets {
			add("acl-association", string(a.ID))
		}
	}
	for _, n := range v.Interfaces(usEast1, carol) {
		add("interface", string(n.ID))
	}
	for _, n := range v.Groups(usEast1, carol) {
		add("group", string(n.ID))
	}
	return words
}

// Whatever is called, in whatever order: the nouns of a VPC fit together, and a
// refused call changes nothing.
func TestNetworksStayWhole(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := fresh(t)
		c := w.caller(t, carol)
		c.ok("DescribeVpcs")
		for range rapid.IntRange(1, 20).Draw(rt, "calls") {
			before := view(t, w)
			words := networkWords(before)
			call := strings.Fields(rapid.SampledFrom(networkCalls).Draw(rt, "call"))
			for i, word := range call {
				name, rest, _ := strings.Cut(word, "{")
				kind := strings.TrimSuffix(rest, "}")
				if rest != "" && len(words[kind]) > 0 { // else the call is malformed, which is fine
					call[i] = name + rapid.SampledFrom(words[kind]).Draw(rt, kind)
				}
			}
			if rapid.IntRange(0, 4).Draw(rt, "dry") == 0 {
				call = append(call, "DryRun=true")
			}
			status, body := c.call(call[0], call[1:]...)
			after := view(t, w)
			if status != 200 {
				if code := vpc.CodeOf(awsquery.DecodeError(status, []byte(body))); code == vpc.InternalError {
					rt.Fatalf("%q: %s", call, body)
				}
				if after.Revision != before.Revision {
					rt.Fatalf("%q is refused, and changes something: %s", call, body)
				}
			}
			if fault := networkFault(after); fault != "" {
				rt.Fatalf("after %q: %s", call, fault)
			}
		}
	})
}

// networkFault says what does not fit together in carol's networks, "" for
// nothing.
func networkFault(v *store.View) string {
	defaults := 0
	for _, n := range v.VPCs(usEast1, carol) {
		if n.Default {
			defaults++
		}
		if fault := vpcFault(v, n); fault != "" {
			return fmt.Sprintf("%s: %s", n.ID, fault)
		}
	}
	if defaults > 1 {
		return "two VPCs are the default one"
	}
	for _, s := range v.Subnets(usEast1, carol) {
		if fault := subnetFault(v, s); fault != "" {
			return fmt.Sprintf("%s: %s", s.ID, fault)
		}
	}
	for _, t := range v.RouteTables(usEast1, carol) {
		if fault := tableFault(v, t); fault != "" {
			return fmt.Sprintf("%s: %s", t.ID, fault)
		}
	}
	for _, n := range v.Interfaces(usEast1, carol) {
		s := v.Subnet(usEast1, carol, n.Subnet)
		if s == nil || !s.CIDR.Contains(n.Primary()) || s.Number != n.SubnetNo {
			return fmt.Sprintf("%s is in no subnet", n.ID)
		}
	}
	return strandedNoun(v)
}

func vpcFault(v *store.View, n *vpc.VPC) string {
	mains, acls, gateways := 0, 0, 0
	for _, t := range v.RouteTables(usEast1, carol) {
		if t.Network == n.ID && t.Main() {
			mains++
		}
	}
	for _, a := range v.ACLs(usEast1, carol) {
		if a.Network == n.ID && a.Default {
			acls++
		}
	}
	for _, g := range v.Gateways(usEast1, carol) {
		if g.Network == n.ID {
			gateways++
		}
	}
	switch {
	case mains != 1:
		return fmt.Sprintf("%d main route tables", mains)
	case acls != 1:
		return fmt.Sprintf("%d default ACLs", acls)
	case gateways > 1:
		return "two gateways"
	case v.GroupNamed(usEast1, carol, n.ID, "default") == nil:
		return "no default group"
	case overlap(blocksOf(n.CIDRs)) || overlap(blocksOf(n.IPv6)):
		return "blocks overlap"
	}
	return ""
}

func subnetFault(v *store.View, s *vpc.Subnet) string {
	n := v.VPC(usEast1, carol, s.Network)
	if n == nil || n.Number != s.NetworkNo {
		return "is in no VPC"
	}
	blocks := append(blocksOf(s.IPv6), s.CIDR)
	for _, b := range blocks {
		if !slices.ContainsFunc(append(blocksOf(n.CIDRs), blocksOf(n.IPv6)...), func(of netip.Prefix) bool { return of.Contains(b.Addr()) && of.Bits() <= b.Bits() }) {
			return fmt.Sprintf("%s is not of the VPC", b)
		}
	}
	for _, o := range v.Subnets(usEast1, carol) {
		if o.Network == s.Network && o.ID != s.ID && overlap(slices.Concat(blocks, blocksOf(o.IPv6), []netip.Prefix{o.CIDR})) {
			return fmt.Sprintf("overlaps %s", o.ID)
		}
	}
	acls, tables := 0, 0
	for _, a := range v.ACLs(usEast1, carol) {
		for _, of := range a.Subnets {
			if of.Subnet == s.ID && of.SubnetNo == s.Number && a.Network == s.Network {
				acls++
			}
		}
	}
	for _, t := range v.RouteTables(usEast1, carol) {
		for _, of := range t.Associations {
			if of.Subnet == s.ID && of.SubnetNo == s.Number && t.Network == s.Network {
				tables++
			}
		}
	}
	if acls != 1 || tables > 1 || s.AssignIPv6 && len(s.IPv6) == 0 {
		return fmt.Sprintf("has %d ACLs, %d route tables of its own, assigns IPv6: %t", acls, tables, s.AssignIPv6)
	}
	return ""
}

func tableFault(v *store.View, t *vpc.RouteTable) string {
	n := v.VPC(usEast1, carol, t.Network)
	if n == nil {
		return "is in no VPC"
	}
	seen := map[netip.Prefix]bool{}
	for _, route := range t.Routes {
		if seen[route.Destination] {
			return fmt.Sprintf("two routes to %s", route.Destination)
		}
		seen[route.Destination] = true
	}
	for _, c := range slices.Concat(n.CIDRs, n.IPv6) {
		if seen[c.CIDR] {
			return fmt.Sprintf("a route to %s, which is local", c.CIDR)
		}
	}
	for _, a := range t.Associations {
		if a.Subnet != "" && v.Subnet(usEast1, carol, a.Subnet) == nil {
			return fmt.Sprintf("is that of %s, which is gone", a.Subnet)
		}
	}
	return ""
}

// strandedNoun names a noun whose VPC or subnet is gone.
func strandedNoun(v *store.View) string {
	gone := func(n vpc.NetworkID) bool { return v.VPC(usEast1, carol, n) == nil }
	for _, g := range v.Groups(usEast1, carol) {
		if gone(g.Network) {
			return string(g.ID)
		}
	}
	for _, g := range v.Gateways(usEast1, carol) {
		if g.Network != "" && gone(g.Network) {
			return string(g.ID)
		}
	}
	for _, a := range v.ACLs(usEast1, carol) {
		if gone(a.Network) || slices.ContainsFunc(a.Subnets, func(s vpc.ACLAssociation) bool { return v.Subnet(usEast1, carol, s.Subnet) == nil }) {
			return string(a.ID)
		}
	}
	return ""
}

func blocksOf(list []vpc.CIDRAssociation) []netip.Prefix {
	var blocks []netip.Prefix
	for _, c := range list {
		blocks = append(blocks, c.CIDR)
	}
	return blocks
}

// overlap reports whether any two blocks of a list overlap.
func overlap(blocks []netip.Prefix) bool {
	for i, b := range blocks {
		if slices.ContainsFunc(blocks[i+1:], b.Overlaps) {
			return true
		}
	}
	return false
}
