package api

import (
	"context"
	"reflect"
	"time"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// userShutdown is why an instance stops or ends when its owner has said so
// (EC2 API reference, StateReason).
var userShutdown = vpc.StateReason{Code: "Client.UserInitiatedShutdown", Message: "Client.UserInitiatedShutdown: User initiated shutdown"}

type instancesInput struct {
	dryRun
	InstanceIDs []string `aws:"InstanceId,required,bare"`
}

type stopInstancesInput struct {
	instancesInput

	// Force asks not to wait for the instance to shut down by itself. It is
	// never waited for.
	Force bool `aws:"Force"`
}

type stateChangesOutput struct {
	Instances []stateChangeItem `aws:"instancesSet"`
}

type stateChangeItem struct {
	ID       vpc.InstanceID `aws:"instanceId"`
	Current  stateItem      `aws:"currentState"`
	Previous stateItem      `aws:"previousState"`
}

// terminateInstances implements TerminateInstances. An instance that runs
// shuts down first, and keeps its addresses and groups until it has.
func (r *request) terminateInstances(ctx context.Context, in *instancesInput) (*stateChangesOutput, error) {
	return r.changeInstances(ctx, in.InstanceIDs, func(tx *store.Tx, i *vpc.Instance) error {
		if i.KeepAlive && i.State != vpc.Terminated {
			return vpc.Errorf(vpc.OperationNotPermitted,
				"The instance '%s' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.", i.ID)
		}
		switch i.State {
		case vpc.ShuttingDown, vpc.Terminated:
		case vpc.Stopped:
			giveUpPlace(tx, i)
			enterState(i, vpc.Terminated, userShutdown)
		default:
			enterState(i, vpc.ShuttingDown, userShutdown)
		}
		return nil
	})
}

// stopInstances implements StopInstances. When it has stopped, an instance in
// EC2-Classic gives its addresses back, one in a VPC what the pool has given it.
func (r *request) stopInstances(ctx context.Context, in *stopInstancesInput) (*stateChangesOutput, error) {
	return r.changeInstances(ctx, in.InstanceIDs, func(_ *store.Tx, i *vpc.Instance) error {
		if i.KeepRunning {
			return vpc.Errorf(vpc.OperationNotPermitted,
				"The instance '%s' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.", i.ID)
		}
		switch i.State {
		case vpc.Stopping, vpc.Stopped:
		case vpc.Running:
			enterState(i, vpc.Stopping, userShutdown)
		default:
			return errState(i, "stopped")
		}
		return nil
	})
}

// startInstances implements StartInstances. What an instance has given back when
// it stopped it gets anew.
func (r *request) startInstances(ctx context.Context, in *instancesInput) (*stateChangesOutput, error) {
	return r.changeInstances(ctx, in.InstanceIDs, func(tx *store.Tx, i *vpc.Instance) error {
		switch i.State {
		case vpc.Pending, vpc.Running:
		case vpc.Stopped:
			if err := r.takePlace(tx, i); err != nil {
				return err
			}
			enterState(i, vpc.Pending, vpc.StateReason{})
			i.Generation++
			i.LaunchTime = i.StateSince
		default:
			return errState(i, "started")
		}
		return nil
	})
}

// rebootInstances implements RebootInstances. An instance keeps its addresses
// and stays running.
func (r *request) rebootInstances(ctx context.Context, in *instancesInput) (*returnOutput, error) {
	_, err := r.changeInstances(ctx, in.InstanceIDs, func(_ *store.Tx, i *vpc.Instance) error {
		if i.State != vpc.Running {
			return errState(i, "rebooted")
		}
		i.Generation++
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &returnOutput{Return: true}, nil
}

// changeInstances applies change to a copy of each of the instances and puts those
// that it has changed: all of them or none.
func (r *request) changeInstances(ctx context.Context, ids []string, change func(*store.Tx, *vpc.Instance) error) (*stateChangesOutput, error) {
	var out *stateChangesOutput
	err := r.update(ctx, func(tx *store.Tx) error {
		out = &stateChangesOutput{}
		instances, err := r.instances(tx.Reader, ids)
		if err != nil {
			return err
		}
		for _, was := range instances {
			i := *was
			if err := change(tx, &i); err != nil {
				return err
			}
			if !reflect.DeepEqual(&i, was) {
				tx.PutInstance(&i)
			}
			out.Instances = append(out.Instances, stateChangeItem{i.ID, newStateItem(i.State), newStateItem(was.State)})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// enterState puts i, a copy, into a state.
func enterState(i *vpc.Instance, s vpc.InstanceState, why vpc.StateReason) {
	i.State, i.StateReason, i.StateSince = s, why, time.Now().UTC()
}

func errState(i *vpc.Instance, done string) error {
	return vpc.Errorf(vpc.IncorrectInstanceState, "The instance '%s' is not in a state from which it can be %s.", i.ID, done)
}
