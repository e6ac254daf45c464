package api

import (
	"context"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type describeAddressesInput struct {
	dryRun
	filters
	Publics     []string `aws:"PublicIp,bare"`
	Allocations []string `aws:"AllocationId,bare"`
}

type describeAddressesOutput struct {
	Addresses []elasticItem `aws:"addressesSet"`
}

// elasticItem is an Elastic IP address in an answer (EC2 API reference, Address).
type elasticItem struct {
	Public         string            `aws:"publicIp"`
	Allocation     vpc.AllocationID  `aws:"allocationId,since=2011-01-01,omitempty"`
	Domain         string            `aws:"domain,since=2011-01-01"`
	Instance       vpc.InstanceID    `aws:"instanceId"`
	Association    vpc.AssociationID `aws:"associationId,since=2011-01-01,omitempty"`
	Interface      vpc.InterfaceID   `aws:"networkInterfaceId,since=2011-11-15,omitempty"`
	InterfaceOwner vpc.AccountID     `aws:"networkInterfaceOwnerId,since=2011-11-15,omitempty"`
	Private        string            `aws:"privateIpAddress,since=2011-11-15,omitempty"`
	Pool           string            `aws:"publicIpv4Pool,since=2016-11-15"`
	BorderGroup    vpc.Region        `aws:"networkBorderGroup,since=2016-11-15"`
	Tags           []tagItem         `aws:"tagSet,since=2016-11-15"`
}

// describeAddresses implements DescribeAddresses.
func (r *request) describeAddresses(ctx context.Context, in *describeAddressesInput) (*describeAddressesOutput, error) {
	match, err := elasticFilters.match(in.Filters)
	if err != nil {
		return nil, err
	}
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	addresses, err := r.describedAddresses(v.Reader, in)
	if err != nil {
		return nil, err
	}
	out := &describeAddressesOutput{}
	for _, a := range addresses {
		if item := newElasticItem(v.Reader, a); match(item) {
			out.Addresses = append(out.Addresses, item)
		}
	}
	return out, nil
}

// describedAddresses finds the addresses that a call names, all of which must
// exist; without names all there are.
func (r *request) describedAddresses(reader store.Reader, in *describeAddressesInput) ([]*vpc.Address, error) {
	if len(in.Publics)+len(in.Allocations) == 0 {
		return reader.Addresses(r.Region, r.Account.ID), nil
	}
	var list []*vpc.Address
	for _, public := range in.Publics {
		a := r.elasticAt(reader, public)
		if a == nil {
			return nil, vpc.Errorf(vpc.InvalidAddressNotFound, "Address '%s' not found.", public)
		}
		list = append(list, a)
	}
	for _, id := range in.Allocations {
		a, err := r.elasticByID(reader, id)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b *vpc.Address) int { return a.Public.Compare(b.Public) })
	return slices.Compact(list), nil
}

func newElasticItem(reader store.Reader, a *vpc.Address) elasticItem {
	item := elasticItem{
		Public: a.Public.String(), Allocation: a.Allocation, Domain: domainOf(a), Association: a.Association,
		Pool: poolOwner, BorderGroup: a.Region, Tags: tagItems(a.Tags),
	}
	n := reader.Interface(a.Region, a.Account, a.Interface)
	if n == nil {
		return item
	}
	item.Instance = n.Instance
	if a.Allocation != "" { // EC2-Classic shows no interface
		item.Interface, item.InterfaceOwner, item.Private = n.ID, n.Account, a.Private.String()
	}
	return item
}

// elasticFilters are the filters of DescribeAddresses (EC2 API reference).
var elasticFilters = filterTable[elasticItem]{
	values: map[string]func(elasticItem) []string{
		"public-ip":                  func(a elasticItem) []string { return []string{a.Public} },
		"allocation-id":              func(a elasticItem) []string { return present(string(a.Allocation)) },
		"association-id":             func(a elasticItem) []string { return present(string(a.Association)) },
		"domain":                     func(a elasticItem) []string { return []string{a.Domain} },
		"instance-id":                func(a elasticItem) []string { return present(string(a.Instance)) },
		"network-interface-id":       func(a elasticItem) []string { return present(string(a.Interface)) },
		"network-interface-owner-id": func(a elasticItem) []string { return present(string(a.InterfaceOwner)) },
		"private-ip-address":         func(a elasticItem) []string { return present(a.Private) },
		"network-border-group":       func(a elasticItem) []string { return []string{string(a.BorderGroup)} },
	},
	tags: func(a elasticItem) []vpc.Tag { return vpcTags(a.Tags) },
}

type describeAddressAttributesInput struct {
	dryRun
	paging
	Allocations []string `aws:"AllocationId,bare"`
	Attribute   string   `aws:"Attribute"`
}

type describeAddressAttributesOutput struct {
	Addresses []addressAttributeItem `aws:"addressSet"`
	NextToken string                 `aws:"nextToken,omitempty"`
}

type addressAttributeItem struct {
	Public     string           `aws:"publicIp"`
	Allocation vpc.AllocationID `aws:"allocationId"`
}

// describeAddressAttributes implements DescribeAddressesAttribute, which lists
// the addresses with a name of their own. None has one.
func (r *request) describeAddressAttributes(ctx context.Context, in *describeAddressAttributesInput) (*describeAddressAttributesOutput, error) {
	if in.Attribute != "" && in.Attribute != "domain-name" {
		return nil, errAttribute(in.Attribute)
	}
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range in.Allocations {
		if _, err := r.elasticByID(v.Reader, id); err != nil {
			return nil, err
		}
	}
	page, next, err := paginate(in.paging, nil, func(a addressAttributeItem) string { return a.Public })
	if err != nil {
		return nil, err
	}
	return &describeAddressAttributesOutput{Addresses: page, NextToken: next}, nil
}
