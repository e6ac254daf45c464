package api

import (
	"context"
	"net/netip"
	"strconv"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type describeSecurityGroupsInput struct {
	dryRun
	filters
	paging
	GroupNames []string `aws:"GroupName,bare"`
	GroupIDs   []string `aws:"GroupId,bare,since=2011-01-01"`
}

type describeSecurityGroupsOutput struct {
	Groups    []securityGroupItem `aws:"securityGroupInfo"`
	NextToken string              `aws:"nextToken,omitempty"`
}

// securityGroupItem is a group in an answer. Which version shows what is from
// the samples of the EC2 User Guide 2012-05-01 and the ELB Developer Guide: up
// to 2012-03-01 a group of EC2-Classic has no empty elements for what only those
// of VPCs have.
type securityGroupItem struct {
	OwnerID           vpc.AccountID     `aws:"ownerId"`
	GroupID           vpc.GroupID       `aws:"groupId,since=2011-01-01"`
	GroupName         string            `aws:"groupName"`
	Description       string            `aws:"groupDescription"`
	VPC               *vpc.NetworkID    `aws:"vpcId,since=2011-01-01"`
	Permissions       []permissionItem  `aws:"ipPermissions"`
	PermissionsEgress *[]permissionItem `aws:"ipPermissionsEgress,since=2011-01-01"`
	Tags              *[]tagItem        `aws:"tagSet,since=2010-08-31"`
	ARN               string            `aws:"securityGroupArn,since=2016-11-15,omitempty"`
}

// describeSecurityGroups implements DescribeSecurityGroups.
func (r *request) describeSecurityGroups(ctx context.Context, in *describeSecurityGroupsInput) (*describeSecurityGroupsOutput, error) {
	match, err := groupFilters.match(in.Filters)
	if err != nil {
		return nil, err
	}
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	groups, err := r.listedGroups(v, in)
	if err != nil {
		return nil, err
	}
	var matching []groupWithRules
	for _, g := range groups {
		if item := (groupWithRules{g, v.Reader}); match(item) {
			matching = append(matching, item)
		}
	}
	page, next, err := paginate(in.paging, matching, groupWithRules.order)
	if err != nil {
		return nil, err
	}
	out := &describeSecurityGroupsOutput{NextToken: next, Groups: make([]securityGroupItem, len(page))}
	for i, g := range page {
		out.Groups[i] = g.item(r.version)
	}
	return out, nil
}

// listedGroups returns the groups that a call names, each once, or all of the
// caller's when it names none.
func (r *request) listedGroups(v *store.View, in *describeSecurityGroupsInput) ([]*vpc.SecurityGroup, error) {
	if len(in.GroupIDs)+len(in.GroupNames) == 0 {
		return v.Groups(r.Region, r.Account.ID), nil
	}
	var groups []*vpc.SecurityGroup
	listed := map[vpc.GroupID]bool{}
	add := func(g *vpc.SecurityGroup, err error) error {
		if err == nil && !listed[g.ID] {
			listed[g.ID] = true
			groups = append(groups, g)
		}
		return err
	}
	for _, id := range in.GroupIDs {
		if err := add(r.groupByID(v.Reader, id)); err != nil {
			return nil, err
		}
	}
	for _, name := range in.GroupNames {
		if err := add(r.groupByName(v.Reader, name)); err != nil {
			return nil, err
		}
	}
	return groups, nil
}

// groupWithRules is a group and what else is needed to show it. Its rules are
// read when they are asked for: few calls look at those of all groups.
type groupWithRules struct {
	*vpc.SecurityGroup
	reader store.Reader
}

func (g groupWithRules) order() string { return groupOrder(g.SecurityGroup) }

// emptyElementsSince is the first API version that shows what a group of
// EC2-Classic does not have as empty elements.
const emptyElementsSince = "2012-05-01"

func (g groupWithRules) item(version string) securityGroupItem {
	ingress, egress := g.rules()
	item := securityGroupItem{
		OwnerID: g.Account, GroupID: g.ID, GroupName: g.Name, Description: g.Description,
		Permissions: permissionItems(g.reader, g.SecurityGroup, ingress), ARN: groupARN(g.SecurityGroup),
	}
	withEmpty := version >= emptyElementsSince
	if withEmpty || !g.IsClassic() {
		item.VPC = new(vpcIDOf(g.SecurityGroup))
		item.PermissionsEgress = new(permissionItems(g.reader, g.SecurityGroup, egress))
	}
	if withEmpty || len(g.Tags) > 0 {
		item.Tags = new(tagItems(g.Tags))
	}
	return item
}

// vpcIDOf is the VPC that a group belongs to; "" in EC2-Classic.
func vpcIDOf(g *vpc.SecurityGroup) vpc.NetworkID {
	if g.IsClassic() {
		return ""
	}
	return g.Network
}

// rules returns the rules of each direction.
func (g groupWithRules) rules() (ingress, egress []*vpc.Rule) {
	for _, rule := range g.reader.Rules(g.SecurityGroup) {
		if rule.Egress {
			egress = append(egress, rule)
		} else {
			ingress = append(ingress, rule)
		}
	}
	return ingress, egress
}

// groupFilters are the filters of DescribeSecurityGroups. Those on permissions
// match when any rule has the value; two of them may be met by two rules (EC2
// API reference).
var groupFilters = filterTable[groupWithRules]{
	values: withRuleFilters(map[string]func(groupWithRules) []string{
		"description": func(g groupWithRules) []string { return []string{g.Description} },
		"group-id":    func(g groupWithRules) []string { return []string{string(g.ID)} },
		"group-name":  func(g groupWithRules) []string { return []string{g.Name} },
		"owner-id":    func(g groupWithRules) []string { return []string{string(g.Account)} },
		"vpc-id":      func(g groupWithRules) []string { return present(string(vpcIDOf(g.SecurityGroup))) },
	}),
	tags: func(g groupWithRules) []vpc.Tag { return g.Tags },
}

// withRuleFilters adds what groups are found by in their rules: the same parts
// for both directions.
func withRuleFilters(values map[string]func(groupWithRules) []string) map[string]func(groupWithRules) []string {
	for name, part := range map[string]func(groupWithRules, *vpc.Rule) string{
		"cidr":           func(_ groupWithRules, rule *vpc.Rule) string { return blockText(rule, netip.Addr.Is4) },
		"ipv6-cidr":      func(_ groupWithRules, rule *vpc.Rule) string { return blockText(rule, netip.Addr.Is6) },
		"from-port":      func(_ groupWithRules, rule *vpc.Rule) string { from, _ := portNumbers(rule); return from },
		"to-port":        func(_ groupWithRules, rule *vpc.Rule) string { _, to := portNumbers(rule); return to },
		"protocol":       func(_ groupWithRules, rule *vpc.Rule) string { return rule.Proto.String() },
		"group-id":       func(_ groupWithRules, rule *vpc.Rule) string { return string(rule.Peer.Group) },
		"group-name":     peerName,
		"user-id":        peerOwner,
		"prefix-list-id": func(groupWithRules, *vpc.Rule) string { return "" }, // there are no prefix lists
	} {
		for prefix, egress := range map[string]bool{"ip-permission.": false, "egress.ip-permission.": true} {
			values[prefix+name] = func(g groupWithRules) []string {
				var all []string
				for _, rule := range g.reader.Rules(g.SecurityGroup) {
					if rule.Egress == egress {
						all = append(all, present(part(g, rule))...)
					}
				}
				return all
			}
		}
	}
	return values
}

// blockText is the block of a rule's peer when it is of a family, else "".
func blockText(rule *vpc.Rule, family func(netip.Addr) bool) string {
	if !rule.Peer.CIDR.IsValid() || !family(rule.Peer.CIDR.Addr()) {
		return ""
	}
	return rule.Peer.CIDR.String()
}

func peerName(g groupWithRules, rule *vpc.Rule) string {
	if peer := g.peer(rule); peer != nil {
		return peer.Name
	}
	return ""
}

func peerOwner(g groupWithRules, rule *vpc.Rule) string {
	if peer := g.peer(rule); peer != nil {
		return string(peer.Account)
	}
	return ""
}

func (g groupWithRules) peer(rule *vpc.Rule) *vpc.SecurityGroup {
	if rule.Peer.Group == "" {
		return nil
	}
	return g.reader.Group(g.Region, rule.Peer.Group)
}

// portNumbers are a rule's ports, or its ICMP type and code, as the API prints
// them; "" for a protocol that has neither.
func portNumbers(rule *vpc.Rule) (from, to string) {
	switch {
	case rule.Proto.HasPorts():
		return strconv.Itoa(int(rule.Ports.From)), strconv.Itoa(int(rule.Ports.To))
	case rule.Proto.IsICMP():
		return strconv.Itoa(int(rule.ICMP.Type)), strconv.Itoa(int(rule.ICMP.Code))
	}
	return "", ""
}
