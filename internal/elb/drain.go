package elb

import (
	"context"
	"slices"
	"time"

	"ringfence/internal/vpc"
)

// A drain is what is left of an instance that was deregistered.
type drain struct {
	servers map[string]bool // by the names that HAProxy knows
	until   time.Time
}

// forget ends the checks of an instance that spec, the one before, had. Its
// connections have the time of draining, if there is any, or are cut.
func (n *Node) forget(ctx context.Context, old *Spec, t *target) {
	t.stop()
	delete(n.targets, t.Instance)
	d := &drain{servers: make(map[string]bool), until: time.Now().Add(time.Duration(n.spec.DrainingTimeout) * time.Second)}
	for _, l := range old.Listeners {
		d.servers[l.server(t.Target)] = true
	}
	if n.spec.DrainingTimeout > 0 && t.served && !n.hasTarget(t.Instance) {
		n.draining[t.Instance] = d
		return
	}
	n.cut(ctx, d)
}

// hasTarget reports whether the spec has an instance, at whatever address.
func (n *Node) hasTarget(id vpc.InstanceID) bool {
	return slices.ContainsFunc(n.spec.Targets, func(t Target) bool { return t.Instance == id })
}

// cut ends what connections are left to an instance.
func (n *Node) cut(ctx context.Context, d *drain) {
	if err := n.proxy.cut(ctx, d.servers); err != nil {
		n.log.Error("end connections", "servers", d.servers, "err", err)
	}
}

// drain ends drains that are over: nothing is left of them, or no time.
func (n *Node) drain(ctx context.Context) {
	busy, err := n.sessions(ctx)
	if err != nil {
		n.log.Error("look after draining instances", "err", err)
		return
	}
	for id, d := range n.draining {
		left := 0
		for server := range d.servers {
			left += busy[server]
		}
		if left > 0 && time.Now().Before(d.until) {
			continue
		}
		n.cut(ctx, d)
		delete(n.draining, id)
		n.publish()
	}
}

// sessions counts the connections to each server, in all workers.
func (n *Node) sessions(ctx context.Context) (map[string]int, error) {
	w, err := n.proxy.workers(ctx)
	if err != nil {
		return nil, err
	}
	busy := make(map[string]int)
	for _, worker := range w.all() {
		rows, err := n.proxy.statistics(ctx, worker)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			busy[r["svname"]] += int(r.number("scur"))
		}
	}
	return busy, nil
}
