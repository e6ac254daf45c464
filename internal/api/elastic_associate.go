package api

import (
	"context"
	"net/netip"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type associateAddressInput struct {
	dryRun
	addressName
	InstanceID         string `aws:"InstanceId"`
	InterfaceID        string `aws:"NetworkInterfaceId"`
	Private            string `aws:"PrivateIpAddress"`
	AllowReassociation *bool  `aws:"AllowReassociation"`
}

type associateAddressOutput struct {
	Return      bool              `aws:"return"`
	Association vpc.AssociationID `aws:"associationId,since=2011-01-01,omitempty"`
}

// associateAddress implements AssociateAddress. An address that is in use moves
// in one step.
func (r *request) associateAddress(ctx context.Context, in *associateAddressInput) (*associateAddressOutput, error) {
	if in.InstanceID == "" && in.InterfaceID == "" {
		return nil, vpc.Errorf(vpc.MissingParameter, "Either instance ID or network interface id must be specified")
	}
	out := &associateAddressOutput{Return: true}
	err := r.update(ctx, func(tx *store.Tx) error {
		was, err := r.elastic(tx.Reader, in.addressName, "You must specify an allocation id when mapping an address to a VPC instance")
		if err != nil {
			return err
		}
		a := *was
		if a.Allocation == "" {
			err = r.associateClassic(tx, &a, in)
		} else {
			err = r.associateVPC(tx, &a, in)
		}
		out.Association = a.Association
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// associateClassic gives an address, a copy, to an instance in EC2-Classic. The
// one that the instance has stays the account's, or goes back to the pool.
func (r *request) associateClassic(tx *store.Tx, a *vpc.Address, in *associateAddressInput) error {
	switch {
	case in.InterfaceID != "" || in.Private != "":
		return vpc.Errorf(vpc.InvalidParameterCombination, "You must specify an allocation id when mapping an address to a network interface")
	case in.AllowReassociation != nil:
		return vpc.Errorf(vpc.InvalidParameterCombination, "The allowReassociation parameter is only supported when mapping to a VPC instance or interface.")
	}
	i, err := r.addressable(tx.Reader, in.InstanceID)
	if err != nil {
		return err
	}
	n := tx.Interface(i.Region, i.Account, i.Interface)
	switch {
	case i.Network != vpc.ClassicNetwork:
		return vpc.Errorf(vpc.InvalidParameterCombination, "You must specify an allocation id when mapping an address to a VPC instance")
	case n == nil:
		return errNotAddressable(i)
	case a.Interface == n.ID:
		return nil
	}
	freeElastic(tx, n, n.Public[n.Primary()])
	return r.moveElastic(tx, a, n.ID, n.Primary())
}

// associateVPC gives an address, a copy, to an interface in a VPC. The one that
// it has stays the account's.
func (r *request) associateVPC(tx *store.Tx, a *vpc.Address, in *associateAddressInput) error {
	n, err := r.associated(tx.Reader, in)
	if err != nil {
		return err
	}
	private := n.Primary()
	if in.Private != "" {
		if private, err = parseIPv4(in.Private); err != nil {
			return err
		}
	}
	allowed := r.Account.Platform != vpc.PlatformClassic
	if in.AllowReassociation != nil {
		allowed = *in.AllowReassociation
	}
	other := tx.Address(n.Region, n.Account, n.Public[private])
	switch {
	case !slices.Contains(n.Addresses, private):
		return vpc.Errorf(vpc.InvalidParameterValue, "[%s] is not assigned to network interface %s", private, n.ID)
	case !r.hasInternet(tx.Reader, n.Network):
		return vpc.Errorf(vpc.GatewayNotAttached, "Network %s is not attached to any internet gateway", n.Network)
	case a.Interface == n.ID && a.Private == private:
		return nil
	case a.Interface != "" && !allowed:
		return vpc.Errorf(vpc.ResourceAlreadyAssociated, "resource %s is already associated with associate-id %s", a.Allocation, a.Association)
	case other != nil && !allowed:
		return vpc.Errorf(vpc.ResourceAlreadyAssociated, "resource %s is already associated with associate-id %s", n.ID, other.Association)
	}
	freeElastic(tx, n, n.Public[private])
	a.Association = r.newAssociationID("eipassoc")
	return r.moveElastic(tx, a, n.ID, private)
}

// associated finds the interface that a call names, by itself or by its
// instance.
//
// The reference of AssociateAddress allows one of the two, and EC2 takes both,
// as Terraform sends them: it reads the other one from EC2 after the first call
// and never forgets it. So an interface that is not the instance's, and perhaps
// of nobody any more, counts for nothing.
func (r *request) associated(reader store.Reader, in *associateAddressInput) (*vpc.NetworkInterface, error) {
	if in.InstanceID == "" {
		n, err := r.interfaceByID(reader, in.InterfaceID)
		if err == nil && n.Requester != "" {
			return nil, errManaged(n)
		}
		return n, err
	}
	i, err := r.addressable(reader, in.InstanceID)
	switch {
	case err != nil:
		return nil, err
	case i.Network == vpc.ClassicNetwork:
		return nil, vpc.Errorf(vpc.InvalidInstanceID, "The instance '%s' does not belong to a VPC.", i.ID)
	}
	if n := reader.Interface(i.Region, i.Account, vpc.InterfaceID(in.InterfaceID)); n != nil && n.Instance == i.ID {
		return n, nil
	}
	return onlyInterface(reader, i)
}

// addressable finds an instance that can have an Elastic IP address.
func (r *request) addressable(reader store.Reader, id string) (*vpc.Instance, error) {
	found, err := r.instances(reader, []string{id})
	if err != nil {
		return nil, err
	}
	if s := found[0].State; s != vpc.Running && s != vpc.Stopped && s != vpc.Stopping {
		return nil, errNotAddressable(found[0])
	}
	return found[0], nil
}

func errNotAddressable(i *vpc.Instance) error {
	return vpc.Errorf(vpc.InvalidInstanceID, "The %s instance '%s' is not in a valid state for this operation.", i.State, i.ID)
}

// hasInternet reports whether a VPC has an internet gateway.
func (r *request) hasInternet(reader store.Reader, network vpc.NetworkID) bool {
	return slices.ContainsFunc(reader.Gateways(r.Region, r.Account.ID), func(g *vpc.InternetGateway) bool { return g.Network == network })
}

// moveElastic takes an address, a copy, from whoever has it, gives it to a
// private address of an interface and puts it.
func (r *request) moveElastic(tx *store.Tx, a *vpc.Address, to vpc.InterfaceID, private netip.Addr) error {
	if a.Interface != "" {
		if err := r.takeElastic(tx, a); err != nil {
			return err
		}
	}
	n := *tx.Interface(a.Region, a.Account, to)
	givePublic(&n, private, a.Public)
	putInterface(tx, &n)
	a.Interface, a.Private = n.ID, private
	tx.PutAddress(a)
	return nil
}

// takeElastic takes an address from the interface that has it. A running
// instance that would have had one of the pool without it gets one now (EC2 User
// Guide, "Public IPv4 addresses").
func (r *request) takeElastic(tx *store.Tx, a *vpc.Address) error {
	n := *tx.Interface(a.Region, a.Account, a.Interface)
	dropPublic(&n, a.Private)
	switch public := r.freePublic(tx, 1); {
	case n.Network == vpc.ClassicNetwork && len(public) == 0:
		return errNoPublic(0, 1)
	case len(public) > 0 && hasPoolAddress(tx.Reader, &n, a.Private):
		givePublic(&n, a.Private, public[0])
	}
	putInterface(tx, &n)
	return nil
}

// hasPoolAddress reports whether a private address that has no Elastic IP
// address has a public one of the pool: in EC2-Classic always, in a VPC the
// primary one of an instance that was launched with it, that runs, and that has
// no second interface.
func hasPoolAddress(reader store.Reader, n *vpc.NetworkInterface, private netip.Addr) bool {
	if n.Network == vpc.ClassicNetwork {
		return true
	}
	i := reader.Instance(n.Instance)
	return n.AutoPublic && private == n.Primary() && i != nil && len(i.Secondary) == 0 &&
		(i.State == vpc.Pending || i.State == vpc.Running)
}

type disassociateAddressInput struct {
	dryRun
	Association string `aws:"AssociationId"`
	Public      string `aws:"PublicIp"`
}

// disassociateAddress implements DisassociateAddress. An address that is free is
// no fault.
func (r *request) disassociateAddress(ctx context.Context, in *disassociateAddressInput) (*returnOutput, error) {
	err := r.update(ctx, func(tx *store.Tx) error {
		was, err := r.disassociated(tx.Reader, in)
		if err != nil || was.Interface == "" {
			return err
		}
		if err := r.takeElastic(tx, was); err != nil {
			return err
		}
		a := *was
		a.Association, a.Interface, a.Private = "", "", netip.Addr{}
		tx.PutAddress(&a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &returnOutput{Return: true}, nil
}

// disassociated finds the address that a call names.
func (r *request) disassociated(reader store.Reader, in *disassociateAddressInput) (*vpc.Address, error) {
	if in.Association == "" {
		return r.elastic(reader, addressName{Public: in.Public}, "You must specify an association id when unmapping an address from a VPC instance")
	}
	if in.Public != "" {
		return nil, vpc.Errorf(vpc.InvalidParameterCombination, "You may specify public IP or association id, but not both in the same call")
	}
	for _, a := range reader.Addresses(r.Region, r.Account.ID) {
		if a.Association == vpc.AssociationID(in.Association) {
			return a, nil
		}
	}
	return nil, vpc.Errorf(vpc.InvalidAssociationIDNotFound, "The association ID '%s' does not exist", in.Association)
}
