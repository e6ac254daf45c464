package api

import (
	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// permissionItem is a bundle of rules in an answer: those of one protocol and
// range.
type permissionItem struct {
	Proto         string             `aws:"ipProtocol"`
	FromPort      *int               `aws:"fromPort"`
	ToPort        *int               `aws:"toPort"`
	Groups        []groupSourceItem  `aws:"groups"`
	Ranges        []ipRangeItem      `aws:"ipRanges"`
	RangesIPv6    []ipv6RangeItem    `aws:"ipv6Ranges,since=2016-11-15"`
	PrefixListIDs []prefixListIDItem `aws:"prefixListIds,since=2016-11-15"`
}

type groupSourceItem struct {
	UserID      vpc.AccountID `aws:"userId"`
	GroupID     vpc.GroupID   `aws:"groupId,since=2011-01-01"`
	GroupName   string        `aws:"groupName,omitempty"` // in EC2-Classic
	Description string        `aws:"description,since=2016-11-15,omitempty"`
}

type ipRangeItem struct {
	CIDR        string `aws:"cidrIp"`
	Description string `aws:"description,since=2016-11-15,omitempty"`
}

type ipv6RangeItem struct {
	CIDR        string `aws:"cidrIpv6"`
	Description string `aws:"description,omitempty"`
}

type prefixListIDItem struct {
	ID          string `aws:"prefixListId"`
	Description string `aws:"description,omitempty"`
}

// permissionItems bundles rules of g: one item for each protocol and range, in
// the order of its first rule, with its sources in the order of theirs.
func permissionItems(reader store.Reader, g *vpc.SecurityGroup, rules []*vpc.Rule) []permissionItem {
	var items []permissionItem
	at := map[traffic]int{}
	for _, rule := range rules {
		t := traffic{rule.Proto, rule.Ports, rule.ICMP}
		i, ok := at[t]
		if !ok {
			i = len(items)
			at[t] = i
			from, to := portPointers(rule)
			items = append(items, permissionItem{Proto: rule.Proto.String(), FromPort: from, ToPort: to})
		}
		items[i].addPeer(reader, g, rule)
	}
	return items
}

// addPeer adds the peer of a rule of g to its kind.
func (p *permissionItem) addPeer(reader store.Reader, g *vpc.SecurityGroup, rule *vpc.Rule) {
	switch block := rule.Peer.CIDR; {
	case rule.Peer.Group != "":
		source := groupSourceItem{GroupID: rule.Peer.Group, Description: rule.Description}
		if peer := reader.Group(g.Region, rule.Peer.Group); peer != nil {
			source.UserID = peer.Account
			if g.IsClassic() {
				source.GroupName = peer.Name
			}
		}
		p.Groups = append(p.Groups, source)
	case block.Addr().Is4():
		p.Ranges = append(p.Ranges, ipRangeItem{CIDR: block.String(), Description: rule.Description})
	default:
		p.RangesIPv6 = append(p.RangesIPv6, ipv6RangeItem{CIDR: block.String(), Description: rule.Description})
	}
}

// portPointers are a rule's ports, or its ICMP type and code; nil for a
// protocol that has neither.
func portPointers(rule *vpc.Rule) (from, to *int) {
	var f, t int
	switch {
	case rule.Proto.HasPorts():
		f, t = int(rule.Ports.From), int(rule.Ports.To)
	case rule.Proto.IsICMP():
		f, t = int(rule.ICMP.Type), int(rule.ICMP.Code)
	default:
		return nil, nil
	}
	return &f, &t
}

// ruleItem is a rule in an answer.
type ruleItem struct {
	RuleID          vpc.RuleID           `aws:"securityGroupRuleId"`
	GroupID         vpc.GroupID          `aws:"groupId"`
	GroupOwnerID    vpc.AccountID        `aws:"groupOwnerId"`
	Egress          bool                 `aws:"isEgress"`
	Proto           string               `aws:"ipProtocol"`
	FromPort        int                  `aws:"fromPort"`
	ToPort          int                  `aws:"toPort"`
	CIDR            string               `aws:"cidrIpv4,omitempty"`
	CIDRIPv6        string               `aws:"cidrIpv6,omitempty"`
	ReferencedGroup *referencedGroupItem `aws:"referencedGroupInfo"`
	Description     string               `aws:"description,omitempty"`
	Tags            []tagItem            `aws:"tagSet"`
	ARN             string               `aws:"securityGroupRuleArn,omitempty"`
}

type referencedGroupItem struct {
	GroupID vpc.GroupID   `aws:"groupId"`
	UserID  vpc.AccountID `aws:"userId,omitempty"`
	VPC     vpc.NetworkID `aws:"vpcId,omitempty"`
}

// allPortsInRuleItem stands in both ports of a rule whose protocol has none.
const allPortsInRuleItem = -1

func newRuleItem(reader store.Reader, g *vpc.SecurityGroup, rule *vpc.Rule) ruleItem {
	item := ruleItem{
		RuleID: rule.ID, GroupID: g.ID, GroupOwnerID: g.Account, Egress: rule.Egress, Proto: rule.Proto.String(),
		FromPort: allPortsInRuleItem, ToPort: allPortsInRuleItem, Description: rule.Description, Tags: tagItems(rule.Tags),
	}
	if from, to := portPointers(rule); from != nil {
		item.FromPort, item.ToPort = *from, *to
	}
	if !g.IsClassic() {
		item.ARN = arn(g.Region, g.Account, "security-group-rule", string(rule.ID))
	}
	switch block := rule.Peer.CIDR; {
	case rule.Peer.Group != "":
		item.ReferencedGroup = &referencedGroupItem{GroupID: rule.Peer.Group}
		if peer := reader.Group(g.Region, rule.Peer.Group); peer != nil {
			item.ReferencedGroup.UserID, item.ReferencedGroup.VPC = peer.Account, vpcIDOf(peer)
		}
	case block.Addr().Is4():
		item.CIDR = block.String()
	default:
		item.CIDRIPv6 = block.String()
	}
	return item
}
