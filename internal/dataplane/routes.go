package dataplane

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// reroute brings the routes of a subnet to what they should be. A packet meets
// its old route or its new one: those that are new or differ come first, the
// narrowest before all, so that no packet meets another's wider one that is new
// already; those that are gone leave last, the widest before all.
func (d *Dataplane) reroute(h *policy.Host, s *judgeSet, subnet vpc.SubnetNumber, network vpc.NetworkNumber) error {
	want := routeEntries(s.index, h.Routes(subnet, network))
	byLength := func(a, b kernelRouteKey) int { return cmp.Compare(a.Prefixlen, b.Prefixlen) }
	for _, k := range slices.Backward(slices.SortedFunc(maps.Keys(want), byLength)) {
		if was, ok := s.routes[k]; ok && was == want[k] {
			continue
		}
		d.step()
		route := want[k]
		if err := d.objects.Routes.Put(&k, &route); err != nil {
			return fmt.Errorf("put route of subnet %d to map %v: %w", subnet, d.objects.Routes, err)
		}
		s.routes[k] = route
	}
	for _, k := range slices.SortedFunc(maps.Keys(s.routes), byLength) {
		if _, ok := want[k]; ok {
			continue
		}
		d.step()
		if err := deleteAll(d.objects.Routes, []kernelRouteKey{k}); err != nil {
			return err
		}
		delete(s.routes, k)
	}
	return nil
}

// routeEntries are the routes of the subnet of an index in the kernel's form.
func routeEntries(subnet uint32, routes []policy.Route) map[kernelRouteKey]kernelRoute {
	entries := make(map[kernelRouteKey]kernelRoute)
	aroundIPv4 := false
	for _, r := range routes {
		entries[toRouteKey(subnet, r.Destination)] = toRoute(r)
		aroundIPv4 = aroundIPv4 || isAroundIPv4(r.Destination)
	}
	if all := toRouteKey(subnet, allIPv4); aroundIPv4 && entries[all] == (kernelRoute{}) {
		entries[all] = toRoute(policy.Route{Kind: policy.RouteBlackhole})
	}
	return entries
}

func toRouteKey(subnet uint32, p netip.Prefix) kernelRouteKey {
	k := toCIDRKey(p)
	return kernelRouteKey{Prefixlen: k.Prefixlen, Subnet: swap32(subnet), Addr: k.Addr}
}

func toRoute(r policy.Route) kernelRoute {
	switch r.Kind {
	case policy.RouteInternet:
		return kernelRoute{Kind: uint32(kernelRouteKindROUTE_INTERNET)}
	case policy.RouteInterface:
		return kernelRoute{
			Kind: uint32(kernelRouteKindROUTE_INTERFACE), Number: uint32(r.Interface.Number), Addr: toAddr(r.Interface.Primary()),
		}
	default:
		return kernelRoute{Kind: uint32(kernelRouteKindROUTE_NOWHERE)}
	}
}
