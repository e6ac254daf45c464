package api

import (
	"context"
	"net/netip"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// The blocks of a default VPC and of its subnets, one for each zone (Amazon VPC
// User Guide, "Default VPC components").
var defaultBlock = netip.MustParsePrefix("172.31.0.0/16")

const defaultSubnetBits = 20

// enterNetwork prepares what a call in the region without more means: at the
// first one it makes the default group of EC2-Classic, or the default VPC. A
// default VPC that was deleted stays so.
func (r *request) enterNetwork(ctx context.Context) error {
	v, err := r.view(ctx)
	if err != nil || r.hasEntered(v.Reader) {
		return err
	}
	_, err = r.store.Update(ctx, func(tx *store.Tx) error {
		if r.Account.Platform == vpc.PlatformClassic {
			return r.makeDefaultGroup(tx)
		}
		if !r.hasEntered(tx.Reader) {
			r.makeDefaultVPC(tx)
		}
		return nil
	})
	return err
}

func (r *request) hasEntered(reader store.Reader) bool {
	if r.Account.Platform == vpc.PlatformClassic {
		return reader.GroupNamed(r.Region, r.Account.ID, vpc.ClassicNetwork, vpc.DefaultGroupName) != nil
	}
	_, had := reader.DefaultVPC(r.Region, r.Account.ID)
	return had
}

// makeDefaultVPC makes a default VPC, in which instances have public addresses
// and reach the internet.
func (r *request) makeDefaultVPC(tx *store.Tx) *vpc.VPC {
	v := r.makeVPC(tx, vpc.VPC{
		Default: true, DNSHostnames: true, Tenancy: defaultTenancy,
		CIDRs: []vpc.CIDRAssociation{{ID: r.newAssociationID("vpc-cidr-assoc"), CIDR: defaultBlock}},
	})
	block := netip.PrefixFrom(defaultBlock.Addr(), defaultSubnetBits)
	for _, zone := range zonesOf(r.Region) {
		r.makeDefaultSubnet(tx, v, zone, block)
		block = nextBlock(block)
	}
	g := r.newGateway(tx)
	g.Network = v.ID
	tx.PutGateway(g)
	table := *r.mainTable(tx.Reader, v.ID)
	table.Routes = []vpc.Route{{Destination: anyIPv4, Gateway: g.ID, Origin: originRoute}}
	tx.PutRouteTable(&table)
	return v
}

func (r *request) makeDefaultSubnet(tx *store.Tx, v *vpc.VPC, zone vpc.Zone, block netip.Prefix) *vpc.Subnet {
	return r.makeSubnet(tx, v, vpc.Subnet{Zone: zone, CIDR: block, DefaultForZone: true, MapPublicIP: true})
}

type createDefaultVPCInput struct{ dryRun }

// createDefaultVPC implements CreateDefaultVpc, for accounts that have deleted
// theirs.
func (r *request) createDefaultVPC(ctx context.Context, _ *createDefaultVPCInput) (*createVPCOutput, error) {
	if r.Account.Platform == vpc.PlatformClassic {
		return nil, vpc.Errorf(vpc.OperationNotPermitted, "Accounts with EC2-Classic have no default VPC.")
	}
	var out *createVPCOutput
	err := r.update(ctx, func(tx *store.Tx) error {
		if v, _ := tx.DefaultVPC(r.Region, r.Account.ID); v != nil {
			return vpc.Errorf(vpc.DefaultVPCAlreadyExists, "A Default VPC already exists for this account in this region.")
		}
		if err := r.checkVPCLimit(tx); err != nil {
			return err
		}
		out = &createVPCOutput{VPC: newVPCItem(r.makeDefaultVPC(tx))}
		return nil
	})
	return out, err
}

type createDefaultSubnetInput struct {
	dryRun
	Zone       string `aws:"AvailabilityZone,required"`
	IPv6Native bool   `aws:"Ipv6Native"`
}

// createDefaultSubnet implements CreateDefaultSubnet. The subnet has the first
// free block of the default VPC.
func (r *request) createDefaultSubnet(ctx context.Context, in *createDefaultSubnetInput) (*createSubnetOutput, error) {
	if in.IPv6Native {
		return nil, errIPv6Native()
	}
	zone, err := r.zone(in.Zone, "")
	if err != nil {
		return nil, err
	}
	var out *createSubnetOutput
	err = r.update(ctx, func(tx *store.Tx) error {
		v, _ := tx.DefaultVPC(r.Region, r.Account.ID)
		if v == nil {
			return vpc.Errorf(vpc.DefaultVPCDoesNotExist, "No default VPC exists for this account in this region.")
		}
		subnets := r.subnetsOf(tx.Reader, v.ID)
		for _, s := range subnets {
			if s.DefaultForZone && s.Zone == zone {
				return vpc.Errorf(vpc.DefaultSubnetAlreadyExistsInAvailabilityZone, "'%s' is already the default subnet in %s.", s.ID, zone)
			}
		}
		if err := r.checkSubnetLimit(len(subnets)); err != nil {
			return err
		}
		block, err := freeDefaultBlock(v, subnets)
		if err != nil {
			return err
		}
		out = &createSubnetOutput{Subnet: newSubnetItem(r.makeDefaultSubnet(tx, v, zone, block), 0)}
		return nil
	})
	return out, err
}

// freeDefaultBlock returns the first block of a default VPC that is large
// enough for a default subnet, and in which there is none yet.
func freeDefaultBlock(v *vpc.VPC, subnets []*vpc.Subnet) (netip.Prefix, error) {
	for _, c := range v.CIDRs {
		for b := netip.PrefixFrom(c.CIDR.Addr(), defaultSubnetBits); contains(c.CIDR, b); b = nextBlock(b) {
			if !slices.ContainsFunc(subnets, func(s *vpc.Subnet) bool { return s.CIDR.Overlaps(b) }) {
				return b, nil
			}
		}
	}
	return netip.Prefix{}, vpc.Errorf(vpc.InsufficientCIDRBlocks, "There is no free block of /%d in the default VPC '%s'.", defaultSubnetBits, v.ID)
}
