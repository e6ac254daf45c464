package policy

import (
	"cmp"
	"net/netip"
	"slices"

	"ringfence/internal/vpc"
)

// A RouteKind says what becomes of packets that a route holds.
type RouteKind int

const (
	RouteLocal     RouteKind = iota + 1 // the VPC's own: whoever has the address gets it, or nobody
	RouteInternet                       // to the internet side
	RouteInterface                      // to an interface that forwards them
	RouteBlackhole                      // nowhere: the target is gone, or takes nothing for others
)

// A Route is one entry of a route table, with its target as it is now.
type Route struct {
	Destination netip.Prefix
	Kind        RouteKind
	Interface   *vpc.NetworkInterface // RouteInterface
	Table       vpc.RouteTableID      // "" in EC2-Classic, which has none
	Target      string                // as the table names it: local, igw-…, eni-…
}

// classicRoutes are those of every EC2-Classic subnet.
var classicRoutes = []Route{{Destination: netip.MustParsePrefix("0.0.0.0/0"), Kind: RouteInternet, Target: "internet"}}

// Routes returns the routes for what leaves a subnet, the longest first: the
// first that holds the destination decides. The blocks of the VPC itself are
// among them. What a table says about parts of those is not: the local route
// goes before it.
func (h *Host) Routes(subnet vpc.SubnetNumber, network vpc.NetworkNumber) []Route {
	if h.classic[network] {
		return classicRoutes
	}
	v := h.vpcByNumber[network]
	if v == nil {
		return nil
	}
	table := h.tableOf(subnet, v.ID)
	var id vpc.RouteTableID
	if table != nil {
		id = table.ID
	}
	var routes []Route
	for _, c := range slices.Concat(v.CIDRs, v.IPv6) {
		routes = append(routes, Route{Destination: c.CIDR, Kind: RouteLocal, Table: id, Target: "local"})
	}
	if table != nil {
		local := routes
		for _, r := range table.Routes {
			if !slices.ContainsFunc(local, func(l Route) bool { return holds(l.Destination, r.Destination) }) {
				routes = append(routes, h.resolve(v, table, r))
			}
		}
	}
	slices.SortStableFunc(routes, compareRoutes)
	return routes
}

// tableOf returns the route table of a subnet: its own, else the main one of
// its VPC.
func (h *Host) tableOf(subnet vpc.SubnetNumber, network vpc.NetworkID) *vpc.RouteTable {
	if t := h.tableOfSubnet[subnet]; t != nil {
		return t
	}
	return h.mainTable[network]
}

// resolve finds the target of an entry.
func (h *Host) resolve(v *vpc.VPC, table *vpc.RouteTable, r vpc.Route) Route {
	route := Route{Destination: r.Destination, Kind: RouteBlackhole, Table: table.ID}
	if r.Gateway != "" {
		route.Target = string(r.Gateway)
		if h.gatewayOf[v.ID] == r.Gateway {
			route.Kind = RouteInternet
		}
		return route
	}
	route.Target = string(r.Interface)
	if n := h.interfaces[r.Interface]; n != nil && n.NetworkNo == v.Number && n.Instance != "" && n.NoSourceDestCheck {
		route.Kind, route.Interface = RouteInterface, n
	}
	return route
}

// holds reports whether all of part is in block.
func holds(block, part netip.Prefix) bool {
	return block.Bits() <= part.Bits() && block.Contains(part.Addr())
}

func compareRoutes(a, b Route) int {
	return cmp.Or(cmp.Compare(b.Destination.Bits(), a.Destination.Bits()), a.Destination.Addr().Compare(b.Destination.Addr()))
}

// sameRoute reports whether two routes do the same. What else is known of the
// interface they lead to does not count.
func sameRoute(a, b Route) bool {
	if a.Destination != b.Destination || a.Kind != b.Kind {
		return false
	}
	return a.Kind != RouteInterface || a.Interface.Number == b.Interface.Number
}

// route returns the route of a packet that an interface sends to an address.
func (h *Host) route(n *vpc.NetworkInterface, dst netip.Addr) (Route, bool) {
	routes := h.Routes(n.SubnetNo, n.NetworkNo)
	i := slices.IndexFunc(routes, func(r Route) bool { return r.Destination.Contains(dst) })
	if i < 0 {
		return Route{}, false
	}
	return routes[i], true
}

// HasInternet reports whether a network is joined to the internet: by an
// internet gateway, or because it is EC2-Classic. Only then are the public
// addresses of its interfaces reached.
func (h *Host) HasInternet(network vpc.NetworkNumber) bool {
	if h.classic[network] {
		return true
	}
	v := h.vpcByNumber[network]
	return v != nil && h.gatewayOf[v.ID] != ""
}
