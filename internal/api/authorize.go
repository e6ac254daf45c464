package api

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type authorizeIngressInput struct {
	dryRun
	permissionInput
	Tags []tagSpecification `aws:"TagSpecification"`
}

type authorizeIngressOutput struct {
	Return bool       `aws:"return"`
	Rules  []ruleItem `aws:"securityGroupRuleSet,since=2016-11-15"`
}

// authorizeIngress implements AuthorizeSecurityGroupIngress.
//
// All the rules are added or none is; a rule that is there already fails the
// whole call with InvalidPermission.Duplicate, as in EC2.
func (r *request) authorizeIngress(ctx context.Context, in *authorizeIngressInput) (*authorizeIngressOutput, error) {
	tags, err := tagsFor("security-group-rule", in.Tags)
	if err != nil {
		return nil, err
	}
	var out *authorizeIngressOutput
	err = r.update(ctx, func(tx *store.Tx) error {
		out = &authorizeIngressOutput{Return: true}
		g, rules, err := r.requestedRules(tx, &in.permissionInput)
		if err != nil {
			return err
		}
		existing := tx.Rules(g)
		for _, rule := range rules {
			if slices.ContainsFunc(existing, rule.SameAs) {
				return vpc.Errorf(vpc.InvalidPermissionDuplicate,
					"The permission '%s' has already been authorized on the specified group", classicPermission(rule))
			}
		}
		if err := r.checkRuleLimit(len(existing) + len(rules)); err != nil {
			return err
		}
		var position int64
		if len(existing) > 0 {
			position = existing[len(existing)-1].Position
		}
		for _, rule := range rules {
			position++
			rule.ID, rule.Position, rule.Tags = newRuleID(), position, tags
			tx.PutRule(g, rule)
			out.Rules = append(out.Rules, newRuleItem(tx.Reader, g, rule))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// classicPermission is a rule as the messages of EC2-Classic name it. Amazon
// prints a number of its own for a source group; this prints the group's id.
func classicPermission(rule *vpc.Rule) string {
	source := string(rule.Peer.Group)
	if rule.Peer.CIDR.IsValid() {
		source = rule.Peer.CIDR.String()
	}
	from, to := portNumbers(rule)
	return fmt.Sprintf("%s-%s-%s-%s", source, rule.Proto, from, to)
}

// requestedRules returns the group that a call is about and the rules that it
// names, without ids. Naming one rule twice is a fault.
func (r *request) requestedRules(tx *store.Tx, in *permissionInput) (*vpc.SecurityGroup, []*vpc.Rule, error) {
	g, err := r.group(tx.Reader, in.groupName)
	if err != nil {
		return nil, nil, err
	}
	specs, err := in.specs()
	if err != nil {
		return nil, nil, err
	}
	var rules []*vpc.Rule
	for _, spec := range specs {
		rule := vpc.Rule{Group: g.ID, Proto: spec.proto, Ports: spec.ports, ICMP: spec.icmp, Description: spec.description}
		if spec.cidr.IsValid() {
			rule.Peer.CIDR = spec.cidr
		} else {
			source, err := r.sourceGroup(tx, spec.group)
			if err != nil {
				return nil, nil, err
			}
			rule.Peer.Group = source.ID
		}
		if slices.ContainsFunc(rules, rule.SameAs) {
			return nil, nil, vpc.Errorf(vpc.InvalidParameterValue, "The same permission must not appear multiple times")
		}
		rules = append(rules, &rule)
	}
	return g, rules, nil
}

// sourceGroup finds the group that a rule names as its source: the caller's,
// another account's, or the load balancers'. A rule follows the group, not its
// name.
func (r *request) sourceGroup(tx *store.Tx, s groupSource) (*vpc.SecurityGroup, error) {
	owner := vpc.AccountID(strings.ReplaceAll(s.Owner, "-", ""))
	if s.Owner == string(vpc.ELBAccount) {
		owner = vpc.ELBAccount
	}
	if owner == vpc.ELBAccount && s.Name == vpc.ELBGroupName || vpc.GroupID(s.ID) == elbGroupID(r.Region) {
		return r.elbGroup(tx), nil
	}
	if s.ID == "" && s.Name == "" {
		return nil, vpc.Errorf(vpc.MissingParameter, "Source group ID missing.")
	}
	if s.ID == "" {
		if owner == "" {
			owner = r.Account.ID
		}
		if g := tx.GroupNamed(r.Region, owner, vpc.ClassicNetwork, s.Name); g != nil {
			return g, nil
		}
		return nil, vpc.Errorf(vpc.InvalidGroupNotFound, "Unable to find group '%s'", s.Name)
	}
	if err := checkID(vpc.InvalidGroupIDMalformed, "sg", s.ID); err != nil {
		return nil, err
	}
	g := tx.Group(r.Region, vpc.GroupID(s.ID))
	switch {
	case g == nil, owner != "" && owner != g.Account, s.Name != "" && s.Name != g.Name:
		return nil, errNoGroup(s.ID)
	case !g.IsClassic():
		return nil, vpc.Errorf(vpc.InvalidGroupNotFound, "You have specified two resources that belong to different networks.")
	}
	return g, nil
}

// elbGroupID is the id of amazon-elb-sg: that of the ELB Developer Guide of
// 2012 in us-east-1, that of its later editions elsewhere.
func elbGroupID(region vpc.Region) vpc.GroupID {
	if region == "us-east-1" {
		return "sg-843f59ed"
	}
	return "sg-5a9c116a"
}

// elbGroup returns the group of the load balancers of EC2-Classic. It is made
// when the first rule names it.
func (r *request) elbGroup(tx *store.Tx) *vpc.SecurityGroup {
	if g := tx.Group(r.Region, elbGroupID(r.Region)); g != nil {
		return g
	}
	g := &vpc.SecurityGroup{
		ID: elbGroupID(r.Region), Account: vpc.ELBAccount, Region: r.Region, Network: vpc.ClassicNetwork,
		Name: vpc.ELBGroupName, Description: "the load balancers of EC2-Classic", Created: time.Now().UTC(),
	}
	tx.PutGroup(g)
	return g
}
