package api

import (
	"context"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type modifyRulesInput struct {
	dryRun
	GroupID string       `aws:"GroupId,required"`
	Updates []ruleUpdate `aws:"SecurityGroupRule,required"`
}

// A ruleUpdate gives a rule other values.
type ruleUpdate struct {
	ID     string     `aws:"SecurityGroupRuleId,required"`
	Values ruleValues `aws:"SecurityGroupRule"`
}

// ruleValues are all that a rule says; what is absent is not kept from before.
type ruleValues struct {
	Proto       *string `aws:"IpProtocol"`
	FromPort    *int64  `aws:"FromPort"`
	ToPort      *int64  `aws:"ToPort"`
	CIDR        string  `aws:"CidrIpv4"`
	CIDRIPv6    string  `aws:"CidrIpv6"`
	PrefixList  string  `aws:"PrefixListId"`
	Group       string  `aws:"ReferencedGroupId"`
	Description string  `aws:"Description"`
}

// permission returns v as a bundle of one rule.
func (v ruleValues) permission() permission {
	p := permission{Proto: v.Proto, FromPort: v.FromPort, ToPort: v.ToPort}
	if v.CIDR != "" {
		p.Ranges = []ipRange{{v.CIDR, v.Description}}
	}
	if v.CIDRIPv6 != "" {
		p.RangesIPv6 = []ipv6Range{{v.CIDRIPv6, v.Description}}
	}
	if v.PrefixList != "" {
		p.PrefixLists = []prefixListName{{v.PrefixList, v.Description}}
	}
	if v.Group != "" {
		p.Groups = []groupSource{{ID: v.Group, Description: v.Description}}
	}
	return p
}

// spec reads v as the one rule that it must be.
func (v ruleValues) spec() (ruleSpec, error) {
	p := v.permission()
	switch len(p.Ranges) + len(p.RangesIPv6) + len(p.PrefixLists) + len(p.Groups) {
	case 0:
		return ruleSpec{}, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter cidrIpv4, cidrIpv6, prefixListId or referencedGroupId")
	case 1:
	default:
		return ruleSpec{}, vpc.Errorf(vpc.InvalidParameterCombination, "Only one of cidrIpv4, cidrIpv6, prefixListId and referencedGroupId may be specified")
	}
	// Outside the default VPC nothing is added to what a rule says: it is one.
	specs, err := p.specs(inVPC)
	if err != nil {
		return ruleSpec{}, err
	}
	return specs[0], nil
}

// modifyRules implements ModifySecurityGroupRules. A rule keeps its id, its
// tags and its direction. All the rules are changed or none is.
func (r *request) modifyRules(ctx context.Context, in *modifyRulesInput) (*returnOutput, error) {
	return r.do(ctx, func(tx *store.Tx) error {
		g, err := r.groupByID(tx.Reader, in.GroupID)
		if err != nil {
			return err
		}
		if g.IsClassic() {
			return vpc.Errorf(vpc.InvalidParameterValue, "Invalid value '%s' for groupId. Rules of EC2-Classic security groups cannot be modified.", g.ID)
		}
		before := tx.Rules(g)
		after, err := r.modifiedRules(tx, g, before, in.Updates)
		if err != nil {
			return err
		}
		for i, rule := range after {
			if rule != before[i] {
				tx.DeleteRule(g, before[i]) // frees the group that it was about
				tx.PutRule(g, rule)
			}
		}
		return nil
	})
}

// modifiedRules returns the rules of g, in their order, as updates make them.
func (r *request) modifiedRules(tx *store.Tx, g *vpc.SecurityGroup, before []*vpc.Rule, updates []ruleUpdate) ([]*vpc.Rule, error) {
	after := slices.Clone(before)
	for _, u := range updates {
		was, err := ruleWithID(before, u.ID)
		if err != nil {
			return nil, err
		}
		i := slices.Index(before, was)
		if after[i] != was {
			return nil, vpc.Errorf(vpc.InvalidParameterValue, "The same security group rule ID '%s' must not appear multiple times", u.ID)
		}
		if after[i], err = r.modifiedRule(tx, g, was, u.Values); err != nil {
			return nil, err
		}
	}
	for i, rule := range after {
		for j, other := range after {
			if rule != before[i] && i != j && rule.SameAs(other) {
				return nil, errDuplicate(g, rule)
			}
		}
	}
	return after, r.checkRuleLimit(g, after)
}

// modifiedRule returns was with other values. A rule about a block of one
// family, or about a group, stays one (EC2 API reference,
// SecurityGroupRuleRequest).
func (r *request) modifiedRule(tx *store.Tx, g *vpc.SecurityGroup, was *vpc.Rule, values ruleValues) (*vpc.Rule, error) {
	spec, err := values.spec()
	if err != nil {
		return nil, err
	}
	rule, err := r.ruleFor(tx, g, was.Egress, spec)
	if err != nil {
		return nil, err
	}
	if peerKind(rule) != peerKind(was) {
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "The type of the source or destination of security group rule '%s' cannot be changed.", was.ID)
	}
	rule.ID, rule.Position, rule.Tags = was.ID, was.Position, was.Tags
	return rule, nil
}

// peerKind is the name of the parameter that the peer of a rule is given by.
func peerKind(rule *vpc.Rule) string {
	switch {
	case rule.Peer.Group != "":
		return "ReferencedGroupId"
	case rule.Peer.CIDR.Addr().Is4():
		return "CidrIpv4"
	}
	return "CidrIpv6"
}
