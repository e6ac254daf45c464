package agent

import (
	"context"
	"errors"
	"fmt"

	"ringfence/internal/fabric"
	"ringfence/internal/fabric/guest"
	"ringfence/internal/vpc"
)

// A machine is what runs, or is being made to run, for an instance or as a
// host on the internet side. Its fields are guarded by Agent.mu; while busy,
// only the goroutine that changes it touches what is in the fabric.
type machine struct {
	id         string
	links      []link // by device index
	generation int    // of the boot that runs; valid iff running
	running    bool
	ended      bool // its init has, by itself; valid iff running
	busy       bool
	idle       chan struct{}      // closed when not busy any more; valid iff busy
	stop       context.CancelFunc // ends what attends to it; nil if nothing does
	stopped    chan struct{}      // closed when that has ended
}

// touch notes machines to look at. a.mu is held.
func (a *Agent) touch(ids ...string) {
	for _, id := range ids {
		a.touched[id] = true
	}
}

// reconcile begins whatever brings the machines that were touched nearer to
// their desired states. A machine that is being changed is looked at again when
// that is done. a.mu is held.
func (a *Agent) reconcile(ctx context.Context) {
	for id := range a.touched {
		delete(a.touched, id)
		a.reconcileMachine(ctx, id)
	}
}

func (a *Agent) reconcileMachine(ctx context.Context, id string) {
	m := a.machines[id]
	if addr, ok := outsideAddr(id); ok {
		a.reconcileOutside(ctx, m, addr)
		return
	}
	instance := vpc.InstanceID(id)
	if i := a.nouns.instances[instance]; i != nil {
		a.reconcileInstance(ctx, instance, i)
		return
	}
	delete(a.told, instance)
	if n := a.nouns.interfaces[vpc.InterfaceID(id)]; n != nil && n.IsBalancerNode() {
		a.reconcileNode(ctx, m, n)
		return
	}
	if m != nil {
		a.change(ctx, m, func() {
			a.remove(ctx, m, nil)
			a.forgetNode(ctx, vpc.InterfaceID(id))
		})
	}
}

func (a *Agent) reconcileInstance(ctx context.Context, id vpc.InstanceID, i *vpc.Instance) {
	if a.hasTold(i) {
		return
	}
	m := a.machines[string(id)]
	if m == nil && i.State != vpc.Stopped && i.State != vpc.Terminated {
		m = &machine{id: string(id)}
		a.machines[string(id)] = m
	}
	switch i.State {
	case vpc.Pending, vpc.Running:
		if !m.running || m.generation != i.Generation {
			a.change(ctx, m, func() { a.boot(ctx, m, i) })
		} else if i.State == vpc.Pending {
			a.change(ctx, m, func() { a.settled(ctx, i, vpc.Running) })
		} else if !m.ended && !a.isWired(m) {
			a.change(ctx, m, func() { a.rewire(ctx, m, i) })
		}
	case vpc.ShuttingDown:
		a.change(ctx, m, func() { a.remove(ctx, m, i) })
	case vpc.Stopping:
		a.change(ctx, m, func() { a.halt(ctx, m, i) })
	case vpc.Stopped:
		if m != nil && m.running {
			a.change(ctx, m, func() { a.halt(ctx, m, nil) })
		}
	case vpc.Terminated:
		if m != nil {
			a.change(ctx, m, func() { a.remove(ctx, m, nil) })
		}
	}
}

// change runs what changes a machine beside the loop, unless it is being
// changed already. a.mu is held.
func (a *Agent) change(ctx context.Context, m *machine, do func()) {
	if m.busy || ctx.Err() != nil {
		return
	}
	m.busy, m.idle = true, make(chan struct{})
	a.work.Go(func() {
		select {
		case a.gate <- struct{}{}:
			do()
			<-a.gate
		case <-ctx.Done(): // what waited for its turn is left to the next agent
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		m.busy = false
		close(m.idle)
		a.touch(m.id)
		a.reconcile(ctx)
	})
}

// settled tells what an instance has come to.
func (a *Agent) settled(ctx context.Context, i *vpc.Instance, state vpc.InstanceState, why ...vpc.StateReason) {
	r := vpc.Report{Host: a.opts.Host, Instance: i.ID, Generation: i.Generation, State: state}
	if len(why) > 0 {
		r.Reason = why[0]
	}
	a.tell(ctx, &r)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.told[i.ID] = r
}

// hasTold reports whether the server knows already what has become of an
// instance, though the feed does not say so yet. a.mu is held.
func (a *Agent) hasTold(i *vpc.Instance) bool {
	r, ok := a.told[i.ID]
	if !ok {
		return false
	}
	if r.Generation == i.Generation && follows(i.State, r.State) {
		return true
	}
	delete(a.told, i.ID)
	return false
}

// follows reports whether an instance that has come to a state comes from
// another: from a transient one, or from one that it has left by itself.
func follows(from, to vpc.InstanceState) bool {
	switch from {
	case vpc.Pending:
		return to == vpc.Running || to == vpc.Stopped || to == vpc.Terminated
	case vpc.Running, vpc.Stopping:
		return to == vpc.Stopped
	case vpc.ShuttingDown:
		return to == vpc.Terminated
	default:
		return false
	}
}

// boot makes an instance's machine, born closed: its port is judged before it
// is up.
func (a *Agent) boot(ctx context.Context, m *machine, i *vpc.Instance) {
	if !a.isWanted(i) {
		return
	}
	specify := func() (fabric.Machine, error) { return a.spec(m, i) }
	if err := a.bootMachine(ctx, m, specify, a.answering(m, a.instanceHandlers(i.ID))); err != nil {
		if ctx.Err() != nil || !a.isWanted(i) {
			return // ended by us: the next agent boots it; or by its owner: reconcile removes it
		}
		a.log.Error("boot instance", "instance", i.ID, "err", err)
		a.insist(ctx, "remove what did not boot", m.id, func() error { return a.unplug(m) })
		a.settled(ctx, i, vpc.Terminated, vpc.StateReason{
			Code: "Server.InternalError", Message: "Server.InternalError: Internal error on launch",
		})
		return
	}
	a.watchInstance(ctx, m, i)
	a.settled(ctx, i, vpc.Running)
}

// isWanted reports whether an instance should still be running, as of the boot
// that i is in.
func (a *Agent) isWanted(i *vpc.Instance) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.nouns.instances[i.ID]
	return now != nil && now.Generation == i.Generation && (now.State == vpc.Pending || now.State == vpc.Running)
}

// watchInstance stops an instance whose init ends, as one that shuts itself
// down.
func (a *Agent) watchInstance(ctx context.Context, m *machine, i *vpc.Instance) {
	a.watch(ctx, m, i.Generation, func() {
		a.log.Info("instance has ended by itself", "instance", i.ID)
		if a.insist(ctx, "stop instance", m.id, func() error { return a.unplug(m) }) {
			a.settled(ctx, i, vpc.Stopped, vpc.StateReason{
				Code: "Client.InstanceInitiatedShutdown", Message: "Client.InstanceInitiatedShutdown: Instance initiated shutdown",
			})
		}
	})
}

// watch waits for the end of a machine's init, of one boot, and if nobody has
// asked for it, changes the machine.
func (a *Agent) watch(ctx context.Context, m *machine, generation int, ended func()) {
	a.work.Go(func() {
		if err := a.fabric.Wait(ctx, m.id); err != nil {
			return // ctx is done
		}
		a.mu.Lock()
		m.ended = m.ended || m.generation == generation
		a.mu.Unlock()
		if a.lockIdle(ctx, m) != nil {
			return
		}
		defer a.mu.Unlock()
		if m.running && m.generation == generation {
			a.change(ctx, m, ended)
		}
	})
}

// bootMachine makes a machine anew of a specification that also takes its ports.
func (a *Agent) bootMachine(ctx context.Context, m *machine, specify func() (fabric.Machine, error), attend func(context.Context)) error {
	if err := a.unplug(m); err != nil {
		return err
	}
	spec, err := specify()
	if err != nil {
		return err
	}
	if err := a.start(ctx, m, spec, attend); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	m.running, m.ended, m.generation = true, false, spec.Generation
	return nil
}

// spec says what the machine of an instance is, and takes its ports.
func (a *Agent) spec(m *machine, i *vpc.Instance) (fabric.Machine, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	links := a.wantedLinks(m)
	if len(links) == 0 || links[0].port.Device != 0 {
		return fabric.Machine{}, fmt.Errorf("the first network interface of %s is not known", i.ID)
	}
	image := a.opts.Catalogue.Image(i.Image)
	spec := fabric.Machine{
		ID: m.id, Kind: guest.Instance, Generation: i.Generation,
		Hostname: hostname(links[0].port.Addresses[0].Addr()), Domain: vpc.PrivateDomain(i.Region),
		Resolvers: a.resolvers(i.Network), Metadata: true,
		Root: image.Root, PublicKey: i.PublicKey, UserData: i.UserData, Command: image.Command, Limits: instanceLimits,
	}
	for _, l := range links {
		spec.Ports = append(spec.Ports, a.take(m, l).port)
	}
	for _, s := range image.Services {
		spec.Services = append(spec.Services, guest.Service(s))
	}
	return spec, nil
}

// start boots a machine whose ports are known, and attends to it.
func (a *Agent) start(ctx context.Context, m *machine, spec fabric.Machine, attend func(context.Context)) error {
	prepared, err := a.fabric.Prepare(ctx, spec)
	if err != nil {
		return fmt.Errorf("prepare machine: %w", err)
	}
	for _, l := range m.links {
		if err := a.plug(m.id, l); err != nil {
			return errors.Join(err, prepared.Abandon(context.WithoutCancel(ctx)))
		}
	}
	a.serve(ctx, m, attend)
	if err := prepared.Boot(ctx); err != nil {
		a.silence(m)
		return err
	}
	return nil
}

// halt stops a machine and keeps its files. i is nil when nobody waits to hear
// of it.
func (a *Agent) halt(ctx context.Context, m *machine, i *vpc.Instance) {
	if m.running {
		if err := a.fabric.Shutdown(ctx, m.id); err != nil {
			a.log.Warn("shut instance down", "instance", m.id, "err", err)
		}
	}
	if !a.insist(ctx, "stop instance", m.id, func() error { return a.unplug(m) }) || i == nil {
		return
	}
	a.settled(ctx, i, vpc.Stopped)
}

// remove ends a machine and throws its files away.
func (a *Agent) remove(ctx context.Context, m *machine, i *vpc.Instance) {
	gone := a.insist(ctx, "remove machine", m.id, func() error {
		if err := a.unplug(m); err != nil {
			return err
		}
		return a.fabric.Remove(ctx, m.id)
	})
	if !gone {
		return
	}
	if i != nil {
		a.settled(ctx, i, vpc.Terminated)
	}
	a.mu.Lock() // only now: another machine for i would be told of once more
	defer a.mu.Unlock()
	delete(a.machines, m.id)
}

// lockIdle waits until nobody changes a machine, and returns with a.mu held.
func (a *Agent) lockIdle(ctx context.Context, m *machine) error {
	for {
		a.mu.Lock()
		if !m.busy {
			return nil
		}
		idle := m.idle
		a.mu.Unlock()
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// insist tries until it succeeds or ctx is done.
func (a *Agent) insist(ctx context.Context, what, machine string, try func() error) bool {
	for {
		err := try()
		if err == nil {
			return true
		}
		a.log.Error(what, "machine", machine, "err", err)
		if rest(ctx, retryAfter); ctx.Err() != nil {
			return false
		}
	}
}

// Console tells what an instance has said, nothing when it never ran here.
func (a *Agent) Console(id vpc.InstanceID) (vpc.Console, error) {
	text, at, err := a.fabric.Console(string(id))
	return vpc.Console{Text: text, At: at}, err
}

// answering is attending to a machine by answering its questions.
func (a *Agent) answering(m *machine, h fabric.Handlers) func(context.Context) {
	return func(ctx context.Context) {
		if err := a.fabric.ServeMachine(ctx, m.id, h); err != nil && ctx.Err() == nil {
			a.log.Error("answer machine", "machine", m.id, "err", err)
		}
	}
}

// serve attends to a machine until silence.
func (a *Agent) serve(ctx context.Context, m *machine, attend func(context.Context)) {
	ctx, cancel := context.WithCancel(ctx)
	stopped := make(chan struct{})
	a.mu.Lock()
	m.stop, m.stopped = cancel, stopped
	a.mu.Unlock()
	a.work.Go(func() {
		defer close(stopped)
		attend(ctx)
	})
}

func (a *Agent) silence(m *machine) {
	a.mu.Lock()
	stop, stopped := m.stop, m.stopped
	m.stop, m.stopped = nil, nil
	a.mu.Unlock()
	if stop != nil {
		stop()
		<-stopped
	}
}
