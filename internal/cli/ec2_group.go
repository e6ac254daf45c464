package cli

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/awsquery"
)

var createGroup = &tool{
	names:   []string{"ec2-create-group", "ec2-add-group", "ec2addgrp"},
	about:   "create a security group",
	example: `ec2-create-group webservers -d "My Web Server Group"`,
	action:  "CreateSecurityGroup",
	words:   []word{{"GROUP", "GroupName", false}},
	options: []option{
		{"d", "description", "DESCRIPTION", "what the group is for", "GroupDescription"},
		{"c", "vpc", "VPC", "make the group for this VPC", "VpcId"},
	},
	required: []string{"description"},
	records:  []record{{kind: "GROUP", columns: []column{{"Id", "groupId"}, {"Name", "$GROUP"}, {"Description", "$description"}}}},
}

var deleteGroup = &tool{
	names:   []string{"ec2-delete-group", "ec2delgrp"},
	about:   "delete a security group that nothing uses",
	example: "ec2-delete-group webservers",
	action:  "DeleteSecurityGroup",
	words:   []word{{"GROUP", "", false}},
	prepare: func(c *toolCall, params awsquery.Params) error {
		group := refer(c.last("GROUP"))
		maps.Copy(params, awsquery.Encode(awsquery.EC2, &group))
		return nil
	},
	records: []record{returned},
}

// A groupRef names a security group in a request, by one of the two.
type groupRef struct {
	ID   string `aws:"GroupId"`
	Name string `aws:"GroupName"`
}

// isGroupID reports whether a word is a group's id. No name looks like one.
func isGroupID(word string) bool { return strings.HasPrefix(word, "sg-") }

func refer(group string) groupRef {
	if isGroupID(group) {
		return groupRef{ID: group}
	}
	return groupRef{Name: group}
}

var describeGroup = &tool{
	names:    []string{"ec2-describe-group", "ec2dgrp"},
	synopsis: "[GROUP ...] [-F NAME=VALUE ...]",
	about:    "list security groups and their rules",
	options:  []option{filterOption},
	example:  "ec2-describe-group default",
	run:      runDescribeGroup,
}

// A securityGroup is one as DescribeSecurityGroups answers it.
type securityGroup struct {
	Owner       string             `aws:"ownerId"`
	ID          string             `aws:"groupId"`
	Name        string             `aws:"groupName"`
	Description string             `aws:"groupDescription"`
	VPC         string             `aws:"vpcId"`
	Ingress     []permissionAnswer `aws:"ipPermissions"`
	Egress      []permissionAnswer `aws:"ipPermissionsEgress"`
	Tags        []tagAnswer        `aws:"tagSet"`
}

// A permissionAnswer is the rules of one protocol and range.
type permissionAnswer struct {
	Protocol string        `aws:"ipProtocol"`
	From     *int          `aws:"fromPort"`
	To       *int          `aws:"toPort"`
	Groups   []groupAnswer `aws:"groups"`
	Ranges   []struct {
		CIDR string `aws:"cidrIp"`
	} `aws:"ipRanges"`
	IPv6Ranges []struct {
		CIDR string `aws:"cidrIpv6"`
	} `aws:"ipv6Ranges"`
}

type groupAnswer struct {
	Owner string `aws:"userId"`
	ID    string `aws:"groupId"`
	Name  string `aws:"groupName"`
}

// describeSecurityGroups asks for groups by name or id; none asks for all.
func (c *toolCall) describeSecurityGroups(ctx context.Context, dry dryRun, groups []string, filters []filter) ([]securityGroup, error) {
	in := struct {
		dryRun
		IDs     []string `aws:"GroupId"`
		Names   []string `aws:"GroupName"`
		Filters []filter `aws:"Filter"`
	}{dryRun: dry, Filters: filters}
	in.Names, in.IDs = splitGroups(groups)
	var out struct {
		Groups []securityGroup `aws:"securityGroupInfo"`
	}
	err := c.api.call(ctx, "DescribeSecurityGroups", &in, &out)
	return out.Groups, err
}

func runDescribeGroup(ctx context.Context, c *toolCall) error {
	filters, err := c.filters()
	if err != nil {
		return err
	}
	groups, err := c.describeSecurityGroups(ctx, c.dryRun(), c.positional, filters)
	if err != nil {
		return err
	}
	if c.has("headers") {
		header := []string{"GROUP", "Id", "Owner", "Name", "Description"}
		if slices.ContainsFunc(groups, func(g securityGroup) bool { return g.VPC != "" }) {
			header = append(header, "vpcID")
		}
		c.out.add(header...)
	}
	for _, g := range groups {
		row := []string{"GROUP", g.ID, g.Owner, g.Name, g.Description}
		if g.VPC != "" {
			row = append(row, g.VPC)
		}
		c.out.add(row...)
		for _, p := range g.Ingress {
			c.addPermissions(&g, p, false)
		}
		for _, p := range g.Egress {
			c.addPermissions(&g, p, true)
		}
		c.addTags("security-group", g.ID, g.Tags)
	}
	return nil
}

// addPermissions prints one record for each peer of p.
func (c *toolCall) addPermissions(g *securityGroup, p permissionAnswer, egress bool) {
	traffic := trafficOf(p.Protocol, p.From, p.To)
	for _, peer := range p.Groups {
		c.addPermission(g.Owner, g.Name, traffic, egress, "USER", peer.Owner, strings.TrimSpace("NAME "+peer.Name), "ID "+peer.ID)
	}
	for _, peer := range p.Ranges {
		c.addPermission(g.Owner, g.Name, traffic, egress, "CIDR", peer.CIDR)
	}
	for _, peer := range p.IPv6Ranges {
		c.addPermission(g.Owner, g.Name, traffic, egress, "CIDR", peer.CIDR)
	}
}

// addPermission prints a rule of a group, whose peer is a kind and one or more
// columns.
func (c *toolCall) addPermission(owner, group string, t [3]string, egress bool, peer ...string) {
	from, direction := "FROM", "ingress"
	if egress {
		from, direction = "TO", "egress"
	}
	fields := []string{"PERMISSION", owner, group, "ALLOWS", t[0], t[1], t[2], from}
	fields = append(fields, peer...)
	c.out.add(append(fields, direction)...)
}

// trafficOf returns the columns for protocol and range. Protocols without ports
// leave the range empty, and -1 is printed as all.
func trafficOf(protocol string, from, to *int) [3]string {
	columns := [3]string{protocol}
	if protocol == "-1" {
		columns[0] = "all"
		return columns
	}
	if from != nil {
		columns[1] = strconv.Itoa(*from)
	}
	if to != nil {
		columns[2] = strconv.Itoa(*to)
	}
	return columns
}
