package api

import (
	"context"
	"net/netip"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type createNetworkInterfaceInput struct {
	dryRun
	addressesInput
	SubnetID    string             `aws:"SubnetId,required"`
	GroupIDs    []string           `aws:"SecurityGroupId,bare"`
	Description string             `aws:"Description"`
	Kind        string             `aws:"InterfaceType"`
	PrimaryIPv6 bool               `aws:"EnablePrimaryIpv6"`
	Timeouts    timeoutsInput      `aws:"ConnectionTrackingSpecification"`
	Tags        []tagSpecification `aws:"TagSpecification"`
	ClientToken string             `aws:"ClientToken"`
}

type createNetworkInterfaceOutput struct {
	Interface   interfaceItem `aws:"networkInterface"`
	ClientToken string        `aws:"clientToken,omitempty"`
}

// createNetworkInterface implements CreateNetworkInterface.
func (r *request) createNetworkInterface(ctx context.Context, in *createNetworkInterfaceInput) (*createNetworkInterfaceOutput, error) {
	template := vpc.NetworkInterface{Description: in.Description, ClientToken: in.ClientToken}
	want, err := in.wanted()
	if err != nil {
		return nil, err
	}
	if template.Timeouts, err = in.Timeouts.timeouts(); err != nil {
		return nil, err
	}
	if template.Tags, err = tagsFor("network-interface", in.Tags); err != nil {
		return nil, err
	}
	if err := checkClientToken(in.ClientToken); err != nil {
		return nil, err
	}
	if err := checkInterfaceKind(in.Kind); err != nil {
		return nil, err
	}
	if err := checkPrimaryIPv6(in.PrimaryIPv6); err != nil {
		return nil, err
	}
	out := &createNetworkInterfaceOutput{ClientToken: in.ClientToken}
	err = r.update(ctx, func(tx *store.Tx) error {
		n, err := r.createdBefore(tx, in.ClientToken)
		if n == nil && err == nil {
			n, err = r.createInterface(tx, in, want, template)
		}
		if err != nil {
			return err
		}
		out.Interface = newInterfaceItem(tx.Reader, n)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// createdBefore returns the interface that a call with the same client token
// has made, nil for none.
func (r *request) createdBefore(tx *store.Tx, token string) (*vpc.NetworkInterface, error) {
	done, err := r.doneBefore(tx, "CreateNetworkInterface", token)
	if done == nil || err != nil {
		return nil, err
	}
	return r.interfaceByID(tx.Reader, string(done.Interface))
}

func (r *request) createInterface(tx *store.Tx, in *createNetworkInterfaceInput, want wantedAddresses, template vpc.NetworkInterface) (*vpc.NetworkInterface, error) {
	s, err := r.subnetByID(tx.Reader, in.SubnetID)
	if err != nil {
		return nil, err
	}
	if r.interfacesLeft(tx) == 0 {
		return nil, errInterfaceLimit()
	}
	if template.Groups, err = r.subnetGroups(tx.Reader, s, in.GroupIDs); err != nil {
		return nil, err
	}
	n, err := r.newInterface(tx, s, want, template)
	if err != nil {
		return nil, err
	}
	tx.PutInterface(n)
	r.remember(tx, in.ClientToken, store.Token{Action: "CreateNetworkInterface", Interface: n.ID})
	return n, nil
}

// interfacesLeft is how many interfaces the account may make. Those of EC2-Classic
// count too, as they are in one list.
func (r *request) interfacesLeft(tx *store.Tx) int {
	return max(0, r.limit(interfaces)-tx.CountInterfaces(r.Region, r.Account.ID))
}

func errInterfaceLimit() error {
	return vpc.Errorf(vpc.NetworkInterfaceLimitExceeded, "The maximum number of network interfaces has been reached.")
}

// newInterface returns an interface in a subnet, with the groups and all else
// that template says. It is the caller's to put.
func (r *request) newInterface(tx *store.Tx, s *vpc.Subnet, want wantedAddresses, template vpc.NetworkInterface) (*vpc.NetworkInterface, error) {
	addresses, err := want.addressesIn(tx, s)
	if err != nil {
		return nil, err
	}
	n := &template
	n.ID = newIDUnless("eni", r.Account.Era, func(id vpc.InterfaceID) bool { return tx.Interface(r.Region, r.Account.ID, id) != nil })
	n.Number = vpc.InterfaceNumber(tx.Take(store.InterfaceNumbers, 1))
	n.Account, n.Region = r.Account.ID, r.Region
	n.Network, n.NetworkNo, n.Subnet, n.SubnetNo, n.Zone = s.Network, s.NetworkNo, s.ID, s.Number, s.Zone
	n.Identity = tx.Intern(n.Groups)
	n.Addresses = addresses
	return n, nil
}

// subnetGroups finds the groups that an interface in a subnet is to be in,
// sorted; none means the default group of the VPC.
func (r *request) subnetGroups(reader store.Reader, s *vpc.Subnet, ids []string) ([]vpc.GroupID, error) {
	if len(ids) == 0 {
		g := reader.GroupNamed(r.Region, r.Account.ID, s.Network, vpc.DefaultGroupName)
		if g == nil {
			return nil, errNoGroup(vpc.DefaultGroupName)
		}
		return []vpc.GroupID{g.ID}, nil
	}
	return r.interfaceGroups(reader, s.Network, ids, func(id vpc.GroupID) error {
		return vpc.Errorf(vpc.InvalidParameter, "Security group %s and subnet %s belong to different networks.", id, s.ID)
	})
}

// interfaceGroups finds groups of a network, sorted and each once, as many as
// an interface may be in. foreign is the error for a group of another network.
func (r *request) interfaceGroups(reader store.Reader, network vpc.NetworkID, ids []string, foreign func(vpc.GroupID) error) ([]vpc.GroupID, error) {
	var groups []vpc.GroupID
	for _, id := range ids {
		g, err := r.groupByID(reader, id)
		switch {
		case err != nil:
			return nil, err
		case g.Network != network:
			return nil, foreign(g.ID)
		}
		groups = append(groups, g.ID)
	}
	slices.Sort(groups)
	groups = slices.Compact(groups)
	if len(groups) > r.limit(groupsPerInterface) {
		return nil, vpc.Errorf(vpc.SecurityGroupsPerInterfaceLimitExceeded, "The maximum number of security groups per interface has been reached.")
	}
	return groups, nil
}

type interfaceInput struct {
	dryRun
	ID string `aws:"NetworkInterfaceId,required"`
}

// deleteNetworkInterface implements DeleteNetworkInterface. Elastic IP
// addresses stay the account's.
func (r *request) deleteNetworkInterface(ctx context.Context, in *interfaceInput) (*returnOutput, error) {
	return r.changeInterface(ctx, in.ID, func(tx *store.Tx, n *vpc.NetworkInterface) error {
		if n.Instance != "" {
			return vpc.Errorf(vpc.InvalidParameterValue, "Network interface '%s' is currently in use.", n.ID)
		}
		deleteInterface(tx, n)
		return nil
	})
}

// changeInterface applies change, which puts what it changes, to a copy of an
// interface of the caller's. One that a service has made is the service's.
func (r *request) changeInterface(ctx context.Context, id string, change func(*store.Tx, *vpc.NetworkInterface) error) (*returnOutput, error) {
	err := r.update(ctx, func(tx *store.Tx) error {
		was, err := r.interfaceByID(tx.Reader, id)
		if err != nil {
			return err
		}
		if was.Requester != "" {
			return errManaged(was)
		}
		n := *was
		return change(tx, &n)
	})
	if err != nil {
		return nil, err
	}
	return &returnOutput{Return: true}, nil
}

func errManaged(n *vpc.NetworkInterface) error {
	return vpc.Errorf(vpc.AuthFailure, "You do not have permission to access the specified resource: %s is managed by %s.", n.ID, n.Requester)
}

// deleteInterface deletes an interface and frees its addresses, Elastic ones
// for the account.
func deleteInterface(tx *store.Tx, n *vpc.NetworkInterface) {
	for _, public := range n.Public {
		freeElastic(tx, n, public)
	}
	tx.DeleteInterface(n)
}

// freeElastic marks an Elastic IP address of an interface's account as free. A
// public address that is none is the pool's again when the interface is put
// without it.
func freeElastic(tx *store.Tx, n *vpc.NetworkInterface, public netip.Addr) {
	was := tx.Address(n.Region, n.Account, public)
	if was == nil {
		return
	}
	a := *was
	a.Association, a.Interface, a.Private = "", "", netip.Addr{}
	tx.PutAddress(&a)
}

// putInterface puts an interface, and its instance when that shows it as its
// first.
func putInterface(tx *store.Tx, n *vpc.NetworkInterface) {
	tx.PutInterface(n)
	was := tx.Instance(n.Instance)
	if was == nil || was.Interface != n.ID {
		return
	}
	i := *was
	showInterface(&i, n)
	tx.PutInstance(&i)
}

// showInterface lets an instance, a copy, say what its first interface is.
func showInterface(i *vpc.Instance, n *vpc.NetworkInterface) {
	i.Interface, i.PrivateAddr, i.PublicAddr = n.ID, n.Primary(), n.Public[n.Primary()]
	if n.Network != vpc.ClassicNetwork {
		i.Groups = n.Groups
	}
}
