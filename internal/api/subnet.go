package api

import (
	"context"
	"net/netip"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type createSubnetInput struct {
	dryRun
	VPC        string             `aws:"VpcId,required"`
	CIDR       string             `aws:"CidrBlock"`
	IPv6       string             `aws:"Ipv6CidrBlock"`
	IPv6Native bool               `aws:"Ipv6Native"`
	Zone       string             `aws:"AvailabilityZone"`
	ZoneID     string             `aws:"AvailabilityZoneId"`
	Tags       []tagSpecification `aws:"TagSpecification"`
}

type createSubnetOutput struct {
	Subnet subnetItem `aws:"subnet"`
}

// createSubnet implements CreateSubnet.
func (r *request) createSubnet(ctx context.Context, in *createSubnetInput) (*createSubnetOutput, error) {
	template, err := r.newSubnet(in)
	if err != nil {
		return nil, err
	}
	var out *createSubnetOutput
	err = r.update(ctx, func(tx *store.Tx) error {
		v, err := r.vpcByID(tx.Reader, in.VPC)
		if err != nil {
			return err
		}
		subnets := r.subnetsOf(tx.Reader, v.ID)
		if err := r.checkSubnetLimit(len(subnets)); err != nil {
			return err
		}
		if err := checkSubnetBlock(v, subnets, template.CIDR); err != nil {
			return err
		}
		for _, c := range template.IPv6 {
			if err := checkSubnetIPv6(v, subnets, c.CIDR); err != nil {
				return err
			}
		}
		out = &createSubnetOutput{Subnet: newSubnetItem(r.makeSubnet(tx, v, template), 0)}
		return nil
	})
	return out, err
}

// newSubnet checks the parameters of a call by themselves.
func (r *request) newSubnet(in *createSubnetInput) (s vpc.Subnet, err error) {
	switch {
	case in.IPv6Native: // which has no CidrBlock
		return s, errIPv6Native()
	case in.CIDR == "":
		return s, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter cidrBlock")
	}
	if s.CIDR, err = parseIPv4Block("cidrBlock", in.CIDR); err != nil {
		return s, err
	}
	if s.CIDR.Bits() < largestBlock || s.CIDR.Bits() > smallestBlock {
		return s, errSubnetRange(s.CIDR)
	}
	if in.IPv6 != "" {
		block, err := parseSubnetIPv6(in.IPv6)
		if err != nil {
			return s, err
		}
		s.IPv6 = []vpc.CIDRAssociation{r.newSubnetBlock(block)}
	}
	if s.Zone, err = r.zone(in.Zone, in.ZoneID); err != nil {
		return s, err
	}
	s.Tags, err = tagsFor("subnet", in.Tags)
	return s, err
}

func errIPv6Native() error {
	return vpc.Errorf(vpc.UnsupportedOperation, "Subnets without IPv4 are not supported by ringfence.")
}

func errSubnetRange(block netip.Prefix) error {
	return vpc.Errorf(vpc.InvalidSubnetRange, "The CIDR '%s' is invalid.", block)
}

func errSubnetConflict(block netip.Prefix) error {
	return vpc.Errorf(vpc.InvalidSubnetConflict, "The CIDR '%s' conflicts with another subnet", block)
}

func (r *request) newSubnetBlock(block netip.Prefix) vpc.CIDRAssociation {
	return vpc.CIDRAssociation{ID: r.newAssociationID("subnet-cidr-assoc"), CIDR: block}
}

// parseSubnetIPv6 reads the IPv6 block of a subnet.
func parseSubnetIPv6(text string) (netip.Prefix, error) {
	b, err := parseIPv6Block("ipv6CidrBlock", text)
	if err == nil && b.Bits() != subnetIPv6Bits {
		err = errSubnetRange(b)
	}
	return b, err
}

// subnetsOf returns the subnets of a VPC.
func (r *request) subnetsOf(reader store.Reader, network vpc.NetworkID) []*vpc.Subnet {
	return slices.DeleteFunc(reader.Subnets(r.Region, r.Account.ID), func(s *vpc.Subnet) bool { return s.Network != network })
}

// checkSubnetLimit refuses another subnet in a VPC that has so many.
func (r *request) checkSubnetLimit(subnets int) error {
	if subnets >= r.limit(subnetsPerVPC) {
		return vpc.Errorf(vpc.SubnetLimitExceeded, "The maximum number of subnets has been reached.")
	}
	return nil
}

// checkSubnetBlock refuses an IPv4 block that is not in the VPC, or not free.
func checkSubnetBlock(v *vpc.VPC, subnets []*vpc.Subnet, block netip.Prefix) error {
	if !slices.ContainsFunc(v.CIDRs, func(c vpc.CIDRAssociation) bool { return contains(c.CIDR, block) }) {
		return errSubnetRange(block)
	}
	if slices.ContainsFunc(subnets, func(s *vpc.Subnet) bool { return s.CIDR.Overlaps(block) }) {
		return errSubnetConflict(block)
	}
	return nil
}

// checkSubnetIPv6 refuses an IPv6 block that is not in the VPC, or not free.
func checkSubnetIPv6(v *vpc.VPC, subnets []*vpc.Subnet, block netip.Prefix) error {
	if !slices.ContainsFunc(v.IPv6, func(c vpc.CIDRAssociation) bool { return contains(c.CIDR, block) }) {
		return errSubnetRange(block)
	}
	for _, s := range subnets {
		if slices.ContainsFunc(s.IPv6, func(c vpc.CIDRAssociation) bool { return c.CIDR.Overlaps(block) }) {
			return errSubnetConflict(block)
		}
	}
	return nil
}

type deleteSubnetInput struct {
	dryRun
	Subnet string `aws:"SubnetId,required"`
}

// deleteSubnet implements DeleteSubnet. A subnet with interfaces stays; its
// associations go with it.
func (r *request) deleteSubnet(ctx context.Context, in *deleteSubnetInput) (*returnOutput, error) {
	return r.do(ctx, func(tx *store.Tx) error {
		s, err := r.subnetByID(tx.Reader, in.Subnet)
		if err != nil {
			return err
		}
		holders := idsOf(tx.Interfaces(r.Region, r.Account.ID), func(n *vpc.NetworkInterface) (string, bool) {
			return interfaceHolder(tx.Reader, n.ID, n.LoadBalancer), n.Subnet == s.ID
		})
		if err := checkFree("subnet", s.ID, holders); err != nil {
			return err
		}
		r.leaveACL(tx, s)
		r.leaveRouteTable(tx, s)
		tx.DeleteSubnet(s)
		return nil
	})
}

// leaveACL takes a subnet away from its network ACL.
func (r *request) leaveACL(tx *store.Tx, s *vpc.Subnet) {
	ofSubnet := func(a vpc.ACLAssociation) bool { return a.Subnet == s.ID }
	for _, was := range tx.ACLs(r.Region, r.Account.ID) {
		if slices.ContainsFunc(was.Subnets, ofSubnet) {
			acl := *was
			acl.Subnets = slices.DeleteFunc(slices.Clone(was.Subnets), ofSubnet)
			tx.PutACL(&acl)
		}
	}
}

// leaveRouteTable takes a subnet away from its route table, if it has one of its
// own.
func (r *request) leaveRouteTable(tx *store.Tx, s *vpc.Subnet) {
	ofSubnet := func(a vpc.RouteTableAssociation) bool { return a.Subnet == s.ID }
	for _, was := range tx.RouteTables(r.Region, r.Account.ID) {
		if slices.ContainsFunc(was.Associations, ofSubnet) {
			t := *was
			t.Associations = slices.DeleteFunc(slices.Clone(was.Associations), ofSubnet)
			tx.PutRouteTable(&t)
		}
	}
}
