package api

import (
	"crypto/sha256"
	"encoding/base32"

	"ringfence/internal/vpc"
)

// Whether an instance may read its metadata without a session token (EC2 API
// reference, InstanceMetadataOptionsResponse).
const (
	tokensOptional = "optional"
	tokensRequired = "required"
)

// Whether an instance is moved to other hardware when its own fails, and whether
// it uses capacity that was reserved (EC2 API reference, RunInstances).
const (
	recoveryDefault  = "default"
	recoveryDisabled = "disabled"
	capacityOpen     = "open"
	capacityNone     = "none"
)

// instanceOptionsItem is what an instance shows of the options that it was
// launched with.
type instanceOptionsItem struct {
	Profile     *profileItem    `aws:"iamInstanceProfile,since=2012-06-01"`
	CPU         cpuOptionsItem  `aws:"cpuOptions,since=2016-11-15"`
	Capacity    capacityItem    `aws:"capacityReservationSpecification,since=2016-11-15"`
	Hibernation hibernationItem `aws:"hibernationOptions,since=2016-11-15"`
	Metadata    metadataItem    `aws:"metadataOptions,since=2016-11-15"`
	Enclave     enclaveItem     `aws:"enclaveOptions,since=2016-11-15"`
	Names       namesItem       `aws:"privateDnsNameOptions,since=2016-11-15"`
	Maintenance maintenanceItem `aws:"maintenanceOptions,since=2016-11-15"`
}

type profileItem struct {
	ARN string `aws:"arn"`
	ID  string `aws:"id"`
}

type cpuOptionsItem struct {
	Cores   int `aws:"coreCount"`
	Threads int `aws:"threadsPerCore"`
}

type capacityItem struct {
	Preference string `aws:"capacityReservationPreference"`
}

type hibernationItem struct {
	Configured bool `aws:"configured"`
}

type enclaveItem struct {
	Enabled bool `aws:"enabled"`
}

type maintenanceItem struct {
	AutoRecovery string `aws:"autoRecovery"`
}

func newInstanceOptionsItem(i *vpc.Instance) instanceOptionsItem {
	item := instanceOptionsItem{
		CPU: newCPUOptionsItem(i.Type), Capacity: capacityItem{capacityOpen}, Metadata: newMetadataItem(i.Metadata),
		Names: namesItem{Type: nameByAddress}, Maintenance: newMaintenanceItem(i),
	}
	if i.NoCapacity {
		item.Capacity.Preference = capacityNone
	}
	if i.Profile != "" {
		item.Profile = &profileItem{i.Profile, profileID(i.Profile)}
	}
	return item
}

func newCPUOptionsItem(instanceType string) cpuOptionsItem {
	processors := instanceTypeNamed(instanceType).processors
	if processors == 1 || hasOneThread(instanceType) {
		return cpuOptionsItem{Cores: processors, Threads: 1}
	}
	return cpuOptionsItem{Cores: processors / 2, Threads: 2}
}

func newMaintenanceItem(i *vpc.Instance) maintenanceItem {
	if i.NoAutoRecovery {
		return maintenanceItem{recoveryDisabled}
	}
	return maintenanceItem{recoveryDefault}
}

// profileID is the id of an instance profile. It is made of its ARN, as nothing
// else is known of it.
func profileID(arn string) string {
	sum := sha256.Sum256([]byte(arn))
	return "AIPA" + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

// metadataItem says how an instance reads its metadata.
type metadataItem struct {
	State    string `aws:"state"`
	Tokens   string `aws:"httpTokens"`
	HopLimit int    `aws:"httpPutResponseHopLimit"`
	Endpoint string `aws:"httpEndpoint"`
	IPv6     string `aws:"httpProtocolIpv6"`
	Tags     string `aws:"instanceMetadataTags"`
}

func newMetadataItem(o vpc.MetadataOptions) metadataItem {
	item := metadataItem{
		State: "applied", Tokens: tokensOptional, HopLimit: max(o.HopLimit, 1),
		Endpoint: enabled, IPv6: disabled, Tags: disabled,
	}
	if o.TokensRequired {
		item.Tokens = tokensRequired
	}
	if o.Disabled {
		item.Endpoint = disabled
	}
	if o.Tags {
		item.Tags = enabled
	}
	return item
}
