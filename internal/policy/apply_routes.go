package policy

import (
	"slices"

	"ringfence/internal/vpc"
)

// A routing is what some networks' packets meet beyond their subnets.
type routing struct {
	routes   map[vpc.SubnetNumber][]Route
	internet map[vpc.NetworkNumber]bool
}

// routing looks at the routes of networks as they are now.
func (h *Host) routing(networks map[vpc.NetworkID]bool) routing {
	r := routing{make(map[vpc.SubnetNumber][]Route), make(map[vpc.NetworkNumber]bool)}
	for id := range networks {
		v := h.vpcs[id]
		if v == nil {
			continue
		}
		r.internet[v.Number] = h.HasInternet(v.Number)
		for subnet := range h.subnetsOf[id] {
			r.routes[subnet] = h.Routes(subnet, v.Number)
		}
	}
	return r
}

// compareRouting notes what differs between two moments.
func compareRouting(before, after routing, c *Change) {
	for _, side := range []routing{before, after} {
		for subnet := range side.routes {
			if !slices.EqualFunc(before.routes[subnet], after.routes[subnet], sameRoute) {
				c.Routes[subnet] = true
			}
		}
		for network := range side.internet {
			if before.internet[network] != after.internet[network] {
				c.Gateways[network] = true
			}
		}
	}
}

// rerouted are the VPCs of which a feed may change the routes.
func (h *Host) rerouted(f *vpc.Feed) map[vpc.NetworkID]bool {
	networks := make(map[vpc.NetworkID]bool)
	for _, v := range f.VPCs {
		networks[v.ID] = true
	}
	for _, id := range f.GoneVPCs {
		networks[id] = true
	}
	for _, s := range changed(h.subnets, f.Subnets, f.GoneSubnets, subnetID) {
		networks[s.Network] = true
	}
	for _, g := range changed(h.gateways, f.Gateways, f.GoneGateways, gatewayID) {
		networks[g.Network] = true
	}
	for _, t := range changed(h.tables, f.RouteTables, f.GoneRouteTables, tableID) {
		networks[t.Network] = true
	}
	for _, n := range changed(h.interfaces, f.Interfaces, f.GoneInterfaces, interfaceID) {
		for _, t := range h.tablesTo[n.ID] {
			networks[t.Network] = true
		}
	}
	return networks
}

func vpcID(v *vpc.VPC) vpc.NetworkID                      { return v.ID }
func subnetID(s *vpc.Subnet) vpc.SubnetID                 { return s.ID }
func gatewayID(g *vpc.InternetGateway) vpc.GatewayID      { return g.ID }
func tableID(t *vpc.RouteTable) vpc.RouteTableID          { return t.ID }
func aclID(a *vpc.NetworkACL) vpc.ACLID                   { return a.ID }
func ruleID(r *vpc.Rule) vpc.RuleID                       { return r.ID }
func interfaceID(n *vpc.NetworkInterface) vpc.InterfaceID { return n.ID }

// changed are the nouns that come, and those that were known and go or are
// replaced.
func changed[ID comparable, Noun any](known map[ID]*Noun, come []*Noun, gone []ID, id func(*Noun) ID) []*Noun {
	nouns := slices.Clone(come)
	gone = slices.Clone(gone)
	for _, noun := range come {
		gone = append(gone, id(noun))
	}
	for _, i := range gone {
		if old := known[i]; old != nil {
			nouns = append(nouns, old)
		}
	}
	return nouns
}

// applyRoutes brings VPCs, subnets, gateways and route tables to a feed's
// revision.
func (h *Host) applyRoutes(f *vpc.Feed) {
	for _, id := range f.GoneVPCs {
		h.removeVPC(id)
	}
	for _, v := range f.VPCs {
		h.removeVPC(v.ID)
		h.vpcs[v.ID], h.vpcByNumber[v.Number] = v, v
		h.numbers[network{v.Region, v.ID}] = v.Number
	}
	for _, id := range f.GoneSubnets {
		h.removeSubnet(id)
	}
	for _, s := range f.Subnets {
		h.removeSubnet(s.ID)
		h.subnets[s.ID] = s
		if h.subnetsOf[s.Network] == nil {
			h.subnetsOf[s.Network] = make(map[vpc.SubnetNumber]bool)
		}
		h.subnetsOf[s.Network][s.Number] = true
	}
	for _, id := range f.GoneGateways {
		h.removeGateway(id)
	}
	for _, g := range f.Gateways {
		h.removeGateway(g.ID)
		h.gateways[g.ID] = g
		if g.Network != "" {
			h.gatewayOf[g.Network] = g.ID
		}
	}
	for _, id := range f.GoneRouteTables {
		h.removeTable(id)
	}
	for _, t := range f.RouteTables {
		h.removeTable(t.ID)
		h.putTable(t)
	}
}

func (h *Host) removeVPC(id vpc.NetworkID) {
	if v := h.vpcs[id]; v != nil {
		delete(h.vpcs, id)
		delete(h.vpcByNumber, v.Number)
		delete(h.numbers, network{v.Region, id})
	}
}

func (h *Host) removeSubnet(id vpc.SubnetID) {
	s := h.subnets[id]
	if s == nil {
		return
	}
	delete(h.subnets, id)
	delete(h.subnetsOf[s.Network], s.Number)
	if len(h.subnetsOf[s.Network]) == 0 {
		delete(h.subnetsOf, s.Network)
	}
}

// removeGateway forgets a gateway. Another one may be in its place already:
// nouns of one feed come in any order.
func (h *Host) removeGateway(id vpc.GatewayID) {
	g := h.gateways[id]
	if g == nil {
		return
	}
	delete(h.gateways, id)
	if h.gatewayOf[g.Network] == id {
		delete(h.gatewayOf, g.Network)
	}
}

func (h *Host) putTable(t *vpc.RouteTable) {
	h.tables[t.ID] = t
	for _, a := range t.Associations {
		if a.Subnet == "" {
			h.mainTable[t.Network] = t
		} else {
			h.tableOfSubnet[a.SubnetNo] = t
		}
	}
	for _, r := range t.Routes {
		if r.Interface != "" {
			h.tablesTo[r.Interface] = append(h.tablesTo[r.Interface], t)
		}
	}
}

// removeTable forgets a route table. Subnets that have another one already
// keep that.
func (h *Host) removeTable(id vpc.RouteTableID) {
	t := h.tables[id]
	if t == nil {
		return
	}
	delete(h.tables, id)
	if h.mainTable[t.Network] == t {
		delete(h.mainTable, t.Network)
	}
	for _, a := range t.Associations {
		if h.tableOfSubnet[a.SubnetNo] == t {
			delete(h.tableOfSubnet, a.SubnetNo)
		}
	}
	for _, r := range t.Routes {
		left := slices.DeleteFunc(h.tablesTo[r.Interface], func(other *vpc.RouteTable) bool { return other == t })
		if h.tablesTo[r.Interface] = left; len(left) == 0 {
			delete(h.tablesTo, r.Interface)
		}
	}
}
