package agent

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"ringfence/internal/elb"
	"ringfence/internal/fabric"
	"ringfence/internal/fabric/guest"
	"ringfence/internal/fabric/initproto"
	"ringfence/internal/vpc"
)

// A node is a load balancer's in one zone, as the agent knows it beside its
// machine. Its fields are guarded by Agent.mu.
type node struct {
	balancer vpc.LoadBalancerID
	wake     chan struct{} // told when what it should do may have changed
	client   *elb.Client   // nil while nobody attends to it
	health   map[vpc.InstanceID]vpc.HealthState
}

// nodeLimits keep one load balancer from starving the others. A connection costs
// it some 40 KB while bytes are under way.
var nodeLimits = fabric.Limits{Memory: 1 << 30, Processes: 256, CPUWeight: 100}

// findProxy finds out whether this host can run load balancers' nodes.
func (a *Agent) findProxy() {
	engine, err := elb.FindEngine(context.Background())
	a.proxy.Version = engine.Version
	if err != nil {
		a.proxy.Problem = err.Error()
		a.log.Warn("no load balancers on this host", "err", err)
	}
}

// bucketsDir has the access logs of load balancers, in a directory for each
// bucket.
func (a *Agent) bucketsDir() string { return filepath.Join(a.opts.DataDir, "buckets") }

// reconcileNode brings a load balancer's node nearer to what it should be. a.mu
// is held.
func (a *Agent) reconcileNode(ctx context.Context, m *machine, n *vpc.NetworkInterface) {
	if a.nouns.balancers[n.LoadBalancer] == nil || a.proxy.Problem != "" {
		return
	}
	if m == nil {
		m = &machine{id: string(n.ID)}
		a.machines[m.id] = m
	}
	if !m.running {
		a.change(ctx, m, func() { a.bootNode(ctx, m, n.ID) })
		return
	}
	a.wakeNode(n.ID)
}

// wakeNode has whoever attends to a node look again at what it should do. a.mu
// is held.
func (a *Agent) wakeNode(id vpc.InterfaceID) {
	if n := a.nodes[id]; n != nil {
		select {
		case n.wake <- struct{}{}:
		default: // somebody has told it already
		}
	}
}

// bootNode makes a node's machine. When that fails it is tried again later: the
// machine is looked at once more after each change.
func (a *Agent) bootNode(ctx context.Context, m *machine, id vpc.InterfaceID) {
	err := a.bootMachine(ctx, m, func() (fabric.Machine, error) { return a.nodeMachine(m) }, a.attendNode(id))
	if err == nil {
		a.watchNode(ctx, m)
		return
	}
	if ctx.Err() != nil {
		return
	}
	a.log.Error("boot load balancer's node", "node", id, "err", err)
	a.insist(ctx, "remove what did not boot", m.id, func() error { return a.unplug(m) })
	rest(ctx, retryAfter)
}

// nodeMachine says what the machine of a node is, and takes its port. The
// directory that it shares with the host is there then.
func (a *Agent) nodeMachine(m *machine) (fabric.Machine, error) {
	if err := os.MkdirAll(a.bucketsDir(), 0o755); err != nil {
		return fabric.Machine{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	links := a.wantedLinks(m)
	if len(links) != 1 {
		return fabric.Machine{}, fmt.Errorf("the network interface %s cannot be plugged in", m.id)
	}
	l := a.take(m, links[0])
	return fabric.Machine{
		ID: m.id, Kind: guest.Balancer, Generation: m.generation + 1, Ports: []fabric.Port{l.port},
		Hostname: hostname(l.port.Addresses[0].Addr()), Limits: nodeLimits, Shared: a.bucketsDir(),
		Command: []string{"/proc/self/exe", "balancer", filepath.Join(guest.RunDir, elb.SocketName), guest.PrivateDir, guest.SharedDir},
	}, nil
}

// watchNode removes the machine of a node that ends by itself, so that it is
// booted anew.
func (a *Agent) watchNode(ctx context.Context, m *machine) {
	a.mu.Lock()
	generation := m.generation
	a.mu.Unlock()
	a.watch(ctx, m, generation, func() {
		a.log.Error("load balancer's node has ended and is booted anew", "node", m.id)
		a.insist(ctx, "stop node", m.id, func() error { return a.unplug(m) })
		rest(ctx, retryAfter)
	})
}

// attendNode keeps a node's process doing what it should, and takes what it
// finds out, until ctx is done.
func (a *Agent) attendNode(id vpc.InterfaceID) func(context.Context) {
	return func(ctx context.Context) {
		socket := filepath.Join(initproto.RunDir(a.opts.DataDir, string(id)), elb.SocketName)
		client := elb.NewClient(func(ctx context.Context) (net.Conn, error) { return initproto.Dial(ctx, socket) })
		defer client.Close()
		wake := a.attended(id, client)
		defer a.attended(id, nil)
		done := make(chan struct{})
		go func() {
			defer close(done)
			a.followHealth(ctx, id, client)
		}()
		a.instruct(ctx, id, client, wake)
		<-done
	}
}

// attended notes who speaks to a node, nil for nobody, and returns what wakes him.
func (a *Agent) attended(id vpc.InterfaceID, client *elb.Client) <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := a.nodes[id]
	if n == nil {
		n = &node{wake: make(chan struct{}, 1)}
		a.nodes[id] = n
	}
	if i := a.nouns.interfaces[id]; i != nil {
		n.balancer = i.LoadBalancer
	}
	n.client = client
	return n.wake
}

// instruct tells a node what to do, whenever that changes, until ctx is done.
func (a *Agent) instruct(ctx context.Context, id vpc.InterfaceID, client *elb.Client, wake <-chan struct{}) {
	var told *elb.Spec
	for {
		spec := a.nodeSpec(id)
		if spec != nil && !reflect.DeepEqual(spec, told) {
			if !a.insistApply(ctx, id, client, spec) {
				continue
			}
			told = spec
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
		}
	}
}

// nodeWait is how long after it was not reached a node is tried again: it may be
// about to listen.
const nodeWait = 20 * time.Millisecond

// insistApply tells a node what to do until it does it or ctx is done; false
// says that it should do something else by now.
func (a *Agent) insistApply(ctx context.Context, id vpc.InterfaceID, client *elb.Client, spec *elb.Spec) bool {
	for began := time.Now(); ; {
		err := client.Apply(ctx, spec)
		if err == nil || ctx.Err() != nil {
			return true
		}
		wait := nodeWait
		if time.Since(began) > retryAfter {
			a.log.Error("tell load balancer's node what to do", "node", id, "err", err)
			wait = retryAfter
		}
		if rest(ctx, wait); ctx.Err() != nil {
			return true
		}
		if !reflect.DeepEqual(spec, a.nodeSpec(id)) {
			return false
		}
	}
}

// nodeSpec is what a node should do now, nil when that is not known.
func (a *Agent) nodeSpec(id vpc.InterfaceID) *elb.Spec {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := a.nouns.interfaces[id]
	if n == nil || a.nouns.balancers[n.LoadBalancer] == nil {
		return nil
	}
	return elb.NewSpec(a.nouns.balancers[n.LoadBalancer], n, elb.Nouns{
		Instance:    func(id vpc.InstanceID) *vpc.Instance { return a.nouns.instances[id] },
		Certificate: func(arn string) *vpc.ServerCertificate { return a.nouns.certificates[arn] },
	})
}

// followHealth tells the server what a node finds out, until ctx is done.
func (a *Agent) followHealth(ctx context.Context, id vpc.InterfaceID, client *elb.Client) {
	for serial := int64(-1); ctx.Err() == nil; {
		health, err := client.Health(ctx, serial)
		if err != nil {
			rest(ctx, nodeWait)
			continue
		}
		serial = health.Serial
		a.noteHealth(ctx, id, health.Instances)
	}
}

// noteHealth takes all that a node knows, and tells of what has changed.
func (a *Agent) noteHealth(ctx context.Context, id vpc.InterfaceID, states map[vpc.InstanceID]vpc.HealthState) {
	a.mu.Lock()
	n := a.nodes[id]
	report := vpc.Report{Host: a.opts.Host}
	add := func(instance vpc.InstanceID, state vpc.HealthState) {
		report.Health = append(report.Health, vpc.InstanceHealth{LoadBalancer: n.balancer, Node: id, Instance: instance, State: state})
	}
	for instance, state := range states {
		if n.health[instance] != state {
			add(instance, state)
		}
	}
	for instance := range n.health {
		if _, ok := states[instance]; !ok {
			add(instance, vpc.HealthForgotten)
		}
	}
	n.health = maps.Clone(states)
	a.mu.Unlock()
	if len(report.Health) > 0 {
		a.tell(ctx, &report)
	}
}

// forgetNode tells that nobody checks for a node any more, if there was one.
func (a *Agent) forgetNode(ctx context.Context, id vpc.InterfaceID) {
	a.mu.Lock()
	known := a.nodes[id] != nil
	a.mu.Unlock()
	if !known {
		return
	}
	a.noteHealth(ctx, id, nil)
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.nodes, id)
}
