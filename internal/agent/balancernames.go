package agent

import (
	"net/netip"
	"strings"

	"ringfence/internal/vpc"
)

// balancerAddresses are those by which a load balancer of a DNS name is reached:
// of the nodes that have a healthy instance, or of all nodes while none has one.
func (a *Agent) balancerAddresses(name string) ([]netip.Addr, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, lb := range a.nouns.balancers {
		if !strings.EqualFold(lb.DNSName, name) {
			continue
		}
		all, healthy := a.nodeAddresses(lb)
		if len(healthy) > 0 {
			return healthy, true
		}
		return all, true
	}
	return nil, false
}

// nodeAddresses are the addresses of all of lb's nodes, and of those that have a
// healthy instance. a.mu is held.
func (a *Agent) nodeAddresses(lb *vpc.LoadBalancer) (all, healthy []netip.Addr) {
	for _, at := range lb.Nodes {
		n := a.nouns.interfaces[at.Interface]
		if n == nil {
			continue
		}
		addr := n.Primary()
		if lb.Scheme == vpc.InternetFacing {
			addr = n.Public[addr]
		}
		if !addr.IsValid() {
			continue
		}
		all = append(all, addr)
		if a.hasHealthy(at.Interface) {
			healthy = append(healthy, addr)
		}
	}
	return all, healthy
}

// hasHealthy reports whether a node has found a healthy instance. a.mu is held.
func (a *Agent) hasHealthy(id vpc.InterfaceID) bool {
	n := a.nodes[id]
	if n == nil {
		return false
	}
	for _, state := range n.health {
		if state == vpc.HealthHealthy {
			return true
		}
	}
	return false
}

// balancerNamed is the load balancer of a name that an account has in a region,
// nil if it has none. a.mu is held.
func (a *Agent) balancerNamed(name string, region vpc.Region, account vpc.AccountID) *vpc.LoadBalancer {
	for _, lb := range a.nouns.balancers {
		if lb.Name == name && lb.Region == region && lb.Account == account {
			return lb
		}
	}
	return nil
}
