package api

import (
	"context"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type balancerZonesInput struct {
	balancerName
	Zones []string `aws:"AvailabilityZones,required"`
}

type balancerZonesOutput struct {
	Zones []vpc.Zone `aws:"AvailabilityZones"`
}

// enableZones implements EnableAvailabilityZonesForLoadBalancer.
func (r *request) enableZones(ctx context.Context, in *balancerZonesInput) (*balancerZonesOutput, error) {
	return r.changeZones(ctx, in, func(tx *store.Tx, lb *vpc.LoadBalancer, places []balancerPlace) error {
		return r.addNodes(tx, lb, places)
	})
}

// disableZones implements DisableAvailabilityZonesForLoadBalancer. A zone that
// is not enabled is left so.
func (r *request) disableZones(ctx context.Context, in *balancerZonesInput) (*balancerZonesOutput, error) {
	return r.changeZones(ctx, in, func(tx *store.Tx, lb *vpc.LoadBalancer, places []balancerPlace) error {
		return removeNodes(tx, lb, "Availability Zone", func(n vpc.LoadBalancerNode) bool {
			return slices.ContainsFunc(places, func(p balancerPlace) bool { return p.zone == n.Zone })
		})
	})
}

// changeZones changes where a load balancer has nodes, by zones. In a VPC other
// than the default one subnets say where.
func (r *request) changeZones(ctx context.Context, in *balancerZonesInput, change func(*store.Tx, *vpc.LoadBalancer, []balancerPlace) error) (*balancerZonesOutput, error) {
	out := &balancerZonesOutput{}
	err := r.changeBalancer(ctx, in.Name, func(tx *store.Tx, lb *vpc.LoadBalancer) error {
		if v := tx.VPC(r.Region, r.Account.ID, lb.Network); v != nil && !v.Default {
			return errConfiguration("The load balancer '%s' is in a VPC; attach it to subnets instead.", lb.Name)
		}
		places, err := r.zonePlaces(tx, lb, in.Zones)
		if err != nil {
			return err
		}
		if err := change(tx, lb, places); err != nil {
			return err
		}
		out.Zones = nodeZones(lb)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

type balancerSubnetsInput struct {
	balancerName
	Subnets []string `aws:"Subnets,required"`
}

type balancerSubnetsOutput struct {
	Subnets []vpc.SubnetID `aws:"Subnets"`
}

// attachSubnets implements AttachLoadBalancerToSubnets.
func (r *request) attachSubnets(ctx context.Context, in *balancerSubnetsInput) (*balancerSubnetsOutput, error) {
	return r.changeSubnets(ctx, in, func(tx *store.Tx, lb *vpc.LoadBalancer) error {
		places, err := r.subnetPlaces(tx, in.Subnets)
		if err != nil {
			return err
		}
		if places[0].subnet.Network != lb.Network {
			return errConfiguration("The subnet '%s' does not belong to VPC '%s'.", places[0].subnet.ID, lb.Network)
		}
		return r.addNodes(tx, lb, places)
	})
}

// detachSubnets implements DetachLoadBalancerFromSubnets. A subnet that the load
// balancer is not attached to is left so.
func (r *request) detachSubnets(ctx context.Context, in *balancerSubnetsInput) (*balancerSubnetsOutput, error) {
	return r.changeSubnets(ctx, in, func(tx *store.Tx, lb *vpc.LoadBalancer) error {
		return removeNodes(tx, lb, "subnet", func(n vpc.LoadBalancerNode) bool { return slices.Contains(in.Subnets, string(n.Subnet)) })
	})
}

func (r *request) changeSubnets(ctx context.Context, in *balancerSubnetsInput, change func(*store.Tx, *vpc.LoadBalancer) error) (*balancerSubnetsOutput, error) {
	out := &balancerSubnetsOutput{}
	err := r.changeBalancer(ctx, in.Name, func(tx *store.Tx, lb *vpc.LoadBalancer) error {
		if lb.IsClassic() {
			return errConfiguration("The load balancer '%s' is not in a VPC.", lb.Name)
		}
		if err := change(tx, lb); err != nil {
			return err
		}
		out.Subnets = nodeSubnets(lb)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func nodeZones(lb *vpc.LoadBalancer) []vpc.Zone {
	return each(lb.Nodes, func(n vpc.LoadBalancerNode) vpc.Zone { return n.Zone })
}

// nodeSubnets are the subnets that a load balancer is attached to; none in
// EC2-Classic.
func nodeSubnets(lb *vpc.LoadBalancer) []vpc.SubnetID {
	var subnets []vpc.SubnetID
	for _, n := range lb.Nodes {
		if n.Subnet != vpc.ClassicSubnet {
			subnets = append(subnets, n.Subnet)
		}
	}
	return subnets
}
