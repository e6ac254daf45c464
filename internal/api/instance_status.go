package api

import (
	"context"
	"strconv"

	"ringfence/internal/vpc"
)

type describeInstanceStatusInput struct {
	dryRun
	filters
	paging
	InstanceIDs []string `aws:"InstanceId,bare"`
	All         bool     `aws:"IncludeAllInstances"` // not only those that run
}

type describeInstanceStatusOutput struct {
	Statuses  []instanceStatusItem `aws:"instanceStatusSet"`
	NextToken string               `aws:"nextToken,omitempty"`
}

// instanceStatusItem says how an instance is (EC2 API reference,
// InstanceStatus).
type instanceStatusItem struct {
	ID       vpc.InstanceID `aws:"instanceId"`
	Zone     vpc.Zone       `aws:"availabilityZone"`
	State    stateItem      `aws:"instanceState"`
	System   statusItem     `aws:"systemStatus"`
	Instance statusItem     `aws:"instanceStatus"`
}

type statusItem struct {
	Status  string             `aws:"status"`
	Details []statusDetailItem `aws:"details,omitempty"`
}

type statusDetailItem struct {
	Name   string `aws:"name"`
	Status string `aws:"status"`
}

// describeInstanceStatus implements DescribeInstanceStatus. An instance that
// runs is well: one that is not ends.
func (r *request) describeInstanceStatus(ctx context.Context, in *describeInstanceStatusInput) (*describeInstanceStatusOutput, error) {
	match, err := instanceStatusFilters.match(in.Filters)
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
	var matching []instanceStatusItem
	for _, i := range instances {
		if i.State != vpc.Running && !in.All {
			continue
		}
		if item := newInstanceStatusItem(i); match(item) {
			matching = append(matching, item)
		}
	}
	page, next, err := paginate(in.paging, matching, func(i instanceStatusItem) string { return string(i.ID) })
	if err != nil {
		return nil, err
	}
	return &describeInstanceStatusOutput{Statuses: page, NextToken: next}, nil
}

func newInstanceStatusItem(i *vpc.Instance) instanceStatusItem {
	status := statusItem{Status: "not-applicable"}
	if i.State == vpc.Running {
		status = statusItem{"ok", []statusDetailItem{{"reachability", "passed"}}}
	}
	return instanceStatusItem{i.ID, i.Zone, newStateItem(i.State), status, status}
}

// instanceStatusFilters are the filters of DescribeInstanceStatus (EC2 API
// reference). No instance has an event.
var instanceStatusFilters = filterTable[instanceStatusItem]{values: map[string]func(instanceStatusItem) []string{
	"availability-zone":            func(i instanceStatusItem) []string { return []string{string(i.Zone)} },
	"availability-zone-id":         func(i instanceStatusItem) []string { return []string{i.Zone.ID()} },
	"instance-state-name":          func(i instanceStatusItem) []string { return []string{i.State.Name} },
	"instance-state-code":          func(i instanceStatusItem) []string { return []string{strconv.Itoa(i.State.Code)} },
	"instance-status.status":       func(i instanceStatusItem) []string { return []string{i.Instance.Status} },
	"instance-status.reachability": func(i instanceStatusItem) []string { return i.Instance.reachability() },
	"system-status.status":         func(i instanceStatusItem) []string { return []string{i.System.Status} },
	"system-status.reachability":   func(i instanceStatusItem) []string { return i.System.reachability() },
	"event.code":                   func(instanceStatusItem) []string { return nil },
}}

func (s statusItem) reachability() []string {
	var values []string
	for _, d := range s.Details {
		values = append(values, d.Status)
	}
	return values
}
