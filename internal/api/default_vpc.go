package api

import (
	"context"
	"net/netip"
	"time"

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

// defaultNetwork returns the network that a call without a VPC means: that of
// EC2-Classic where the account has it, else the default VPC, "" when that was
// deleted.
func (r *request) defaultNetwork(reader store.Reader) vpc.NetworkID {
	if r.Account.Platform == vpc.PlatformClassic {
		return vpc.ClassicNetwork
	}
	if v, _ := reader.DefaultVPC(r.Region, r.Account.ID); v != nil {
		return v.ID
	}
	return ""
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

// mainTable returns the route table of those subnets of a VPC that nobody has
// given another one.
func (r *request) mainTable(reader store.Reader, network vpc.NetworkID) *vpc.RouteTable {
	for _, t := range reader.RouteTables(r.Region, r.Account.ID) {
		if t.Network == network && t.Main() {
			return t
		}
	}
	return nil
}

func (r *request) newGateway(tx *store.Tx) *vpc.InternetGateway {
	return &vpc.InternetGateway{
		ID:      newIDUnless("igw", r.Account.Era, func(id vpc.GatewayID) bool { return tx.Gateway(r.Region, r.Account.ID, id) != nil }),
		Account: r.Account.ID, Region: r.Region, Created: time.Now().UTC(),
	}
}

// errNotInVPC is for actions that know EC2-Classic only, so far.
func errNotInVPC() error {
	return vpc.Errorf(vpc.UnsupportedOperation, "This is not supported in a VPC yet: use an account of EC2-Classic, such as that of ringfence env --profile classic.")
}
