package api

import (
	"context"
	"fmt"
	"slices"
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

// filterTime is a time as filters name it.
func filterTime(t time.Time) string { return t.Format("2006-01-02T15:04:05.000Z") }

// present is s as the one value of a filter, or no value.
func present(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}
