package api

import (
	"context"
	"slices"
	"strconv"

	"ringfence/internal/vpc"
)

type describeInstanceTypesInput struct {
	dryRun
	filters
	paging
	Names []string `aws:"InstanceType,bare"`
}

type describeInstanceTypesOutput struct {
	Types     []instanceTypeItem `aws:"instanceTypeSet"`
	NextToken string             `aws:"nextToken,omitempty"`
}

// instanceTypeItem is a type in an answer (EC2 API reference, InstanceTypeInfo).
type instanceTypeItem struct {
	Name            string          `aws:"instanceType"`
	Current         bool            `aws:"currentGeneration"`
	UsageClasses    []string        `aws:"supportedUsageClasses"`
	RootDevices     []string        `aws:"supportedRootDeviceTypes"`
	Virtualizations []string        `aws:"supportedVirtualizationTypes"`
	BareMetal       bool            `aws:"bareMetal"`
	Hypervisor      string          `aws:"hypervisor"`
	Processor       processorItem   `aws:"processorInfo"`
	CPUs            cpusItem        `aws:"vCpuInfo"`
	Memory          memoryItem      `aws:"memoryInfo"`
	HasDisks        bool            `aws:"instanceStorageSupported"`
	EBS             typeEBSItem     `aws:"ebsInfo"`
	Network         typeNetworkItem `aws:"networkInfo"`
	Placement       typePlaceItem   `aws:"placementGroupInfo"`
	Hibernates      bool            `aws:"hibernationSupported"`
	Burstable       bool            `aws:"burstablePerformanceSupported"`
	DedicatedHosts  bool            `aws:"dedicatedHostsSupported"`
	Recovers        bool            `aws:"autoRecoverySupported"`
}

type processorItem struct {
	Architectures []string `aws:"supportedArchitectures"`
}

type cpusItem struct {
	Default int `aws:"defaultVCpus"`
}

type memoryItem struct {
	Size int `aws:"sizeInMiB"`
}

type typeEBSItem struct {
	Optimized  string `aws:"ebsOptimizedSupport"`
	Encryption string `aws:"encryptionSupport"`
	NVMe       string `aws:"nvmeSupport"`
}

// typePlaceItem says which placement groups a type may be in: none, as there
// are none. Clients miss the element where it is absent.
type typePlaceItem struct {
	Strategies []string `aws:"supportedStrategies"`
}

type typeNetworkItem struct {
	Interfaces  int  `aws:"maximumNetworkInterfaces"`
	Cards       int  `aws:"maximumNetworkCards"`
	DefaultCard int  `aws:"defaultNetworkCardIndex"`
	IPv4        int  `aws:"ipv4AddressesPerInterface"`
	IPv6        int  `aws:"ipv6AddressesPerInterface"`
	HasIPv6     bool `aws:"ipv6Supported"`
}

// describeInstanceTypes implements DescribeInstanceTypes. Any well-formed name
// that is asked for exists.
func (r *request) describeInstanceTypes(_ context.Context, in *describeInstanceTypesInput) (*describeInstanceTypesOutput, error) {
	match, err := instanceTypeFilters.match(in.Filters)
	if err != nil {
		return nil, err
	}
	names := slices.Compact(slices.Sorted(slices.Values(in.Names)))
	for _, name := range names {
		if !typeName.MatchString(name) {
			return nil, vpc.Errorf(vpc.InvalidInstanceType, "The following supplied instance types do not exist: [%s]", name)
		}
	}
	if len(names) == 0 {
		for name := range instanceTypes {
			names = append(names, name)
		}
	}
	var matching []instanceTypeItem
	for _, name := range names {
		if item := newInstanceTypeItem(name); match(item) {
			matching = append(matching, item)
		}
	}
	page, next, err := paginate(in.paging, matching, func(t instanceTypeItem) string { return t.Name })
	if err != nil {
		return nil, err
	}
	return &describeInstanceTypesOutput{Types: page, NextToken: next}, nil
}

func newInstanceTypeItem(name string) instanceTypeItem {
	t := instanceTypeNamed(name)
	return instanceTypeItem{
		Name: name, Current: t.current, UsageClasses: []string{"on-demand"}, RootDevices: []string{rootDeviceType},
		Virtualizations: []string{virtualization(name)}, Hypervisor: hypervisor, Burstable: isBurstable(name),
		Processor: processorItem{[]string{architecture}}, CPUs: cpusItem{t.processors}, Memory: memoryItem{t.memory},
		EBS:     typeEBSItem{Optimized: "supported", Encryption: "unsupported", NVMe: "unsupported"},
		Network: typeNetworkItem{Interfaces: t.interfaces, Cards: 1, IPv4: t.ipv4, IPv6: t.ipv6, HasIPv6: t.ipv6 > 0},
	}
}

// instanceTypeFilters are filters of DescribeInstanceTypes (EC2 API reference).
var instanceTypeFilters = filterTable[instanceTypeItem]{values: map[string]func(instanceTypeItem) []string{
	"instance-type":                             func(t instanceTypeItem) []string { return []string{t.Name} },
	"current-generation":                        func(t instanceTypeItem) []string { return []string{strconv.FormatBool(t.Current)} },
	"burstable-performance-supported":           func(t instanceTypeItem) []string { return []string{strconv.FormatBool(t.Burstable)} },
	"bare-metal":                                func(t instanceTypeItem) []string { return []string{strconv.FormatBool(t.BareMetal)} },
	"hypervisor":                                func(t instanceTypeItem) []string { return []string{t.Hypervisor} },
	"processor-info.supported-architecture":     func(t instanceTypeItem) []string { return t.Processor.Architectures },
	"supported-root-device-type":                func(t instanceTypeItem) []string { return t.RootDevices },
	"supported-virtualization-type":             func(t instanceTypeItem) []string { return t.Virtualizations },
	"supported-usage-class":                     func(t instanceTypeItem) []string { return t.UsageClasses },
	"vcpu-info.default-vcpus":                   func(t instanceTypeItem) []string { return []string{strconv.Itoa(t.CPUs.Default)} },
	"memory-info.size-in-mib":                   func(t instanceTypeItem) []string { return []string{strconv.Itoa(t.Memory.Size)} },
	"network-info.maximum-network-interfaces":   func(t instanceTypeItem) []string { return []string{strconv.Itoa(t.Network.Interfaces)} },
	"network-info.ipv4-addresses-per-interface": func(t instanceTypeItem) []string { return []string{strconv.Itoa(t.Network.IPv4)} },
	"network-info.ipv6-addresses-per-interface": func(t instanceTypeItem) []string { return []string{strconv.Itoa(t.Network.IPv6)} },
	"network-info.ipv6-supported":               func(t instanceTypeItem) []string { return []string{strconv.FormatBool(t.Network.HasIPv6)} },
}}

type describeCreditsInput struct {
	dryRun
	filters
	paging
	InstanceIDs []string `aws:"InstanceId,bare"`
}

type describeCreditsOutput struct {
	Credits   []creditItem `aws:"instanceCreditSpecificationSet"`
	NextToken string       `aws:"nextToken,omitempty"`
}

type creditItem struct {
	ID      vpc.InstanceID `aws:"instanceId"`
	Credits string         `aws:"cpuCredits"`
}

// describeCredits implements DescribeInstanceCreditSpecifications.
func (r *request) describeCredits(ctx context.Context, in *describeCreditsInput) (*describeCreditsOutput, error) {
	match, err := creditFilters.match(in.Filters)
	if err != nil {
		return nil, err
	}
	if len(in.InstanceIDs) > 0 && in.MaxResults != nil {
		return nil, errNamedInPages("instancesSet")
	}
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	instances, err := r.instancesAskedFor(v.Reader, in.InstanceIDs)
	if err != nil {
		return nil, err
	}
	var matching []creditItem
	for _, i := range instances {
		item := creditItem{i.ID, or(i.CPUCredits, usualCredits(i.Type))}
		if isBurstable(i.Type) && i.State != vpc.Terminated && match(item) {
			matching = append(matching, item)
		}
	}
	page, next, err := paginate(in.paging, matching, func(c creditItem) string { return string(c.ID) })
	if err != nil {
		return nil, err
	}
	return &describeCreditsOutput{Credits: page, NextToken: next}, nil
}

// usualCredits is what an instance of a burstable type has when nobody says
// otherwise (EC2 User Guide, "Burstable performance instances").
func usualCredits(instanceType string) string {
	if family(instanceType) == "t2" {
		return standardCredits
	}
	return unlimitedCredits
}

var creditFilters = filterTable[creditItem]{values: map[string]func(creditItem) []string{
	"instance-id": func(c creditItem) []string { return []string{string(c.ID)} },
}}
