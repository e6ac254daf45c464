package api

import (
	"context"
	"fmt"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type describeRulesInput struct {
	dryRun
	filters
	paging
	IDs []string `aws:"SecurityGroupRuleId,bare"`
}

type describeRulesOutput struct {
	Rules     []ruleItem `aws:"securityGroupRuleSet"`
	NextToken string     `aws:"nextToken,omitempty"`
}

// groupRule is a rule and the group that it belongs to.
type groupRule struct {
	*vpc.Rule
	group *vpc.SecurityGroup
}

// order sorts rules by their groups, then as they were added.
func (r groupRule) order() string {
	return fmt.Sprintf("%s %020d %s", byAge(r.group.Created, r.group.ID), r.Position, r.ID)
}

var ruleFilters = filterTable[groupRule]{
	values: map[string]func(groupRule) []string{
		"group-id":               func(r groupRule) []string { return []string{string(r.group.ID)} },
		"security-group-rule-id": func(r groupRule) []string { return []string{string(r.ID)} },
	},
	tags: func(r groupRule) []vpc.Tag { return r.Tags },
}

// describeRules implements DescribeSecurityGroupRules.
func (r *request) describeRules(ctx context.Context, in *describeRulesInput) (*describeRulesOutput, error) {
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	all := r.everyRule(v.Reader)
	rules, err := named(in.IDs,
		func(id string) (groupRule, error) { return findRule(all, id) },
		func() []groupRule { return all })
	if err != nil {
		return nil, err
	}
	page, next, err := filterPage(in.filters, in.paging, ruleFilters, rules, groupRule.order)
	if err != nil {
		return nil, err
	}
	out := &describeRulesOutput{NextToken: next}
	for _, rule := range page {
		out.Rules = append(out.Rules, newRuleItem(v.Reader, rule.group, rule.Rule))
	}
	return out, nil
}

// everyRule returns the rules of all groups of the caller.
func (r *request) everyRule(reader store.Reader) []groupRule {
	var all []groupRule
	for _, g := range reader.Groups(r.Region, r.Account.ID) {
		for _, rule := range reader.Rules(g) {
			all = append(all, groupRule{rule, g})
		}
	}
	return all
}

func findRule(rules []groupRule, id string) (groupRule, error) {
	if err := checkID(vpc.InvalidSecurityGroupRuleIDMalformed, "sgr", id); err != nil {
		return groupRule{}, err
	}
	for _, rule := range rules {
		if rule.ID == vpc.RuleID(id) {
			return rule, nil
		}
	}
	return groupRule{}, errNoRuleID(id)
}
