package elb

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"ringfence/internal/vpc"
)

// A Node is a load balancer in one zone: a proxy, and the health checks of the
// instances behind it. Everything that changes it is done by Run, one thing
// after the other.
type Node struct {
	proxy *proxy
	log   *slog.Logger
	tasks chan func(context.Context)

	// Of Run alone.
	spec     *Spec // nil before the first one
	shape    *configuration
	targets  map[vpc.InstanceID]*target
	draining map[vpc.InstanceID]*drain
	access   accessLog
	counted  counters

	mu      sync.Mutex
	health  Health        // as of now; its map is replaced, never changed
	changed chan struct{} // closed by the next change of health
}

// A target is an instance that is checked.
type target struct {
	Target
	tracker
	stop    context.CancelFunc // ends its checks
	stopped chan struct{}      // closed when they have ended
}

// Health is what a node knows of its instances. Those that are not in it are
// not checked.
type Health struct {
	Serial    int64 // raised by each change
	Instances map[vpc.InstanceID]vpc.HealthState
}

// NewNode returns a node that keeps its files in dir, which is its own, and its
// access logs below buckets.
func NewNode(engine Engine, dir, buckets string, log *slog.Logger) (*Node, error) {
	p, err := newProxy(engine, dir, log)
	if err != nil {
		return nil, err
	}
	return &Node{
		proxy: p, log: log, tasks: make(chan func(context.Context)),
		targets: make(map[vpc.InstanceID]*target), draining: make(map[vpc.InstanceID]*drain),
		access:  accessLog{root: buckets, now: time.Now},
		counted: newCounters(),
		changed: make(chan struct{}),
	}, nil
}

// tickEvery is how often a node looks after what takes its time: drains, a
// proxy that has died, log files to publish.
const tickEvery = time.Second

// Run runs the node until ctx is done, and ends all its connections then.
func (n *Node) Run(ctx context.Context) error {
	lines, err := n.proxy.listenLog()
	if err != nil {
		return fmt.Errorf("listen for log lines: %w", err)
	}
	var helpers sync.WaitGroup
	defer helpers.Wait()
	defer lines.close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	helpers.Go(lines.read)
	defer n.proxy.stop()
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			for _, t := range n.targets {
				<-t.stopped
			}
			return n.access.publish()
		case task := <-n.tasks:
			task(ctx)
		case line := <-lines.c:
			if n.spec == nil {
				continue
			}
			if err := n.access.write(line); err != nil {
				n.log.Error("write access log", "err", err)
			}
		case <-tick.C:
			n.tick(ctx)
		}
	}
}

// do has Run do something, and returns when it is done.
func (n *Node) do(ctx context.Context, task func(context.Context)) error {
	done := make(chan struct{})
	select {
	case n.tasks <- func(ctx context.Context) { defer close(done); task(ctx) }:
		<-done
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Apply makes the node what spec says, and returns when new connections are
// passed on accordingly. With an error the node is what it was.
func (n *Node) Apply(ctx context.Context, spec *Spec) error {
	var err error
	if e := n.do(ctx, func(ctx context.Context) { err = n.apply(ctx, spec) }); e != nil {
		return e
	}
	return err
}

func (n *Node) apply(ctx context.Context, spec *Spec) error {
	target, err := vpc.ParseHealthTarget(spec.HealthCheck.Target)
	if err != nil {
		return err
	}
	shape, err := spec.render(n.proxy.dir, nil)
	if err != nil {
		return err
	}
	gone := n.gone(spec)
	for id := range gone {
		n.serve(ctx, n.targets[id], false) // also for who has a connection already
	}
	if !shape.equal(n.shape) || !n.proxy.isRunning() {
		if err := n.load(ctx, spec, gone); err != nil {
			for id := range gone {
				n.serve(ctx, n.targets[id], n.targets[id].inService())
			}
			return err
		}
		n.shape = shape
	}
	old := n.spec
	n.spec = spec
	for id := range gone {
		n.forget(ctx, old, n.targets[id])
	}
	n.check(ctx, old, probe(target))
	n.publish()
	return n.access.follow(spec)
}

// gone are the instances that spec does not have any more, or at another
// address.
func (n *Node) gone(spec *Spec) map[vpc.InstanceID]bool {
	gone := make(map[vpc.InstanceID]bool)
	for id := range n.targets {
		gone[id] = true
	}
	for _, t := range spec.Targets {
		if have := n.targets[t.Instance]; have != nil && have.Target == t {
			delete(gone, t.Instance)
		}
	}
	return gone
}

// load has the proxy run spec. What an old worker counts from now on, until it
// ends, is not seen any more.
func (n *Node) load(ctx context.Context, spec *Spec, gone map[vpc.InstanceID]bool) error {
	inService := n.inService()
	for id := range gone {
		delete(inService, id)
	}
	live, err := spec.render(n.proxy.dir, inService)
	if err != nil {
		return err
	}
	if err := spec.authenticate(ctx, live); err != nil {
		return err
	}
	n.count(ctx)
	return n.proxy.run(ctx, live)
}

func (n *Node) inService() map[vpc.InstanceID]bool {
	in := make(map[vpc.InstanceID]bool)
	for id, t := range n.targets {
		if t.inService() {
			in[id] = true
		}
	}
	return in
}

// check begins the checks of instances that are new, and of all if they are to
// be checked otherwise than by the old spec.
func (n *Node) check(ctx context.Context, old *Spec, p probe) {
	changed := old != nil && old.HealthCheck != n.spec.HealthCheck
	for _, want := range n.spec.Targets {
		t := n.targets[want.Instance]
		switch {
		case t == nil:
			t = &target{Target: want, tracker: tracker{state: vpc.HealthUnchecked}}
			n.targets[want.Instance] = t
			delete(n.draining, want.Instance) // registered again: what it has may go on
		case changed:
			t.stop()
			t.successes, t.failures = 0, 0
		default:
			continue
		}
		n.watch(ctx, t, p)
	}
}

// watch has a target checked, and each result noted by Run.
func (n *Node) watch(ctx context.Context, t *target, p probe) {
	ctx, t.stop = context.WithCancel(ctx)
	stopped := make(chan struct{})
	t.stopped = stopped
	check := n.spec.HealthCheck
	go func() {
		defer close(stopped)
		watch(ctx, p, check, t.Address, func(result error) {
			_ = n.do(ctx, func(run context.Context) { // not done: nobody wants to know any more
				if ctx.Err() == nil {
					n.note(run, t, result)
				}
			})
		})
	}()
}

// note takes the result of a health check.
func (n *Node) note(ctx context.Context, t *target, result error) {
	before := t.tracker
	t.note(result == nil, n.spec.HealthCheck)
	if t.state == before.state {
		return
	}
	n.log.Info("health", "instance", t.Instance, "state", t.state, "check", n.spec.HealthCheck.Target, "err", result)
	if t.inService() != before.inService() {
		n.serve(ctx, t, t.inService())
		if t.inService() && slices.ContainsFunc(n.spec.Listeners, Listener.authenticates) {
			n.shape = nil // it may show another certificate than before: tick loads anew
		}
	}
	n.publish()
}

// serve lets new connections be passed to an instance, or no more. A proxy that
// cannot be told is loaded anew by tick.
func (n *Node) serve(ctx context.Context, t *target, inService bool) {
	if n.spec == nil || !n.proxy.isRunning() {
		return
	}
	w, err := n.proxy.workers(ctx)
	for _, l := range n.spec.Listeners {
		if err == nil {
			err = n.proxy.setService(ctx, w.current, l.backend(), l.server(t.Target), inService)
		}
	}
	if err != nil {
		n.log.Error("tell HAProxy of health", "instance", t.Instance, "err", err)
		n.shape = nil
	}
}

// tick looks after what takes its time.
func (n *Node) tick(ctx context.Context) {
	if n.spec == nil {
		return
	}
	if n.shape == nil || !n.proxy.isRunning() {
		n.shape = nil
		if err := n.apply(ctx, n.spec); err != nil {
			n.log.Error("restart HAProxy", "err", err)
		}
	}
	if len(n.draining) > 0 {
		n.drain(ctx)
	}
	if err := n.access.turn(); err != nil {
		n.log.Error("publish access log", "err", err)
	}
}

// publish tells of a change in health, if there is one.
func (n *Node) publish() {
	states := make(map[vpc.InstanceID]vpc.HealthState)
	for id := range n.draining {
		states[id] = vpc.HealthDraining
	}
	for id, t := range n.targets {
		states[id] = t.state
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if maps.Equal(states, n.health.Instances) && n.health.Serial > 0 {
		return
	}
	n.health = Health{Serial: n.health.Serial + 1, Instances: states}
	close(n.changed)
	n.changed = make(chan struct{})
}

// Health returns what the node knows as soon as it is not what it was at a
// serial number, or when ctx is done.
func (n *Node) Health(ctx context.Context, after int64) Health {
	for {
		n.mu.Lock()
		health, changed := n.health, n.changed
		n.mu.Unlock()
		if health.Serial != after {
			return health
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return health
		}
	}
}
