package api

import (
	"context"
	"fmt"
	"time"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// Report takes what an agent says about instances. What is out of date is
// passed over: of an instance that is gone, of an earlier boot, or of a state
// that the instance cannot reach any more.
func (a *API) Report(ctx context.Context, report *vpc.Report) error {
	a.health.note(report.Health)
	if report.Proxy != nil {
		a.proxy.Store(report.Proxy)
	}
	if report.Instance == "" {
		return nil
	}
	_, err := a.store.Update(ctx, func(tx *store.Tx) error {
		was := tx.Instance(report.Instance)
		if was == nil || report.Generation != was.Generation || !follows(was.State, report.State) {
			return nil
		}
		i := *was
		why, state := report.Reason, report.State
		if why.Code == "" && state != vpc.Running {
			why = was.StateReason
		}
		if state == vpc.Stopped && was.State == vpc.Running && was.TerminateAtShutdown {
			state = vpc.Terminated
		}
		if state == vpc.Terminated {
			giveUpPlace(tx, &i)
		} else if state == vpc.Stopped {
			vacatePlace(tx, &i)
		}
		enterState(&i, state, why)
		tx.PutInstance(&i)
		return nil
	})
	if err != nil {
		return fmt.Errorf("report %s as %s: %w", report.Instance, report.State, err)
	}
	return nil
}

// follows reports whether an agent may take an instance from one state to
// another: it ends what the API has begun, and says when an instance has ended
// by itself.
func follows(from, to vpc.InstanceState) bool {
	switch to {
	case vpc.Running:
		return from == vpc.Pending
	case vpc.Stopped:
		return from == vpc.Running || from == vpc.Stopping
	case vpc.Terminated:
		return from != vpc.Terminated && from != vpc.Stopped
	default:
		return false
	}
}

// terminatedShown is how long Describe shows a terminated instance (EC2 User
// Guide, "Terminate your instance": a short while, less than an hour).
const terminatedShown = time.Hour

// Forget removes the instances that were terminated long ago, with their
// reservations and client tokens, and what was known of load balancers that are
// gone.
func (a *API) Forget(ctx context.Context) error {
	v, err := a.store.View(ctx)
	if err != nil {
		return fmt.Errorf("forget what is gone: %w", err)
	}
	a.health.drop(func(id vpc.LoadBalancerID) bool { return v.LoadBalancer(id) == nil })
	before := time.Now().Add(-terminatedShown)
	for _, i := range v.EveryInstance() {
		if i.State != vpc.Terminated || i.StateSince.After(before) {
			continue
		}
		if _, err := a.store.Update(ctx, func(tx *store.Tx) error {
			leaveBalancers(tx, i)
			tx.DeleteInstance(i)
			return nil
		}); err != nil {
			return fmt.Errorf("forget %s: %w", i.ID, err)
		}
	}
	return nil
}
