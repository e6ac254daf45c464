package agent

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/elb"
	"ringfence/internal/fabric"
	"ringfence/internal/fabric/initproto"
	"ringfence/internal/vpc"
)

// The test binary is also the init of the machines that its agents boot, and
// what runs in them for load balancers.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "init" {
		os.Exit(fabric.InitMain(os.Args[2:]))
	}
	if len(os.Args) > 1 && os.Args[1] == "balancer" {
		os.Exit(elb.Main(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// patience is how long a test waits for what must come.
const patience = 60 * time.Second

// A server is all that an agent sees of one: it feeds, and it is told.
type server struct {
	t        *testing.T
	agent    *Agent
	feeds    chan *vpc.Feed
	revision int64
	stop     context.CancelFunc
	ended    chan error

	mu      sync.Mutex
	told    []vpc.Report
	changed chan struct{} // closed by the next report
}

// serve starts an agent that must leave nothing behind, and waits until it is
// ready.
func serve(t *testing.T) *server {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to boot machines and to load BPF programs")
	}
	catalogue := vpc.NewCatalogue()
	if err := catalogue.Add(strings.NewReader(`{"ami-00000bad": {"name": "bad", "root": "/no/such/root"}}`)); err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, feeds: make(chan *vpc.Feed, 100), ended: make(chan error, 1), changed: make(chan struct{})}
	s.start(Options{
		Host: "host", Name: "t" + strings.ToLower(rand.Text()[:5]), DataDir: t.TempDir(), MaxFlows: 4096, Catalogue: catalogue,
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo})),
	}, &vpc.Feed{})
	t.Cleanup(func() {
		s.stop()
		s.wait("end", s.ended)
		if err := s.agent.Clean(context.Background()); err != nil {
			t.Error(err)
		}
		if err := s.agent.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// start starts an agent with a first feed, and waits until it is ready.
func (s *server) start(opts Options, first *vpc.Feed) {
	s.t.Helper()
	var err error
	if s.agent, err = New(opts, s, s.report); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	go func() { s.ended <- s.agent.Run(ctx) }()
	first.Whole = true
	s.feed(first)
	select {
	case <-s.agent.Ready():
	case <-time.After(patience):
		s.t.Fatal("the agent does not get ready")
	}
}

// restart ends the agent and starts the next one, which is fed all nouns.
func (s *server) restart(all *vpc.Feed) {
	s.t.Helper()
	s.stop()
	s.wait("end", s.ended)
	if err := <-s.ended; err != nil {
		s.t.Fatal(err)
	}
	if err := s.agent.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.start(s.agent.opts, all)
}

// wait waits for the agent to end. What it gives back stays in ended.
func (s *server) wait(what string, ended chan error) {
	s.t.Helper()
	select {
	case err := <-ended:
		if err != nil {
			s.t.Error(err)
		}
		ended <- nil
	case <-time.After(patience):
		s.t.Fatalf("the agent does not %s", what)
	}
}

// Next is that of Feed.
func (s *server) Next(ctx context.Context) (*vpc.Feed, error) {
	select {
	case f := <-s.feeds:
		return f, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// feed sends a feed and returns its revision.
func (s *server) feed(f *vpc.Feed) int64 {
	s.revision++
	f.Revision = s.revision
	s.feeds <- f
	return f.Revision
}

func (s *server) report(_ context.Context, r *vpc.Report) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, *r)
	close(s.changed)
	s.changed = make(chan struct{})
	return nil
}

// about waits until there are n reports about an instance, and returns them.
func (s *server) about(id vpc.InstanceID, n int) []vpc.Report {
	s.t.Helper()
	var about []vpc.Report
	s.until(fmt.Sprintf("%d reports about %s", n, id), func() bool {
		about = nil
		for _, r := range s.told {
			if r.Instance == id {
				about = append(about, r)
			}
		}
		return len(about) >= n
	})
	return about
}

// until waits until what was told fulfils a condition.
func (s *server) until(what string, fulfilled func() bool) {
	s.t.Helper()
	deadline := time.After(patience)
	for {
		s.mu.Lock()
		ok, changed := fulfilled(), s.changed
		s.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			s.t.Fatalf("waited for %s, was told %+v", what, s.told)
		}
	}
}

// applied waits until a revision is enforced.
func (s *server) applied(revision int64) {
	s.t.Helper()
	s.until(fmt.Sprintf("revision %d", revision), func() bool {
		for _, r := range s.told {
			if r.Applied >= revision {
				return true
			}
		}
		return false
	})
}

// idle waits until the agent changes no machine.
func (s *server) idle() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	for {
		s.agent.mu.Lock()
		var busy *machine
		for _, m := range s.agent.machines {
			if m.busy {
				busy = m
			}
		}
		s.agent.mu.Unlock()
		if busy == nil {
			return
		}
		if err := s.agent.lockIdle(ctx, busy); err != nil {
			s.t.Fatalf("%s stays busy", busy.id)
		}
		s.agent.mu.Unlock()
	}
}

// leavesNothing checks that no machine is left, nor what one was made of.
func (s *server) leavesNothing() {
	s.t.Helper()
	s.idle()
	ports, err := s.agent.fabric.Ports()
	if err != nil {
		s.t.Fatal(err)
	}
	dirs, err := os.ReadDir(filepath.Join(s.agent.opts.DataDir, "instances"))
	if err != nil {
		s.t.Fatal(err)
	}
	pins, err := filepath.Glob(filepath.Join(pinsRoot, s.agent.opts.Name, "link-*"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.agent.mu.Lock()
	defer s.agent.mu.Unlock()
	if len(ports)+len(dirs)+len(pins)+len(s.agent.machines)+len(s.agent.ports.taken)+len(s.agent.told)+len(s.agent.plugged)+len(s.agent.touched) > 0 {
		s.t.Errorf("left are ports %v, directories %v, pins %v, machines %v, indexes %v, reports %v",
			ports, dirs, pins, s.agent.machines, s.agent.ports.taken, s.agent.told)
	}
}

// instance is number n of a network, pending, and its interface.
func instance(n int, image vpc.ImageID) (*vpc.Instance, *vpc.NetworkInterface) {
	addr := netip.AddrFrom4([4]byte{10, 254, byte(n >> 8), byte(n)})
	public := netip.AddrFrom4([4]byte{203, 0, 113, byte(32 + n)})
	i := &vpc.Instance{
		ID: vpc.InstanceID(fmt.Sprintf("i-%08x", n)), Region: "us-east-1", Image: image, State: vpc.Pending, Generation: 1,
		Network: vpc.ClassicNetwork, Interface: vpc.InterfaceID(fmt.Sprintf("eni-%08x", n)), PrivateAddr: addr, PublicAddr: public,
	}
	return i, &vpc.NetworkInterface{
		ID: i.Interface, Number: vpc.InterfaceNumber(n), Region: i.Region, Network: vpc.ClassicNetwork, NetworkNo: 1,
		Subnet: vpc.ClassicSubnet, SubnetNo: 1, Instance: i.ID, Groups: []vpc.GroupID{"sg-1"}, Identity: 1,
		Addresses: []netip.Addr{addr}, Public: map[netip.Addr]netip.Addr{addr: public},
	}
}

// launch feeds a pending instance.
func (s *server) launch(n int, image vpc.ImageID) *vpc.Instance {
	i, iface := instance(n, image)
	s.feed(&vpc.Feed{Instances: []*vpc.Instance{i}, Interfaces: []*vpc.NetworkInterface{iface}})
	return i
}

// now feeds another state of an instance, and of its boot.
func (s *server) now(i *vpc.Instance, state vpc.InstanceState, generation int) {
	next := *i
	next.State, next.Generation = state, generation
	f := &vpc.Feed{Instances: []*vpc.Instance{&next}}
	if state == vpc.Terminated {
		f.GoneInterfaces = []vpc.InterfaceID{i.Interface}
	}
	s.feed(f)
}

// forget feeds that an instance is no more.
func (s *server) forget(i *vpc.Instance) {
	s.applied(s.feed(&vpc.Feed{GoneInstances: []vpc.InstanceID{i.ID}}))
}

// init returns the process of an instance's init.
func (s *server) init(id vpc.InstanceID) int {
	s.t.Helper()
	hello, err := initproto.Ping(s.t.Context(), initproto.SocketPath(s.agent.opts.DataDir, string(id)))
	if err != nil {
		s.t.Fatal(err)
	}
	return hello.PID
}
