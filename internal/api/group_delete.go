package api

import (
	"context"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type deleteSecurityGroupInput struct {
	dryRun
	groupName
}

type deleteSecurityGroupOutput struct {
	Return  bool        `aws:"return"`
	GroupID vpc.GroupID `aws:"groupId,since=2016-11-15"`
}

// deleteSecurityGroup implements DeleteSecurityGroup. A default group, a group
// with members, and one that another group's rule names, stay.
func (r *request) deleteSecurityGroup(ctx context.Context, in *deleteSecurityGroupInput) (*deleteSecurityGroupOutput, error) {
	out := &deleteSecurityGroupOutput{Return: true}
	err := r.update(ctx, func(tx *store.Tx) error {
		g, err := r.group(tx.Reader, in.groupName)
		if err != nil {
			return err
		}
		if err := checkDeletable(tx, g); err != nil {
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

func checkDeletable(tx *store.Tx, g *vpc.SecurityGroup) error {
	switch {
	case g.Name == vpc.DefaultGroupName && g.IsClassic():
		return errReserved(g.Name)
	case g.Name == vpc.DefaultGroupName:
		return vpc.Errorf(vpc.CannotDelete, "the specified group: %q name: %q cannot be deleted by a user", g.ID, g.Name)
	case g.IsClassic():
		return checkUnusedInClassic(tx, g)
	}
	return checkUnused(tx, g)
}

// checkUnused refuses a group of a VPC that is in use, and says by whom. A rule
// of the group itself does not count.
func checkUnused(tx *store.Tx, g *vpc.SecurityGroup) error {
	var holders []string
	for _, u := range tx.Users(g) {
		switch {
		case u.Interface != "":
			holders = append(holders, interfaceHolder(tx.Reader, u.Interface, u.LoadBalancer))
		case u.Instance != "":
			holders = append(holders, string(u.Instance))
		case u.Group != g.ID:
			holders = append(holders, string(u.Rule)+" of "+string(u.Group))
		}
	}
	if len(holders) == 0 {
		return nil
	}
	return vpc.Errorf(vpc.DependencyViolation, "resource %s has a dependent object: %s", g.ID, listHolders(holders))
}

// checkUnusedInClassic is checkUnused with the code and the words of
// EC2-Classic.
func checkUnusedInClassic(tx *store.Tx, g *vpc.SecurityGroup) error {
	var instances, referrers []string
	seen := map[vpc.GroupID]bool{g.ID: true}
	for _, u := range tx.Users(g) {
		if u.Instance != "" {
			instances = append(instances, string(u.Instance))
		}
		if u.Rule == "" || seen[u.Group] {
			continue
		}
		seen[u.Group] = true
		if other := tx.Group(g.Region, u.Group); other != nil {
			referrers = append(referrers, string(other.Account)+":"+other.Name)
		}
	}
	if len(instances) > 0 {
		return vpc.Errorf(vpc.InvalidGroupInUse, "There are active instances using security group '%s': %s", g.Name, listHolders(instances))
	}
	if len(referrers) > 0 {
		return vpc.Errorf(vpc.InvalidGroupInUse, "Group %s:%s is used by groups: %s", g.Account, g.Name, listHolders(referrers))
	}
	return nil
}
