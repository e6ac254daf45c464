package api

import (
	"context"
	"net/netip"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type associateVPCBlockInput struct {
	VPC         string `aws:"VpcId,required"`
	CIDR        string `aws:"CidrBlock"`
	IPv6        bool   `aws:"AmazonProvidedIpv6CidrBlock"`
	BorderGroup string `aws:"Ipv6CidrBlockNetworkBorderGroup"`
}

type vpcBlockOutput struct {
	VPC  vpc.NetworkID     `aws:"vpcId"`
	IPv4 *blockItem        `aws:"cidrBlockAssociation"`
	IPv6 *vpcIPv6BlockItem `aws:"ipv6CidrBlockAssociation"`
}

// associateVPCBlock implements AssociateVpcCidrBlock.
func (r *request) associateVPCBlock(ctx context.Context, in *associateVPCBlockInput) (*vpcBlockOutput, error) {
	if err := r.checkBorderGroup(in.BorderGroup); err != nil {
		return nil, err
	}
	var block netip.Prefix
	switch {
	case in.CIDR == "" && !in.IPv6:
		return nil, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter cidrBlock or amazonProvidedIpv6CidrBlock")
	case in.CIDR != "" && in.IPv6:
		return nil, vpc.Errorf(vpc.InvalidParameterCombination, "The parameter cidrBlock cannot be used with the parameter amazonProvidedIpv6CidrBlock")
	case in.CIDR != "":
		var err error
		if block, err = parseVPCBlock(in.CIDR); err != nil {
			return nil, err
		}
	}
	var out *vpcBlockOutput
	err := r.update(ctx, func(tx *store.Tx) error {
		was, err := r.vpcByID(tx.Reader, in.VPC)
		if err != nil {
			return err
		}
		v := *was
		if in.IPv6 {
			out, err = r.addIPv6Block(tx, &v)
		} else {
			out, err = r.addIPv4Block(tx, &v, block)
		}
		return err
	})
	return out, err
}

func (r *request) addIPv4Block(tx *store.Tx, v *vpc.VPC, block netip.Prefix) (*vpcBlockOutput, error) {
	if err := r.checkNewBlock(tx, v, block); err != nil {
		return nil, err
	}
	added := r.newVPCBlock(block)
	v.CIDRs = append(slices.Clone(v.CIDRs), added)
	tx.PutVPC(v)
	item := newBlockItem(added)
	return &vpcBlockOutput{VPC: v.ID, IPv4: &item}, nil
}

func (r *request) addIPv6Block(tx *store.Tx, v *vpc.VPC) (*vpcBlockOutput, error) {
	if len(v.IPv6) >= r.limit(ipv6BlocksPerVPC) {
		return nil, errTooManyBlocks(v, r.limit(ipv6BlocksPerVPC))
	}
	block, err := freeIPv6Block(tx)
	if err != nil {
		return nil, err
	}
	added := r.newVPCBlock(block)
	v.IPv6 = append(slices.Clone(v.IPv6), added)
	tx.PutVPC(v)
	if len(v.IPv6) == 1 {
		r.allowIPv6(tx, v)
	}
	item := newVPCIPv6BlockItem(v, added)
	return &vpcBlockOutput{VPC: v.ID, IPv6: &item}, nil
}

func errTooManyBlocks(v *vpc.VPC, limit int) error {
	return vpc.Errorf(vpc.CIDRLimitExceeded, "This network '%s' has met its maximum number of allowed CIDRs: %d", v.ID, limit)
}

// checkNewBlock refuses another IPv4 block for a VPC that is too many, overlaps
// one that it has, may not go with the first one, or holds the destination of a
// route (Amazon VPC User Guide, "VPC CIDR blocks").
func (r *request) checkNewBlock(tx *store.Tx, v *vpc.VPC, block netip.Prefix) error {
	if len(v.CIDRs) >= r.limit(blocksPerVPC) {
		return errTooManyBlocks(v, r.limit(blocksPerVPC))
	}
	for _, c := range v.CIDRs {
		if c.CIDR.Overlaps(block) {
			return vpc.Errorf(vpc.CIDRConflict, "The CIDR '%s' conflicts with the CIDR '%s' of the VPC", block, c.CIDR)
		}
	}
	if isRestricted(v, block) {
		return vpc.Errorf(vpc.InvalidVPCRange, "The CIDR '%s' is restricted. Use a CIDR from the same private address range as the current VPC CIDR, "+
			"or use a publicly-routable CIDR. For additional restrictions, see https://docs.aws.amazon.com/AmazonVPC/latest/UserGuide/VPC_Subnets.html", block)
	}
	for _, t := range tx.RouteTables(r.Region, r.Account.ID) {
		for _, route := range t.Routes {
			if t.Network == v.ID && contains(block, route.Destination) {
				return vpc.Errorf(vpc.CIDRConflict, "The CIDR '%s' conflicts with the route to '%s' in route table %s", block, route.Destination, t.ID)
			}
		}
	}
	return nil
}

// privateRanges are those of RFC 1918, and the one that AWS keeps besides. The
// blocks of a VPC are from one of them at the most.
var privateRanges = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("198.19.0.0/16"),
}

// isRestricted reports whether a block may not be added to a VPC because of the
// range that its first block is from. That of default VPCs is never added.
func isRestricted(v *vpc.VPC, block netip.Prefix) bool {
	first := v.CIDRs[0].CIDR
	for _, private := range privateRanges {
		if private.Overlaps(block) && !private.Overlaps(first) {
			return true
		}
	}
	return defaultBlock.Overlaps(block)
}

type disassociateInput struct {
	Association string `aws:"AssociationId,required"`
}

// disassociateVPCBlock implements DisassociateVpcCidrBlock.
func (r *request) disassociateVPCBlock(ctx context.Context, in *disassociateInput) (*vpcBlockOutput, error) {
	id := vpc.AssociationID(in.Association)
	var out *vpcBlockOutput
	err := r.update(ctx, func(tx *store.Tx) error {
		for _, was := range tx.VPCs(r.Region, r.Account.ID) {
			ipv4, ipv6 := findBlock(was.CIDRs, id), findBlock(was.IPv6, id)
			v := *was
			switch {
			case ipv4 == 0:
				return vpc.Errorf(vpc.OperationNotPermitted,
					"The vpc CIDR block with association ID %s may not be disassociated. It is the primary IPv4 CIDR block of the VPC", id)
			case ipv4 > 0:
				item := newBlockItem(v.CIDRs[ipv4])
				item.State.State = stateDisassociated
				out = &vpcBlockOutput{VPC: v.ID, IPv4: &item}
				v.CIDRs = slices.Delete(slices.Clone(v.CIDRs), ipv4, ipv4+1)
				return r.putWithoutBlock(tx, &v, was.CIDRs[ipv4].CIDR)
			case ipv6 >= 0:
				item := newVPCIPv6BlockItem(&v, v.IPv6[ipv6])
				item.State.State = stateDisassociated
				out = &vpcBlockOutput{VPC: v.ID, IPv6: &item}
				v.IPv6 = slices.Delete(slices.Clone(v.IPv6), ipv6, ipv6+1)
				return r.putWithoutBlock(tx, &v, was.IPv6[ipv6].CIDR)
			}
		}
		return vpc.Errorf(vpc.InvalidVPCCIDRBlockAssociationIDNotFound, "The vpc CIDR block association ID '%s' does not exist", id)
	})
	return out, err
}

// findBlock returns the index of an association, -1 if it is not in the list.
func findBlock(list []vpc.CIDRAssociation, id vpc.AssociationID) int {
	return slices.IndexFunc(list, func(c vpc.CIDRAssociation) bool { return c.ID == id })
}

// putWithoutBlock takes a block away from a VPC, unless a subnet is in it.
func (r *request) putWithoutBlock(tx *store.Tx, v *vpc.VPC, block netip.Prefix) error {
	for _, s := range tx.Subnets(r.Region, r.Account.ID) {
		if s.Network != v.ID {
			continue
		}
		if contains(block, s.CIDR) || slices.ContainsFunc(s.IPv6, func(c vpc.CIDRAssociation) bool { return contains(block, c.CIDR) }) {
			return vpc.Errorf(vpc.InvalidCIDRBlockInUse, "The vpc %s currently has a subnet within CIDR block %s", v.ID, block)
		}
	}
	tx.PutVPC(v)
	return nil
}
