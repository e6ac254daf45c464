package api

import (
	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// The functions here find the caller's nouns of VPC by their ids, and refuse
// ids that cannot be ones as EC2 does.

func (r *request) vpcByID(reader store.Reader, id string) (*vpc.VPC, error) {
	if v := reader.VPC(r.Region, r.Account.ID, vpc.NetworkID(id)); v != nil {
		return v, nil
	}
	return nil, unknownID(vpc.InvalidVPCIDMalformed, vpc.InvalidVPCIDNotFound, "vpc", "vpc", id)
}

func (r *request) subnetByID(reader store.Reader, id string) (*vpc.Subnet, error) {
	if s := reader.Subnet(r.Region, r.Account.ID, vpc.SubnetID(id)); s != nil {
		return s, nil
	}
	return nil, unknownID(vpc.InvalidSubnetIDMalformed, vpc.InvalidSubnetIDNotFound, "subnet", "subnet", id)
}

func (r *request) gatewayByID(reader store.Reader, id string) (*vpc.InternetGateway, error) {
	if g := reader.Gateway(r.Region, r.Account.ID, vpc.GatewayID(id)); g != nil {
		return g, nil
	}
	return nil, unknownID(vpc.InvalidInternetGatewayIDMalformed, vpc.InvalidInternetGatewayIDNotFound, "internetGateway", "igw", id)
}

func (r *request) routeTableByID(reader store.Reader, id string) (*vpc.RouteTable, error) {
	if t := reader.RouteTable(r.Region, r.Account.ID, vpc.RouteTableID(id)); t != nil {
		return t, nil
	}
	return nil, unknownID(vpc.InvalidRouteTableIDMalformed, vpc.InvalidRouteTableIDNotFound, "routeTable", "rtb", id)
}

func (r *request) aclByID(reader store.Reader, id string) (*vpc.NetworkACL, error) {
	if a := reader.ACL(r.Region, r.Account.ID, vpc.ACLID(id)); a != nil {
		return a, nil
	}
	return nil, unknownID(vpc.InvalidNetworkACLIDMalformed, vpc.InvalidNetworkACLIDNotFound, "networkAcl", "acl", id)
}

func (r *request) interfaceByID(reader store.Reader, id string) (*vpc.NetworkInterface, error) {
	// The interfaces of EC2-Classic are nobody's to name.
	if n := reader.Interface(r.Region, r.Account.ID, vpc.InterfaceID(id)); n != nil && n.Network != vpc.ClassicNetwork {
		return n, nil
	}
	return nil, unknownID(vpc.InvalidNetworkInterfaceIDMalformed, vpc.InvalidNetworkInterfaceIDNotFound, "networkInterface", "eni", id)
}

// unknownID is the error for an id that no noun of a kind has.
func unknownID(malformed, notFound vpc.Code, kind, prefix, id string) error {
	if err := checkID(malformed, prefix, id); err != nil {
		return err
	}
	return vpc.Errorf(notFound, "The %s ID '%s' does not exist", kind, id)
}
