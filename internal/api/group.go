package api

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type createSecurityGroupInput struct {
	dryRun
	GroupName   string             `aws:"GroupName,required"`
	Description string             `aws:"GroupDescription,required"`
	VPC         string             `aws:"VpcId,since=2011-01-01"`
	Tags        []tagSpecification `aws:"TagSpecification,since=2016-11-15"`
}

type createSecurityGroupOutput struct {
	Return  bool        `aws:"return"`
	GroupID vpc.GroupID `aws:"groupId,since=2011-01-01"`
	Tags    []tagItem   `aws:"tagSet,since=2016-11-15"`
	ARN     string      `aws:"securityGroupArn,since=2016-11-15,omitempty"`
}

// createSecurityGroup implements CreateSecurityGroup, in EC2-Classic and in
// VPCs. A new group admits nobody; in a VPC its members may send to everybody.
func (r *request) createSecurityGroup(ctx context.Context, in *createSecurityGroupInput) (*createSecurityGroupOutput, error) {
	tags, err := tagsFor("security-group", in.Tags)
	if err != nil {
		return nil, err
	}
	var g *vpc.SecurityGroup
	err = r.update(ctx, func(tx *store.Tx) error {
		v, err := r.networkNamed(tx.Reader, in.VPC)
		if err != nil {
			return err
		}
		g = &vpc.SecurityGroup{
			Account: r.Account.ID, Region: r.Region, Network: networkID(v), Name: strings.TrimRight(in.GroupName, " "),
			Description: in.Description, Created: time.Now().UTC(), Tags: tags,
		}
		if err := r.checkNewGroup(tx, g); err != nil {
			return err
		}
		g.ID = newGroupID(tx, r.Region, r.Account.Era)
		tx.PutGroup(g)
		if v != nil {
			putOpenEgress(tx, g, v)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &createSecurityGroupOutput{Return: true, GroupID: g.ID, Tags: tagItems(tags), ARN: groupARN(g)}, nil
}

// checkNewGroup refuses a group that cannot be made: for its texts, for a
// group of the same name in its network, or for a quota.
func (r *request) checkNewGroup(tx *store.Tx, g *vpc.SecurityGroup) error {
	if err := checkGroupTexts(g); err != nil {
		return err
	}
	if tx.GroupNamed(g.Region, g.Account, g.Network, g.Name) != nil {
		if g.IsClassic() {
			return vpc.Errorf(vpc.InvalidGroupDuplicate, "The security group '%s' already exists", g.Name)
		}
		return vpc.Errorf(vpc.InvalidGroupDuplicate, "The security group '%s' already exists for VPC '%s'", g.Name, g.Network)
	}
	return r.checkGroupLimit(tx, g.Network)
}

// checkGroupLimit refuses one more group in a network than the quota: in
// EC2-Classic and in the VPCs of 2012 those of the network count, today those
// of all VPCs of the region.
func (r *request) checkGroupLimit(tx *store.Tx, network vpc.NetworkID) error {
	if network == vpc.ClassicNetwork {
		if tx.CountGroups(r.Region, r.Account.ID, network) >= r.limit(classicGroups) {
			return vpc.Errorf(vpc.SecurityGroupLimitExceeded, "The maximum number of security groups has been reached.")
		}
		return nil
	}
	count := 0
	if r.Account.Era == vpc.Era2012 {
		count = tx.CountGroups(r.Region, r.Account.ID, network)
	} else {
		for _, v := range tx.VPCs(r.Region, r.Account.ID) {
			count += tx.CountGroups(r.Region, r.Account.ID, v.ID)
		}
	}
	if count >= r.limit(vpcGroups) {
		return vpc.Errorf(vpc.SecurityGroupLimitExceeded, "The maximum number of security groups for VPC '%s' has been reached.", network)
	}
	return nil
}

// newGroupID returns an id that no group of the region has.
func newGroupID(tx *store.Tx, region vpc.Region, era vpc.Era) vpc.GroupID {
	return newIDUnless("sg", era, func(id vpc.GroupID) bool { return tx.Group(region, id) != nil })
}

// groupARN is the Amazon Resource Name of a group of a VPC. EC2-Classic was
// gone before answers had it.
func groupARN(g *vpc.SecurityGroup) string {
	if g.IsClassic() {
		return ""
	}
	return arn(g.Region, g.Account, "security-group", string(g.ID))
}

// arn is an Amazon Resource Name of EC2.
func arn(region vpc.Region, account vpc.AccountID, kind, id string) string {
	return fmt.Sprintf("arn:aws:ec2:%s:%s:%s/%s", region, account, kind, id)
}

// putOpenEgress gives a new group of a VPC its egress rules: one to everybody,
// and another over IPv6 when the VPC has a block of that (Amazon VPC User
// Guide, "Security group basics").
func putOpenEgress(tx *store.Tx, g *vpc.SecurityGroup, v *vpc.VPC) {
	open := func(to netip.Prefix) *vpc.Rule {
		return &vpc.Rule{Group: g.ID, Egress: true, Proto: vpc.AnyProto, Peer: vpc.Peer{CIDR: to}}
	}
	rules := []*vpc.Rule{open(anyIPv4)}
	if len(v.IPv6) > 0 {
		rules = append(rules, open(anyIPv6))
	}
	addRules(tx, g, nil, rules)
}

// makeDefaultGroup makes the default group of an EC2-Classic account and
// region, whose members reach each other (EC2 User Guide 2012, "Default
// Security Group").
func (r *request) makeDefaultGroup(tx *store.Tx) error {
	if tx.GroupNamed(r.Region, r.Account.ID, vpc.ClassicNetwork, vpc.DefaultGroupName) != nil {
		return nil
	}
	g := &vpc.SecurityGroup{
		ID: newGroupID(tx, r.Region, r.Account.Era), Account: r.Account.ID, Region: r.Region, Network: vpc.ClassicNetwork,
		Name: vpc.DefaultGroupName, Description: "default group", Created: time.Now().UTC(),
	}
	tx.PutGroup(g)
	self := vpc.Peer{Group: g.ID}
	addRules(tx, g, nil, []*vpc.Rule{
		{Group: g.ID, Proto: vpc.ICMP, ICMP: vpc.ICMPType{Type: vpc.AnyICMP, Code: vpc.AnyICMP}, Peer: self},
		{Group: g.ID, Proto: vpc.TCP, Ports: vpc.AllPorts, Peer: self},
		{Group: g.ID, Proto: vpc.UDP, Ports: vpc.AllPorts, Peer: self},
	})
	return nil
}
