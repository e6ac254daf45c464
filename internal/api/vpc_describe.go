package api

import (
	"context"
	"strconv"

	"ringfence/internal/vpc"
)

// What the API says of the state of a noun that is there, and of an
// association: both are complete as soon as the call that makes them is answered.
const (
	stateAvailable     = "available"
	stateAssociated    = "associated"
	stateDisassociated = "disassociated"
)

// amazonPool is the pool that blocks come from which users did not bring.
const amazonPool = "Amazon"

type describeVPCsInput struct {
	dryRun
	filters
	paging
	IDs []string `aws:"VpcId,bare"`
}

type describeVPCsOutput struct {
	VPCs      []vpcItem `aws:"vpcSet"`
	NextToken string    `aws:"nextToken,omitempty"`
}

// vpcItem is a VPC in an answer.
type vpcItem struct {
	ID          vpc.NetworkID      `aws:"vpcId"`
	Owner       vpc.AccountID      `aws:"ownerId,since=2016-11-15"`
	State       string             `aws:"state"`
	CIDR        string             `aws:"cidrBlock"`
	CIDRs       []blockItem        `aws:"cidrBlockAssociationSet,since=2016-11-15"`
	IPv6        []vpcIPv6BlockItem `aws:"ipv6CidrBlockAssociationSet,since=2016-11-15"`
	DHCPOptions string             `aws:"dhcpOptionsId"`
	Tags        []tagItem          `aws:"tagSet"`
	Tenancy     string             `aws:"instanceTenancy,since=2012-05-01"`
	Default     bool               `aws:"isDefault,since=2013-02-01"`
}

type blockStateItem struct {
	State string `aws:"state"`
}

// blockItem is an IPv4 block of a VPC.
type blockItem struct {
	ID    vpc.AssociationID `aws:"associationId"`
	CIDR  string            `aws:"cidrBlock"`
	State blockStateItem    `aws:"cidrBlockState"`
}

// ipv6BlockItem is an IPv6 block of a VPC or a subnet.
type ipv6BlockItem struct {
	ID    vpc.AssociationID `aws:"associationId"`
	CIDR  string            `aws:"ipv6CidrBlock"`
	State blockStateItem    `aws:"ipv6CidrBlockState"`
}

type vpcIPv6BlockItem struct {
	ipv6BlockItem
	Pool        string     `aws:"ipv6Pool"`
	BorderGroup vpc.Region `aws:"networkBorderGroup"`
}

func newVPCItem(v *vpc.VPC) vpcItem {
	item := vpcItem{
		ID: v.ID, Owner: v.Account, State: stateAvailable, CIDR: v.CIDRs[0].CIDR.String(), DHCPOptions: v.DHCPOptions,
		Tags: tagItems(v.Tags), Tenancy: v.Tenancy, Default: v.Default,
	}
	for _, c := range v.CIDRs {
		item.CIDRs = append(item.CIDRs, newBlockItem(c))
	}
	for _, c := range v.IPv6 {
		item.IPv6 = append(item.IPv6, newVPCIPv6BlockItem(v, c))
	}
	return item
}

func newBlockItem(c vpc.CIDRAssociation) blockItem {
	return blockItem{ID: c.ID, CIDR: c.CIDR.String(), State: blockStateItem{stateAssociated}}
}

func newIPv6BlockItem(c vpc.CIDRAssociation) ipv6BlockItem {
	return ipv6BlockItem{ID: c.ID, CIDR: c.CIDR.String(), State: blockStateItem{stateAssociated}}
}

func newVPCIPv6BlockItem(v *vpc.VPC, c vpc.CIDRAssociation) vpcIPv6BlockItem {
	return vpcIPv6BlockItem{newIPv6BlockItem(c), amazonPool, v.Region}
}

// describeVPCs implements DescribeVpcs.
func (r *request) describeVPCs(ctx context.Context, in *describeVPCsInput) (*describeVPCsOutput, error) {
	vpcs, err := r.namedVPCs(ctx, in.IDs)
	if err != nil {
		return nil, err
	}
	page, next, err := filterPage(in.filters, in.paging, vpcFilters, vpcs, vpcOrder)
	if err != nil {
		return nil, err
	}
	out := &describeVPCsOutput{NextToken: next}
	for _, v := range page {
		out.VPCs = append(out.VPCs, newVPCItem(v))
	}
	return out, nil
}

// namedVPCs returns the VPCs that a call names, or all of the caller's.
func (r *request) namedVPCs(ctx context.Context, ids []string) ([]*vpc.VPC, error) {
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	return named(ids,
		func(id string) (*vpc.VPC, error) { return r.vpcByID(v.Reader, id) },
		func() []*vpc.VPC { return v.VPCs(r.Region, r.Account.ID) })
}

func vpcOrder(v *vpc.VPC) string { return byNumber(v.Number) }

// vpcFilters are the filters of DescribeVpcs.
var vpcFilters = filterTable[*vpc.VPC]{
	values: map[string]func(*vpc.VPC) []string{
		"cidr":            func(v *vpc.VPC) []string { return []string{v.CIDRs[0].CIDR.String()} },
		"dhcp-options-id": func(v *vpc.VPC) []string { return []string{v.DHCPOptions} },
		"is-default":      isDefaultVPC,
		"isDefault":       isDefaultVPC,
		"owner-id":        func(v *vpc.VPC) []string { return []string{string(v.Account)} },
		"state":           func(*vpc.VPC) []string { return []string{stateAvailable} },
		"vpc-id":          func(v *vpc.VPC) []string { return []string{string(v.ID)} },

		"cidr-block-association.association-id": func(v *vpc.VPC) []string { return associationIDs(v.CIDRs) },
		"cidr-block-association.cidr-block":     func(v *vpc.VPC) []string { return blocks(v.CIDRs) },
		"cidr-block-association.state":          func(v *vpc.VPC) []string { return associationStates(v.CIDRs) },

		"ipv6-cidr-block-association.association-id":  func(v *vpc.VPC) []string { return associationIDs(v.IPv6) },
		"ipv6-cidr-block-association.ipv6-cidr-block": func(v *vpc.VPC) []string { return blocks(v.IPv6) },
		"ipv6-cidr-block-association.ipv6-pool":       func(v *vpc.VPC) []string { return each(v.IPv6, func(vpc.CIDRAssociation) string { return amazonPool }) },
		"ipv6-cidr-block-association.state":           func(v *vpc.VPC) []string { return associationStates(v.IPv6) },
	},
	tags: func(v *vpc.VPC) []vpc.Tag { return v.Tags },
}

func isDefaultVPC(v *vpc.VPC) []string { return []string{strconv.FormatBool(v.Default)} }

func associationIDs(list []vpc.CIDRAssociation) []string {
	return each(list, func(c vpc.CIDRAssociation) string { return string(c.ID) })
}

func blocks(list []vpc.CIDRAssociation) []string {
	return each(list, func(c vpc.CIDRAssociation) string { return c.CIDR.String() })
}

func associationStates(list []vpc.CIDRAssociation) []string {
	return each(list, func(vpc.CIDRAssociation) string { return stateAssociated })
}

// each returns a part of each element of a list.
func each[T, Part any](list []T, part func(T) Part) []Part {
	parts := make([]Part, len(list))
	for i, element := range list {
		parts[i] = part(element)
	}
	return parts
}
