package api

import (
	"context"

	"ringfence/internal/vpc"
)

// There is no peering: no VPC reaches another, so no group is known outside its
// own, and no rule outlives the group that it names. What asks about that gets
// an empty list, once its parameters are right.

type describeReferencesInput struct {
	dryRun
	GroupIDs []string `aws:"GroupId,bare,required"`
}

type describeReferencesOutput struct {
	References []struct{} `aws:"securityGroupReferenceSet"`
}

// describeReferences implements DescribeSecurityGroupReferences.
func (r *request) describeReferences(ctx context.Context, in *describeReferencesInput) (*describeReferencesOutput, error) {
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range in.GroupIDs {
		if _, err := r.groupByID(v.Reader, id); err != nil {
			return nil, err
		}
	}
	return &describeReferencesOutput{}, nil
}

type describeStaleGroupsInput struct {
	dryRun
	paging
	VPC string `aws:"VpcId,required"`
}

type describeStaleGroupsOutput struct {
	Groups []struct{} `aws:"staleSecurityGroupSet"`
}

// describeStaleGroups implements DescribeStaleSecurityGroups.
func (r *request) describeStaleGroups(ctx context.Context, in *describeStaleGroupsInput) (*describeStaleGroupsOutput, error) {
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := r.vpcByID(v.Reader, in.VPC); err != nil {
		return nil, err
	}
	none, _, err := paginate(in.paging, []struct{}(nil), func(struct{}) string { return "" })
	return &describeStaleGroupsOutput{none}, err
}

type groupsForVPCInput struct {
	dryRun
	filters
	paging
	VPC string `aws:"VpcId,required"`
}

type groupsForVPCOutput struct {
	Groups    []groupForVPCItem `aws:"securityGroupForVpcSet"`
	NextToken string            `aws:"nextToken,omitempty"`
}

type groupForVPCItem struct {
	Description string        `aws:"description"`
	GroupName   string        `aws:"groupName"`
	OwnerID     vpc.AccountID `aws:"ownerId"`
	GroupID     vpc.GroupID   `aws:"groupId"`
	Tags        []tagItem     `aws:"tagSet"`
	VPC         vpc.NetworkID `aws:"primaryVpcId"`
}

var groupForVPCFilters = filterTable[*vpc.SecurityGroup]{
	values: map[string]func(*vpc.SecurityGroup) []string{
		"description":    func(g *vpc.SecurityGroup) []string { return []string{g.Description} },
		"group-id":       func(g *vpc.SecurityGroup) []string { return []string{string(g.ID)} },
		"group-name":     func(g *vpc.SecurityGroup) []string { return []string{g.Name} },
		"owner-id":       func(g *vpc.SecurityGroup) []string { return []string{string(g.Account)} },
		"primary-vpc-id": func(g *vpc.SecurityGroup) []string { return []string{string(g.Network)} },
	},
	tags: func(g *vpc.SecurityGroup) []vpc.Tag { return g.Tags },
}

// groupsForVPC implements GetSecurityGroupsForVpc: the groups that an interface
// in a VPC can be in.
func (r *request) groupsForVPC(ctx context.Context, in *groupsForVPCInput) (*groupsForVPCOutput, error) {
	view, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	v, err := r.vpcByID(view.Reader, in.VPC)
	if err != nil {
		return nil, err
	}
	var groups []*vpc.SecurityGroup
	for _, g := range view.Groups(r.Region, r.Account.ID) {
		if g.Network == v.ID {
			groups = append(groups, g)
		}
	}
	page, next, err := filterPage(in.filters, in.paging, groupForVPCFilters, groups, groupOrder)
	if err != nil {
		return nil, err
	}
	out := &groupsForVPCOutput{NextToken: next}
	for _, g := range page {
		out.Groups = append(out.Groups, groupForVPCItem{
			Description: g.Description, GroupName: g.Name, OwnerID: g.Account, GroupID: g.ID, Tags: tagItems(g.Tags), VPC: g.Network,
		})
	}
	return out, nil
}

// groupOrder sorts groups by their age: the default group is the first.
func groupOrder(g *vpc.SecurityGroup) string { return byAge(g.Created, g.ID) }
