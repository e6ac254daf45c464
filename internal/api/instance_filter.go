package api

import (
	"strconv"

	"ringfence/internal/vpc"
)

// instanceFilters are the filters of DescribeInstances (EC2 API reference). An
// instance has each value of a filter of interfaces that one of its has.
var instanceFilters = filterTable[shownInstance]{
	values: withInterfaceFilters(map[string]func(shownInstance) []string{
		"group-id":            groupIDs,
		"instance.group-id":   groupIDs,
		"group-name":          groupNames,
		"instance.group-name": groupNames,
		"instance-id":         func(i shownInstance) []string { return []string{string(i.ID)} },
		"instance-state-name": func(i shownInstance) []string { return []string{i.State.String()} },
		"instance-state-code": func(i shownInstance) []string { return []string{strconv.Itoa(int(i.State))} },
		"instance-type":       func(i shownInstance) []string { return []string{i.Type} },
		"ip-address":          func(i shownInstance) []string { return present(i.item.PublicAddr) },
		"private-ip-address":  func(i shownInstance) []string { return present(i.item.PrivateAddr) },
		"dns-name":            func(i shownInstance) []string { return present(i.item.DNSName) },
		"private-dns-name":    func(i shownInstance) []string { return present(i.item.PrivateDNSName) },
		"reservation-id":      func(i shownInstance) []string { return []string{string(i.Reservation)} },
		"owner-id":            func(i shownInstance) []string { return []string{string(i.Account)} },
		"launch-index":        func(i shownInstance) []string { return []string{strconv.Itoa(i.LaunchIndex)} },
		"launch-time":         func(i shownInstance) []string { return []string{filterTime(i.item.LaunchTime)} },
		"image-id":            func(i shownInstance) []string { return []string{string(i.Image)} },
		"key-name":            func(i shownInstance) []string { return present(i.KeyName) },
		"client-token":        func(i shownInstance) []string { return present(i.ClientToken) },
		"availability-zone":   func(i shownInstance) []string { return []string{string(i.Zone)} },
		"architecture":        func(shownInstance) []string { return []string{architecture} },
		"root-device-type":    func(shownInstance) []string { return []string{rootDeviceType} },
		"root-device-name":    func(shownInstance) []string { return []string{rootDevice} },
		"virtualization-type": func(i shownInstance) []string { return []string{i.item.VirtualizationType} },
		"hypervisor":          func(shownInstance) []string { return []string{hypervisor} },
		"tenancy":             func(shownInstance) []string { return []string{defaultTenancy} },
		"kernel-id":           func(i shownInstance) []string { return present(i.Kernel) },
		"ramdisk-id":          func(i shownInstance) []string { return present(i.Ramdisk) },
		"monitoring-state":    func(i shownInstance) []string { return []string{i.item.Monitoring.State} },
		"reason":              func(i shownInstance) []string { return present(i.item.Reason) },
		"state-reason-code":   func(i shownInstance) []string { return present(i.StateReason.Code) },
		"vpc-id":              func(i shownInstance) []string { return present(string(i.item.Network)) },
		"subnet-id":           func(i shownInstance) []string { return present(string(i.item.Subnet)) },
		"source-dest-check":   sourceDestChecks,
		"ipv6-address":        interfaceValues("ipv6-addresses.ipv6-address"),

		"availability-zone-id": func(i shownInstance) []string { return []string{i.Zone.ID()} },
		"ebs-optimized":        func(i shownInstance) []string { return []string{strconv.FormatBool(i.EBSOptimized)} },
		"state-reason-message": func(i shownInstance) []string { return present(i.StateReason.Message) },

		"block-device-mapping.volume-id":             deviceValues(func(d blockDeviceItem) string { return d.EBS.Volume }),
		"block-device-mapping.device-name":           deviceValues(func(d blockDeviceItem) string { return d.Device }),
		"block-device-mapping.status":                deviceValues(func(d blockDeviceItem) string { return d.EBS.Status }),
		"block-device-mapping.attach-time":           deviceValues(func(d blockDeviceItem) string { return filterTime(d.EBS.AttachTime) }),
		"block-device-mapping.delete-on-termination": deviceValues(func(d blockDeviceItem) string { return strconv.FormatBool(d.EBS.DeleteOnTermination) }),

		"iam-instance-profile.arn":                     func(i shownInstance) []string { return present(i.Profile) },
		"maintenance-options.auto-recovery":            func(i shownInstance) []string { return []string{i.item.Maintenance.AutoRecovery} },
		"hibernation-options.configured":               func(i shownInstance) []string { return []string{strconv.FormatBool(i.item.Hibernation.Configured)} },
		"enclave-options.enabled":                      func(i shownInstance) []string { return []string{strconv.FormatBool(i.item.Enclave.Enabled)} },
		"metadata-options.state":                       func(i shownInstance) []string { return []string{i.item.Metadata.State} },
		"metadata-options.instance-metadata-tags":      func(i shownInstance) []string { return []string{i.item.Metadata.Tags} },
		"metadata-options.http-protocol-ipv6":          func(i shownInstance) []string { return []string{i.item.Metadata.IPv6} },
		"metadata-options.http-tokens":                 func(i shownInstance) []string { return []string{i.item.Metadata.Tokens} },
		"metadata-options.http-put-response-hop-limit": func(i shownInstance) []string { return []string{strconv.Itoa(i.item.Metadata.HopLimit)} },
		"metadata-options.http-endpoint":               func(i shownInstance) []string { return []string{i.item.Metadata.Endpoint} },
		"cpu-options.core-count":                       func(i shownInstance) []string { return []string{strconv.Itoa(i.item.CPU.Cores)} },
		"cpu-options.threads-per-core":                 func(i shownInstance) []string { return []string{strconv.Itoa(i.item.CPU.Threads)} },

		"capacity-reservation-specification.capacity-reservation-preference": func(i shownInstance) []string { return []string{i.item.Capacity.Preference} },

		"private-dns-name-options.hostname-type":                        func(i shownInstance) []string { return []string{i.item.Names.Type} },
		"private-dns-name-options.enable-resource-name-dns-a-record":    func(i shownInstance) []string { return []string{strconv.FormatBool(i.item.Names.ByID)} },
		"private-dns-name-options.enable-resource-name-dns-aaaa-record": func(i shownInstance) []string { return []string{strconv.FormatBool(i.item.Names.ByIDOnIPv6)} },

		// What no instance has.
		"affinity":                   noValue,
		"capacity-reservation-id":    noValue,
		"host-id":                    noValue,
		"instance-lifecycle":         noValue,
		"outpost-arn":                noValue,
		"placement-group-name":       noValue,
		"placement-partition-number": noValue,
		"platform":                   noValue,
		"product-code":               noValue,
		"product-code.type":          noValue,
		"requester-id":               noValue,
		"spot-instance-request-id":   noValue,
	}),
	tags: func(i shownInstance) []vpc.Tag { return i.Tags },
}

// withInterfaceFilters adds the filters of interfaces to those of instances.
func withInterfaceFilters(values map[string]func(shownInstance) []string) map[string]func(shownInstance) []string {
	for name := range interfaceFilters.values {
		values["network-interface."+name] = interfaceValues(name)
	}
	values["network-interface.ipv6-address"] = values["ipv6-address"]
	return values
}

// interfaceValues has the values that an instance's interfaces have for a filter
// of theirs. In EC2-Classic an instance shows no interface.
func interfaceValues(filter string) func(shownInstance) []string {
	of := interfaceFilters.values[filter]
	return func(i shownInstance) []string {
		if i.Network == vpc.ClassicNetwork {
			return nil
		}
		var all []string
		for _, n := range interfacesOf(i.reader, i.Instance) {
			all = append(all, of(newInterfaceItem(i.reader, n))...)
		}
		return all
	}
}

// deviceValues has a value of each of an instance's disks.
func deviceValues(of func(blockDeviceItem) string) func(shownInstance) []string {
	return func(i shownInstance) []string { return each(i.item.BlockDevices, of) }
}

func noValue(shownInstance) []string { return nil }

func sourceDestChecks(i shownInstance) []string {
	if i.item.SourceDestCheck == nil {
		return nil
	}
	return []string{strconv.FormatBool(*i.item.SourceDestCheck)}
}

func groupIDs(i shownInstance) []string { return groupItemIDs(i.item.Groups) }

func groupNames(i shownInstance) []string { return groupItemNames(i.item.Groups) }
