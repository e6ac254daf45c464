package api

import (
	"context"
	"strings"
	"time"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// A groupName names a group of the caller, by name or by id.
type groupName struct {
	GroupID   string `aws:"GroupId"`
	GroupName string `aws:"GroupName"`
}

// maxGroupText is how long a group's name and description may be (EC2 API
// reference, CreateSecurityGroup).
const maxGroupText = 255

type createSecurityGroupInput struct {
	dryRun
	GroupName   string             `aws:"GroupName,required"`
	Description string             `aws:"GroupDescription,required"`
	VPC         string             `aws:"VpcId"`
	Tags        []tagSpecification `aws:"TagSpecification"`
}

type createSecurityGroupOutput struct {
	Return  bool        `aws:"return"`
	GroupID vpc.GroupID `aws:"groupId,since=2011-01-01"`
	Tags    []tagItem   `aws:"tagSet,since=2016-11-15"`
}

// createSecurityGroup implements CreateSecurityGroup.
func (r *request) createSecurityGroup(ctx context.Context, in *createSecurityGroupInput) (*createSecurityGroupOutput, error) {
	if in.VPC != "" {
		return nil, vpc.Errorf(vpc.InvalidVPCIDNotFound, "The vpc ID '%s' does not exist", in.VPC)
	}
	if r.Account.Platform != vpc.PlatformClassic {
		return nil, errNotInVPC()
	}
	name := strings.TrimRight(in.GroupName, " ")
	if err := checkClassicName(name, in.Description); err != nil {
		return nil, err
	}
	tags, err := tagsFor("security-group", in.Tags)
	if err != nil {
		return nil, err
	}
	g := &vpc.SecurityGroup{
		Account: r.Account.ID, Region: r.Region, Network: vpc.ClassicNetwork,
		Name: name, Description: in.Description, Created: time.Now().UTC(), Tags: tags,
	}
	err = r.update(ctx, func(tx *store.Tx) error {
		if tx.GroupNamed(r.Region, r.Account.ID, vpc.ClassicNetwork, name) != nil {
			return vpc.Errorf(vpc.InvalidGroupDuplicate, "The security group '%s' already exists", name)
		}
		if tx.CountGroups(r.Region, r.Account.ID, vpc.ClassicNetwork) >= r.limit(classicGroups) {
			return vpc.Errorf(vpc.SecurityGroupLimitExceeded, "The maximum number of security groups has been reached.")
		}
		g.ID = newGroupID(tx, r.Region, r.Account.Era)
		tx.PutGroup(g)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &createSecurityGroupOutput{Return: true, GroupID: g.ID, Tags: tagItems(tags)}, nil
}

// newGroupID returns an id that no group of the region has.
func newGroupID(tx *store.Tx, region vpc.Region, era vpc.Era) vpc.GroupID {
	return newIDUnless("sg", era, func(id vpc.GroupID) bool { return tx.Group(region, id) != nil })
}

// checkClassicName refuses names and descriptions that EC2-Classic does not
// take: there any ASCII is right, in a VPC less is.
func checkClassicName(name, description string) error {
	switch {
	case name == "":
		return vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter groupName")
	case strings.HasPrefix(name, "sg-"):
		return vpc.Errorf(vpc.InvalidParameterValue, "Value (%s) for parameter GroupName is invalid. Group names may not be in the format sg-*.", name)
	case name == vpc.DefaultGroupName:
		return errReserved(name)
	}
	if err := checkGroupText("GroupName", "name", name); err != nil {
		return err
	}
	return checkGroupText("GroupDescription", "description", description)
}

// groupCharacters is the end of the messages about bad names; EC2 says this of
// its Classic groups too, which may have any printable ASCII.
const groupCharacters = " a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"

func checkGroupText(parameter, what, text string) error {
	for _, c := range text {
		switch {
		case c > '~':
			return vpc.Errorf(vpc.InvalidParameterValue, "Value (%s) for parameter %s is invalid. Character sets beyond ASCII are not supported.", text, parameter)
		case c < ' ':
			return errInvalidText(what)
		}
	}
	if len(text) > maxGroupText {
		return errInvalidText(what)
	}
	return nil
}

func errInvalidText(what string) error {
	return vpc.Errorf(vpc.InvalidParameterValue, "Invalid security group %s. Valid %ss are strings less than 256 characters from the following set: %s",
		what, what, groupCharacters)
}

func errReserved(name string) error {
	return vpc.Errorf(vpc.InvalidGroupReserved, "The security group '%s' is reserved", name)
}

func errNoGroup(name string) error {
	return vpc.Errorf(vpc.InvalidGroupNotFound, "The security group '%s' does not exist", name)
}

// group finds the group of the caller that n names.
func (r *request) group(reader store.Reader, n groupName) (*vpc.SecurityGroup, error) {
	switch {
	case n.GroupID != "" && n.GroupName != "":
		return nil, vpc.Errorf(vpc.InvalidParameterCombination, "The parameter groupName cannot be used with the parameter groupId")
	case n.GroupID != "":
		return r.groupByID(reader, n.GroupID)
	case n.GroupName != "":
		return r.groupByName(reader, n.GroupName)
	}
	return nil, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter groupName or groupId")
}

func (r *request) groupByID(reader store.Reader, id string) (*vpc.SecurityGroup, error) {
	if err := checkID(vpc.InvalidGroupIDMalformed, "sg", id); err != nil {
		return nil, err
	}
	g := reader.Group(r.Region, vpc.GroupID(id))
	if g == nil || g.Account != r.Account.ID {
		return nil, errNoGroup(id)
	}
	return g, nil
}

func (r *request) groupByName(reader store.Reader, name string) (*vpc.SecurityGroup, error) {
	g := reader.GroupNamed(r.Region, r.Account.ID, vpc.ClassicNetwork, name)
	if g == nil {
		return nil, errNoGroup(name)
	}
	return g, nil
}

type deleteSecurityGroupInput struct {
	dryRun
	groupName
}

type deleteSecurityGroupOutput struct {
	Return  bool        `aws:"return"`
	GroupID vpc.GroupID `aws:"groupId,since=2016-11-15"`
}

// deleteSecurityGroup implements DeleteSecurityGroup. A group with members, or
// one that another group's rule names, stays.
func (r *request) deleteSecurityGroup(ctx context.Context, in *deleteSecurityGroupInput) (*deleteSecurityGroupOutput, error) {
	out := &deleteSecurityGroupOutput{Return: true}
	err := r.update(ctx, func(tx *store.Tx) error {
		g, err := r.group(tx.Reader, in.groupName)
		if err != nil {
			return err
		}
		if g.Name == vpc.DefaultGroupName {
			return errReserved(g.Name)
		}
		if err := r.checkUnused(tx, g); err != nil {
			return err
		}
		tx.DeleteGroup(g)
		out.GroupID = g.ID
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// checkUnused refuses a group that is in use, and says by whom. A rule of the
// group itself does not count.
func (r *request) checkUnused(tx *store.Tx, g *vpc.SecurityGroup) error {
	var referrers []string
	seen := map[vpc.GroupID]bool{g.ID: true}
	for _, u := range tx.Users(g) {
		if u.Rule == "" {
			return vpc.Errorf(vpc.InvalidGroupInUse, "There are active instances using security group '%s'", g.Name)
		}
		if seen[u.Group] {
			continue
		}
		seen[u.Group] = true
		if other := tx.Group(g.Region, u.Group); other != nil {
			referrers = append(referrers, string(other.Account)+":"+other.Name)
		}
	}
	if len(referrers) > 0 {
		return vpc.Errorf(vpc.InvalidGroupInUse, "Group %s:%s is used by groups: %s", g.Account, g.Name, strings.Join(referrers, " "))
	}
	return nil
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
	for i, rule := range []vpc.Rule{
		{Proto: vpc.ICMP, ICMP: vpc.ICMPType{Type: vpc.AnyICMP, Code: vpc.AnyICMP}},
		{Proto: vpc.TCP, Ports: vpc.AllPorts},
		{Proto: vpc.UDP, Ports: vpc.AllPorts},
	} {
		rule.ID, rule.Group, rule.Peer.Group, rule.Position = newRuleID(), g.ID, g.ID, int64(i+1)
		tx.PutRule(g, &rule)
	}
	return nil
}
