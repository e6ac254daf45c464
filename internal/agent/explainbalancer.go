package agent

import (
	"fmt"

	"ringfence/internal/admin"
	"ringfence/internal/vpc"
)

// balancerPrefix begins the names of load balancers, as in lb/front.
const balancerPrefix = "lb/"

// explainBalancer explains what the nodes of a load balancer send to an
// instance: health checks first, then what its listeners pass on. Of those that
// have the name it is the one of the instance's account and region: no other can
// have the instance. a.mu is held.
func (a *Agent) explainBalancer(name string, in admin.ExplainRequest) (*admin.Explanation, error) {
	proto, err := parseProto(in.Proto)
	instance := a.nouns.instances[vpc.InstanceID(in.Destination)]
	switch {
	case err != nil:
		return nil, err
	case proto != vpc.TCP:
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "A load balancer sends TCP to its instances, and no %s", proto)
	case instance == nil:
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "%q is not an instance: a load balancer sends to instances only", in.Destination)
	}
	lb := a.balancerNamed(name, instance.Region, instance.Account)
	switch {
	case lb == nil:
		return nil, vpc.Errorf(vpc.LoadBalancerNotFound, "There is no ACTIVE Load Balancer named '%s' in %s of %s, the account of the instance '%s'",
			name, instance.Region, instance.Account, instance.ID)
	case lb.Network != instance.Network:
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "The load balancer '%s' is not in the network of the instance '%s'", name, instance.ID)
	}
	all := &admin.Explanation{Verdict: verdictWord(true), Reason: "admitted on every path"}
	for _, node := range lb.Nodes {
		paths, err := a.explainNode(lb, node, in)
		if err != nil {
			return nil, err
		}
		all.Paths = append(all.Paths, paths...)
	}
	if len(all.Paths) == 0 {
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "The load balancer '%s' sends nothing to port %d of its instances", name, in.Port)
	}
	for _, p := range all.Paths {
		if p.Verdict != all.Verdict {
			all.Verdict, all.Reason = p.Verdict, p.Reason
			break
		}
	}
	return all, nil
}

// explainNode explains what one node sends. a.mu is held.
func (a *Agent) explainNode(lb *vpc.LoadBalancer, node vpc.LoadBalancerNode, in admin.ExplainRequest) ([]admin.Path, error) {
	var paths []admin.Path
	add := func(port uint16, what string) error {
		if in.Port != 0 && in.Port != port {
			return nil
		}
		e, err := a.explainPacket(admin.ExplainRequest{
			Source: string(node.Interface), Destination: in.Destination, Port: port, Proto: vpc.TCP.String(),
		})
		if err != nil {
			return err
		}
		paths = append(paths, admin.Path{Node: node.Interface, Zone: node.Zone, Port: port, What: what, Explanation: *e})
		return nil
	}
	err := add(lb.HealthCheck.Port(), "health checks "+lb.HealthCheck.Target)
	for _, l := range lb.Listeners {
		if err == nil {
			err = add(l.InstancePort, fmt.Sprintf("listener %s:%d", l.Protocol, l.Port))
		}
	}
	return paths, err
}
