package api

import (
	"cmp"
	"context"
	"net/netip"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// The tenancies of a VPC: where its instances run unless a launch says
// otherwise (EC2 API reference, CreateVpc).
const (
	defaultTenancy   = "default"
	dedicatedTenancy = "dedicated"
)

type createVPCInput struct {
	dryRun
	CIDR        string             `aws:"CidrBlock,required"`
	IPv6        bool               `aws:"AmazonProvidedIpv6CidrBlock"`
	BorderGroup string             `aws:"Ipv6CidrBlockNetworkBorderGroup"`
	Tenancy     string             `aws:"InstanceTenancy"`
	Tags        []tagSpecification `aws:"TagSpecification"`
}

type createVPCOutput struct {
	VPC vpcItem `aws:"vpc"`
}

// createVPC implements CreateVpc.
func (r *request) createVPC(ctx context.Context, in *createVPCInput) (*createVPCOutput, error) {
	block, err := parseVPCBlock(in.CIDR)
	if err != nil {
		return nil, err
	}
	if err := r.checkBorderGroup(in.BorderGroup); err != nil {
		return nil, err
	}
	tenancy := or(in.Tenancy, defaultTenancy)
	if tenancy != defaultTenancy && tenancy != dedicatedTenancy {
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "The tenancy value %s is not supported.", tenancy)
	}
	tags, err := tagsFor("vpc", in.Tags)
	if err != nil {
		return nil, err
	}
	var out *createVPCOutput
	err = r.update(ctx, func(tx *store.Tx) error {
		if err := r.checkVPCLimit(tx); err != nil {
			return err
		}
		template := vpc.VPC{Tenancy: tenancy, Tags: tags, CIDRs: []vpc.CIDRAssociation{r.newVPCBlock(block)}}
		if in.IPv6 {
			b, err := freeIPv6Block(tx)
			if err != nil {
				return err
			}
			template.IPv6 = []vpc.CIDRAssociation{r.newVPCBlock(b)}
		}
		out = &createVPCOutput{VPC: newVPCItem(r.makeVPC(tx, template))}
		return nil
	})
	return out, err
}

func (r *request) newVPCBlock(block netip.Prefix) vpc.CIDRAssociation {
	return vpc.CIDRAssociation{ID: r.newAssociationID("vpc-cidr-assoc"), CIDR: block}
}

func (r *request) checkVPCLimit(tx *store.Tx) error {
	if len(tx.VPCs(r.Region, r.Account.ID)) >= r.limit(vpcsPerRegion) {
		return vpc.Errorf(vpc.VPCLimitExceeded, "The maximum number of VPCs has been reached.")
	}
	return nil
}

// parseVPCBlock reads the IPv4 block of a VPC.
func parseVPCBlock(text string) (netip.Prefix, error) {
	b, err := parseIPv4Block("cidrBlock", text)
	if err != nil {
		return b, err
	}
	if b.Bits() < largestBlock || b.Bits() > smallestBlock || slices.ContainsFunc(reservedIPv4s, b.Overlaps) {
		return b, vpc.Errorf(vpc.InvalidVPCRange, "The CIDR '%s' is invalid.", b)
	}
	return b, nil
}

// checkBorderGroup refuses addresses that are announced elsewhere than in the
// region.
func (r *request) checkBorderGroup(group string) error {
	if group != "" && group != string(r.Region) {
		return vpc.Errorf(vpc.InvalidParameterValue, "Value (%s) for parameter networkBorderGroup is invalid.", group)
	}
	return nil
}

// freeIPv6Block returns the lowest IPv6 block that no VPC has.
func freeIPv6Block(tx *store.Tx) (netip.Prefix, error) {
	for b := firstIPv6; ipv6Pool.Contains(b.Addr()); b = nextBlock(b) {
		if !tx.BlockTaken(b) {
			return b, nil
		}
	}
	return netip.Prefix{}, vpc.Errorf(vpc.InsufficientAddressCapacity, "There are no free IPv6 CIDR blocks left.")
}

type vpcInput struct {
	dryRun
	VPC string `aws:"VpcId,required"`
}

// deleteVPC implements DeleteVpc. What the VPC has had from the start goes with
// it; whatever else is in it keeps it.
func (r *request) deleteVPC(ctx context.Context, in *vpcInput) (*returnOutput, error) {
	return r.do(ctx, func(tx *store.Tx) error {
		v, err := r.vpcByID(tx.Reader, in.VPC)
		if err != nil {
			return err
		}
		if err := checkFree("vpc", v.ID, r.holdersOf(tx.Reader, v)); err != nil {
			return err
		}
		if g := tx.GroupNamed(r.Region, r.Account.ID, v.ID, vpc.DefaultGroupName); g != nil {
			tx.DeleteGroup(g)
		}
		tx.DeleteRouteTable(r.mainTable(tx.Reader, v.ID))
		tx.DeleteACL(r.defaultACL(tx.Reader, v.ID))
		tx.DeleteVPC(v)
		return nil
	})
}

// holdersOf are all that somebody has put into a VPC. Interfaces are in subnets.
func (r *request) holdersOf(reader store.Reader, v *vpc.VPC) []string {
	region, account := r.Region, r.Account.ID
	subnets := reader.Subnets(region, account)
	slices.SortFunc(subnets, func(a, b *vpc.Subnet) int { return cmp.Compare(a.Number, b.Number) })
	return slices.Concat(
		idsOf(subnets, func(s *vpc.Subnet) (vpc.SubnetID, bool) { return s.ID, s.Network == v.ID }),
		idsOf(reader.Gateways(region, account), func(g *vpc.InternetGateway) (vpc.GatewayID, bool) { return g.ID, g.Network == v.ID }),
		idsOf(reader.RouteTables(region, account), func(t *vpc.RouteTable) (vpc.RouteTableID, bool) {
			return t.ID, t.Network == v.ID && !t.Main()
		}),
		idsOf(reader.ACLs(region, account), func(a *vpc.NetworkACL) (vpc.ACLID, bool) { return a.ID, a.Network == v.ID && !a.Default }),
		idsOf(reader.Groups(region, account), func(g *vpc.SecurityGroup) (vpc.GroupID, bool) {
			return g.ID, g.Network == v.ID && g.Name != vpc.DefaultGroupName
		}),
	)
}
