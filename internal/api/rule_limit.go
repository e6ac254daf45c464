package api

import "ringfence/internal/vpc"

// checkRuleLimit refuses a group with more rules than its quota. In EC2-Classic
// and in the VPCs of 2012 all its rules count together. Today each direction
// and each family of addresses has a quota of its own, and a rule about a group
// counts in both families (Amazon VPC User Guide, "Amazon VPC quotas").
func (r *request) checkRuleLimit(g *vpc.SecurityGroup, rules []*vpc.Rule) error {
	count, limit := len(rules), r.limit(rulesPerGroup)
	if !g.IsClassic() {
		limit = r.limit(rulesPerVPCGroup)
		if r.Account.Era != vpc.Era2012 {
			count = mostRules(rules)
		}
	}
	if count > limit {
		return vpc.Errorf(vpc.RulesPerSecurityGroupLimitExceeded, "The maximum number of rules per security group has been reached.")
	}
	return nil
}

// mostRules is the largest count of rules of one direction and one family.
func mostRules(rules []*vpc.Rule) int {
	type budget struct{ egress, ipv6 bool }
	counts := map[budget]int{}
	most := 0
	for _, rule := range rules {
		for _, ipv6 := range []bool{false, true} {
			if rule.Peer.Group == "" && rule.Peer.CIDR.Addr().Is6() != ipv6 {
				continue
			}
			b := budget{rule.Egress, ipv6}
			counts[b]++
			most = max(most, counts[b])
		}
	}
	return most
}
