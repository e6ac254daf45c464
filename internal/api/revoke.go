package api

import (
	"context"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type revokeIngressInput struct {
	dryRun
	groupName
	ingressPermissions
	RuleIDs []string `aws:"SecurityGroupRuleId,since=2016-11-15"`
}

type revokeEgressInput struct {
	dryRun
	GroupID string `aws:"GroupId,required"`
	permissionList
	RuleIDs []string `aws:"SecurityGroupRuleId,since=2016-11-15"`
}

type revokeOutput struct {
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
	CIDRIPv6        string      `aws:"cidrIpv6,omitempty"`
	ReferencedGroup vpc.GroupID `aws:"referencedGroupId,omitempty"`
	Description     string      `aws:"description,omitempty"`
}

// revokeIngress implements RevokeSecurityGroupIngress.
func (r *request) revokeIngress(ctx context.Context, in *revokeIngressInput) (*revokeOutput, error) {
	if len(in.RuleIDs) > 0 && (in.isShorthand() || len(in.Permissions) > 0) {
		return nil, errIDsAndPermissions()
	}
	return r.revoke(ctx, ruleRequest{in.groupName, false, &in.ingressPermissions}, in.RuleIDs)
}

// revokeEgress implements RevokeSecurityGroupEgress.
func (r *request) revokeEgress(ctx context.Context, in *revokeEgressInput) (*revokeOutput, error) {
	if len(in.RuleIDs) > 0 && len(in.Permissions) > 0 {
		return nil, errIDsAndPermissions()
	}
	return r.revoke(ctx, ruleRequest{groupName{GroupID: in.GroupID}, true, &in.permissionList}, in.RuleIDs)
}

func errIDsAndPermissions() error {
	return vpc.Errorf(vpc.InvalidParameterCombination, "The parameter securityGroupRuleIds cannot be used with the parameter ipPermissions")
}

// revoke takes rules from a group: those with ids, when there are any, or else
// those that have the values of q.
func (r *request) revoke(ctx context.Context, q ruleRequest, ids []string) (*revokeOutput, error) {
	var out *revokeOutput
	err := r.update(ctx, func(tx *store.Tx) error {
		out = &revokeOutput{Return: true}
		g, err := r.target(tx.Reader, q)
		if err != nil {
			return err
		}
		var rules, unknown []*vpc.Rule
		if len(ids) > 0 {
			rules, err = rulesWithIDs(tx.Rules(g), q.egress, ids)
		} else {
			rules, unknown, err = r.rulesToRevoke(tx, g, q)
		}
		if err != nil {
			return err
		}
		for _, rule := range rules {
			tx.DeleteRule(g, rule)
			out.Revoked = append(out.Revoked, newRevokedRuleItem(newRuleItem(tx.Reader, g, rule)))
		}
		out.Unknown = permissionItems(tx.Reader, g, unknown)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// rulesToRevoke returns the rules of g that q names, and what it names that no
// rule is: no fault in EC2-Classic and in the default VPC, a fault elsewhere.
func (r *request) rulesToRevoke(tx *store.Tx, g *vpc.SecurityGroup, q ruleRequest) (rules, unknown []*vpc.Rule, err error) {
	requested, err := r.requestedRules(tx, g, q)
	if err != nil {
		return nil, nil, err
	}
	existing := tx.Rules(g)
	for _, rule := range requested {
		if i := slices.IndexFunc(existing, rule.SameAs); i >= 0 {
			rules = append(rules, existing[i])
		} else {
			unknown = append(unknown, rule)
		}
	}
	if len(unknown) > 0 && r.homeOf(tx.Reader, g) == inVPC {
		return nil, nil, errNoRule()
	}
	return rules, unknown, nil
}

func errNoRule() error {
	return vpc.Errorf(vpc.InvalidPermissionNotFound, "The specified rule does not exist in this security group")
}

// rulesWithIDs returns those of rules, of one direction, that ids name; each
// once. An id that none of them has is a fault.
func rulesWithIDs(rules []*vpc.Rule, egress bool, ids []string) ([]*vpc.Rule, error) {
	var named []*vpc.Rule
	for _, id := range ids {
		rule, err := ruleWithID(rules, id)
		if err != nil {
			return nil, err
		}
		if rule.Egress != egress {
			return nil, errNoRuleID(id)
		}
		if !slices.Contains(named, rule) {
			named = append(named, rule)
		}
	}
	return named, nil
}

func ruleWithID(rules []*vpc.Rule, id string) (*vpc.Rule, error) {
	if err := checkID(vpc.InvalidSecurityGroupRuleIDMalformed, "sgr", id); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(rules, func(rule *vpc.Rule) bool { return rule.ID == vpc.RuleID(id) })
	if i < 0 {
		return nil, errNoRuleID(id)
	}
	return rules[i], nil
}

func errNoRuleID(id string) error {
	return vpc.Errorf(vpc.InvalidSecurityGroupRuleIDNotFound, "The security group rule ID '%s' does not exist", id)
}

func newRevokedRuleItem(rule ruleItem) revokedRuleItem {
	item := revokedRuleItem{
		RuleID: rule.RuleID, GroupID: rule.GroupID, Egress: rule.Egress, Proto: rule.Proto, FromPort: rule.FromPort,
		ToPort: rule.ToPort, CIDR: rule.CIDR, CIDRIPv6: rule.CIDRIPv6, Description: rule.Description,
	}
	if rule.ReferencedGroup != nil {
		item.ReferencedGroup = rule.ReferencedGroup.GroupID
	}
	return item
}
