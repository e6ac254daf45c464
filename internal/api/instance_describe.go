package api

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type describeInstancesInput struct {
	dryRun
	filters
	paging
	InstanceIDs []string `aws:"InstanceId,bare"`
}

type describeInstancesOutput struct {
	Reservations []reservationItem `aws:"reservationSet"`
	NextToken    string            `aws:"nextToken,omitempty"`
}

// describeInstances implements DescribeInstances. Pages are counted in
// instances, so a large reservation may go over several.
func (r *request) describeInstances(ctx context.Context, in *describeInstancesInput) (*describeInstancesOutput, error) {
	match, err := instanceFilters.match(in.Filters)
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
	var matching []shownInstance
	for _, i := range instances {
		if shown := newShownInstance(v.Reader, i); match(shown) {
			matching = append(matching, shown)
		}
	}
	page, next, err := paginate(in.paging, matching, shownInstance.order)
	if err != nil {
		return nil, err
	}
	out := &describeInstancesOutput{NextToken: next}
	for _, i := range page {
		n := len(out.Reservations)
		if n == 0 || out.Reservations[n-1].ID != i.Reservation {
			reservation := v.Reservation(r.Region, r.Account.ID, i.Reservation)
			if reservation == nil {
				return nil, fmt.Errorf("describe %s: reservation %s is missing", i.ID, i.Reservation)
			}
			out.Reservations = append(out.Reservations, newReservationItem(v.Reader, reservation, nil))
			n++
		}
		out.Reservations[n-1].Instances = append(out.Reservations[n-1].Instances, i.item)
	}
	return out, nil
}

// instancesAskedFor are the instances that a call names, all of the caller's when
// it names none.
func (r *request) instancesAskedFor(reader store.Reader, ids []string) ([]*vpc.Instance, error) {
	if len(ids) == 0 {
		return reader.Instances(r.Region, r.Account.ID), nil
	}
	return r.instances(reader, ids)
}

// instanceByID finds an instance of the caller.
func (r *request) instanceByID(reader store.Reader, id string) (*vpc.Instance, error) {
	instances, err := r.instances(reader, []string{id})
	if err != nil {
		return nil, err
	}
	return instances[0], nil
}

// instances finds instances of the caller, each once. All must exist.
func (r *request) instances(reader store.Reader, ids []string) ([]*vpc.Instance, error) {
	var instances []*vpc.Instance
	var missing []string
	for _, id := range ids {
		if err := checkID(vpc.InvalidInstanceIDMalformed, "i", id); err != nil {
			return nil, err
		}
		i := reader.Instance(vpc.InstanceID(id))
		switch {
		case i == nil || i.Account != r.Account.ID || i.Region != r.Region:
			missing = append(missing, id)
		case !slices.Contains(instances, i):
			instances = append(instances, i)
		}
	}
	switch len(missing) {
	case 0:
		return instances, nil
	case 1:
		return nil, vpc.Errorf(vpc.InvalidInstanceIDNotFound, "The instance ID '%s' does not exist", missing[0])
	default:
		return nil, vpc.Errorf(vpc.InvalidInstanceIDNotFound, "The instance IDs '%s' do not exist", strings.Join(missing, ", "))
	}
}

// shownInstance is an instance and how the API shows it: what is not shown,
// such as the address of a pending instance, is not found by a filter either.
type shownInstance struct {
	*vpc.Instance
	item   instanceItem
	reader store.Reader
}

func newShownInstance(reader store.Reader, i *vpc.Instance) shownInstance {
	return shownInstance{i, newInstanceItem(reader, i), reader}
}

// order sorts instances by launch, then by index.
func (i shownInstance) order() string {
	return fmt.Sprintf("%020d %s %06d", i.LaunchTime.UnixNano(), i.Reservation, i.LaunchIndex)
}

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

		"iam-instance-profile.arn":                     func(i shownInstance) []string { return present(i.Profile) },
		"metadata-options.http-tokens":                 func(i shownInstance) []string { return []string{i.item.Metadata.Tokens} },
		"metadata-options.http-put-response-hop-limit": func(i shownInstance) []string { return []string{strconv.Itoa(i.item.Metadata.HopLimit)} },
		"metadata-options.http-endpoint":               func(i shownInstance) []string { return []string{i.item.Metadata.Endpoint} },
		"cpu-options.core-count":                       func(i shownInstance) []string { return []string{strconv.Itoa(i.item.CPU.Cores)} },
		"cpu-options.threads-per-core":                 func(i shownInstance) []string { return []string{strconv.Itoa(i.item.CPU.Threads)} },
	}),
	tags: func(i shownInstance) []vpc.Tag { return i.Tags },
}

// withInterfaceFilters adds the filters of interfaces to those of instances.
func withInterfaceFilters(values map[string]func(shownInstance) []string) map[string]func(shownInstance) []string {
	for name, of := range interfaceFilters.values {
		values["network-interface."+name] = func(i shownInstance) []string {
			var all []string
			if i.Network == vpc.ClassicNetwork { // there an instance shows none
				return nil
			}
			for _, n := range interfacesOf(i.reader, i.Instance) {
				all = append(all, of(newInterfaceItem(i.reader, n))...)
			}
			return all
		}
	}
	return values
}

func sourceDestChecks(i shownInstance) []string {
	if i.item.SourceDestCheck == nil {
		return nil
	}
	return []string{strconv.FormatBool(*i.item.SourceDestCheck)}
}

func groupIDs(i shownInstance) []string { return groupItemIDs(i.item.Groups) }

func groupNames(i shownInstance) []string { return groupItemNames(i.item.Groups) }

// filterTime is a time as filters name it.
func filterTime(t time.Time) string { return t.Format("2006-01-02T15:04:05.000Z") }

// present is s as the one value of a filter, or no value.
func present(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}
