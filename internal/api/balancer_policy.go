package api

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// policyName names a policy of a load balancer.
type policyName struct {
	balancerName
	Policy string `aws:"PolicyName,required"`
}

type createPolicyInput struct {
	policyName
	Type       string                 `aws:"PolicyTypeName,required"`
	Attributes []policyAttributeInput `aws:"PolicyAttributes"`
}

type policyAttributeInput struct {
	Name  string `aws:"AttributeName"`
	Value string `aws:"AttributeValue"`
}

// createPolicy implements CreateLoadBalancerPolicy.
func (r *request) createPolicy(ctx context.Context, in *createPolicyInput) (*emptyOutput, error) {
	p := vpc.LoadBalancerPolicy{Name: in.Policy, Type: in.Type}
	for _, a := range in.Attributes {
		p.Attributes = append(p.Attributes, vpc.PolicyAttribute(a))
	}
	return r.addPolicy(ctx, in.Name, p)
}

type createLBCookieInput struct {
	policyName
	Period *int64 `aws:"CookieExpirationPeriod"` // seconds; nil: as long as the browser runs
}

// createLBCookie implements CreateLBCookieStickinessPolicy.
func (r *request) createLBCookie(ctx context.Context, in *createLBCookieInput) (*emptyOutput, error) {
	p := vpc.LoadBalancerPolicy{Name: in.Policy, Type: vpc.LBCookiePolicy}
	if in.Period != nil {
		p.Attributes = []vpc.PolicyAttribute{{Name: vpc.CookiePeriod, Value: strconv.FormatInt(*in.Period, 10)}}
	}
	return r.addPolicy(ctx, in.Name, p)
}

type createAppCookieInput struct {
	policyName
	Cookie string `aws:"CookieName,required"`
}

// createAppCookie implements CreateAppCookieStickinessPolicy.
func (r *request) createAppCookie(ctx context.Context, in *createAppCookieInput) (*emptyOutput, error) {
	return r.addPolicy(ctx, in.Name, vpc.LoadBalancerPolicy{
		Name: in.Policy, Type: vpc.AppCookiePolicy, Attributes: []vpc.PolicyAttribute{{Name: vpc.CookieName, Value: in.Cookie}},
	})
}

var policyNamePattern = regexp.MustCompile(`^[a-zA-Z0-9-]+$`)

// maxPolicies is how many policies a load balancer may have (ELB API reference,
// TooManyPolicies; the number is not told).
const maxPolicies = 100

// addPolicy adds a policy to a load balancer.
func (r *request) addPolicy(ctx context.Context, name string, p vpc.LoadBalancerPolicy) (*emptyOutput, error) {
	if err := checkPolicyName(p.Name); err != nil {
		return nil, err
	}
	return r.alterBalancer(ctx, name, func(_ *store.Tx, lb *vpc.LoadBalancer) error {
		switch {
		case findPolicy(lb, p.Name) != nil:
			return vpc.Errorf(vpc.DuplicatePolicyName, "There is already a policy with name %s for load balancer %s", p.Name, lb.Name)
		case len(lb.Policies) >= maxPolicies:
			return vpc.Errorf(vpc.TooManyPolicies, "A load balancer can have at most %d policies", maxPolicies)
		}
		checked, err := checkPolicy(lb, p)
		if err != nil {
			return err
		}
		lb.Policies = append(slices.Clone(lb.Policies), checked)
		return nil
	})
}

func checkPolicyName(name string) error {
	if !policyNamePattern.MatchString(name) {
		return errInvalid("Policy names must only contain alphanumeric characters and dashes: '%s'", name)
	}
	for _, reserved := range []string{"ELBSecurityPolicy-", "ELBSample-"} {
		if strings.HasPrefix(name, reserved) {
			return errConfiguration("Policy names must not begin with '%s'", reserved)
		}
	}
	return nil
}

// findPolicy returns the policy of lb with a name, nil if there is none.
func findPolicy(lb *vpc.LoadBalancer, name string) *vpc.LoadBalancerPolicy {
	for i := range lb.Policies {
		if lb.Policies[i].Name == name {
			return &lb.Policies[i]
		}
	}
	return nil
}

type deletePolicyInput struct{ policyName }

// deletePolicy implements DeleteLoadBalancerPolicy. One that is not there is
// left so; one that is enabled stays.
func (r *request) deletePolicy(ctx context.Context, in *deletePolicyInput) (*emptyOutput, error) {
	return r.alterBalancer(ctx, in.Name, func(_ *store.Tx, lb *vpc.LoadBalancer) error {
		if user := policyUser(lb, in.Policy); user != "" {
			return errConfiguration("The policy %s is in use by %s.", in.Policy, user)
		}
		lb.Policies = slices.DeleteFunc(slices.Clone(lb.Policies), func(p vpc.LoadBalancerPolicy) bool { return p.Name == in.Policy })
		return nil
	})
}

// policyUser says what a policy is enabled for, "" for nothing.
func policyUser(lb *vpc.LoadBalancer, name string) string {
	for _, l := range lb.Listeners {
		if slices.Contains(l.Policies, name) {
			return "the listener on port " + strconv.Itoa(int(l.Port))
		}
	}
	for port, names := range lb.BackendPolicies {
		if slices.Contains(names, name) {
			return "the instance port " + strconv.Itoa(int(port))
		}
	}
	for _, p := range lb.Policies {
		if p.Type == vpc.BackendAuthPolicy && slices.Contains(p.Attributes, vpc.PolicyAttribute{Name: vpc.PublicKeyHolder, Value: name}) {
			return "the policy " + p.Name
		}
	}
	return ""
}
