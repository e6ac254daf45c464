package api

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// A destinationInput names a route by its destination, of one family.
type destinationInput struct {
	IPv4 string `aws:"DestinationCidrBlock"`
	IPv6 string `aws:"DestinationIpv6CidrBlock"`
}

// destination reads the block that is named.
func (in *destinationInput) destination() (netip.Prefix, error) {
	switch {
	case in.IPv4 == "" && in.IPv6 == "":
		return netip.Prefix{}, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter destinationCidrBlock or destinationIpv6CidrBlock")
	case in.IPv4 != "" && in.IPv6 != "":
		return netip.Prefix{}, vpc.Errorf(vpc.InvalidParameterCombination,
			"The parameter destinationCidrBlock cannot be used with the parameter destinationIpv6CidrBlock")
	case in.IPv4 != "":
		return parseIPv4Block("destinationCidrBlock", in.IPv4)
	default:
		return parseIPv6Block("destinationIpv6CidrBlock", in.IPv6)
	}
}

type routeInput struct {
	dryRun
	destinationInput
	Table     string `aws:"RouteTableId,required"`
	Gateway   string `aws:"GatewayId"`
	Instance  string `aws:"InstanceId"`
	Interface string `aws:"NetworkInterfaceId"`
}

// createRoute implements CreateRoute. To make a route that is there already
// changes nothing.
func (r *request) createRoute(ctx context.Context, in *routeInput) (*returnOutput, error) {
	return r.changeRoutes(ctx, &in.destinationInput, in.Table, func(tx *store.Tx, t *vpc.RouteTable, to netip.Prefix, at int) error {
		if err := r.checkLocal(tx, t, to); err != nil {
			return err
		}
		route, err := r.newRoute(tx, t, in)
		if err != nil {
			return err
		}
		route.Destination = to
		if at >= 0 {
			if t.Routes[at] != route {
				return errRouteExists(to)
			}
			return nil
		}
		if countFamily(t.Routes, to) >= r.limit(routesPerTable) {
			return vpc.Errorf(vpc.RouteLimitExceeded, "The maximum number of routes has been reached.")
		}
		t.Routes = append(t.Routes, route)
		return nil
	})
}

type replaceRouteInput struct {
	routeInput
	Local bool `aws:"LocalTarget"` // of a local route
}

// replaceRoute implements ReplaceRoute. Local routes have the one target that they
// can be set back to.
func (r *request) replaceRoute(ctx context.Context, in *replaceRouteInput) (*returnOutput, error) {
	return r.changeRoutes(ctx, &in.destinationInput, in.Table, func(tx *store.Tx, t *vpc.RouteTable, to netip.Prefix, at int) error {
		switch local := slices.Contains(r.localBlocks(tx.Reader, t), to); {
		case in.Local && in.Gateway+in.Instance+in.Interface != "":
			return errOneTarget(vpc.InvalidParameterCombination)
		case in.Local && !local:
			return vpc.Errorf(vpc.InvalidParameterValue, "The route for '%s' is not a local route.", to)
		case in.Local:
			return nil
		case at < 0:
			return vpc.Errorf(vpc.InvalidParameterValue, "There is no route defined for '%s' in the route table. Use CreateRoute instead.", to)
		}
		route, err := r.newRoute(tx, t, &in.routeInput)
		if err != nil {
			return err
		}
		route.Destination = to
		t.Routes[at] = route
		return nil
	})
}

type deleteRouteInput struct {
	dryRun
	destinationInput
	Table string `aws:"RouteTableId,required"`
}

// deleteRoute implements DeleteRoute. Local routes stay.
func (r *request) deleteRoute(ctx context.Context, in *deleteRouteInput) (*returnOutput, error) {
	return r.changeRoutes(ctx, &in.destinationInput, in.Table, func(tx *store.Tx, t *vpc.RouteTable, to netip.Prefix, at int) error {
		switch {
		case slices.Contains(r.localBlocks(tx.Reader, t), to):
			return vpc.Errorf(vpc.InvalidParameterValue, "cannot remove local route %s in route table %s", to, t.ID)
		case at < 0 && to.Addr().Is4():
			return vpc.Errorf(vpc.InvalidRouteNotFound, "no route with destination-cidr-block %s in route table %s", to, t.ID)
		case at < 0:
			return vpc.Errorf(vpc.InvalidRouteNotFound, "no route with destination-ipv6-cidr-block %s in route table %s", to, t.ID)
		}
		t.Routes = slices.Delete(t.Routes, at, at+1)
		return nil
	})
}

// changeRoutes applies change to a copy of a route table. change learns where
// the route to the destination is; -1 for none.
func (r *request) changeRoutes(ctx context.Context, in *destinationInput, table string,
	change func(tx *store.Tx, t *vpc.RouteTable, to netip.Prefix, at int) error) (*returnOutput, error) {
	to, err := in.destination()
	if err != nil {
		return nil, err
	}
	return r.do(ctx, func(tx *store.Tx) error {
		was, err := r.routeTableByID(tx.Reader, table)
		if err != nil {
			return err
		}
		t := *was
		t.Routes = slices.Clone(was.Routes)
		at := slices.IndexFunc(t.Routes, func(route vpc.Route) bool { return route.Destination == to })
		if err := change(tx, &t, to, at); err != nil {
			return err
		}
		tx.PutRouteTable(&t)
		return nil
	})
}

func errRouteExists(to netip.Prefix) error {
	return vpc.Errorf(vpc.RouteAlreadyExists, "The route identified by %s already exists.", to)
}

// localBlocks returns the destinations of the local routes of a table.
func (r *request) localBlocks(reader store.Reader, t *vpc.RouteTable) []netip.Prefix {
	v := reader.VPC(r.Region, r.Account.ID, t.Network)
	var list []netip.Prefix
	for _, c := range slices.Concat(v.CIDRs, v.IPv6) {
		list = append(list, c.CIDR)
	}
	return list
}

// reservedForServices are the addresses that instances reach without a route
// (Amazon VPC User Guide, "Route table concepts").
var reservedForServices = []netip.Prefix{netip.MustParsePrefix("169.254.168.0/22"), netip.MustParsePrefix("fd00:ec2::/32")}

// checkLocal refuses a destination that local routes, or none, are for.
func (r *request) checkLocal(tx *store.Tx, t *vpc.RouteTable, to netip.Prefix) error {
	for _, reserved := range reservedForServices {
		if contains(reserved, to) {
			return vpc.Errorf(vpc.InvalidParameterValue, "Cannot create a route for %s: %s is reserved for services of AWS", to, reserved)
		}
	}
	for _, local := range r.localBlocks(tx.Reader, t) {
		switch {
		case local == to:
			return errRouteExists(to)
		case contains(local, to):
			return vpc.Errorf(vpc.InvalidParameterValue, "Cannot create a more specific route for %s than local route %s in route table %s", to, local, t.ID)
		}
	}
	return nil
}

// countFamily counts the routes of the address family of a block.
func countFamily(routes []vpc.Route, block netip.Prefix) int {
	n := 0
	for _, route := range routes {
		if route.Destination.Addr().Is4() == block.Addr().Is4() {
			n++
		}
	}
	return n
}

// newRoute returns a route to the one target that a call names, without its
// destination.
func (r *request) newRoute(tx *store.Tx, t *vpc.RouteTable, in *routeInput) (vpc.Route, error) {
	switch len(slices.DeleteFunc([]string{in.Gateway, in.Instance, in.Interface}, func(id string) bool { return id == "" })) {
	case 0:
		return vpc.Route{}, errOneTarget(vpc.MissingParameter)
	case 1:
	default:
		return vpc.Route{}, errOneTarget(vpc.InvalidParameterCombination)
	}
	route := vpc.Route{Origin: originRoute}
	var err error
	switch {
	case in.Gateway != "":
		route.Gateway, err = r.routeGateway(tx, t, in.Gateway)
	case in.Interface != "":
		route.Interface, err = r.routeInterface(tx, t, in.Interface)
	default:
		route.Instance, route.Interface, err = r.routeInstance(tx, t, in.Instance)
	}
	return route, err
}

func errOneTarget(code vpc.Code) error {
	return vpc.Errorf(code, "The request must contain exactly one of gatewayId, networkInterfaceId or instanceId")
}

// routeGateway returns the internet gateway that a route in t may go to.
func (r *request) routeGateway(tx *store.Tx, t *vpc.RouteTable, id string) (vpc.GatewayID, error) {
	if strings.HasPrefix(id, "vgw-") {
		return "", vpc.Errorf(vpc.UnsupportedOperation, "Virtual private gateways are not supported by ringfence.")
	}
	g := tx.Gateway(r.Region, r.Account.ID, vpc.GatewayID(id))
	switch {
	case g == nil:
		return "", vpc.Errorf(vpc.InvalidGatewayIDNotFound, "The gateway ID '%s' does not exist", id)
	case g.Network != t.Network:
		return "", vpc.Errorf(vpc.InvalidParameterValue, "route table %s and network gateway %s belong to different networks", t.ID, g.ID)
	}
	return g.ID, nil
}

// routeInterface returns the interface that a route in t may go to.
func (r *request) routeInterface(tx *store.Tx, t *vpc.RouteTable, id string) (vpc.InterfaceID, error) {
	n, err := r.interfaceByID(tx.Reader, id)
	if err != nil {
		return "", err
	}
	if n.Network != t.Network {
		return "", vpc.Errorf(vpc.InvalidParameterValue, "route table %s and interface %s belong to different networks", t.ID, n.ID)
	}
	return n.ID, nil
}

// routeInstance returns the instance that a route in t may go to, and its only
// interface.
func (r *request) routeInstance(tx *store.Tx, t *vpc.RouteTable, id string) (vpc.InstanceID, vpc.InterfaceID, error) {
	instances, err := r.instances(tx.Reader, []string{id})
	if err != nil {
		return "", "", err
	}
	i := instances[0]
	switch {
	case i.Network == vpc.ClassicNetwork || i.Interface == "":
		return "", "", vpc.Errorf(vpc.InvalidParameterValue, "Invalid value '%s' for instance ID. Instance is not in a VPC.", i.ID)
	case len(i.Secondary) > 0:
		return "", "", vpc.Errorf(vpc.InvalidInstanceID,
			"There are multiple interfaces attached to instance '%s'. Please specify an interface ID for the operation instead.", i.ID)
	}
	n, err := r.routeInterface(tx, t, string(i.Interface))
	return i.ID, n, err
}
