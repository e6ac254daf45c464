package api

import (
	"context"
	"net/netip"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type modifySubnetAttributeInput struct {
	Subnet      string      `aws:"SubnetId,required"`
	MapPublicIP switchInput `aws:"MapPublicIpOnLaunch"`
	AssignIPv6  switchInput `aws:"AssignIpv6AddressOnCreation"`
	DNS64       switchInput `aws:"EnableDns64"`
	CustomerIP  switchInput `aws:"MapCustomerOwnedIpOnLaunch"`
	ByID        switchInput `aws:"EnableResourceNameDnsARecordOnLaunch"`
	ByIDOnIPv6  switchInput `aws:"EnableResourceNameDnsAAAARecordOnLaunch"`
	NameType    string      `aws:"PrivateDnsHostnameTypeOnLaunch"`
}

// modifySubnetAttribute implements ModifySubnetAttribute, which changes one
// attribute at a time. How instances are called does not change.
func (r *request) modifySubnetAttribute(ctx context.Context, in *modifySubnetAttributeInput) (*returnOutput, error) {
	switches := []switchInput{in.MapPublicIP, in.AssignIPv6, in.DNS64, in.CustomerIP, in.ByID, in.ByIDOnIPv6}
	if in.NameType != "" {
		wanted := in.NameType != nameByAddress
		switches = append(switches, switchInput{&wanted})
	}
	if err := oneSwitch(switches...); err != nil {
		return nil, err
	}
	for _, s := range switches[2:] {
		if s.Value != nil && *s.Value {
			return nil, vpc.Errorf(vpc.UnsupportedOperation, "Other names of instances than those by address, DNS64 and addresses of the customer's own are not supported by ringfence.")
		}
	}
	return r.do(ctx, func(tx *store.Tx) error {
		was, err := r.subnetByID(tx.Reader, in.Subnet)
		if err != nil {
			return err
		}
		s := *was
		in.MapPublicIP.set(&s.MapPublicIP)
		in.AssignIPv6.set(&s.AssignIPv6)
		if s.AssignIPv6 && len(s.IPv6) == 0 {
			return vpc.Errorf(vpc.InvalidParameterValue, "Invalid value 'true' for assignIpv6AddressOnCreation. Subnet '%s' has no IPv6 CIDR block.", s.ID)
		}
		tx.PutSubnet(&s)
		return nil
	})
}

type associateSubnetBlockInput struct {
	Subnet string `aws:"SubnetId,required"`
	IPv6   string `aws:"Ipv6CidrBlock,required"`
}

type subnetBlockOutput struct {
	Subnet vpc.SubnetID  `aws:"subnetId"`
	IPv6   ipv6BlockItem `aws:"ipv6CidrBlockAssociation"`
}

// associateSubnetBlock implements AssociateSubnetCidrBlock. A subnet has one
// IPv6 block at the most.
func (r *request) associateSubnetBlock(ctx context.Context, in *associateSubnetBlockInput) (*subnetBlockOutput, error) {
	block, err := parseSubnetIPv6(in.IPv6)
	if err != nil {
		return nil, err
	}
	var out *subnetBlockOutput
	err = r.update(ctx, func(tx *store.Tx) error {
		was, err := r.subnetByID(tx.Reader, in.Subnet)
		if err != nil {
			return err
		}
		v, err := r.vpcByID(tx.Reader, string(was.Network))
		if err != nil {
			return err
		}
		if len(was.IPv6) > 0 {
			return vpc.Errorf(vpc.InvalidSubnetConflict, "The subnet '%s' already has an IPv6 CIDR block associated with it", was.ID)
		}
		if err := checkSubnetIPv6(v, r.subnetsOf(tx.Reader, v.ID), block); err != nil {
			return err
		}
		s, added := *was, r.newSubnetBlock(block)
		s.IPv6 = []vpc.CIDRAssociation{added}
		tx.PutSubnet(&s)
		out = &subnetBlockOutput{Subnet: s.ID, IPv6: newIPv6BlockItem(added)}
		return nil
	})
	return out, err
}

// disassociateSubnetBlock implements DisassociateSubnetCidrBlock. A block stays
// while interfaces have addresses of it.
func (r *request) disassociateSubnetBlock(ctx context.Context, in *disassociateInput) (*subnetBlockOutput, error) {
	var out *subnetBlockOutput
	err := r.update(ctx, func(tx *store.Tx) error {
		for _, was := range tx.Subnets(r.Region, r.Account.ID) {
			i := findBlock(was.IPv6, vpc.AssociationID(in.Association))
			if i < 0 {
				continue
			}
			if hasAddressIn(tx.Interfaces(r.Region, r.Account.ID), was, was.IPv6[i].CIDR) {
				return vpc.Errorf(vpc.InvalidCIDRBlockInUse, "The subnet %s currently has a network interface within CIDR block %s", was.ID, was.IPv6[i].CIDR)
			}
			item := newIPv6BlockItem(was.IPv6[i])
			item.State.State = stateDisassociated
			out = &subnetBlockOutput{Subnet: was.ID, IPv6: item}
			s := *was
			s.IPv6, s.AssignIPv6 = nil, false
			tx.PutSubnet(&s)
			return nil
		}
		return vpc.Errorf(vpc.InvalidSubnetCIDRBlockAssociationIDNotFound, "The subnet CIDR block association ID '%s' does not exist", in.Association)
	})
	return out, err
}

// hasAddressIn reports whether an interface in a subnet has an address of a block.
func hasAddressIn(interfaces []*vpc.NetworkInterface, s *vpc.Subnet, block netip.Prefix) bool {
	return slices.ContainsFunc(interfaces, func(n *vpc.NetworkInterface) bool {
		return n.Subnet == s.ID && slices.ContainsFunc(n.Addresses, block.Contains)
	})
}
