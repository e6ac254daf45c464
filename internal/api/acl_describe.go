package api

import (
	"context"
	"slices"
	"strconv"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type describeACLsInput struct {
	dryRun
	filters
	paging
	IDs []string `aws:"NetworkAclId,bare"`
}

type describeACLsOutput struct {
	ACLs      []aclItem `aws:"networkAclSet"`
	NextToken string    `aws:"nextToken,omitempty"`
}

// aclItem is a network ACL in an answer.
type aclItem struct {
	ID           vpc.ACLID            `aws:"networkAclId"`
	VPC          vpc.NetworkID        `aws:"vpcId"`
	Default      bool                 `aws:"default"`
	Entries      []aclEntryItem       `aws:"entrySet"`
	Associations []aclAssociationItem `aws:"associationSet"`
	Tags         []tagItem            `aws:"tagSet"`
	Owner        vpc.AccountID        `aws:"ownerId,since=2016-11-15"`
}

type aclEntryItem struct {
	Number int             `aws:"ruleNumber"`
	Proto  string          `aws:"protocol"` // a number
	Action string          `aws:"ruleAction"`
	Egress bool            `aws:"egress"`
	CIDR   string          `aws:"cidrBlock,omitempty"`
	IPv6   string          `aws:"ipv6CidrBlock,since=2016-11-15,omitempty"`
	ICMP   *icmpTypeItem   `aws:"icmpTypeCode"`
	Ports  *portRangeItems `aws:"portRange"`
}

type icmpTypeItem struct {
	Code int `aws:"code"`
	Type int `aws:"type"`
}

type portRangeItems struct {
	From int `aws:"from"`
	To   int `aws:"to"`
}

type aclAssociationItem struct {
	ID     vpc.AssociationID `aws:"networkAclAssociationId"`
	ACL    vpc.ACLID         `aws:"networkAclId"`
	Subnet vpc.SubnetID      `aws:"subnetId"`
}

// Every ACL ends in entries that deny what no other entry is about. They are
// shown as * by consoles, and are no nouns: nobody can change them.
const (
	lastIPv4Entry = maxEntryNumber + 1
	lastIPv6Entry = maxEntryNumber + 2
)

// newACLItem shows an ACL with the entries that it ends in: that for IPv6 when
// its VPC has such a block.
func newACLItem(reader store.Reader, a *vpc.NetworkACL) aclItem {
	item := aclItem{ID: a.ID, VPC: a.Network, Default: a.Default, Tags: tagItems(a.Tags), Owner: a.Account}
	v := reader.VPC(a.Region, a.Account, a.Network)
	for _, egress := range []bool{true, false} { // as EC2 does
		for _, e := range a.Entries {
			if e.Egress == egress {
				item.Entries = append(item.Entries, newACLEntryItem(e))
			}
		}
		last := vpc.ACLEntry{Number: lastIPv4Entry, Egress: egress, Proto: vpc.AnyProto, CIDR: anyIPv4}
		item.Entries = append(item.Entries, newACLEntryItem(last))
		if v != nil && len(v.IPv6) > 0 {
			last.Number, last.CIDR = lastIPv6Entry, anyIPv6
			item.Entries = append(item.Entries, newACLEntryItem(last))
		}
	}
	for _, s := range a.Subnets {
		item.Associations = append(item.Associations, aclAssociationItem{s.ID, a.ID, s.Subnet})
	}
	return item
}

func newACLEntryItem(e vpc.ACLEntry) aclEntryItem {
	item := aclEntryItem{Number: e.Number, Proto: strconv.Itoa(int(e.Proto)), Action: actionDeny, Egress: e.Egress}
	if e.Allow {
		item.Action = actionAllow
	}
	if e.CIDR.Addr().Is4() {
		item.CIDR = e.CIDR.String()
	} else {
		item.IPv6 = e.CIDR.String()
	}
	switch {
	case e.Proto.HasPorts():
		item.Ports = &portRangeItems{int(e.Ports.From), int(e.Ports.To)}
	case e.Proto.IsICMP():
		item.ICMP = &icmpTypeItem{Code: int(e.ICMP.Code), Type: int(e.ICMP.Type)}
	}
	return item
}

// shownACL is an ACL and its item, which filters look at: what they find is
// what is shown.
type shownACL struct {
	*vpc.NetworkACL
	item aclItem
}

func (a shownACL) order() string { return byAge(a.Created, a.ID) }

var aclFilters = filterTable[shownACL]{
	values: map[string]func(shownACL) []string{
		"default":        func(a shownACL) []string { return []string{strconv.FormatBool(a.Default)} },
		"network-acl-id": func(a shownACL) []string { return []string{string(a.ID)} },
		"owner-id":       func(a shownACL) []string { return []string{string(a.Account)} },
		"vpc-id":         func(a shownACL) []string { return []string{string(a.Network)} },

		"association.association-id": ofACLSubnets(func(s aclAssociationItem) string { return string(s.ID) }),
		"association.network-acl-id": ofACLSubnets(func(s aclAssociationItem) string { return string(s.ACL) }),
		"association.subnet-id":      ofACLSubnets(func(s aclAssociationItem) string { return string(s.Subnet) }),

		"entry.cidr":        ofEntries(func(e aclEntryItem) []string { return present(e.CIDR) }),
		"entry.ipv6-cidr":   ofEntries(func(e aclEntryItem) []string { return present(e.IPv6) }),
		"entry.egress":      ofEntries(func(e aclEntryItem) []string { return []string{strconv.FormatBool(e.Egress)} }),
		"entry.rule-action": ofEntries(func(e aclEntryItem) []string { return []string{e.Action} }),
		"entry.rule-number": ofEntries(func(e aclEntryItem) []string { return []string{strconv.Itoa(e.Number)} }),
		"entry.protocol":    ofEntries(aclEntryItem.protocols),
		"entry.icmp.code":   ofEntries(func(e aclEntryItem) []string { return e.icmpValue(func(t icmpTypeItem) int { return t.Code }) }),
		"entry.icmp.type":   ofEntries(func(e aclEntryItem) []string { return e.icmpValue(func(t icmpTypeItem) int { return t.Type }) }),
		"entry.port-range.from": ofEntries(func(e aclEntryItem) []string {
			return e.portValue(func(p portRangeItems) int { return p.From })
		}),
		"entry.port-range.to": ofEntries(func(e aclEntryItem) []string {
			return e.portValue(func(p portRangeItems) int { return p.To })
		}),
	},
	tags: func(a shownACL) []vpc.Tag { return a.Tags },
}

func ofACLSubnets(part func(aclAssociationItem) string) func(shownACL) []string {
	return func(a shownACL) []string {
		values := make([]string, len(a.item.Associations))
		for i, s := range a.item.Associations {
			values[i] = part(s)
		}
		return values
	}
}

func ofEntries(part func(aclEntryItem) []string) func(shownACL) []string {
	return func(a shownACL) []string {
		var values []string
		for _, e := range a.item.Entries {
			values = append(values, part(e)...)
		}
		return values
	}
}

// protocols are the number and the name of an entry's protocol: filters take
// both.
func (e aclEntryItem) protocols() []string {
	number, err := strconv.Atoi(e.Proto)
	if err != nil {
		return []string{e.Proto}
	}
	return slices.Compact([]string{e.Proto, vpc.Proto(number).String()})
}

func (e aclEntryItem) icmpValue(part func(icmpTypeItem) int) []string {
	if e.ICMP == nil {
		return nil
	}
	return []string{strconv.Itoa(part(*e.ICMP))}
}

func (e aclEntryItem) portValue(part func(portRangeItems) int) []string {
	if e.Ports == nil {
		return nil
	}
	return []string{strconv.Itoa(part(*e.Ports))}
}

// describeACLs implements DescribeNetworkAcls.
func (r *request) describeACLs(ctx context.Context, in *describeACLsInput) (*describeACLsOutput, error) {
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	acls, err := named(in.IDs,
		func(id string) (*vpc.NetworkACL, error) { return r.aclByID(v.Reader, id) },
		func() []*vpc.NetworkACL { return v.ACLs(r.Region, r.Account.ID) })
	if err != nil {
		return nil, err
	}
	shown := make([]shownACL, len(acls))
	for i, a := range acls {
		shown[i] = shownACL{a, newACLItem(v.Reader, a)}
	}
	page, next, err := filterPage(in.filters, in.paging, aclFilters, shown, shownACL.order)
	if err != nil {
		return nil, err
	}
	out := &describeACLsOutput{NextToken: next, ACLs: make([]aclItem, len(page))}
	for i, a := range page {
		out.ACLs[i] = a.item
	}
	return out, nil
}
