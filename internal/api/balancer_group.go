package api

import (
	"context"
	"crypto/md5"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// defaultELBDescription is what the group says of itself that ELB makes.
const defaultELBDescription = "ELB created security group used when no security group is specified during ELB creation - " +
	"modifications could impact traffic to future ELBs"

// groupBalancer gives a new load balancer its groups. In EC2-Classic it has
// none of its own.
func (r *request) groupBalancer(tx *store.Tx, lb *vpc.LoadBalancer, in *createBalancerInput) (err error) {
	v := tx.VPC(r.Region, r.Account.ID, lb.Network)
	switch {
	case len(in.Groups) > 0 && v == nil:
		return errConfiguration("Security groups cannot be specified for a load balancer in EC2-Classic.")
	case len(in.Groups) > 0 && len(in.Zones) > 0:
		return errConfiguration("Security groups cannot be specified together with Availability Zones; specify subnets.")
	case len(in.Groups) > 0:
		lb.Groups, err = r.balancerGroups(tx.Reader, lb, in.Groups)
		return err
	case v == nil:
		return nil
	case v.Default:
		lb.Groups = []vpc.GroupID{r.defaultELBGroup(tx, lb).ID}
		return nil
	}
	g := tx.GroupNamed(r.Region, r.Account.ID, v.ID, vpc.DefaultGroupName)
	if g == nil {
		return fmt.Errorf("%s has no default group", v.ID)
	}
	lb.Groups = []vpc.GroupID{g.ID}
	return nil
}

// defaultELBGroup returns the group of those load balancers of a default VPC that
// nobody has given one. The first of them makes it, with rules for its own
// listeners; it outlives them all, and later ones only join it (ELB User Guide,
// "Security groups for load balancers in a VPC").
func (r *request) defaultELBGroup(tx *store.Tx, lb *vpc.LoadBalancer) *vpc.SecurityGroup {
	id := md5.Sum([]byte(string(r.Account.ID) + "/" + string(r.Region)))
	name := fmt.Sprintf("default_elb_%x-%x-3%.3s-a%.3s-%x", id[:4], id[4:6], fmt.Sprintf("%x", id[6:8]), fmt.Sprintf("%x", id[8:10]), id[10:])
	if g := tx.GroupNamed(r.Region, r.Account.ID, lb.Network, name); g != nil {
		return g
	}
	g := &vpc.SecurityGroup{
		ID: newGroupID(tx, r.Region, r.Account.Era), Account: r.Account.ID, Region: r.Region, Network: lb.Network,
		Name: name, Description: defaultELBDescription, Created: time.Now().UTC(),
	}
	tx.PutGroup(g)
	var position int64
	put := func(rule vpc.Rule) {
		position++
		rule.ID, rule.Group, rule.Position = newRuleID(), g.ID, position
		tx.PutRule(g, &rule)
	}
	put(vpc.Rule{Egress: true, Proto: vpc.AnyProto, Peer: vpc.Peer{CIDR: anyIPv4}})
	for _, l := range lb.Listeners {
		put(vpc.Rule{Proto: vpc.TCP, Ports: vpc.PortRange{From: l.Port, To: l.Port}, Peer: vpc.Peer{CIDR: anyIPv4}})
	}
	return g
}

// balancerGroups finds groups for a load balancer in a VPC, in the order of the
// call and each once.
func (r *request) balancerGroups(reader store.Reader, lb *vpc.LoadBalancer, ids []string) ([]vpc.GroupID, error) {
	var groups []vpc.GroupID
	for _, id := range ids {
		g := reader.Group(r.Region, vpc.GroupID(id))
		switch {
		case g == nil || g.Account != r.Account.ID:
			return nil, vpc.Errorf(vpc.InvalidSecurityGroup, "One or more of the specified security groups do not exist.")
		case g.Network != lb.Network:
			return nil, errConfiguration("Security group '%s' does not belong to VPC '%s'", id, lb.Network)
		case !slices.Contains(groups, g.ID):
			groups = append(groups, g.ID)
		}
	}
	if most := r.limit(groupsPerInterface); len(groups) > most {
		return nil, errConfiguration("A load balancer can have at most %d security groups.", most)
	}
	return groups, nil
}

type applyGroupsInput struct {
	balancerName
	Groups []string `aws:"SecurityGroups,required"`
}

type applyGroupsOutput struct {
	Groups []vpc.GroupID `aws:"SecurityGroups"`
}

// applyGroups implements ApplySecurityGroupsToLoadBalancer: the groups replace
// those that all nodes were in.
func (r *request) applyGroups(ctx context.Context, in *applyGroupsInput) (*applyGroupsOutput, error) {
	out := &applyGroupsOutput{}
	err := r.changeBalancer(ctx, in.Name, func(tx *store.Tx, lb *vpc.LoadBalancer) (err error) {
		if lb.IsClassic() {
			return errConfiguration("Security groups cannot be applied to the load balancer '%s', which is in EC2-Classic.", lb.Name)
		}
		if lb.Groups, err = r.balancerGroups(tx.Reader, lb, in.Groups); err != nil {
			return err
		}
		out.Groups = lb.Groups
		groups := slices.Sorted(slices.Values(lb.Groups))
		for _, node := range lb.Nodes {
			n := *nodeInterface(tx.Reader, lb, node)
			n.Groups, n.Identity = groups, tx.Intern(groups)
			tx.PutInterface(&n)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
