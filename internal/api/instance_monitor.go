package api

import (
	"context"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type monitoringOutput struct {
	Instances []monitoredItem `aws:"instancesSet"`
}

type monitoredItem struct {
	ID         vpc.InstanceID `aws:"instanceId"`
	Monitoring monitoringItem `aws:"monitoring"`
}

// monitorInstances implements MonitorInstances. Nothing is measured: instances
// only show what they are asked for.
func (r *request) monitorInstances(ctx context.Context, in *instancesInput) (*monitoringOutput, error) {
	return r.setMonitoring(ctx, in, true, "pending")
}

// unmonitorInstances implements UnmonitorInstances.
func (r *request) unmonitorInstances(ctx context.Context, in *instancesInput) (*monitoringOutput, error) {
	return r.setMonitoring(ctx, in, false, "disabling")
}

// setMonitoring says what instances show, and in the answer that they soon will.
func (r *request) setMonitoring(ctx context.Context, in *instancesInput, on bool, soon string) (*monitoringOutput, error) {
	changes, err := r.changeInstances(ctx, in.InstanceIDs, func(_ *store.Tx, i *vpc.Instance) error {
		i.Monitoring = on
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &monitoringOutput{}
	for _, c := range changes.Instances {
		out.Instances = append(out.Instances, monitoredItem{c.ID, monitoringItem{soon}})
	}
	return out, nil
}
