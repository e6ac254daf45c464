package api

import (
	"context"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// balancerName names a load balancer of the caller.
type balancerName struct {
	Name string `aws:"LoadBalancerName,required"`
}

// emptyOutput is the answer of an action that has nothing to tell.
type emptyOutput struct{}

// balancer finds the caller's load balancer with a name.
func (r *request) balancer(reader store.Reader, name string) (*vpc.LoadBalancer, error) {
	if lb := reader.LoadBalancerNamed(r.Region, r.Account.ID, name); lb != nil {
		return lb, nil
	}
	return nil, errNoBalancer(name)
}

// viewedBalancer finds it as of now, and returns what else there is.
func (r *request) viewedBalancer(ctx context.Context, name string) (*vpc.LoadBalancer, store.Reader, error) {
	v, err := r.view(ctx)
	if err != nil {
		return nil, store.Reader{}, err
	}
	lb, err := r.balancer(v.Reader, name)
	return lb, v.Reader, err
}

func errNoBalancer(name string) error {
	return vpc.Errorf(vpc.LoadBalancerNotFound, "There is no ACTIVE Load Balancer named '%s'", name)
}

// errConfiguration is for a change that a load balancer cannot take as it is.
func errConfiguration(format string, args ...any) error {
	return vpc.Errorf(vpc.InvalidConfigurationRequest, format, args...)
}

// errInvalid is for a parameter that ELB, or IAM, can never take.
func errInvalid(format string, args ...any) error {
	return vpc.Errorf(vpc.ValidationError, format, args...)
}

// changeBalancer applies change to a copy of a load balancer, and puts it. What
// the copy's lists hold is not to be changed in place.
func (r *request) changeBalancer(ctx context.Context, name string, change func(*store.Tx, *vpc.LoadBalancer) error) error {
	return r.update(ctx, func(tx *store.Tx) error {
		was, err := r.balancer(tx.Reader, name)
		if err != nil {
			return err
		}
		lb := *was
		if err := change(tx, &lb); err != nil {
			return err
		}
		tx.PutLoadBalancer(&lb)
		return nil
	})
}

// alterBalancer is changeBalancer for an action that has nothing to tell.
func (r *request) alterBalancer(ctx context.Context, name string, change func(*store.Tx, *vpc.LoadBalancer) error) (*emptyOutput, error) {
	if err := r.changeBalancer(ctx, name, change); err != nil {
		return nil, err
	}
	return &emptyOutput{}, nil
}

type deleteBalancerInput struct{ balancerName }

// deleteBalancer implements DeleteLoadBalancer. That of one that is not there
// succeeds.
func (r *request) deleteBalancer(ctx context.Context, in *deleteBalancerInput) (*emptyOutput, error) {
	err := r.update(ctx, func(tx *store.Tx) error {
		lb := tx.LoadBalancerNamed(r.Region, r.Account.ID, in.Name)
		if lb == nil {
			return nil
		}
		for _, n := range lb.Nodes {
			deleteNode(tx, lb, n)
		}
		tx.DeleteLoadBalancer(lb)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &emptyOutput{}, nil
}
