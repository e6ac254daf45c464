package api

import (
	"context"
	"maps"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type setListenerPoliciesInput struct {
	balancerName
	Port     int      `aws:"LoadBalancerPort,required"`
	Policies []string `aws:"PolicyNames"`
}

// setListenerPolicies implements SetLoadBalancerPoliciesOfListener: the policies
// replace those that were enabled. An empty list enables none.
func (r *request) setListenerPolicies(ctx context.Context, in *setListenerPoliciesInput) (*emptyOutput, error) {
	if in.Policies == nil {
		return nil, errNoPolicyNames()
	}
	return r.changeListener(ctx, in.Name, in.Port, func(_ *store.Tx, lb *vpc.LoadBalancer, l *vpc.Listener) error {
		kinds := map[string]bool{} // of policies of which a listener has one
		for _, name := range in.Policies {
			p := findPolicy(lb, name)
			if p == nil {
				return errNoPolicy(lb, name)
			}
			kind := "stickiness"
			switch {
			case (p.Type == vpc.LBCookiePolicy || p.Type == vpc.AppCookiePolicy) && l.Protocol.IsHTTP():
			case p.Type == vpc.SSLNegotiation && l.Protocol.IsSecure():
				kind = "SSL negotiation"
			default:
				return errConfiguration("The policy %s of the type %s cannot be enabled for the listener on port %d, which speaks %s", name, p.Type, l.Port, l.Protocol)
			}
			if kinds[kind] {
				return errConfiguration("Only one %s policy can be enabled for a listener", kind)
			}
			kinds[kind] = true
		}
		l.Policies = in.Policies
		return nil
	})
}

type setBackendPoliciesInput struct {
	balancerName
	Port     int      `aws:"InstancePort,required"`
	Policies []string `aws:"PolicyNames"`
}

// setBackendPolicies implements SetLoadBalancerPoliciesForBackendServer.
func (r *request) setBackendPolicies(ctx context.Context, in *setBackendPoliciesInput) (*emptyOutput, error) {
	if in.Policies == nil {
		return nil, errNoPolicyNames()
	}
	return r.alterBalancer(ctx, in.Name, func(_ *store.Tx, lb *vpc.LoadBalancer) error {
		i := slices.IndexFunc(lb.Listeners, func(l vpc.Listener) bool { return int(l.InstancePort) == in.Port })
		if i < 0 {
			return errConfiguration("There is no listener with the InstancePort %d", in.Port)
		}
		protocol := lb.Listeners[i].InstanceProtocol
		for _, name := range in.Policies {
			p := findPolicy(lb, name)
			switch {
			case p == nil:
				return errNoPolicy(lb, name)
			case p.Type == vpc.ProxyProtocolPolicy && !protocol.IsHTTP():
			case p.Type == vpc.BackendAuthPolicy && protocol.IsSecure():
			default:
				return errConfiguration("The policy %s of the type %s cannot be enabled for the instance port %d, which speaks %s", name, p.Type, in.Port, protocol)
			}
		}
		lb.BackendPolicies = maps.Clone(lb.BackendPolicies)
		if lb.BackendPolicies == nil {
			lb.BackendPolicies = map[uint16][]string{}
		}
		lb.BackendPolicies[uint16(in.Port)] = in.Policies
		dropBackendPolicies(lb)
		return nil
	})
}

func errNoPolicyNames() error {
	return errInvalid("1 validation error detected: Value null at 'policyNames' failed to satisfy constraint: Member must not be null")
}

func errNoPolicy(lb *vpc.LoadBalancer, name string) error {
	return vpc.Errorf(vpc.PolicyNotFound, "There is no policy with name %s for load balancer %s", name, lb.Name)
}

// dropBackendPolicies forgets instance ports of lb, a copy, that have no
// policies or no listener any more.
func dropBackendPolicies(lb *vpc.LoadBalancer) {
	lb.BackendPolicies = maps.Clone(lb.BackendPolicies)
	maps.DeleteFunc(lb.BackendPolicies, func(port uint16, names []string) bool {
		return len(names) == 0 || !slices.ContainsFunc(lb.Listeners, func(l vpc.Listener) bool { return l.InstancePort == port })
	})
}
