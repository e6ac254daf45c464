package api

import (
	"context"

	"ringfence/internal/vpc"
)

type describeClassicLinkInput struct {
	dryRun
	filters
	IDs []string `aws:"VpcId,bare"`
}

type describeClassicLinkOutput struct {
	VPCs []classicLinkItem `aws:"vpcSet"`
}

type classicLinkItem struct {
	VPC     vpc.NetworkID `aws:"vpcId"`
	Enabled bool          `aws:"classicLinkEnabled"`
	Tags    []tagItem     `aws:"tagSet"`
}

// classicLinkFilters are the filters of DescribeVpcClassicLink.
var classicLinkFilters = filterTable[*vpc.VPC]{
	values: map[string]func(*vpc.VPC) []string{
		"is-classic-link-enabled": func(*vpc.VPC) []string { return []string{"false"} },
		"vpc-id":                  func(v *vpc.VPC) []string { return []string{string(v.ID)} },
	},
	tags: func(v *vpc.VPC) []vpc.Tag { return v.Tags },
}

// describeClassicLink implements DescribeVpcClassicLink, which infrastructure
// tools ask for every VPC: instances of EC2-Classic cannot be linked to any.
func (r *request) describeClassicLink(ctx context.Context, in *describeClassicLinkInput) (*describeClassicLinkOutput, error) {
	vpcs, err := r.namedVPCs(ctx, in.IDs)
	if err != nil {
		return nil, err
	}
	page, _, err := filterPage(in.filters, paging{}, classicLinkFilters, vpcs, vpcOrder)
	if err != nil {
		return nil, err
	}
	out := &describeClassicLinkOutput{}
	for _, v := range page {
		out.VPCs = append(out.VPCs, classicLinkItem{VPC: v.ID, Tags: tagItems(v.Tags)})
	}
	return out, nil
}

type describeClassicLinkDNSInput struct {
	paging
	IDs []string `aws:"VpcIds"`
}

type describeClassicLinkDNSOutput struct {
	VPCs      []classicLinkDNSItem `aws:"vpcs"`
	NextToken string               `aws:"nextToken,omitempty"`
}

type classicLinkDNSItem struct {
	VPC       vpc.NetworkID `aws:"vpcId"`
	Supported bool          `aws:"classicLinkDnsSupported"`
}

// describeClassicLinkDNS implements DescribeVpcClassicLinkDnsSupport.
func (r *request) describeClassicLinkDNS(ctx context.Context, in *describeClassicLinkDNSInput) (*describeClassicLinkDNSOutput, error) {
	vpcs, err := r.namedVPCs(ctx, in.IDs)
	if err != nil {
		return nil, err
	}
	page, next, err := paginate(in.paging, vpcs, vpcOrder)
	if err != nil {
		return nil, err
	}
	out := &describeClassicLinkDNSOutput{NextToken: next}
	for _, v := range page {
		out.VPCs = append(out.VPCs, classicLinkDNSItem{VPC: v.ID})
	}
	return out, nil
}
