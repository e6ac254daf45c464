package api

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"time"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type createBalancerInput struct {
	balancerName
	Listeners []listenerInput `aws:"Listeners"`
	Zones     []string        `aws:"AvailabilityZones"`
	Subnets   []string        `aws:"Subnets"`
	Groups    []string        `aws:"SecurityGroups"`
	Scheme    string          `aws:"Scheme"`
	Tags      []tag           `aws:"Tags"`
}

type createBalancerOutput struct {
	DNSName string `aws:"DNSName"`
}

// What a load balancer has when nobody has said otherwise (ELB User Guide,
// "Configure health checks", "Configure idle connection timeout", "Configure
// connection draining", "Configure desync mitigation mode").
const (
	defaultInterval  = 30 // seconds
	defaultTimeout   = 5
	defaultUnhealthy = 2
	defaultHealthy   = 10
	defaultDraining  = 300 // seconds
	defaultIdle      = 60
	defaultEmit      = 60 // minutes
	defaultDesync    = "defensive"
)

// createBalancer implements CreateLoadBalancer. With zones it is in EC2-Classic,
// or in the default VPC of an account that has none; with subnets it is where
// they are.
func (r *request) createBalancer(ctx context.Context, in *createBalancerInput) (*createBalancerOutput, error) {
	if p := r.proxy.Load(); p != nil && p.Problem != "" {
		return nil, vpc.Errorf(vpc.UnsupportedOperation, "%s", p.Problem)
	}
	template, err := r.newBalancer(in)
	if err != nil {
		return nil, err
	}
	var out *createBalancerOutput
	err = r.update(ctx, func(tx *store.Tx) error {
		if tx.LoadBalancerNamed(r.Region, r.Account.ID, in.Name) != nil {
			return vpc.Errorf(vpc.DuplicateLoadBalancerName,
				"Load Balancer named %s already exists and it is configured with different parameters.", in.Name)
		}
		if len(tx.LoadBalancers(r.Region, r.Account.ID)) >= r.limit(loadBalancers) {
			return vpc.Errorf(vpc.TooManyLoadBalancers, "Exceeded quota of account %s", r.Account.ID)
		}
		lb := template
		places, err := r.placeBalancer(tx, &lb, in)
		if err != nil {
			return err
		}
		for _, l := range in.Listeners {
			if err := r.addListener(tx, &lb, l); err != nil {
				return err
			}
		}
		if err := r.groupBalancer(tx, &lb, in); err != nil {
			return err
		}
		lb.HealthCheck.Target = vpc.HealthTarget{Protocol: vpc.ListenTCP, Port: lb.Listeners[0].InstancePort}.String()
		if err := r.addNodes(tx, &lb, places); err != nil {
			return err
		}
		tx.PutLoadBalancer(&lb)
		out = &createBalancerOutput{DNSName: lb.DNSName}
		return nil
	})
	return out, err
}

// newBalancer checks the parameters of a call by themselves.
func (r *request) newBalancer(in *createBalancerInput) (vpc.LoadBalancer, error) {
	lb := vpc.LoadBalancer{
		ID:      vpc.LoadBalancerID("elb-" + randomHex(longID)),
		Account: r.Account.ID, Region: r.Region, Name: in.Name, Scheme: vpc.InternetFacing, Created: time.Now().UTC(),
		HealthCheck: vpc.HealthCheck{
			Interval: defaultInterval, Timeout: defaultTimeout, UnhealthyThreshold: defaultUnhealthy, HealthyThreshold: defaultHealthy,
		},
		Attributes: vpc.LoadBalancerAttributes{
			DrainingTimeout: defaultDraining, IdleTimeout: defaultIdle, DesyncMitigation: defaultDesync,
			AccessLog: vpc.AccessLog{EmitInterval: defaultEmit},
		},
	}
	if in.Scheme != "" {
		lb.Scheme = vpc.Scheme(in.Scheme)
	}
	lb.DNSName = newDNSName(&lb)
	if err := checkBalancerName(in.Name); err != nil {
		return lb, err
	}
	switch {
	case len(in.Listeners) == 0:
		return lb, errInvalid("Listeners cannot be empty")
	case len(in.Zones) == 0 && len(in.Subnets) == 0:
		return lb, errInvalid("Either AvailabilityZones or SubnetIds must be specified")
	case len(in.Zones) > 0 && len(in.Subnets) > 0:
		return lb, errInvalid("Only one of SubnetIds or AvailabilityZones may be specified")
	case lb.Scheme != vpc.InternetFacing && lb.Scheme != vpc.Internal:
		return lb, vpc.Errorf(vpc.InvalidScheme, "Invalid scheme: '%s'. Valid schemes are internet-facing and internal.", in.Scheme)
	}
	var err error
	lb.Tags, err = balancerTags(nil, in.Tags)
	return lb, err
}

var balancerNamePattern = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$`)

const maxBalancerName = 32

func checkBalancerName(name string) error {
	switch {
	case len(name) > maxBalancerName:
		return errInvalid("LoadBalancer name cannot be longer than %d characters", maxBalancerName)
	case strings.Trim(name, "-") != name:
		return errInvalid("LoadBalancer name cannot start or end with a hyphen: '%s'", name)
	case !balancerNamePattern.MatchString(name):
		return errInvalid("LoadBalancer name must contain only alphanumeric characters or hyphens: '%s'", name)
	}
	return nil
}

// newDNSName returns the name that a load balancer will be reached by. Its number
// keeps apart load balancers of one name, of several accounts or one after the
// other.
func newDNSName(lb *vpc.LoadBalancer) string {
	const least, numbers = 1_000_000_000, 9_000_000_000 // ten digits
	n, _ := rand.Int(rand.Reader, big.NewInt(numbers))  // never fails
	name := fmt.Sprintf("%s-%d.%s.elb.amazonaws.com", lb.Name, least+n.Int64(), lb.Region)
	if lb.Scheme == vpc.Internal {
		return "internal-" + name
	}
	return name
}
