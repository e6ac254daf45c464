package api

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type authorizeIngressInput struct {
	dryRun
	groupName
	ingressPermissions
	Tags []tagSpecification `aws:"TagSpecification,since=2016-11-15"`
}

type authorizeEgressInput struct {
	dryRun
	GroupID string `aws:"GroupId,required"`
	permissionList
	Tags []tagSpecification `aws:"TagSpecification,since=2016-11-15"`
}

type authorizeOutput struct {
	Return bool       `aws:"return"`
	Rules  []ruleItem `aws:"securityGroupRuleSet,since=2016-11-15"`
}

// authorizeIngress implements AuthorizeSecurityGroupIngress.
func (r *request) authorizeIngress(ctx context.Context, in *authorizeIngressInput) (*authorizeOutput, error) {
	return r.authorize(ctx, ruleRequest{in.groupName, false, &in.ingressPermissions}, in.Tags)
}

// authorizeEgress implements AuthorizeSecurityGroupEgress.
func (r *request) authorizeEgress(ctx context.Context, in *authorizeEgressInput) (*authorizeOutput, error) {
	return r.authorize(ctx, ruleRequest{groupName{GroupID: in.GroupID}, true, &in.permissionList}, in.Tags)
}

// authorize adds rules to a group.
//
// All the rules are added or none is; a rule that is there already fails the
// whole call with InvalidPermission.Duplicate, as in EC2.
func (r *request) authorize(ctx context.Context, q ruleRequest, specified []tagSpecification) (*authorizeOutput, error) {
	tags, err := tagsFor("security-group-rule", specified)
	if err != nil {
		return nil, err
	}
	var out *authorizeOutput
	err = r.update(ctx, func(tx *store.Tx) error {
		out = &authorizeOutput{Return: true}
		g, err := r.target(tx.Reader, q)
		if err != nil {
			return err
		}
		rules, err := r.requestedRules(tx, g, q)
		if err != nil {
			return err
		}
		existing := tx.Rules(g)
		if err := r.checkRules(g, existing, rules); err != nil {
			return err
		}
		for _, rule := range rules {
			rule.Tags = tags
		}
		addRules(tx, g, existing, rules)
		for _, rule := range rules {
			out.Rules = append(out.Rules, newRuleItem(tx.Reader, g, rule))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// addRules puts new rules behind those that a group has, and gives them ids.
func addRules(tx *store.Tx, g *vpc.SecurityGroup, existing, rules []*vpc.Rule) {
	var position int64
	if len(existing) > 0 {
		position = existing[len(existing)-1].Position
	}
	for _, rule := range rules {
		position++
		rule.ID, rule.Position = newRuleID(), position
		tx.PutRule(g, rule)
	}
}

// checkRules refuses rules that a group has already, and more than its quota.
func (r *request) checkRules(g *vpc.SecurityGroup, existing, rules []*vpc.Rule) error {
	for _, rule := range rules {
		if slices.ContainsFunc(existing, rule.SameAs) {
			return errDuplicate(g, rule)
		}
	}
	return r.checkRuleLimit(g, slices.Concat(existing, rules))
}

func errDuplicate(g *vpc.SecurityGroup, rule *vpc.Rule) error {
	if g.IsClassic() {
		return vpc.Errorf(vpc.InvalidPermissionDuplicate,
			"The permission '%s' has already been authorized on the specified group", classicPermission(rule))
	}
	return vpc.Errorf(vpc.InvalidPermissionDuplicate, "the specified rule %q already exists", vpcPermission(rule))
}

// classicPermission is a rule as the messages of EC2-Classic name it. Amazon
// prints a number of its own for a source group; this prints the group's id.
func classicPermission(rule *vpc.Rule) string {
	from, to := portNumbers(rule)
	return fmt.Sprintf("%s-%s-%s-%s", peerText(rule), rule.Proto, from, to)
}

// vpcPermission is a rule as the messages of VPC name it.
func vpcPermission(rule *vpc.Rule) string {
	from, to := portNumbers(rule)
	traffic := "protocol: " + rule.Proto.String()
	switch {
	case rule.Proto == vpc.AnyProto:
		traffic = "ALL"
	case rule.Proto.HasPorts():
		traffic = strings.ToUpper(rule.Proto.String()) + ", from port: " + from + ", to port: " + to
	case rule.Proto.IsICMP():
		traffic = strings.ToUpper(rule.Proto.String()) + ", type: " + from + ", code: " + to
	}
	return "peer: " + peerText(rule) + ", " + traffic + ", ALLOW"
}

func peerText(rule *vpc.Rule) string {
	if rule.Peer.CIDR.IsValid() {
		return rule.Peer.CIDR.String()
	}
	return string(rule.Peer.Group)
}
