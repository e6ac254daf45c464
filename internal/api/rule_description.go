package api

import (
	"context"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type updateDescriptionsInput struct {
	dryRun
	groupName
	permissionList
	ByID []ruleDescription `aws:"SecurityGroupRuleDescription"`
}

// A ruleDescription describes the rule with an id.
type ruleDescription struct {
	ID          string `aws:"SecurityGroupRuleId,required"`
	Description string `aws:"Description"`
}

// updateIngressDescriptions implements
// UpdateSecurityGroupRuleDescriptionsIngress.
func (r *request) updateIngressDescriptions(ctx context.Context, in *updateDescriptionsInput) (*returnOutput, error) {
	return r.updateDescriptions(ctx, false, in)
}

// updateEgressDescriptions implements
// UpdateSecurityGroupRuleDescriptionsEgress.
func (r *request) updateEgressDescriptions(ctx context.Context, in *updateDescriptionsInput) (*returnOutput, error) {
	return r.updateDescriptions(ctx, true, in)
}

// updateDescriptions gives rules, named by their ids or by their values, other
// descriptions; an absent one takes theirs away. A rule that is not there fails
// the whole call.
func (r *request) updateDescriptions(ctx context.Context, egress bool, in *updateDescriptionsInput) (*returnOutput, error) {
	if len(in.ByID) > 0 && len(in.Permissions) > 0 {
		return nil, vpc.Errorf(vpc.InvalidParameterCombination, "The parameter securityGroupRuleDescriptions cannot be used with the parameter ipPermissions")
	}
	q := ruleRequest{in.groupName, egress, &in.permissionList}
	return r.do(ctx, func(tx *store.Tx) error {
		g, err := r.target(tx.Reader, q)
		if err != nil {
			return err
		}
		var described []*vpc.Rule
		if len(in.ByID) > 0 {
			described, err = describedByID(tx.Rules(g), egress, in.ByID)
		} else {
			described, err = r.describedByValues(tx, g, q)
		}
		for _, rule := range described {
			tx.PutRule(g, rule)
		}
		return err
	})
}

// describedByID returns copies of those of rules, of one direction, that have
// the ids, with their new descriptions.
func describedByID(rules []*vpc.Rule, egress bool, descriptions []ruleDescription) ([]*vpc.Rule, error) {
	var described []*vpc.Rule
	for _, d := range descriptions {
		if err := checkRuleDescription(d.Description); err != nil {
			return nil, err
		}
		found, err := rulesWithIDs(rules, egress, []string{d.ID})
		if err != nil {
			return nil, err
		}
		described = append(described, withDescription(found[0], d.Description))
	}
	return described, nil
}

func (r *request) describedByValues(tx *store.Tx, g *vpc.SecurityGroup, q ruleRequest) ([]*vpc.Rule, error) {
	requested, err := r.requestedRules(tx, g, q)
	if err != nil {
		return nil, err
	}
	existing := tx.Rules(g)
	var described []*vpc.Rule
	for _, rule := range requested {
		i := slices.IndexFunc(existing, rule.SameAs)
		if i < 0 {
			return nil, errNoRule()
		}
		described = append(described, withDescription(existing[i], rule.Description))
	}
	return described, nil
}

func withDescription(rule *vpc.Rule, description string) *vpc.Rule {
	described := *rule
	described.Description = description
	return &described
}
