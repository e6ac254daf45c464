package api

import (
	"context"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type balancerInstancesInput struct {
	balancerName
	Instances []balancerInstanceInput `aws:"Instances,required"`
}

type balancerInstanceInput struct {
	ID vpc.InstanceID `aws:"InstanceId"`
}

type balancerInstancesOutput struct {
	Instances []balancerInstanceItem `aws:"Instances"`
}

// registerInstances implements RegisterInstancesWithLoadBalancer. An instance
// that is registered already stays where it is in the list.
func (r *request) registerInstances(ctx context.Context, in *balancerInstancesInput) (*balancerInstancesOutput, error) {
	return r.changeBalancerInstances(ctx, in, func(tx *store.Tx, lb *vpc.LoadBalancer, id vpc.InstanceID) error {
		i, err := r.balancerInstance(tx.Reader, id)
		switch {
		case err != nil:
			return err
		case i.Network != lb.Network && lb.IsClassic():
			return vpc.Errorf(vpc.InvalidInstance, "EC2 instance %s is not in EC2-Classic, as the load balancer is.", id)
		case i.Network != lb.Network:
			return vpc.Errorf(vpc.InvalidInstance, "EC2 instance %s is not in the same VPC as ELB.", id)
		case slices.Contains(lb.Instances, id):
			return nil
		case i.State != vpc.Pending && i.State != vpc.Running:
			return vpc.Errorf(vpc.InvalidInstance, "EC2 instance %s is %s. Only running instances can be registered.", id, i.State)
		}
		lb.Instances = append(slices.Clone(lb.Instances), id)
		return nil
	})
}

// deregisterInstances implements DeregisterInstancesFromLoadBalancer.
func (r *request) deregisterInstances(ctx context.Context, in *balancerInstancesInput) (*balancerInstancesOutput, error) {
	return r.changeBalancerInstances(ctx, in, func(_ *store.Tx, lb *vpc.LoadBalancer, id vpc.InstanceID) error {
		i := slices.Index(lb.Instances, id)
		if i < 0 {
			return errNoBalancerInstance(id)
		}
		lb.Instances = slices.Delete(slices.Clone(lb.Instances), i, i+1)
		return nil
	})
}

// changeBalancerInstances applies change for each instance of a call, for all of
// them or for none, and tells which are registered then.
func (r *request) changeBalancerInstances(ctx context.Context, in *balancerInstancesInput, change func(*store.Tx, *vpc.LoadBalancer, vpc.InstanceID) error) (*balancerInstancesOutput, error) {
	var out *balancerInstancesOutput
	err := r.changeBalancer(ctx, in.Name, func(tx *store.Tx, lb *vpc.LoadBalancer) error {
		for _, i := range in.Instances {
			if err := change(tx, lb, i.ID); err != nil {
				return err
			}
		}
		if most := r.limit(instancesPerBalancer); len(lb.Instances) > most {
			return errConfiguration("A load balancer can have at most %d registered instances.", most)
		}
		out = &balancerInstancesOutput{balancerInstanceItems(lb.Instances)}
		return nil
	})
	return out, err
}

// balancerInstance finds the caller's instance with an id.
func (r *request) balancerInstance(reader store.Reader, id vpc.InstanceID) (*vpc.Instance, error) {
	i := reader.Instance(id)
	if i == nil || i.Account != r.Account.ID || i.Region != r.Region {
		return nil, errNoBalancerInstance(id)
	}
	return i, nil
}

func errNoBalancerInstance(id vpc.InstanceID) error {
	return vpc.Errorf(vpc.InvalidInstance, "Could not find EC2 instance %s.", id)
}

// leaveBalancers takes an instance that is forgotten out of the load balancers
// that it is still registered with.
func leaveBalancers(tx *store.Tx, i *vpc.Instance) {
	for _, was := range tx.LoadBalancers(i.Region, i.Account) {
		if at := slices.Index(was.Instances, i.ID); at >= 0 {
			lb := *was
			lb.Instances = slices.Delete(slices.Clone(was.Instances), at, at+1)
			tx.PutLoadBalancer(&lb)
		}
	}
}
