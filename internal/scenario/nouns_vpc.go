package scenario

import (
	"fmt"
	"net/netip"
	"slices"

	"ringfence/internal/vpc"
)

// networks are the VPCs of a scenario and what is in them, by their names. The
// main route table and the default network ACL of a VPC have its name.
type networks struct {
	vpcs     map[string]*vpc.VPC
	subnets  map[string]*vpc.Subnet
	gateways map[string]*vpc.InternetGateway
	tables   map[string]*vpc.RouteTable
	acls     map[string]*vpc.NetworkACL
}

func newNetworks() networks {
	return networks{
		vpcs: make(map[string]*vpc.VPC), subnets: make(map[string]*vpc.Subnet), gateways: make(map[string]*vpc.InternetGateway),
		tables: make(map[string]*vpc.RouteTable), acls: make(map[string]*vpc.NetworkACL),
	}
}

// find returns what has a name, of a kind that an author knows by a word.
func find[Noun any](kind string, of map[string]*Noun, name string) (*Noun, error) {
	if of[name] == nil {
		return nil, fmt.Errorf("there is no %s %s", kind, name)
	}
	return of[name], nil
}

// createVPC makes a VPC with its main route table, which is empty, and its
// default network ACL, which lets everything pass.
func (n *nouns) createVPC(name string, blocks []netip.Prefix) (*vpc.Feed, error) {
	if n.vpcs[name] != nil {
		return nil, fmt.Errorf("there is a VPC %s already", name)
	}
	v := &vpc.VPC{ID: vpc.NetworkID("vpc-" + name), Number: vpc.NetworkNumber(n.number(len(n.vpcs)) >> 8)}
	a := &vpc.NetworkACL{ID: vpc.ACLID("acl-" + name), Network: v.ID, Default: true}
	for _, b := range blocks {
		if b.Addr().Is4() {
			v.CIDRs = append(v.CIDRs, vpc.CIDRAssociation{CIDR: b})
		} else {
			v.IPv6 = append(v.IPv6, vpc.CIDRAssociation{CIDR: b})
		}
	}
	for i, everybody := range everybodyIn(v) {
		for _, egress := range []bool{false, true} {
			a.Entries = append(a.Entries, vpc.ACLEntry{Number: 100 + i, Egress: egress, Allow: true, Proto: vpc.AnyProto, CIDR: everybody})
		}
	}
	t := &vpc.RouteTable{ID: vpc.RouteTableID("rtb-" + name), Network: v.ID, Associations: []vpc.RouteTableAssociation{{}}}
	n.vpcs[name], n.acls[name], n.tables[name] = v, a, t
	f := n.feed()
	f.VPCs, f.ACLs, f.RouteTables = []*vpc.VPC{v}, []*vpc.NetworkACL{a}, []*vpc.RouteTable{t}
	return f, nil
}

// everybodyIn are the blocks of all addresses of a VPC's families.
func everybodyIn(v *vpc.VPC) []netip.Prefix {
	all := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}
	if len(v.IPv6) > 0 {
		all = append(all, netip.MustParsePrefix("::/0"))
	}
	return all
}

// number makes a number that no other scenario has: a kernel that plays both
// takes its time to forget. The low eight bits of it are left for i.
func (n *nouns) number(i int) uint32 { return n.scenario&^0xffff | uint32(i+1)<<8 }

func (n *nouns) createSubnet(name, network string, block netip.Prefix) (*vpc.Feed, error) {
	v, err := find("VPC", n.vpcs, network)
	if err != nil {
		return nil, err
	}
	s := &vpc.Subnet{
		ID: vpc.SubnetID("subnet-" + name), Number: vpc.SubnetNumber(n.number(len(n.subnets))),
		Network: v.ID, NetworkNo: v.Number, CIDR: block,
	}
	n.subnets[name] = s
	f, err := n.replaceACL(name, network)
	if err != nil {
		return nil, err
	}
	f.Subnets = []*vpc.Subnet{s}
	return f, nil
}

// putGateway attaches a gateway to a VPC, or detaches it from any if network is
// "".
func (n *nouns) putGateway(name string, network vpc.NetworkID) *vpc.Feed {
	n.gateways[name] = &vpc.InternetGateway{ID: vpc.GatewayID("igw-" + name), Network: network}
	f := n.feed()
	f.Gateways = []*vpc.InternetGateway{n.gateways[name]}
	return f
}

// changeTable lets change have its way with a copy of a route table.
func (n *nouns) changeTable(name string, change func(*vpc.RouteTable)) (*vpc.Feed, error) {
	t, err := find("route table", n.tables, name)
	if err != nil {
		return nil, err
	}
	same := *t
	same.Routes, same.Associations = slices.Clone(t.Routes), slices.Clone(t.Associations)
	change(&same)
	n.tables[name] = &same
	f := n.feed()
	f.RouteTables = []*vpc.RouteTable{&same}
	return f, nil
}

// changeACL lets change have its way with a copy of a network ACL.
func (n *nouns) changeACL(name string, change func(*vpc.NetworkACL)) (*vpc.Feed, error) {
	a, err := find("network ACL", n.acls, name)
	if err != nil {
		return nil, err
	}
	same := *a
	same.Entries, same.Subnets = slices.Clone(a.Entries), slices.Clone(a.Subnets)
	change(&same)
	n.acls[name] = &same
	f := n.feed()
	f.ACLs = []*vpc.NetworkACL{&same}
	return f, nil
}

// replaceACL gives a subnet another network ACL.
func (n *nouns) replaceACL(subnet, name string) (*vpc.Feed, error) {
	s, err := find("subnet", n.subnets, subnet)
	if err != nil {
		return nil, err
	}
	ofSubnet := func(a vpc.ACLAssociation) bool { return a.Subnet == s.ID }
	var changed []*vpc.NetworkACL
	for other, a := range n.acls {
		if !slices.ContainsFunc(a.Subnets, ofSubnet) {
			continue
		}
		f, err := n.changeACL(other, func(a *vpc.NetworkACL) { a.Subnets = slices.DeleteFunc(a.Subnets, ofSubnet) })
		if err != nil {
			return nil, err
		}
		changed = append(changed, f.ACLs...)
	}
	f, err := n.changeACL(name, func(a *vpc.NetworkACL) {
		a.Subnets = append(a.Subnets, vpc.ACLAssociation{Subnet: s.ID, SubnetNo: s.Number})
	})
	if err != nil {
		return nil, err
	}
	f.ACLs = append(changed, f.ACLs...)
	return f, nil
}

// attachIn makes an interface in a subnet of a VPC.
func (n *nouns) attachIn(name, subnet string, addresses, groups []string) (*vpc.Feed, error) {
	s, err := find("subnet", n.subnets, subnet)
	if err != nil {
		return nil, err
	}
	number := n.interfaceNumber()
	nic := &vpc.NetworkInterface{
		ID:     vpc.InterfaceID(fmt.Sprintf("eni-%d", number)),
		Number: number, Instance: vpc.InstanceID(name),
		Network: s.Network, NetworkNo: s.NetworkNo, Subnet: s.ID, SubnetNo: s.Number,
	}
	for _, a := range addresses {
		if err := assign(nic, a); err != nil {
			return nil, err
		}
	}
	return n.put(name, nic, groups)
}
