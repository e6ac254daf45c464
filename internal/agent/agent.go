package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"ringfence/internal/dataplane"
	"ringfence/internal/fabric"
	"ringfence/internal/names"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// Options of an agent.
type Options struct {
	Host             string // how the server calls this host
	Name             string // carried by everything on the host, see fabric.Config
	DataDir          string
	Revoke           policy.Revocation
	StrictICMPErrors bool // see policy.Host
	MaxFlows         int
	Filters          bool           // attach by clsact filters although there is TCX
	PublicPools      []netip.Prefix // routed to by the host's own link
	HostLink         netip.Addr     // of the host on the internet side; not valid: no link
	DNS              string         // HOST:PORT to answer outside names on, "" for none
	Catalogue        *vpc.Catalogue
	Log              *slog.Logger
}

// CheckName says what is wrong with a name for Options.
func CheckName(name string) error { return fabric.CheckName(name) }

// A Feed is where desired state comes from.
type Feed interface {
	Next(ctx context.Context) (*vpc.Feed, error)
}

// An Agent runs one host.
type Agent struct {
	opts      Options
	log       *slog.Logger
	feed      Feed
	report    func(context.Context, *vpc.Report) error
	fabric    *fabric.Fabric
	dataplane *dataplane.Dataplane
	resolver  *names.Resolver

	ready chan struct{} // closed
	flows atomic.Int64  // as of the last collection
	proxy vpc.ProxyEngine

	mu       sync.Mutex // guards what is below
	host     *policy.Host
	behind   bool // the kernel is not equal to host: the last Apply has failed
	nouns    nouns
	machines map[string]*machine // by id: instances, and outside hosts by address
	touched  map[string]bool     // ids of machines to look at
	plugged  map[vpc.InterfaceID]*machine
	ports    *indexes
	hostLink policy.Port                   // 0: none
	told     map[vpc.InstanceID]vpc.Report // last, until the feed has it
	nodes    map[vpc.InterfaceID]*node     // of load balancers

	asks chan func(context.Context) // run by the loop

	watchers watchers

	work sync.WaitGroup // machines being changed
	gate chan struct{}  // limits how many at once
}

// bootsAtOnce is how many machines are booted or removed at a time.
const bootsAtOnce = 8

// New opens the host's kernel and fabric, and adopts what an earlier agent has
// left. What it adopts goes on being judged by the rules of then until Run.
func New(opts Options, feed Feed, report func(context.Context, *vpc.Report) error) (*Agent, error) {
	a := &Agent{
		opts: opts, log: opts.Log, feed: feed, report: report,
		host:     policy.NewHost(opts.Revoke),
		nouns:    newNouns(),
		machines: make(map[string]*machine),
		touched:  make(map[string]bool),
		plugged:  make(map[vpc.InterfaceID]*machine),
		ports:    newIndexes(),
		told:     make(map[vpc.InstanceID]vpc.Report),
		nodes:    make(map[vpc.InterfaceID]*node),
		asks:     make(chan func(context.Context)),
		ready:    make(chan struct{}),
		gate:     make(chan struct{}, bootsAtOnce),
	}
	if err := fabric.RaiseNeighbourLimit(); err != nil {
		opts.Log.Warn("raise the kernel's limit of neighbours", "err", err)
	}
	a.host.StrictICMPErrors = opts.StrictICMPErrors
	a.resolver = &names.Resolver{Directory: a.directory()}
	a.findProxy()
	var err error
	if a.fabric, err = fabric.Open(fabric.Config{Name: opts.Name, DataDir: opts.DataDir, Log: opts.Log}); err != nil {
		return nil, fmt.Errorf("open fabric: %w", err)
	}
	if err := dataplane.MountPins(pinsRoot); err != nil {
		a.fabric.Close()
		return nil, err
	}
	a.dataplane, err = dataplane.Open(dataplane.Options{
		Pins: filepath.Join(pinsRoot, opts.Name), Revoke: opts.Revoke, StrictICMPErrors: opts.StrictICMPErrors,
		MaxFlows: opts.MaxFlows, Filter: fabric.AttachFilter, ForceFilters: opts.Filters,
	})
	if err != nil {
		a.fabric.Close()
		return nil, fmt.Errorf("open dataplane: %w", err)
	}
	return a, nil
}

// Ready is closed once the host enforces what it was first told.
func (a *Agent) Ready() <-chan struct{} { return a.ready }

// IsReady reports whether Ready is closed.
func (a *Agent) IsReady() bool {
	select {
	case <-a.ready:
		return true
	default:
		return false
	}
}

// Run keeps the host equal to the feed until ctx is done. Machines run on
// afterwards.
func (a *Agent) Run(ctx context.Context) error {
	defer a.work.Wait()
	feeds := make(chan *vpc.Feed)
	var helpers sync.WaitGroup
	defer helpers.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	nameServer, err := a.listenNames(ctx)
	if err != nil {
		return err
	}
	if nameServer != nil {
		helpers.Go(func() { a.serveNames(ctx, nameServer) })
	}
	a.tell(ctx, &vpc.Report{Host: a.opts.Host, Proxy: &a.proxy})
	if err := a.begin(ctx); err != nil {
		return err
	}
	helpers.Go(func() { a.follow(ctx, feeds) })
	helpers.Go(func() { a.collectFlows(ctx) })
	helpers.Go(func() { a.readEvents(ctx) })

	retry := time.NewTimer(0)
	retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case f := <-feeds:
			if err := a.enforce(f); err != nil {
				a.log.Error("enforce policy, the old one stays", "revision", f.Revision, "err", err)
				retry.Reset(retryAfter)
				continue
			}
			a.applied(ctx, f.Revision)
		case ask := <-a.asks:
			ask(ctx)
		case <-retry.C:
			if err := a.repair(); err != nil {
				a.log.Error("repair policy", "err", err)
				retry.Reset(retryAfter)
				continue
			}
			a.applied(ctx, a.revision())
		}
	}
}

// retryAfter is how long after a failure the agent tries again.
const retryAfter = time.Second

// rest waits before something that has failed is tried again, or until ctx is
// done.
func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// follow hands on the feed.
func (a *Agent) follow(ctx context.Context, feeds chan<- *vpc.Feed) {
	for {
		f, err := a.feed.Next(ctx)
		if err != nil {
			return // ctx is done
		}
		select {
		case feeds <- f:
		case <-ctx.Done():
			return
		}
	}
}

// begin takes the first feed, which is whole, and brings what was adopted to
// it: only then is nobody judged by old rules any more.
func (a *Agent) begin(ctx context.Context) error {
	f, err := a.feed.Next(ctx)
	if err != nil {
		return nil // ended before it began
	}
	if err := a.enforce(f); err != nil {
		return fmt.Errorf("enforce first policy: %w", err)
	}
	if err := a.adopt(ctx); err != nil {
		return fmt.Errorf("adopt machines: %w", err)
	}
	if err := a.addHostLink(); err != nil {
		return err
	}
	if err := a.dataplane.Sweep(); err != nil {
		return fmt.Errorf("sweep dataplane: %w", err)
	}
	a.applied(ctx, f.Revision)
	close(a.ready)
	return nil
}

func (a *Agent) enforce(f *vpc.Feed) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.touch(a.nouns.apply(f)...)
	for _, n := range f.Interfaces {
		a.touchOutside(n)
	}
	err := a.disconnectMoved(f)
	return errors.Join(err, a.apply(a.host.Apply(f)))
}

// repair makes the kernel equal to all that is known, after a failed Apply.
func (a *Agent) repair() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.apply(a.host.Everything())
}

// apply changes the kernel. After a failure it is what has changed since then
// and everything else besides: to enforce a revision is to enforce all of it.
// a.mu is held.
func (a *Agent) apply(c *policy.Change) error {
	if a.behind {
		c = a.host.Everything()
	}
	err := a.dataplane.Apply(a.host, c)
	a.behind = err != nil
	return err
}

func (a *Agent) revision() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.host.Revision
}

// applied brings the machines to a revision that the kernel enforces, and tells
// of it.
func (a *Agent) applied(ctx context.Context, revision int64) {
	a.mu.Lock()
	a.reconcile(ctx)
	a.mu.Unlock()
	a.tell(ctx, &vpc.Report{Host: a.opts.Host, Applied: revision})
}

// tell reports until the server has taken it: what is told of an instance
// would otherwise be lost.
func (a *Agent) tell(ctx context.Context, r *vpc.Report) {
	for {
		err := a.report(ctx, r)
		if err == nil || ctx.Err() != nil {
			return
		}
		a.log.Error("report", "instance", r.Instance, "revision", r.Applied, "err", err)
		rest(ctx, retryAfter)
	}
}

// collectEvery is how often expired flows are looked for.
const collectEvery = 5 * time.Second

func (a *Agent) collectFlows(ctx context.Context) {
	tick := time.NewTicker(collectEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			live, _, err := a.dataplane.Collect()
			if err != nil {
				a.log.Error("collect flows", "err", err)
				continue
			}
			a.flows.Store(int64(live))
		}
	}
}

// Close lets go of the host. Machines and enforcement go on if they are pinned.
func (a *Agent) Close() error {
	err := a.dataplane.Close()
	a.fabric.Close()
	return err
}

// Clean ends all machines and removes everything that carries the agent's name,
// after Run.
func (a *Agent) Clean(ctx context.Context) error {
	return errors.Join(a.fabric.Clean(ctx), a.dataplane.Unpin())
}

// Clean does the same where no agent runs.
func Clean(ctx context.Context, name, dataDir string, log *slog.Logger) error {
	return errors.Join(fabric.Clean(ctx, name, dataDir, log), dataplane.RemovePins(filepath.Join(pinsRoot, name)))
}

// pinsRoot is a BPF file system with a directory for each agent's name.
const pinsRoot = "/run/ringfence/bpf"
