package api

import (
	"errors"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// A groupName names a group of the caller, by name or by id.
type groupName struct {
	GroupID   string `aws:"GroupId,since=2011-01-01"`
	GroupName string `aws:"GroupName"`
}

// networkNamed returns the VPC with an id. Without one it is the network that
// the account's calls mean by themselves: EC2-Classic, for which it returns
// nil, or the default VPC.
func (r *request) networkNamed(reader store.Reader, id string) (*vpc.VPC, error) {
	if id != "" {
		return r.vpcByID(reader, id)
	}
	if r.Account.Platform == vpc.PlatformClassic {
		return nil, nil
	}
	v, _ := reader.DefaultVPC(r.Region, r.Account.ID)
	if v == nil {
		return nil, errNoDefaultVPC
	}
	return v, nil
}

var errNoDefaultVPC = vpc.Errorf(vpc.VPCIDNotSpecified, "No default VPC for this user")

// networkID is the id of a VPC, and that of EC2-Classic for nil.
func networkID(v *vpc.VPC) vpc.NetworkID {
	if v == nil {
		return vpc.ClassicNetwork
	}
	return v.ID
}

// group finds the group of the caller that n names.
func (r *request) group(reader store.Reader, n groupName) (*vpc.SecurityGroup, error) {
	switch {
	case n.GroupID != "" && n.GroupName != "":
		return nil, vpc.Errorf(vpc.InvalidParameterCombination, "The parameter groupName cannot be used with the parameter groupId")
	case n.GroupID != "":
		return r.groupByID(reader, n.GroupID)
	case n.GroupName != "":
		g, err := r.groupByName(reader, n.GroupName)
		if err != nil && r.Account.Platform == vpc.PlatformClassic && r.isVPCGroup(reader, n.GroupName) {
			return nil, errGroupHasNoName(n.GroupName)
		}
		return g, err
	}
	return nil, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter groupName or groupId")
}

// isVPCGroup reports whether a group of one of the caller's VPCs has a name.
func (r *request) isVPCGroup(reader store.Reader, name string) bool {
	return slices.ContainsFunc(reader.VPCs(r.Region, r.Account.ID), func(v *vpc.VPC) bool {
		return reader.GroupNamed(r.Region, r.Account.ID, v.ID, name) != nil
	})
}

// errGroupHasNoName is for the name of a group that calls know by its id only.
func errGroupHasNoName(name string) error {
	return vpc.Errorf(vpc.InvalidParameterValue, "Invalid value '%s' for groupName. "+
		"You may not reference Amazon VPC security groups by name. Please use the corresponding id for this operation.", name)
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

// groupByName finds a group of EC2-Classic, or of the default VPC. Groups of
// other VPCs have no names for a call.
func (r *request) groupByName(reader store.Reader, name string) (*vpc.SecurityGroup, error) {
	v, err := r.networkNamed(reader, "")
	if errors.Is(err, errNoDefaultVPC) {
		return nil, vpc.Errorf(vpc.VPCIDNotSpecified, "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC.")
	}
	if err != nil {
		return nil, err
	}
	if g := reader.GroupNamed(r.Region, r.Account.ID, networkID(v), name); g != nil {
		return g, nil
	}
	if v != nil {
		return nil, errNotInDefaultVPC(name, v.ID)
	}
	return nil, errNoGroup(name)
}

func errNoGroup(name string) error {
	return vpc.Errorf(vpc.InvalidGroupNotFound, "The security group '%s' does not exist", name)
}

func errNotInDefaultVPC(name string, v vpc.NetworkID) error {
	return vpc.Errorf(vpc.InvalidGroupNotFound, "The security group '%s' does not exist in default VPC '%s'", name, v)
}
