package scenario

import (
	"fmt"
	"net/netip"
	"slices"

	"ringfence/internal/vpc"
)

// blocks are those of the VPCs. The last one of each comes and goes.
var blocks = [2][]string{
	{"10.254.0.0/16", "2001:db8:0:100::/56", "203.0.113.96/28"},
	{"10.254.0.0/16", "2001:db8:0:200::/56", "8.8.8.0/24"},
}

// addVPC adds a VPC with two route tables and two ACLs, and perhaps a gateway
// to the internet.
func (w *World) addVPC(i int) {
	network := vpc.NetworkID(fmt.Sprintf("vpc-%d", i+1))
	v := &vpc.VPC{ID: network, Number: vpc.NetworkNumber(2 + i)}
	for _, b := range blocks[i] {
		v.CIDRs = append(v.CIDRs, vpc.CIDRAssociation{CIDR: netip.MustParsePrefix(b)})
	}
	w.vpcs = append(w.vpcs, v)
	g := &vpc.InternetGateway{ID: vpc.GatewayID(fmt.Sprintf("igw-%d", i+1))}
	if w.rnd.IntN(5) > 0 {
		g.Network = network
	}
	w.gateways = append(w.gateways, g)
	subnets := []vpc.SubnetNumber{vpc.SubnetNumber(2 + 2*i), vpc.SubnetNumber(3 + 2*i)}
	main, own := w.newTable(network), w.newTable(network)
	main.Associations = []vpc.RouteTableAssociation{{}}
	a, b := w.newACL(network), w.newACL(network)
	for _, s := range subnets {
		if w.rnd.IntN(2) == 0 {
			own.Associations = append(own.Associations, vpc.RouteTableAssociation{Subnet: subnetID(s), SubnetNo: s})
		}
		switch w.rnd.IntN(4) {
		case 0, 1:
			a.Subnets = append(a.Subnets, vpc.ACLAssociation{Subnet: subnetID(s), SubnetNo: s})
		case 2:
			b.Subnets = append(b.Subnets, vpc.ACLAssociation{Subnet: subnetID(s), SubnetNo: s})
		}
	}
	for _, g := range w.groups[network] {
		if w.rnd.IntN(2) == 0 {
			w.open(g, true)
		}
		if w.rnd.IntN(5) == 0 {
			w.open(g, false)
		}
	}
}

func (w *World) newACL(network vpc.NetworkID) *vpc.NetworkACL {
	w.acls = append(w.acls, &vpc.NetworkACL{ID: vpc.ACLID(fmt.Sprintf("acl-%d", len(w.acls)+1)), Network: network})
	return w.changeACL(len(w.acls) - 1)
}

func (w *World) newTable(network vpc.NetworkID) *vpc.RouteTable {
	t := &vpc.RouteTable{ID: vpc.RouteTableID(fmt.Sprintf("rtb-%d", len(w.tables)+1)), Network: network}
	t.Routes = w.someRoutes(network)
	w.tables = append(w.tables, t)
	return t
}

// someDestinations are of random routes, besides those to everybody: parts of
// the internet side and addresses that nobody has there; blocks around, and in,
// those of the VPCs.
var someDestinations = []string{
	"8.8.0.0/16", "8.0.0.0/8", "203.0.113.0/24", "203.0.113.7/32", "10.0.0.0/8", "10.254.0.96/28",
	"2001:db8:9000::/36", "2001:db8:8000::/33", "2001:db8:8000::7/128", "2001:db8::/32", "2001:db8:0:102::/64",
}

func (w *World) someRoutes(network vpc.NetworkID) []vpc.Route {
	var routes []vpc.Route
	for _, everybody := range []string{"0.0.0.0/0", "::/0"} {
		if w.rnd.IntN(8) > 0 {
			r := vpc.Route{Destination: netip.MustParsePrefix(everybody), Gateway: w.gatewayOf(network)}
			if w.rnd.IntN(6) == 0 {
				r = w.someRoute(everybody, network)
			}
			routes = append(routes, r)
		}
	}
	for _, destination := range someDestinations {
		if w.rnd.IntN(5) == 0 {
			routes = append(routes, w.someRoute(destination, network))
		}
	}
	return routes
}

func (w *World) gatewayOf(network vpc.NetworkID) vpc.GatewayID {
	return vpc.GatewayID("igw-" + string(network[len("vpc-"):]))
}

func (w *World) someRoute(destination string, network vpc.NetworkID) vpc.Route {
	r := vpc.Route{Destination: netip.MustParsePrefix(destination)}
	switch w.rnd.IntN(8) {
	case 0:
		r.Gateway = pick(w.rnd, []vpc.GatewayID{"igw-1", "igw-2", "igw-3"})
	case 1:
		r.Gateway = w.gatewayOf(network)
	case 2:
		r.Interface = "eni-99"
	default:
		i := w.rnd.IntN(len(places))
		for places[i].network != network {
			i = w.rnd.IntN(len(places))
		}
		r.Interface = w.interfaces[i].ID
	}
	return r
}

// changeTables gives a table other routes, moves a subnet to another one, or
// makes that one main.
func (w *World) changeTables() []*vpc.RouteTable {
	v := w.rnd.IntN(len(w.vpcs))
	a, b := *w.tables[2*v], *w.tables[2*v+1]
	w.tables[2*v], w.tables[2*v+1] = &a, &b
	switch w.rnd.IntN(3) {
	case 0:
		a.Routes = w.someRoutes(a.Network)
		return []*vpc.RouteTable{&a}
	case 1: // the main association is among them
		a.Associations, b.Associations = b.Associations, a.Associations
		return []*vpc.RouteTable{&a, &b}
	}
	s := vpc.SubnetNumber(2 + 2*v + w.rnd.IntN(2))
	left := slices.DeleteFunc(slices.Clone(b.Associations), func(x vpc.RouteTableAssociation) bool { return x.SubnetNo == s })
	if len(left) == len(b.Associations) {
		left = append(left, vpc.RouteTableAssociation{Subnet: subnetID(s), SubnetNo: s})
		a.Associations = slices.DeleteFunc(slices.Clone(a.Associations), func(x vpc.RouteTableAssociation) bool { return x.SubnetNo == s })
	}
	b.Associations = left
	return []*vpc.RouteTable{&b, &a}
}

// changeGateway detaches a gateway, or attaches it.
func (w *World) changeGateway() *vpc.InternetGateway {
	i := w.rnd.IntN(len(w.gateways))
	g := *w.gateways[i]
	if g.Network = ""; w.gateways[i].Network == "" {
		g.Network = w.vpcs[i].ID
	}
	w.gateways[i] = &g
	return &g
}

// changeVPC gives a VPC its last block, or takes it.
func (w *World) changeVPC() *vpc.VPC {
	i := w.rnd.IntN(len(w.vpcs))
	v := *w.vpcs[i]
	n := len(blocks[i])
	if len(v.CIDRs) == n {
		v.CIDRs = v.CIDRs[: n-1 : n-1]
	} else {
		v.CIDRs = append(v.CIDRs, vpc.CIDRAssociation{CIDR: netip.MustParsePrefix(blocks[i][n-1])})
	}
	w.vpcs[i] = &v
	return &v
}
