package api

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/vpc"
)

// Limits are quotas by name. A name that is missing has the default of the
// account's era.
type Limits map[string]int

// The names of the quotas. Without more, they are per account and region.
const (
	classicGroups       = "classic-groups"
	rulesPerGroup       = "rules-per-group"      // per EC2-Classic group
	groupsPerInstance   = "groups-per-instance"  // in EC2-Classic
	instancesPerLaunch  = "instances-per-launch" // of one RunInstances
	runningInstances    = "max-instances"        // the default is shown by DescribeAccountAttributes, not enforced
	addressesPerAccount = "max-elastic-ips"      // in EC2-Classic
	vpcAddresses        = "vpc-max-elastic-ips"
	keyPairsPerRegion   = "key-pairs"

	vpcsPerRegion      = "vpcs"
	subnetsPerVPC      = "subnets-per-vpc"
	blocksPerVPC       = "ipv4-blocks-per-vpc"
	ipv6BlocksPerVPC   = "ipv6-blocks-per-vpc"
	internetGateways   = "internet-gateways"
	routeTablesPerVPC  = "route-tables-per-vpc"
	routesPerTable     = "routes-per-table"    // per address family; local routes do not count
	vpcGroups          = "vpc-groups"          // in 2012 per VPC
	rulesPerVPCGroup   = "rules-per-vpc-group" // per direction and address family; in 2012 all together
	groupsPerInterface = "groups-per-interface"
	interfaces         = "interfaces"
	aclsPerVPC         = "acls-per-vpc"
	entriesPerACL      = "acl-entries" // per direction and address family, the last one, *, included

	loadBalancers        = "classic-load-balancers"
	listenersPerBalancer = "classic-listeners"            // of one load balancer
	instancesPerBalancer = "classic-registered-instances" // with one load balancer
	serverCertificates   = "server-certificates"          // of all regions together
)

// defaultLimits are the quotas of an era: those of EC2-Classic (EC2 User Guide
// 2012, "Using Security Groups"; EC2 User Guide 2019, "EC2-Classic") and of VPC
// (EC2 User Guide 2012; Amazon VPC User Guide, "Amazon VPC quotas"), of load balancers
// (ELB User Guide, "Quotas for your Classic Load Balancer") and of IAM.
func defaultLimits(era vpc.Era) Limits {
	limits := Limits{
		classicGroups:       500,
		rulesPerGroup:       100,
		groupsPerInstance:   500,
		instancesPerLaunch:  1000,
		runningInstances:    20,
		addressesPerAccount: 5,
		vpcAddresses:        5,
		keyPairsPerRegion:   5000,

		vpcsPerRegion:      5,
		subnetsPerVPC:      200,
		blocksPerVPC:       5,
		ipv6BlocksPerVPC:   5,
		internetGateways:   5,
		routeTablesPerVPC:  200,
		routesPerTable:     50,
		vpcGroups:          2500,
		rulesPerVPCGroup:   60,
		groupsPerInterface: 5,
		interfaces:         5000,
		aclsPerVPC:         200,
		entriesPerACL:      20,

		loadBalancers:        20,
		listenersPerBalancer: 100,
		instancesPerBalancer: 1000,
		serverCertificates:   20,
	}
	if era == vpc.Era2012 {
		limits[vpcGroups], limits[rulesPerVPCGroup] = 50, 50
		limits[loadBalancers] = 10
	}
	return limits
}

// ParseLimits reads NAME=N pairs, as the daemon's option --limit has them.
func ParseLimits(pairs []string) (Limits, error) {
	known := defaultLimits(vpc.EraModern)
	limits := Limits{}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		if _, ok := known[name]; !ok {
			names := slices.Sorted(maps.Keys(known))
			return nil, fmt.Errorf("limit %q is unknown; the limits are %s", name, strings.Join(names, ", "))
		}
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("limit %q needs a number, as in %s=100", pair, name)
		}
		limits[name] = n
	}
	return limits, nil
}

// limit returns a quota of the caller's.
func (r *request) limit(name string) int {
	if n, ok := r.limits[name]; ok {
		return n
	}
	return defaultLimits(r.Account.Era)[name]
}
