package api

import (
	"context"
	"fmt"
	"strconv"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type describeSecurityGroupsInput struct {
	dryRun
	filters
	paging
	GroupNames []string `aws:"GroupName,bare"`
	GroupIDs   []string `aws:"GroupId,bare"`
}

type describeSecurityGroupsOutput struct {
	Groups    []securityGroupItem `aws:"securityGroupInfo"`
	NextToken string              `aws:"nextToken,omitempty"`
}

// securityGroupItem is a group in an answer. Which version shows what is from
// the samples of the EC2 User Guide 2012-05-01 and the ELB Developer Guide.
type securityGroupItem struct {
	OwnerID           vpc.AccountID    `aws:"ownerId"`
	GroupID           vpc.GroupID      `aws:"groupId,since=2011-01-01"`
	GroupName         string           `aws:"groupName"`
	Description       string           `aws:"groupDescription"`
	VPC               string           `aws:"vpcId,since=2012-05-01"`
	Permissions       []permissionItem `aws:"ipPermissions"`
	PermissionsEgress []permissionItem `aws:"ipPermissionsEgress,since=2012-05-01"`
	Tags              []tagItem        `aws:"tagSet,since=2012-05-01"`
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
		if item := (groupWithRules{g, v.Rules(g), v.Reader}); match(item) {
			matching = append(matching, item)
		}
	}
	page, next, err := paginate(in.paging, matching, groupWithRules.order)
	if err != nil {
		return nil, err
	}
	out := &describeSecurityGroupsOutput{NextToken: next, Groups: make([]securityGroupItem, len(page))}
	for i, g := range page {
		out.Groups[i] = g.item()
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

// groupWithRules is a group and what else is needed to show it.
type groupWithRules struct {
	*vpc.SecurityGroup
	rules  []*vpc.Rule
	reader store.Reader
}

// order sorts groups by their age: the default group is the first.
func (g groupWithRules) order() string { return fmt.Sprintf("%020d %s", g.Created.UnixNano(), g.ID) }

func (g groupWithRules) item() securityGroupItem {
	return securityGroupItem{
		OwnerID: g.Account, GroupID: g.ID, GroupName: g.Name, Description: g.Description,
		Permissions: permissionItems(g.reader, g.Region, g.rules),
		Tags:        tagItems(g.Tags),
	}
}

// groupFilters are the filters of DescribeSecurityGroups. Those on permissions
// match when any rule has the value; two of them may be met by two rules (EC2
// API reference).
var groupFilters = filterTable[groupWithRules]{
	values: map[string]func(groupWithRules) []string{
		"description": func(g groupWithRules) []string { return []string{g.Description} },
		"group-id":    func(g groupWithRules) []string { return []string{string(g.ID)} },
		"group-name":  func(g groupWithRules) []string { return []string{g.Name} },
		"owner-id":    func(g groupWithRules) []string { return []string{string(g.Account)} },
		"vpc-id":      func(groupWithRules) []string { return nil },

		"ip-permission.cidr":           ofRules(ruleCIDR),
		"ip-permission.from-port":      ofRules(func(_ groupWithRules, rule *vpc.Rule) string { from, _ := portNumbers(rule); return from }),
		"ip-permission.to-port":        ofRules(func(_ groupWithRules, rule *vpc.Rule) string { _, to := portNumbers(rule); return to }),
		"ip-permission.protocol":       ofRules(func(_ groupWithRules, rule *vpc.Rule) string { return rule.Proto.String() }),
		"ip-permission.group-id":       ofRules(func(_ groupWithRules, rule *vpc.Rule) string { return string(rule.Peer.Group) }),
		"ip-permission.group-name":     ofRules(peerName),
		"ip-permission.user-id":        ofRules(peerOwner),
		"ip-permission.ipv6-cidr":      ofRules(func(groupWithRules, *vpc.Rule) string { return "" }),
		"ip-permission.prefix-list-id": ofRules(func(groupWithRules, *vpc.Rule) string { return "" }),

		// A group of EC2-Classic has no egress rules.
		"egress.ip-permission.cidr":           func(groupWithRules) []string { return nil },
		"egress.ip-permission.from-port":      func(groupWithRules) []string { return nil },
		"egress.ip-permission.to-port":        func(groupWithRules) []string { return nil },
		"egress.ip-permission.protocol":       func(groupWithRules) []string { return nil },
		"egress.ip-permission.group-id":       func(groupWithRules) []string { return nil },
		"egress.ip-permission.group-name":     func(groupWithRules) []string { return nil },
		"egress.ip-permission.user-id":        func(groupWithRules) []string { return nil },
		"egress.ip-permission.ipv6-cidr":      func(groupWithRules) []string { return nil },
		"egress.ip-permission.prefix-list-id": func(groupWithRules) []string { return nil },
	},
	tags: func(g groupWithRules) []vpc.Tag { return g.Tags },
}

// ofRules is the values of a part of every rule that has the part.
func ofRules(part func(groupWithRules, *vpc.Rule) string) func(groupWithRules) []string {
	return func(g groupWithRules) []string {
		var values []string
		for _, rule := range g.rules {
			if value := part(g, rule); value != "" {
				values = append(values, value)
			}
		}
		return values
	}
}

func ruleCIDR(_ groupWithRules, rule *vpc.Rule) string {
	if !rule.Peer.CIDR.IsValid() {
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
