package api

import (
	"context"
	"net/netip"
	"slices"
	"strconv"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// The states of a route: a black hole's target is gone, or not attached.
const (
	routeActive    = "active"
	routeBlackHole = "blackhole"
)

// localGateway stands for the VPC itself as the target of a route.
const localGateway = "local"

type describeRouteTablesInput struct {
	dryRun
	filters
	paging
	IDs []string `aws:"RouteTableId,bare"`
}

type describeRouteTablesOutput struct {
	Tables    []routeTableItem `aws:"routeTableSet"`
	NextToken string           `aws:"nextToken,omitempty"`
}

// routeTableItem is a route table in an answer.
type routeTableItem struct {
	ID           vpc.RouteTableID       `aws:"routeTableId"`
	VPC          vpc.NetworkID          `aws:"vpcId"`
	Owner        vpc.AccountID          `aws:"ownerId,since=2016-11-15"`
	Routes       []routeItem            `aws:"routeSet"`
	Associations []routeAssociationItem `aws:"associationSet"`
	Propagating  []propagatingItem      `aws:"propagatingVgwSet"` // empty: there are no virtual private gateways
	Tags         []tagItem              `aws:"tagSet"`
}

type propagatingItem struct {
	Gateway vpc.GatewayID `aws:"gatewayId"`
}

type routeItem struct {
	IPv4          string          `aws:"destinationCidrBlock,omitempty"`
	IPv6          string          `aws:"destinationIpv6CidrBlock,omitempty"`
	Gateway       string          `aws:"gatewayId,omitempty"`
	Instance      vpc.InstanceID  `aws:"instanceId,omitempty"`
	InstanceOwner vpc.AccountID   `aws:"instanceOwnerId,omitempty"`
	Interface     vpc.InterfaceID `aws:"networkInterfaceId,omitempty"`
	State         string          `aws:"state"`
	Origin        string          `aws:"origin,since=2013-10-15"`
}

type routeAssociationItem struct {
	ID     vpc.AssociationID `aws:"routeTableAssociationId"`
	Table  vpc.RouteTableID  `aws:"routeTableId"`
	Subnet vpc.SubnetID      `aws:"subnetId,omitempty"`
	Main   bool              `aws:"main"`
	State  blockStateItem    `aws:"associationState,since=2016-11-15"`
}

// routeTableItem returns a table as the API shows it: with the local routes, one
// for each block of the VPC.
func (r *request) routeTableItem(reader store.Reader, t *vpc.RouteTable) routeTableItem {
	item := routeTableItem{ID: t.ID, VPC: t.Network, Owner: t.Account, Tags: tagItems(t.Tags)}
	for _, block := range r.localBlocks(reader, t) {
		local := routeItem{Gateway: localGateway, State: routeActive, Origin: originTable}
		local.setDestination(block)
		item.Routes = append(item.Routes, local)
	}
	for _, route := range t.Routes {
		item.Routes = append(item.Routes, newRouteItem(reader, t, route))
	}
	for _, a := range t.Associations {
		item.Associations = append(item.Associations, routeAssociationItem{
			ID: a.ID, Table: t.ID, Subnet: a.Subnet, Main: a.Subnet == "", State: blockStateItem{stateAssociated},
		})
	}
	return item
}

func (i *routeItem) setDestination(block netip.Prefix) {
	if block.Addr().Is4() {
		i.IPv4 = block.String()
	} else {
		i.IPv6 = block.String()
	}
}

// newRouteItem returns a route in t, and whether its target can be reached.
func newRouteItem(reader store.Reader, t *vpc.RouteTable, route vpc.Route) routeItem {
	item := routeItem{Gateway: string(route.Gateway), Interface: route.Interface, State: routeBlackHole, Origin: route.Origin}
	item.setDestination(route.Destination)
	if route.Gateway != "" {
		if g := reader.Gateway(t.Region, t.Account, route.Gateway); g != nil && g.Network == t.Network {
			item.State = routeActive
		}
		return item
	}
	item.Instance = route.Instance
	if n := reader.Interface(t.Region, t.Account, route.Interface); n != nil {
		item.Instance = n.Instance
		if i := reader.Instance(n.Instance); i != nil && (i.State == vpc.Pending || i.State == vpc.Running) {
			item.State = routeActive
		}
	}
	if item.Instance != "" {
		item.InstanceOwner = t.Account
	}
	return item
}

// describeRouteTables implements DescribeRouteTables.
func (r *request) describeRouteTables(ctx context.Context, in *describeRouteTablesInput) (*describeRouteTablesOutput, error) {
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	tables, err := named(in.IDs,
		func(id string) (*vpc.RouteTable, error) { return r.routeTableByID(v.Reader, id) },
		func() []*vpc.RouteTable { return v.RouteTables(r.Region, r.Account.ID) })
	if err != nil {
		return nil, err
	}
	var shown []shownTable
	for _, t := range tables {
		shown = append(shown, shownTable{t, r.routeTableItem(v.Reader, t)})
	}
	page, next, err := filterPage(in.filters, in.paging, routeTableFilters, shown, func(t shownTable) string { return byAge(t.Created, t.RouteTable.ID) })
	if err != nil {
		return nil, err
	}
	out := &describeRouteTablesOutput{NextToken: next}
	for _, t := range page {
		out.Tables = append(out.Tables, t.item)
	}
	return out, nil
}

// shownTable is a route table and what is told of it.
type shownTable struct {
	*vpc.RouteTable
	item routeTableItem
}

// routeTableFilters are the filters of DescribeRouteTables. Those on routes and
// associations match when any of them has the value.
var routeTableFilters = filterTable[shownTable]{
	values: map[string]func(shownTable) []string{
		"owner-id":       func(t shownTable) []string { return []string{string(t.Account)} },
		"route-table-id": func(t shownTable) []string { return []string{string(t.ID)} },
		"vpc-id":         func(t shownTable) []string { return []string{string(t.Network)} },

		"association.gateway-id":                 func(shownTable) []string { return nil },
		"association.main":                       ofTableAssociations(func(a routeAssociationItem) string { return strconv.FormatBool(a.Main) }),
		"association.route-table-association-id": ofTableAssociations(func(a routeAssociationItem) string { return string(a.ID) }),
		"association.route-table-id":             ofTableAssociations(func(a routeAssociationItem) string { return string(a.Table) }),
		"association.subnet-id":                  ofTableAssociations(func(a routeAssociationItem) string { return string(a.Subnet) }),

		"route.destination-cidr-block":          ofRoutes(func(i routeItem) string { return i.IPv4 }),
		"route.destination-ipv6-cidr-block":     ofRoutes(func(i routeItem) string { return i.IPv6 }),
		"route.gateway-id":                      ofRoutes(func(i routeItem) string { return i.Gateway }),
		"route.instance-id":                     ofRoutes(func(i routeItem) string { return string(i.Instance) }),
		"route.origin":                          ofRoutes(func(i routeItem) string { return i.Origin }),
		"route.state":                           ofRoutes(func(i routeItem) string { return i.State }),
		"route.destination-prefix-list-id":      noRoute,
		"route.egress-only-internet-gateway-id": noRoute,
		"route.nat-gateway-id":                  noRoute,
		"route.transit-gateway-id":              noRoute,
		"route.vpc-peering-connection-id":       noRoute,
	},
	tags: func(t shownTable) []vpc.Tag { return t.Tags },
}

// noRoute is for targets that no route has.
func noRoute(shownTable) []string { return nil }

// ofRoutes is the values of a part of every route that has it.
func ofRoutes(part func(routeItem) string) func(shownTable) []string {
	return func(t shownTable) []string { return parts(t.item.Routes, part) }
}

// ofTableAssociations is the values of a part of every association that has it.
func ofTableAssociations(part func(routeAssociationItem) string) func(shownTable) []string {
	return func(t shownTable) []string { return parts(t.item.Associations, part) }
}

// parts returns a part of each element that has it.
func parts[T any](list []T, part func(T) string) []string {
	return slices.DeleteFunc(each(list, part), func(s string) bool { return s == "" })
}
