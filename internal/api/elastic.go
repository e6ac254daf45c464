package api

import (
	"context"
	"net/netip"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// An Elastic IP address is for instances in EC2-Classic or for interfaces in
// VPCs (EC2 API reference, AllocateAddress).
const (
	domainStandard = "standard"
	domainVPC      = "vpc"
)

// domainOf returns where an address can be used: those for VPCs have an id.
func domainOf(a *vpc.Address) string {
	if a.Allocation == "" {
		return domainStandard
	}
	return domainVPC
}

type allocateAddressInput struct {
	dryRun
	Domain      string             `aws:"Domain"`
	BorderGroup string             `aws:"NetworkBorderGroup"`
	Tags        []tagSpecification `aws:"TagSpecification"`
}

type allocateAddressOutput struct {
	Public      string           `aws:"publicIp"`
	Domain      string           `aws:"domain,since=2011-01-01"`
	Allocation  vpc.AllocationID `aws:"allocationId,since=2011-01-01,omitempty"`
	Pool        string           `aws:"publicIpv4Pool,since=2016-11-15"`
	BorderGroup vpc.Region       `aws:"networkBorderGroup,since=2016-11-15"`
}

// allocateAddress implements AllocateAddress.
func (r *request) allocateAddress(ctx context.Context, in *allocateAddressInput) (*allocateAddressOutput, error) {
	if err := r.checkBorderGroup(in.BorderGroup); err != nil {
		return nil, err
	}
	usual, limit := domainVPC, vpcAddresses
	if r.Account.Platform == vpc.PlatformClassic {
		usual = domainStandard
	}
	domain := or(in.Domain, usual)
	switch {
	case domain == domainStandard && r.Account.Platform == vpc.PlatformClassic:
		limit = addressesPerAccount
	case domain != domainVPC:
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "Value (%s) for parameter domain is invalid.", domain)
	}
	tags, err := tagsFor("elastic-ip", in.Tags)
	if err != nil {
		return nil, err
	}
	a := &vpc.Address{Account: r.Account.ID, Region: r.Region, Tags: tags}
	err = r.update(ctx, func(tx *store.Tx) error {
		all := tx.Addresses(r.Region, r.Account.ID)
		if domain == domainVPC {
			a.Allocation = newIDUnless("eipalloc", r.Account.Era, func(id vpc.AllocationID) bool { return allocated(all, id) != nil })
		}
		others := slices.DeleteFunc(all, func(o *vpc.Address) bool { return domainOf(o) != domain })
		if len(others) >= r.limit(limit) {
			return vpc.Errorf(vpc.AddressLimitExceeded, "The maximum number of addresses has been reached.")
		}
		public := r.freePublic(tx, 1)
		if len(public) == 0 {
			return errNoPublic(0, 1)
		}
		a.Public = public[0]
		tx.PutAddress(a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &allocateAddressOutput{
		Public: a.Public.String(), Domain: domain, Allocation: a.Allocation, Pool: poolOwner, BorderGroup: r.Region,
	}, nil
}

// allocated finds the address with an id, nil if there is none.
func allocated(all []*vpc.Address, id vpc.AllocationID) *vpc.Address {
	for _, a := range all {
		if a.Allocation == id {
			return a
		}
	}
	return nil
}

// An addressName names an Elastic IP address: one for VPCs by its id.
type addressName struct {
	Allocation string `aws:"AllocationId"`
	Public     string `aws:"PublicIp"`
}

// elastic finds the address of the caller that n names. needsID is what is said
// of one for VPCs that is named by its address.
func (r *request) elastic(reader store.Reader, n addressName, needsID string) (*vpc.Address, error) {
	switch {
	case n.Allocation != "" && n.Public != "":
		return nil, vpc.Errorf(vpc.InvalidParameterCombination, "You may specify public IP or allocation id, but not both in the same call")
	case n.Allocation != "":
		return r.elasticByID(reader, n.Allocation)
	case n.Public != "":
		a := r.elasticAt(reader, n.Public)
		if a == nil {
			return nil, vpc.Errorf(vpc.AuthFailure, "The address '%s' does not belong to you.", n.Public)
		}
		if a.Allocation != "" {
			return nil, vpc.Errorf(vpc.InvalidParameterValue, "%s", needsID)
		}
		return a, nil
	}
	return nil, vpc.Errorf(vpc.MissingParameter, "Either public IP or allocation id must be specified")
}

func (r *request) elasticByID(reader store.Reader, id string) (*vpc.Address, error) {
	if a := allocated(reader.Addresses(r.Region, r.Account.ID), vpc.AllocationID(id)); a != nil && id != "" {
		return a, nil
	}
	return nil, vpc.Errorf(vpc.InvalidAllocationIDNotFound, "The allocation ID '%s' does not exist", id)
}

// elasticAt finds the caller's Elastic IP address, nil if it is none.
func (r *request) elasticAt(reader store.Reader, public string) *vpc.Address {
	a, err := netip.ParseAddr(public)
	if err != nil {
		return nil
	}
	return reader.Address(r.Region, r.Account.ID, a)
}

type releaseAddressInput struct {
	dryRun
	addressName
	BorderGroup string `aws:"NetworkBorderGroup"`
}

// releaseAddress implements ReleaseAddress. In EC2-Classic and in a default VPC
// an address that is in use is taken away; in another VPC it stays.
func (r *request) releaseAddress(ctx context.Context, in *releaseAddressInput) (*returnOutput, error) {
	if err := r.checkBorderGroup(in.BorderGroup); err != nil {
		return nil, err
	}
	err := r.update(ctx, func(tx *store.Tx) error {
		a, err := r.elastic(tx.Reader, in.addressName, "You must specify an allocation id when releasing a VPC elastic IP address")
		if err != nil {
			return err
		}
		if a.Interface != "" {
			n := tx.Interface(a.Region, a.Account, a.Interface)
			if v := tx.VPC(n.Region, n.Account, n.Network); v != nil && !v.Default {
				return vpc.Errorf(vpc.InvalidIPAddressInUse, "Address %s is in use.", a.Public)
			}
			if err := r.takeElastic(tx, a); err != nil {
				return err
			}
		}
		tx.DeleteAddress(a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &returnOutput{Return: true}, nil
}
