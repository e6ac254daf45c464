package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// A listedGroup is a security group as groups shows it.
type listedGroup struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	VPC         string `json:"vpc,omitempty"` // "" for EC2-Classic
	Description string `json:"description"`
	Ingress     int    `json:"ingressRules"`
	Egress      int    `json:"egressRules"`
	Members     int    `json:"members"` // instances that have not ended
}

func (c *command) groupsCommand() *cobra.Command {
	var who caller
	cmd := &cobra.Command{
		Use:     "groups",
		Short:   "List security groups, with how many rules and members they have",
		Long:    "List security groups, with how many rules they have in each direction and how many instances are their\nmembers.",
		Example: "  ringfence groups --output json",
		GroupID: "look",
		Args:    exactly(0),
		RunE: c.withAPI(&who, func(ctx context.Context, api *apiClient, _ []string) error {
			list, err := listGroups(ctx, api)
			if err != nil {
				return err
			}
			return c.print(list, func(w io.Writer) error {
				t := newTable(w)
				fmt.Fprintf(t, "GROUP\tNAME\tVPC\tINGRESS\tEGRESS\tMEMBERS\tDESCRIPTION\n")
				for _, g := range list {
					fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%d\t%s\n", g.ID, cell(g.Name), cell(g.VPC), g.Ingress, g.Egress, g.Members, cell(g.Description))
				}
				return t.Flush()
			})
		}),
	}
	c.callerFlags(cmd, &who)
	return cmd
}

func listGroups(ctx context.Context, api *apiClient) ([]listedGroup, error) {
	groups, err := api.securityGroups(ctx)
	if err != nil {
		return nil, err
	}
	instances, err := api.instances(ctx)
	if err != nil {
		return nil, err
	}
	members := countMembers(instances)
	list := []listedGroup{}
	for _, g := range groups {
		list = append(list, listedGroup{
			ID: g.ID, Name: g.Name, VPC: g.VPC, Description: g.Description,
			Ingress: countRules(g.Ingress), Egress: countRules(g.Egress), Members: members[g.ID],
		})
	}
	return list, nil
}

// countMembers counts each instance once in each group of its interfaces.
func countMembers(instances []instanceAnswer) map[string]int {
	members := map[string]int{}
	for _, i := range instances {
		if i.State.Name == stateTerminated {
			continue
		}
		groups := slices.Clone(i.Groups)
		for _, n := range i.Interfaces {
			groups = append(groups, n.Groups...)
		}
		seen := map[string]bool{}
		for _, g := range groups {
			if !seen[g.ID] {
				seen[g.ID] = true
				members[g.ID]++
			}
		}
	}
	return members
}

func countRules(permissions []permissionAnswer) int {
	n := 0
	for _, p := range permissions {
		n += len(p.Groups) + len(p.Ranges) + len(p.IPv6Ranges)
	}
	return n
}

// securityGroups asks for all groups.
func (c *apiClient) securityGroups(ctx context.Context) ([]securityGroup, error) {
	var out struct {
		Groups []securityGroup `aws:"securityGroupInfo"`
	}
	err := c.call(ctx, "DescribeSecurityGroups", &struct{}{}, &out)
	return out.Groups, err
}

// A listedRule is a rule as rules shows it.
type listedRule struct {
	ID          string `json:"id"`
	Direction   string `json:"direction"` // ingress or egress
	Protocol    string `json:"protocol"`
	Ports       string `json:"ports"` // of ICMP: type:code
	Peer        string `json:"peer"`  // a block or a group
	Description string `json:"description,omitempty"`
}

func (c *command) rulesCommand() *cobra.Command {
	var who caller
	cmd := &cobra.Command{
		Use:               "rules GROUP",
		Short:             "List the rules of a security group",
		Long:              "List the rules of a security group, which is named by its id or by a name that only one group has.",
		Example:           "  ringfence rules apache",
		GroupID:           "look",
		Args:              exactly(1),
		ValidArgsFunction: c.completes(1, groupNames),
		RunE: c.withAPI(&who, func(ctx context.Context, api *apiClient, args []string) error {
			list, err := listRules(ctx, api, args[0])
			if err != nil {
				return err
			}
			return c.print(list, func(w io.Writer) error {
				t := newTable(w)
				fmt.Fprintf(t, "DIRECTION\tPROTOCOL\tPORTS\tPEER\tRULE\tDESCRIPTION\n")
				for _, r := range list {
					fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Direction, r.Protocol, r.Ports, cell(r.Peer), r.ID, cell(r.Description))
				}
				return t.Flush()
			})
		}),
	}
	c.callerFlags(cmd, &who)
	return cmd
}

// A ruleAnswer is a rule as DescribeSecurityGroupRules answers it.
type ruleAnswer struct {
	ID          string `aws:"securityGroupRuleId"`
	Egress      bool   `aws:"isEgress"`
	Protocol    string `aws:"ipProtocol"`
	From        int    `aws:"fromPort"`
	To          int    `aws:"toPort"`
	IPv4        string `aws:"cidrIpv4"`
	IPv6        string `aws:"cidrIpv6"`
	Description string `aws:"description"`
	Peer        struct {
		Group string `aws:"groupId"`
		Owner string `aws:"userId"`
	} `aws:"referencedGroupInfo"`
}

func listRules(ctx context.Context, api *apiClient, group string) ([]listedRule, error) {
	groups, err := api.securityGroups(ctx)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	var found []string
	for _, g := range groups {
		names[g.ID] = g.Name
		if g.ID == group || g.Name == group {
			found = append(found, g.ID)
		}
	}
	switch {
	case len(found) == 0:
		return nil, fmt.Errorf("there is no security group %q: see ringfence groups", group)
	case len(found) > 1:
		return nil, fmt.Errorf("%d security groups are called %q: name one of %s", len(found), group, strings.Join(found, ", "))
	}
	in := struct {
		Filters []filter `aws:"Filter"`
	}{[]filter{{"group-id", found}}}
	var out struct {
		Rules []ruleAnswer `aws:"securityGroupRuleSet"`
	}
	if err := api.call(ctx, "DescribeSecurityGroupRules", &in, &out); err != nil {
		return nil, err
	}
	list := []listedRule{}
	for _, r := range out.Rules {
		list = append(list, listRule(&r, names))
	}
	return list, nil
}

func listRule(r *ruleAnswer, names map[string]string) listedRule {
	out := listedRule{ID: r.ID, Direction: "ingress", Protocol: r.Protocol, Ports: "all", Peer: firstNonEmpty(r.IPv4, r.IPv6), Description: r.Description}
	if r.Egress {
		out.Direction = "egress"
	}
	if r.Protocol == "-1" {
		out.Protocol = "all"
	}
	all := r.From == -1 || r.From == 0 && r.To == 65535
	switch {
	case r.Protocol == "icmp" || r.Protocol == "icmpv6":
		if !all {
			out.Ports = fmt.Sprintf("%d:%d", r.From, r.To)
		}
	case r.Protocol != "tcp" && r.Protocol != "udp" || all:
	case r.From == r.To:
		out.Ports = strconv.Itoa(r.From)
	default:
		out.Ports = fmt.Sprintf("%d-%d", r.From, r.To)
	}
	if id := r.Peer.Group; id != "" {
		out.Peer = id
		if name, own := names[id]; own {
			out.Peer = name + " (" + id + ")"
		} else if r.Peer.Owner != "" {
			out.Peer = r.Peer.Owner + "/" + id
		}
	}
	return out
}
