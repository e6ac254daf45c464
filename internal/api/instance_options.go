package api

import (
	"slices"

	"ringfence/internal/vpc"
)

// launchOptionsInput are options of RunInstances of which clients send many
// although they only ask for the usual. CPU credits and session tokens may be
// chosen; of the rest, only what every instance has is accepted.
type launchOptionsInput struct {
	Credits     creditsInput     `aws:"CreditSpecification"`
	Capacity    capacityInput    `aws:"CapacityReservationSpecification"`
	Enclave     enclaveInput     `aws:"EnclaveOptions"`
	Hibernation hibernationInput `aws:"HibernationOptions"`
	Maintenance maintenanceInput `aws:"MaintenanceOptions"`
	Metadata    metadataInput    `aws:"MetadataOptions"`
	Names       namesInput       `aws:"PrivateDnsNameOptions"`
}

type creditsInput struct {
	CPU string `aws:"CpuCredits"`
}

type capacityInput struct {
	Preference string `aws:"CapacityReservationPreference"`
}

type enclaveInput struct {
	Enabled bool `aws:"Enabled"`
}

type hibernationInput struct {
	Configured bool `aws:"Configured"`
}

type maintenanceInput struct {
	AutoRecovery string `aws:"AutoRecovery"`
}

type metadataInput struct {
	Endpoint string `aws:"HttpEndpoint"`
	IPv6     string `aws:"HttpProtocolIpv6"`
	HopLimit *int   `aws:"HttpPutResponseHopLimit"`
	Tokens   string `aws:"HttpTokens"`
	Tags     string `aws:"InstanceMetadataTags"`
}

type namesInput struct {
	HostnameType string `aws:"HostnameType"`
	A            bool   `aws:"EnableResourceNameDnsARecord"`
	AAAA         bool   `aws:"EnableResourceNameDnsAAAARecord"`
}

// maxHops bounds HttpPutResponseHopLimit (EC2 API reference,
// InstanceMetadataOptionsRequest).
const maxHops = 64

// checkOptions refuses what instances cannot have.
func (in *launchOptionsInput) checkOptions() error {
	switch {
	case !slices.Contains([]string{"", "standard", "unlimited"}, in.Credits.CPU):
		return vpc.Errorf(vpc.InvalidParameterValue, "Invalid value '%s' for CpuCredits. It must be standard or unlimited.", in.Credits.CPU)
	case in.Enclave.Enabled:
		return errOption("EnclaveOptions.Enabled", "true")
	case in.Hibernation.Configured:
		return errOption("HibernationOptions.Configured", "true")
	case in.Names.A:
		return errOption("PrivateDnsNameOptions.EnableResourceNameDnsARecord", "true")
	case in.Names.AAAA:
		return errOption("PrivateDnsNameOptions.EnableResourceNameDnsAAAARecord", "true")
	case in.Metadata.HopLimit != nil && (*in.Metadata.HopLimit < 1 || *in.Metadata.HopLimit > maxHops):
		return vpc.Errorf(vpc.InvalidParameterValue, "Value (%d) for parameter HttpPutResponseHopLimit is invalid. It must be from 1 to %d.", *in.Metadata.HopLimit, maxHops)
	}
	return in.checkChoices()
}

func (in *metadataInput) options() vpc.MetadataOptions {
	o := vpc.MetadataOptions{TokensRequired: in.Tokens == tokensRequired}
	if in.HopLimit != nil {
		o.HopLimit = *in.HopLimit
	}
	return o
}

// checkChoices refuses all but the choices that instances have.
func (in *launchOptionsInput) checkChoices() error {
	for _, choice := range []struct {
		name, value string
		had         []string
	}{
		{"CapacityReservationSpecification.CapacityReservationPreference", in.Capacity.Preference, []string{"open", "none"}},
		{"MaintenanceOptions.AutoRecovery", in.Maintenance.AutoRecovery, []string{"default", "disabled"}},
		{"MetadataOptions.HttpEndpoint", in.Metadata.Endpoint, []string{"enabled"}},
		{"MetadataOptions.HttpProtocolIpv6", in.Metadata.IPv6, []string{"disabled"}},
		{"MetadataOptions.HttpTokens", in.Metadata.Tokens, []string{tokensOptional, tokensRequired}},
		{"MetadataOptions.InstanceMetadataTags", in.Metadata.Tags, []string{"disabled"}},
		{"PrivateDnsNameOptions.HostnameType", in.Names.HostnameType, []string{"ip-name"}},
	} {
		if choice.value != "" && !slices.Contains(choice.had, choice.value) {
			return errOption(choice.name, choice.value)
		}
	}
	return nil
}

func errOption(name, value string) error {
	return vpc.Errorf(vpc.UnsupportedOperation, "The value %s of the parameter %s is not supported by ringfence.", value, name)
}

// Whether an instance may read its metadata without a session token (EC2 API
// reference, InstanceMetadataOptionsResponse).
const (
	tokensOptional = "optional"
	tokensRequired = "required"
)

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
		Endpoint: "enabled", IPv6: "disabled", Tags: "disabled",
	}
	if o.TokensRequired {
		item.Tokens = tokensRequired
	}
	return item
}
