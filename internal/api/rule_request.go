package api

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// A ruleRequest is what a call says about rules: of which group, in which
// direction, and which.
type ruleRequest struct {
	group  groupName
	egress bool
	rules  permissions
}

// target finds the group that q is about. The rules for what leaves an instance
// of EC2-Classic are nobody's to edit.
func (r *request) target(reader store.Reader, q ruleRequest) (*vpc.SecurityGroup, error) {
	g, err := r.group(reader, q.group)
	if err == nil && q.egress && g.IsClassic() {
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "Invalid value '%s' for groupId. EC2-Classic security groups have no egress rules.", g.ID)
	}
	return g, err
}

// homeOf returns where a group lives.
func (r *request) homeOf(reader store.Reader, g *vpc.SecurityGroup) groupHome {
	if g.IsClassic() {
		return inClassic
	}
	if v := reader.VPC(g.Region, g.Account, g.Network); v != nil && v.Default {
		return inDefaultVPC
	}
	return inVPC
}

// requestedRules returns the rules that a call names for its group, without
// ids. Naming one rule twice is a fault.
func (r *request) requestedRules(tx *store.Tx, g *vpc.SecurityGroup, q ruleRequest) ([]*vpc.Rule, error) {
	specs, err := q.rules.specs(r.homeOf(tx.Reader, g))
	if err != nil {
		return nil, err
	}
	var rules []*vpc.Rule
	for _, spec := range specs {
		rule, err := r.ruleFor(tx, g, q.egress, spec)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(rules, rule.SameAs) {
			return nil, vpc.Errorf(vpc.InvalidParameterValue, "The same permission must not appear multiple times")
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

// ruleFor returns the rule of g that a spec asks for, without an id.
func (r *request) ruleFor(tx *store.Tx, g *vpc.SecurityGroup, egress bool, spec ruleSpec) (*vpc.Rule, error) {
	rule := &vpc.Rule{
		Group: g.ID, Egress: egress, Proto: spec.proto, Ports: spec.ports, ICMP: spec.icmp,
		Peer: vpc.Peer{CIDR: spec.cidr}, Description: spec.description,
	}
	if !spec.cidr.IsValid() {
		peer, err := r.sourceGroup(tx, g, spec.group)
		if err != nil {
			return nil, err
		}
		rule.Peer.Group = peer.ID
	}
	return rule, nil
}

// sourceGroup finds the group that a rule of g names as its source. A rule
// follows the group, not its name, and stays within its network.
func (r *request) sourceGroup(tx *store.Tx, g *vpc.SecurityGroup, s groupSource) (*vpc.SecurityGroup, error) {
	owner := vpc.AccountID(strings.ReplaceAll(s.Owner, "-", ""))
	if s.Owner == string(vpc.ELBAccount) {
		owner = vpc.ELBAccount
	}
	switch {
	case g.IsClassic() && r.isELBGroup(owner, s):
		return r.elbGroup(tx), nil
	case s.ID == "" && s.Name == "":
		return nil, vpc.Errorf(vpc.MissingParameter, "Source group ID missing.")
	case s.ID == "":
		return r.sourceGroupNamed(tx, g, owner, s.Name)
	}
	if err := checkID(vpc.InvalidGroupIDMalformed, "sg", s.ID); err != nil {
		return nil, err
	}
	found := tx.Group(r.Region, vpc.GroupID(s.ID))
	switch {
	case found == nil, owner != "" && owner != found.Account, s.Name != "" && s.Name != found.Name:
		return nil, errNoGroup(s.ID)
	case found.Account != r.Account.ID && (!g.IsClassic() || !found.IsClassic()):
		return nil, errNoGroup(s.ID) // only EC2-Classic is shared
	case found.Network != g.Network, s.VPC != "" && s.VPC != vpcIDOf(found):
		return nil, vpc.Errorf(vpc.InvalidGroupNotFound, "You have specified two resources that belong to different networks.")
	}
	return found, nil
}

// sourceGroupNamed finds a source by its name: in EC2-Classic that of any
// account, in the default VPC one beside g.
func (r *request) sourceGroupNamed(tx *store.Tx, g *vpc.SecurityGroup, owner vpc.AccountID, name string) (*vpc.SecurityGroup, error) {
	if owner == "" {
		owner = r.Account.ID
	}
	home := r.homeOf(tx.Reader, g)
	if home == inVPC {
		return nil, errGroupHasNoName(name)
	}
	if found := tx.GroupNamed(r.Region, owner, g.Network, name); found != nil {
		return found, nil
	}
	if home == inDefaultVPC {
		return nil, errNotInDefaultVPC(name, g.Network)
	}
	return nil, vpc.Errorf(vpc.InvalidGroupNotFound, "Unable to find group '%s'", name)
}

// isELBGroup reports whether a source is the group of the load balancers of
// EC2-Classic: by owner and name, or by its id, which nothing may contradict.
func (r *request) isELBGroup(owner vpc.AccountID, s groupSource) bool {
	if s.ID == "" {
		return owner == vpc.ELBAccount && s.Name == vpc.ELBGroupName
	}
	return vpc.GroupID(s.ID) == elbGroupID(r.Region) &&
		(owner == "" || owner == vpc.ELBAccount) && (s.Name == "" || s.Name == vpc.ELBGroupName)
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
// when the first rule names it. Everybody reaches the listeners of its members.
func (r *request) elbGroup(tx *store.Tx) *vpc.SecurityGroup {
	if g := tx.Group(r.Region, elbGroupID(r.Region)); g != nil {
		return g
	}
	g := &vpc.SecurityGroup{
		ID: elbGroupID(r.Region), Account: vpc.ELBAccount, Region: r.Region, Network: vpc.ClassicNetwork,
		Name: vpc.ELBGroupName, Description: "the load balancers of EC2-Classic", Created: time.Now().UTC(),
	}
	tx.PutGroup(g)
	tx.PutRule(g, &vpc.Rule{
		ID: newRuleID(), Group: g.ID, Proto: vpc.TCP, Ports: vpc.AllPorts, Peer: vpc.Peer{CIDR: netip.MustParsePrefix("0.0.0.0/0")}, Position: 1,
	})
	return g
}
