package api

import (
	"context"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type revokeIngressInput struct {
	dryRun
	permissionInput
	RuleIDs []vpc.RuleID `aws:"SecurityGroupRuleId"`
}

type revokeIngressOutput struct {
	Return  bool              `aws:"return"`
	Unknown []permissionItem  `aws:"unknownIpPermissionSet,since=2016-11-15"`
	Revoked []revokedRuleItem `aws:"revokedSecurityGroupRuleSet,since=2016-11-15"`
}

// revokedRuleItem is a rule that is gone.
type revokedRuleItem struct {
	RuleID          vpc.RuleID  `aws:"securityGroupRuleId"`
	GroupID         vpc.GroupID `aws:"groupId"`
	Egress          bool        `aws:"isEgress"`
	Proto           string      `aws:"ipProtocol"`
	FromPort        int         `aws:"fromPort"`
	ToPort          int         `aws:"toPort"`
	CIDR            string      `aws:"cidrIpv4,omitempty"`
	ReferencedGroup vpc.GroupID `aws:"referencedGroupId,omitempty"`
	Description     string      `aws:"description,omitempty"`
}

// revokeIngress implements RevokeSecurityGroupIngress.
//
// Rules are named by their values, or by their ids. In EC2-Classic values that
// no rule has are no fault, and are told in unknownIpPermissionSet; an id that
// no rule has is one, and nothing is revoked.
func (r *request) revokeIngress(ctx context.Context, in *revokeIngressInput) (*revokeIngressOutput, error) {
	var out *revokeIngressOutput
	err := r.update(ctx, func(tx *store.Tx) error {
		out = &revokeIngressOutput{Return: true}
		g, rules, unknown, err := r.rulesToRevoke(tx, in)
		if err != nil {
			return err
		}
		for _, rule := range rules {
			tx.DeleteRule(g, rule)
			out.Revoked = append(out.Revoked, newRevokedRuleItem(newRuleItem(tx.Reader, g, rule)))
		}
		out.Unknown = permissionItems(tx.Reader, r.Region, unknown)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// rulesToRevoke returns the rules of the group that a call names, and what it
// names that no rule is.
func (r *request) rulesToRevoke(tx *store.Tx, in *revokeIngressInput) (g *vpc.SecurityGroup, rules, unknown []*vpc.Rule, err error) {
	if len(in.RuleIDs) > 0 {
		g, rules, err = r.rulesByID(tx, in)
		return g, rules, nil, err
	}
	g, requested, err := r.requestedRules(tx, &in.permissionInput)
	if err != nil {
		return nil, nil, nil, err
	}
	existing := tx.Rules(g)
	for _, rule := range requested {
		if i := slices.IndexFunc(existing, rule.SameAs); i >= 0 {
			rules = append(rules, existing[i])
		} else {
			unknown = append(unknown, rule)
		}
	}
	return g, rules, unknown, nil
}

func (r *request) rulesByID(tx *store.Tx, in *revokeIngressInput) (*vpc.SecurityGroup, []*vpc.Rule, error) {
	g, err := r.group(tx.Reader, in.groupName)
	if err != nil {
		return nil, nil, err
	}
	existing := tx.Rules(g)
	var rules []*vpc.Rule
	for _, id := range in.RuleIDs {
		i := slices.IndexFunc(existing, func(rule *vpc.Rule) bool { return rule.ID == id })
		if i < 0 {
			return nil, nil, vpc.Errorf(vpc.InvalidSecurityGroupRuleIDNotFound, "The security group rule ID '%s' does not exist", id)
		}
		if !slices.Contains(rules, existing[i]) {
			rules = append(rules, existing[i])
		}
	}
	return g, rules, nil
}

func newRevokedRuleItem(rule ruleItem) revokedRuleItem {
	item := revokedRuleItem{
		RuleID: rule.RuleID, GroupID: rule.GroupID, Egress: rule.Egress, Proto: rule.Proto,
		FromPort: rule.FromPort, ToPort: rule.ToPort, CIDR: rule.CIDR, Description: rule.Description,
	}
	if rule.ReferencedGroup != nil {
		item.ReferencedGroup = rule.ReferencedGroup.GroupID
	}
	return item
}
