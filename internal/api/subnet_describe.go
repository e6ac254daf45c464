package api

import (
	"context"
	"fmt"
	"strconv"

	"ringfence/internal/vpc"
)

type describeSubnetsInput struct {
	dryRun
	filters
	paging
	IDs []string `aws:"SubnetId,bare"`
}

type describeSubnetsOutput struct {
	Subnets   []subnetItem `aws:"subnetSet"`
	NextToken string       `aws:"nextToken,omitempty"`
}

// subnetItem is a subnet in an answer.
type subnetItem struct {
	ID             vpc.SubnetID    `aws:"subnetId"`
	ARN            string          `aws:"subnetArn,since=2016-11-15"`
	State          string          `aws:"state"`
	Owner          vpc.AccountID   `aws:"ownerId,since=2016-11-15"`
	VPC            vpc.NetworkID   `aws:"vpcId"`
	CIDR           string          `aws:"cidrBlock"`
	IPv6           []ipv6BlockItem `aws:"ipv6CidrBlockAssociationSet,since=2016-11-15"`
	FreeAddresses  int             `aws:"availableIpAddressCount"`
	Zone           vpc.Zone        `aws:"availabilityZone"`
	ZoneID         string          `aws:"availabilityZoneId,since=2016-11-15"`
	DefaultForZone bool            `aws:"defaultForAz,since=2013-02-01"`
	MapPublicIP    bool            `aws:"mapPublicIpOnLaunch,since=2013-02-01"`
	AssignIPv6     bool            `aws:"assignIpv6AddressOnCreation,since=2016-11-15"`
	MapCustomerIP  bool            `aws:"mapCustomerOwnedIpOnLaunch,since=2016-11-15"`
	IPv6Native     bool            `aws:"ipv6Native,since=2016-11-15"`
	DNS64          bool            `aws:"enableDns64,since=2016-11-15"`
	Names          namesItem       `aws:"privateDnsNameOptionsOnLaunch,since=2016-11-15"`
	Tags           []tagItem       `aws:"tagSet"`
}

// namesItem says what instances of a subnet are called.
type namesItem struct {
	Type       string `aws:"hostnameType"`
	ByID       bool   `aws:"enableResourceNameDnsARecord"`
	ByIDOnIPv6 bool   `aws:"enableResourceNameDnsAAAARecord"`
}

// nameByAddress is the one type of names that instances have.
const nameByAddress = "ip-name"

// newSubnetItem returns a subnet in which so many IPv4 addresses are used.
func newSubnetItem(s *vpc.Subnet, used int) subnetItem {
	item := subnetItem{
		ID: s.ID, ARN: fmt.Sprintf("arn:aws:ec2:%s:%s:subnet/%s", s.Region, s.Account, s.ID), State: stateAvailable, Owner: s.Account,
		VPC: s.Network, CIDR: s.CIDR.String(), FreeAddresses: addressesIn(s) - used, Zone: s.Zone, ZoneID: s.Zone.ID(),
		DefaultForZone: s.DefaultForZone, MapPublicIP: s.MapPublicIP, AssignIPv6: s.AssignIPv6,
		Names: namesItem{Type: nameByAddress}, Tags: tagItems(s.Tags),
	}
	for _, c := range s.IPv6 {
		item.IPv6 = append(item.IPv6, newIPv6BlockItem(c))
	}
	return item
}

// addressesIn returns how many IPv4 addresses a subnet has for interfaces.
func addressesIn(s *vpc.Subnet) int {
	return 1<<(32-s.CIDR.Bits()) - vpc.ReservedAddresses - 1
}

// describeSubnets implements DescribeSubnets.
func (r *request) describeSubnets(ctx context.Context, in *describeSubnetsInput) (*describeSubnetsOutput, error) {
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	subnets, err := named(in.IDs,
		func(id string) (*vpc.Subnet, error) { return r.subnetByID(v.Reader, id) },
		func() []*vpc.Subnet { return v.Subnets(r.Region, r.Account.ID) })
	if err != nil {
		return nil, err
	}
	used := usedAddresses(v.Interfaces(r.Region, r.Account.ID))
	var counted []countedSubnet
	for _, s := range subnets {
		counted = append(counted, countedSubnet{s, used[s.ID]})
	}
	page, next, err := filterPage(in.filters, in.paging, subnetFilters, counted, func(s countedSubnet) string { return byNumber(s.Number) })
	if err != nil {
		return nil, err
	}
	out := &describeSubnetsOutput{NextToken: next}
	for _, s := range page {
		out.Subnets = append(out.Subnets, newSubnetItem(s.Subnet, s.used))
	}
	return out, nil
}

// usedAddresses counts the private IPv4 addresses of interfaces by their subnets.
func usedAddresses(interfaces []*vpc.NetworkInterface) map[vpc.SubnetID]int {
	used := map[vpc.SubnetID]int{}
	for _, n := range interfaces {
		for _, a := range n.Addresses {
			if a.Is4() {
				used[n.Subnet]++
			}
		}
	}
	return used
}

// countedSubnet is a subnet and how many of its IPv4 addresses interfaces have.
type countedSubnet struct {
	*vpc.Subnet
	used int
}

// subnetFilters are the filters of DescribeSubnets, some of which have two names
// (EC2 API reference).
var subnetFilters = filterTable[countedSubnet]{
	values: map[string]func(countedSubnet) []string{
		"availability-zone":          subnetZone,
		"availabilityZone":           subnetZone,
		"availability-zone-id":       subnetZoneID,
		"availabilityZoneId":         subnetZoneID,
		"available-ip-address-count": func(s countedSubnet) []string { return []string{strconv.Itoa(addressesIn(s.Subnet) - s.used)} },
		"cidr":                       subnetBlock,
		"cidrBlock":                  subnetBlock,
		"cidr-block":                 subnetBlock,
		"default-for-az":             defaultForZone,
		"defaultForAz":               defaultForZone,
		"map-public-ip-on-launch":    func(s countedSubnet) []string { return []string{strconv.FormatBool(s.MapPublicIP)} },
		"ipv6-native":                never,
		"owner-id":                   func(s countedSubnet) []string { return []string{string(s.Account)} },
		"state":                      func(countedSubnet) []string { return []string{stateAvailable} },
		"subnet-arn":                 func(s countedSubnet) []string { return []string{newSubnetItem(s.Subnet, s.used).ARN} },
		"subnet-id":                  func(s countedSubnet) []string { return []string{string(s.ID)} },
		"vpc-id":                     func(s countedSubnet) []string { return []string{string(s.Network)} },

		"enable-dns64":                    never,
		"map-customer-owned-ip-on-launch": never,

		"private-dns-name-options-on-launch.hostname-type":                        func(countedSubnet) []string { return []string{nameByAddress} },
		"private-dns-name-options-on-launch.enable-resource-name-dns-a-record":    never,
		"private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record": never,

		"ipv6-cidr-block-association.association-id":  func(s countedSubnet) []string { return associationIDs(s.IPv6) },
		"ipv6-cidr-block-association.ipv6-cidr-block": func(s countedSubnet) []string { return blocks(s.IPv6) },
		"ipv6-cidr-block-association.state":           func(s countedSubnet) []string { return associationStates(s.IPv6) },
	},
	tags: func(s countedSubnet) []vpc.Tag { return s.Tags },
}

func subnetZone(s countedSubnet) []string     { return []string{string(s.Zone)} }
func never(countedSubnet) []string            { return []string{"false"} }
func subnetZoneID(s countedSubnet) []string   { return []string{s.Zone.ID()} }
func subnetBlock(s countedSubnet) []string    { return []string{s.CIDR.String()} }
func defaultForZone(s countedSubnet) []string { return []string{strconv.FormatBool(s.DefaultForZone)} }
