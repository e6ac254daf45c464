package api

import (
	"context"
	"slices"
	"sync"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// healthBook is what the nodes of load balancers have found out. It is an
// observation, and not kept: nodes that start anew look again.
type healthBook struct {
	mu     sync.Mutex
	states map[vpc.LoadBalancerID]map[vpc.InstanceID]map[vpc.InterfaceID]vpc.HealthState
}

// note takes what agents report.
func (b *healthBook) note(reports []vpc.InstanceHealth) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, h := range reports {
		nodes := b.states[h.LoadBalancer][h.Instance]
		if h.State == vpc.HealthForgotten {
			if delete(nodes, h.Node); len(nodes) == 0 {
				delete(b.states[h.LoadBalancer], h.Instance)
			}
			continue
		}
		if nodes == nil {
			if b.states == nil {
				b.states = map[vpc.LoadBalancerID]map[vpc.InstanceID]map[vpc.InterfaceID]vpc.HealthState{}
			}
			if b.states[h.LoadBalancer] == nil {
				b.states[h.LoadBalancer] = map[vpc.InstanceID]map[vpc.InterfaceID]vpc.HealthState{}
			}
			nodes = map[vpc.InterfaceID]vpc.HealthState{}
			b.states[h.LoadBalancer][h.Instance] = nodes
		}
		nodes[h.Node] = h.State
	}
}

// drop forgets the load balancers for which gone is true.
func (b *healthBook) drop(gone func(vpc.LoadBalancerID) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id := range b.states {
		if gone(id) {
			delete(b.states, id)
		}
	}
}

// badness orders states: what one node finds bad is not good. A node that has
// not looked yet does not count beside one that has.
var badness = []vpc.HealthState{vpc.HealthUnchecked, vpc.HealthHealthy, vpc.HealthDraining, vpc.HealthRising, vpc.HealthFailed}

// state is what the nodes of lb together know about an instance.
func (b *healthBook) state(lb *vpc.LoadBalancer, id vpc.InstanceID) vpc.HealthState {
	b.mu.Lock()
	defer b.mu.Unlock()
	worst := vpc.HealthUnchecked
	for _, n := range lb.Nodes {
		if s := b.states[lb.ID][id][n.Interface]; slices.Index(badness, s) > slices.Index(badness, worst) {
			worst = s
		}
	}
	return worst
}

// draining are the instances of which a load balancer ends connections, though
// they are not registered any more.
func (b *healthBook) draining(lb *vpc.LoadBalancer) []vpc.InstanceID {
	b.mu.Lock()
	defer b.mu.Unlock()
	var ids []vpc.InstanceID
	for id, nodes := range b.states[lb.ID] {
		for _, s := range nodes {
			if s == vpc.HealthDraining && !slices.Contains(lb.Instances, id) && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

type describeHealthInput struct {
	balancerName
	Instances []balancerInstanceInput `aws:"Instances"`
}

type describeHealthOutput struct {
	States []instanceStateItem `aws:"InstanceStates"`
}

type instanceStateItem struct {
	ID          vpc.InstanceID `aws:"InstanceId"`
	State       string         `aws:"State"`
	Reason      string         `aws:"ReasonCode"`
	Description string         `aws:"Description"`
}

// describeHealth implements DescribeInstanceHealth: of the registered instances,
// or of those that the call names.
func (r *request) describeHealth(ctx context.Context, in *describeHealthInput) (*describeHealthOutput, error) {
	lb, reader, err := r.viewedBalancer(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	ids := slices.Concat(lb.Instances, r.health.draining(lb))
	if len(in.Instances) > 0 {
		ids = each(in.Instances, func(i balancerInstanceInput) vpc.InstanceID { return i.ID })
	}
	out := &describeHealthOutput{}
	for _, id := range ids {
		item, err := r.instanceHealth(reader, lb, id)
		if err != nil {
			return nil, err
		}
		out.States = append(out.States, item)
	}
	return out, nil
}

// instanceHealth is the state of an instance as a load balancer sees it, in the
// words of the ELB API reference, InstanceState.
func (r *request) instanceHealth(reader store.Reader, lb *vpc.LoadBalancer, id vpc.InstanceID) (instanceStateItem, error) {
	i, err := r.balancerInstance(reader, id)
	if err != nil {
		return instanceStateItem{}, err
	}
	known := r.health.state(lb, id)
	out := func(reason, description string) (instanceStateItem, error) {
		return instanceStateItem{id, "OutOfService", reason, description}, nil
	}
	switch {
	case !slices.Contains(lb.Instances, id) && known == vpc.HealthDraining:
		return instanceStateItem{id, "InService", "N/A", "Instance deregistration currently in progress."}, nil
	case !slices.Contains(lb.Instances, id):
		return out("Instance", "Instance is not currently registered with the LoadBalancer.")
	case i.State == vpc.Pending:
		return out("Instance", "Instance is in pending state.")
	case i.State == vpc.Stopping || i.State == vpc.Stopped:
		return out("Instance", "Instance is in stopped state.")
	case i.State == vpc.ShuttingDown || i.State == vpc.Terminated:
		return out("Instance", "Instance is in terminated state.")
	case !slices.ContainsFunc(lb.Nodes, func(n vpc.LoadBalancerNode) bool { return n.Zone == i.Zone }):
		return out("ELB", "Instance is in the EC2 Availability Zone for which LoadBalancer is not configured to route traffic to.")
	}
	switch known {
	case vpc.HealthHealthy:
		return instanceStateItem{id, "InService", "N/A", "N/A"}, nil
	case vpc.HealthFailed:
		return out("Instance", "Instance has failed at least the UnhealthyThreshold number of health checks consecutively.")
	case vpc.HealthRising:
		return out("Instance", "Instance has not passed the configured HealthyThreshold number of health checks consecutively.")
	case vpc.HealthUnchecked, vpc.HealthDraining, vpc.HealthForgotten:
	}
	return out("ELB", "Instance registration is still in progress.")
}
