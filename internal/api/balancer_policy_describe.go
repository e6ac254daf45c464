package api

import (
	"context"

	"ringfence/internal/vpc"
)

type describePoliciesInput struct {
	Name     string   `aws:"LoadBalancerName"`
	Policies []string `aws:"PolicyNames,bare"`
}

type describePoliciesOutput struct {
	Policies []policyItem `aws:"PolicyDescriptions"`
}

type policyItem struct {
	Name       string                `aws:"PolicyName"`
	Type       string                `aws:"PolicyTypeName"`
	Attributes []policyAttributeItem `aws:"PolicyAttributeDescriptions"`
}

type policyAttributeItem struct {
	Name  string `aws:"AttributeName"`
	Value string `aws:"AttributeValue"`
}

// describePolicies implements DescribeLoadBalancerPolicies. Without a load
// balancer it shows the policies that are predefined.
func (r *request) describePolicies(ctx context.Context, in *describePoliciesInput) (*describePoliciesOutput, error) {
	lb := &vpc.LoadBalancer{Policies: vpc.PredefinedTLSPolicies()}
	if in.Name != "" {
		var err error
		if lb, _, err = r.viewedBalancer(ctx, in.Name); err != nil {
			return nil, err
		}
	}
	policies, err := named(in.Policies, func(name string) (*vpc.LoadBalancerPolicy, error) {
		if p := findPolicy(lb, name); p != nil {
			return p, nil
		}
		return nil, errNoPolicy(lb, name)
	}, func() []*vpc.LoadBalancerPolicy { return pointers(lb.Policies) })
	if err != nil {
		return nil, err
	}
	out := &describePoliciesOutput{}
	for _, p := range policies {
		attributes := each(p.Attributes, func(a vpc.PolicyAttribute) policyAttributeItem { return policyAttributeItem(a) })
		out.Policies = append(out.Policies, policyItem{p.Name, p.Type, attributes})
	}
	return out, nil
}

// pointers are to the elements of a list.
func pointers[T any](list []T) []*T {
	all := make([]*T, len(list))
	for i := range list {
		all[i] = &list[i]
	}
	return all
}

type describePolicyTypesInput struct {
	Types []string `aws:"PolicyTypeNames,bare"`
}

type describePolicyTypesOutput struct {
	Types []policyTypeItem `aws:"PolicyTypeDescriptions"`
}

type policyTypeItem struct {
	Name        string                    `aws:"PolicyTypeName"`
	Description string                    `aws:"Description"`
	Attributes  []policyAttributeTypeItem `aws:"PolicyAttributeTypeDescriptions"`
}

type policyAttributeTypeItem struct {
	Name        string `aws:"AttributeName"`
	Type        string `aws:"AttributeType"`
	Cardinality string `aws:"Cardinality"`
}

// describePolicyTypes implements DescribeLoadBalancerPolicyTypes.
func (r *request) describePolicyTypes(_ context.Context, in *describePolicyTypesInput) (*describePolicyTypesOutput, error) {
	types := policyTypes
	if len(in.Types) > 0 {
		types = nil
		for _, name := range in.Types {
			t, err := findPolicyType(name)
			if err != nil {
				return nil, err
			}
			types = append(types, t)
		}
	}
	out := &describePolicyTypesOutput{}
	for _, t := range types {
		attributes := each(t.attributes, func(a policyAttributeType) policyAttributeTypeItem {
			return policyAttributeTypeItem{a.name, a.kind, a.cardinality}
		})
		out.Types = append(out.Types, policyTypeItem{t.name, t.description, attributes})
	}
	return out, nil
}
