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

// The names of the quotas.
const (
	classicGroups       = "classic-groups"       // per account and region
	rulesPerGroup       = "rules-per-group"      // per EC2-Classic group
	groupsPerInstance   = "groups-per-instance"  // in EC2-Classic
	instancesPerLaunch  = "instances-per-launch" // of one RunInstances
	groupsPerInterface  = "groups-per-interface" // in a VPC
	runningInstances    = "max-instances"        // shown by DescribeAccountAttributes, not enforced
	addressesPerAccount = "max-elastic-ips"      // shown by DescribeAccountAttributes
	vpcAddresses        = "vpc-max-elastic-ips"  // shown by DescribeAccountAttributes
)

// defaultLimits are the quotas of EC2-Classic (EC2 User Guide 2012, "Using
// Security Groups"; EC2 User Guide 2019, "EC2-Classic") and of VPC.
func defaultLimits() Limits {
	return Limits{
		classicGroups:       500,
		rulesPerGroup:       100,
		groupsPerInstance:   500,
		instancesPerLaunch:  1000,
		groupsPerInterface:  5,
		runningInstances:    20,
		addressesPerAccount: 5,
		vpcAddresses:        5,
	}
}

// ParseLimits reads NAME=N pairs, as the daemon's option --limit has them.
func ParseLimits(pairs []string) (Limits, error) {
	known := defaultLimits()
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

func (a *API) limit(name string) int {
	if n, ok := a.limits[name]; ok {
		return n
	}
	return defaultLimits()[name]
}

// checkRuleLimit refuses a group with more rules than its quota.
func (a *API) checkRuleLimit(rules int) error {
	if rules > a.limit(rulesPerGroup) {
		return vpc.Errorf(vpc.RulesPerSecurityGroupLimitExceeded, "The maximum number of rules per security group has been reached.")
	}
	return nil
}
