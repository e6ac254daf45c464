package api

import (
	"slices"
	"strconv"

	"ringfence/internal/vpc"
)

// launchOptionsInput are options of RunInstances of which clients send many
// although they only ask for the usual. CPU credits, session tokens, recovery and
// capacity may be chosen; of the rest, only what every instance has is accepted.
type launchOptionsInput struct {
	CPU         cpuOptionsInput  `aws:"CpuOptions"`
	Credits     creditsInput     `aws:"CreditSpecification"`
	Capacity    capacityInput    `aws:"CapacityReservationSpecification"`
	Enclave     enclaveInput     `aws:"EnclaveOptions"`
	Hibernation hibernationInput `aws:"HibernationOptions"`
	Maintenance maintenanceInput `aws:"MaintenanceOptions"`
	Metadata    metadataInput    `aws:"MetadataOptions"`
	Names       namesInput       `aws:"PrivateDnsNameOptions"`
	Profile     profileInput     `aws:"IamInstanceProfile"`
}

type cpuOptionsInput struct {
	Cores   *int `aws:"CoreCount"`
	Threads *int `aws:"ThreadsPerCore"`
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
	case in.Credits.CPU != "" && !isCredits(in.Credits.CPU):
		return errCredits(in.Credits.CPU)
	case in.Enclave.Enabled:
		return errOption("EnclaveOptions.Enabled", "true")
	case in.Hibernation.Configured:
		return errOption("HibernationOptions.Configured", "true")
	}
	if err := in.Names.check("PrivateDnsNameOptions.", "HostnameType"); err != nil {
		return err
	}
	if err := in.Metadata.check("MetadataOptions."); err != nil {
		return err
	}
	return checkChoices(
		choice{"CapacityReservationSpecification.CapacityReservationPreference", in.Capacity.Preference, []string{capacityOpen, capacityNone}},
		choice{"MaintenanceOptions.AutoRecovery", in.Maintenance.AutoRecovery, []string{recoveryDefault, recoveryDisabled}},
	)
}

// check refuses processors that instances of a type do not have.
func (in *cpuOptionsInput) check(instanceType string) error {
	has := newCPUOptionsItem(instanceType)
	switch {
	case in.Cores == nil && in.Threads == nil:
	case in.Cores == nil || in.Threads == nil:
		return vpc.Errorf(vpc.InvalidParameterCombination, "CpuOptions must include both CoreCount and ThreadsPerCore.")
	case *in.Cores != has.Cores:
		return errOption("CpuOptions.CoreCount", strconv.Itoa(*in.Cores))
	case *in.Threads != has.Threads:
		return errOption("CpuOptions.ThreadsPerCore", strconv.Itoa(*in.Threads))
	}
	return nil
}

// check refuses names that instances do not have. prefix and hostname are of the
// parameters of the call.
func (in *namesInput) check(prefix, hostname string) error {
	switch {
	case in.A:
		return errOption(prefix+"EnableResourceNameDnsARecord", "true")
	case in.AAAA:
		return errOption(prefix+"EnableResourceNameDnsAAAARecord", "true")
	}
	return checkChoices(choice{prefix + hostname, in.HostnameType, []string{nameByAddress}})
}

// check refuses ways to the metadata that instances do not have. prefix is of the
// parameters of the call.
func (in *metadataInput) check(prefix string) error {
	if in.HopLimit != nil && (*in.HopLimit < 1 || *in.HopLimit > maxHops) {
		return vpc.Errorf(vpc.InvalidParameterValue, "Value (%d) for parameter HttpPutResponseHopLimit is invalid. It must be from 1 to %d.", *in.HopLimit, maxHops)
	}
	return checkChoices(
		choice{prefix + "HttpEndpoint", in.Endpoint, []string{enabled, disabled}},
		choice{prefix + "HttpProtocolIpv6", in.IPv6, []string{disabled}},
		choice{prefix + "HttpTokens", in.Tokens, []string{tokensOptional, tokensRequired}},
		choice{prefix + "InstanceMetadataTags", in.Tags, []string{enabled, disabled}},
	)
}

// change changes options to those that a call names.
func (in *metadataInput) change(o *vpc.MetadataOptions) {
	if in.Tokens != "" {
		o.TokensRequired = in.Tokens == tokensRequired
	}
	if in.Endpoint != "" {
		o.Disabled = in.Endpoint == disabled
	}
	if in.Tags != "" {
		o.Tags = in.Tags == enabled
	}
	if in.HopLimit != nil {
		o.HopLimit = *in.HopLimit
	}
}

// What is chosen for a part of the metadata service.
const (
	enabled  = "enabled"
	disabled = "disabled"
)

// A choice is the value of a parameter and what there is to choose from; "" leaves
// it as it is.
type choice struct {
	name, value string
	from        []string
}

// checkChoices refuses all but the choices that instances have.
func checkChoices(choices ...choice) error {
	for _, c := range choices {
		if c.value != "" && !slices.Contains(c.from, c.value) {
			return errOption(c.name, c.value)
		}
	}
	return nil
}

func errOption(name, value string) error {
	return vpc.Errorf(vpc.UnsupportedOperation, "The value %s of the parameter %s is not supported by ringfence.", value, name)
}
