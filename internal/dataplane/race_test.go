package dataplane_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/dataplane"
	"ringfence/internal/fabric"
	"ringfence/internal/policy"
	"ringfence/internal/scenario"
	"ringfence/internal/vpc"
)

var (
	raceWorlds = flag.Int("raceworlds", 60, "random worlds to change under packets")
	raceSeed   = flag.Uint64("raceseed", 0, "of the first of them")
)

// TestChangesShowOldOrNew sends packets between any two steps that the kernel's
// state takes from one revision to the next: rules that come and go, groups
// that are joined and left, addresses that change hands. Each packet meets the
// old revision or the new one, never a third thing.
func TestChangesShowOldOrNew(t *testing.T) {
	needRoot(t)
	for what, o := range map[string]dataplane.Options{
		"few rules": {}, "rules that share entries with those before": {LargeFrom: 1},
	} {
		t.Run(what, func(t *testing.T) { watchChanges(t, o) })
	}
}

// watchChanges changes random worlds under packets.
func watchChanges(t *testing.T, o dataplane.Options) {
	err := fabric.Scratch(scenario.Ports, func() error {
		w := newWatch()
		o.Step = w.look
		var err error
		if w.kernel, err = dataplane.Open(o); err != nil {
			return err
		}
		defer w.kernel.Close()
		var numbers scenario.Numbers
		for seed := *raceSeed; seed < *raceSeed+uint64(*raceWorlds); seed++ {
			if err := w.changeWorld(rand.New(rand.NewPCG(seed, 1)), &numbers); err != nil {
				return fmt.Errorf("seed %d: %w", seed, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to load BPF programs")
	}
}

// A watch looks at a kernel while it is changed.
type watch struct {
	kernel *dataplane.Dataplane // nil: nobody is looked at

	// What the kernel is to be equal to. A change of an interface's number
	// goes by way of between, where its port is left by the one and not yet
	// taken by the other.
	old, between, now *policy.Host
	meets             []*policy.Host // those of them that a packet may meet
	apart             bool           // network ACLs of several subnets change, one after the other
	taken             map[endpoint]bool

	at      time.Duration
	traffic *scenario.Traffic
	known   []*watched
	steps   int
	err     error // the first
}

// An endpoint is a port that takes over a public address from another. For a moment
// its packets to there come from there already, and go to the other still.
type endpoint struct {
	port   policy.Port
	public netip.Addr
}

// A watched dialogue has begun before the change. What is remembered of it
// depends on which of its packets met the old revision, and which the new one:
// all that is possible after what was seen.
type watched struct {
	dialogue *scenario.Dialogue
	turn     int
	possible []*policy.Flows
	said     []string
}

func newWatch() *watch {
	return &watch{
		old: policy.NewHost(policy.RevokeAWS), between: policy.NewHost(policy.RevokeAWS), now: policy.NewHost(policy.RevokeAWS),
		at: time.Hour,
	}
}

// changeWorld puts a world into the kernel and changes it some times.
func (w *watch) changeWorld(rnd *rand.Rand, numbers *scenario.Numbers) error {
	w.at += 200 * time.Hour // all flows of the last world are over
	w.kernel.StopClock(w.at)
	if _, _, err := w.kernel.Collect(); err != nil {
		return err
	}
	world := scenario.NewWorld(rnd, numbers)
	w.traffic = scenario.NewTraffic(rnd, world)
	if err := w.load(world, world.Whole()); err != nil {
		return err
	}
	for range 12 {
		w.begin()
		if err := w.change(world, world.Change()); err != nil {
			return err
		}
	}
	return nil
}

// load brings the kernel, and what it is to be, to a feed.
func (w *watch) load(world *scenario.World, feed *vpc.Feed) error {
	for _, h := range []*policy.Host{w.old, w.between} {
		h.Apply(feed)
		world.Plug(h)
	}
	change := w.now.Apply(feed)
	world.Plug(w.now)
	if w.kernel == nil {
		return nil
	}
	if err := w.kernel.Apply(w.now, change); err != nil {
		return err
	}
	return scenario.Connect(w.now, w.kernel, world)
}

// begin lets some dialogues begin.
func (w *watch) begin() {
	w.known, w.meets = nil, []*policy.Host{w.now}
	for i := range 20 {
		k := &watched{dialogue: w.traffic.Dialogue(), possible: []*policy.Flows{new(policy.Flows)}}
		for range i % 5 {
			w.say(k)
		}
		w.known = append(w.known, k)
	}
}

// change brings the kernel to a feed, watching.
func (w *watch) change(world *scenario.World, feed *vpc.Feed) error {
	w.leave(feed)
	w.meets = []*policy.Host{w.old, w.between}
	if err := w.kernel.Apply(w.now, w.now.Apply(feed)); err != nil {
		return err
	}
	w.meets = []*policy.Host{w.between}
	w.look()
	w.meets = []*policy.Host{w.between, w.now}
	if err := scenario.Connect(w.now, w.kernel, world); err != nil {
		return err
	}
	w.meets, w.apart = []*policy.Host{w.now}, false
	w.look()
	if w.err != nil {
		return fmt.Errorf("change %s: %w", describe(feed), w.err)
	}
	w.meets = nil
	w.old.Apply(feed)
	world.Plug(w.between)
	return nil
}

// leave brings between to a feed.
func (w *watch) leave(feed *vpc.Feed) {
	w.apart = slices.ContainsFunc(feed.ACLs, func(a *vpc.NetworkACL) bool { return len(a.Subnets) > 1 })
	w.taken = make(map[endpoint]bool)
	for _, n := range feed.Interfaces {
		port := w.between.PortOf(n.ID)
		for _, public := range n.Public {
			if had, _ := w.old.AtPublic(public); had != nil && had.ID != n.ID {
				w.taken[endpoint{port, public}] = true
			}
		}
		if was := w.old.Interface(n.ID); was == nil || was.Number != n.Number {
			w.between.Disconnect(port)
		}
	}
	w.between.Apply(feed)
}

// look is called by the kernel's owner between any two steps of a change.
func (w *watch) look() {
	if w.meets == nil || w.err != nil {
		return
	}
	for range 6 {
		w.say(&watched{dialogue: w.traffic.Dialogue(), possible: []*policy.Flows{new(policy.Flows)}})
	}
	for range 6 {
		w.say(w.known[w.steps%len(w.known)])
		w.steps++
	}
}

// say lets a dialogue go on by a packet.
func (w *watch) say(k *watched) {
	port, frame := k.dialogue.Frame(k.turn)
	p, _ := policy.ParseFrame(frame)
	if w.taken[endpoint{port, p.Dst}] {
		return
	}
	k.turn++
	var wanted []policy.Verdict
	var possible []*policy.Flows // after each
	for _, before := range k.possible {
		for _, h := range w.meets {
			flows := before.Clone()
			want := h.DecideFrame(flows, port, w.at, frame)
			wanted, possible = append(wanted, want), append(possible, flows)
		}
	}
	if w.kernel == nil {
		k.possible = possible[:1] // the only one
		return
	}
	got, err := w.kernel.RunInStep(port, frame)
	if err != nil {
		w.fail(err)
		return
	}
	k.possible = nil
	for i, want := range wanted {
		if (want == got || isHalfway(wanted, want, got) || w.isMixed(want)) && !contains(k.possible, possible[i]) {
			k.possible = append(k.possible, possible[i])
		}
	}
	k.said = append(k.said, fmt.Sprintf("by port %d %v:%d > %v:%d proto %v flags %v: %v %+v",
		port, p.Src, p.SrcPort, p.Dst, p.DstPort, p.Proto, p.TCP.Flags, got.Reason, got))
	if len(k.possible) == 0 {
		w.fail(fmt.Errorf("%s\nwant one of %+v", strings.Join(k.said, "\n"), wanted))
	}
}

// isHalfway reports whether a TCP segment that no flow covers met one revision in
// one direction and the other in the other: it is picked up only if both are
// allowed. When a group's rules change, and both ends are in it by different sets
// of groups, these change one after the other. Then it may be refused for another
// reason, or admitted by another rule, than by either revision.
func isHalfway(wanted []policy.Verdict, want, got policy.Verdict) bool {
	noFlow := policy.Verdict{Reason: policy.NoFlow}
	if !want.Accept {
		return got == noFlow
	}
	want.Rule = got.Rule
	return slices.Contains(wanted, noFlow) && want.Reason == policy.Admitted && want == got
}

// isMixed reports whether what was wanted need not be what is got: the network
// ACLs of two subnets may be of different revisions for a moment, so that a
// packet between them passes one and not the other, or both.
func (w *watch) isMixed(want policy.Verdict) bool {
	return w.apart && (want.Reason == policy.ACLOut || want.Reason == policy.ACLIn)
}

func (w *watch) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func contains(all []*policy.Flows, one *policy.Flows) bool {
	for _, f := range all {
		if reflect.DeepEqual(f, one) {
			return true
		}
	}
	return false
}

func describe(f *vpc.Feed) string {
	switch {
	case len(f.Interfaces) > 0:
		return fmt.Sprintf("of interface %+v", *f.Interfaces[0])
	case len(f.Rules) > 0:
		return fmt.Sprintf("adding rule %+v", *f.Rules[0])
	case len(f.ACLs) > 0:
		return fmt.Sprintf("of ACL %+v", *f.ACLs[0])
	default:
		return fmt.Sprintf("removing rule %v", f.GoneRules)
	}
}

// TestWhatBothAllowPassesAllTheTime sends packets from another CPU while
// somebody changes groups, over and over, and rules come and go that are about
// others. Each revision admits the packets by the same rule: not one is refused,
// whatever step of whatever change it meets.
func TestWhatBothAllowPassesAllTheTime(t *testing.T) {
	always := &vpc.Rule{ID: "sgr-1", Group: "sg-server", Proto: vpc.TCP, Ports: vpc.PortRange{From: 80, To: 80}, Peer: vpc.Peer{Group: "sg-client"}}
	withPair(t, dataplane.Options{MaxFlows: 1024}, []*vpc.Rule{always}, func(p *pair) {
		f := policy.Frame{Src: clientAddr, Dst: serverAddr, Proto: vpc.TCP, SrcPort: 4000, DstPort: 80, Flags: policy.SYN}
		f.SrcMAC, f.DstMAC = vpc.MACOf(f.Src), vpc.MACOf(f.Dst)
		frame := f.Bytes()
		begun, done := make(chan struct{}), make(chan struct{})
		begin := sync.OnceFunc(func() { close(begun) })
		var sending sync.WaitGroup
		sending.Go(func() {
			defer begin()
			err := fabric.Scratch([]int{int(clientPort), int(serverPort)}, func() error {
				begin()
				for {
					select {
					case <-done:
						return nil
					default:
					}
					if err := p.Repeat(clientPort, frame, 1000); err != nil {
						return err
					}
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
		<-begun
		client := *p.host.Interface("eni-0")
		for i := range 400 {
			feed := &vpc.Feed{}
			if i%2 == 0 {
				client.Groups = []vpc.GroupID{"sg-client", vpc.GroupID(fmt.Sprintf("sg-%d", i/2%2))}
				client.Identity = vpc.Identity(10 + i/2%2)
				moved := client
				feed.Interfaces = []*vpc.NetworkInterface{&moved}
			} else {
				id := vpc.RuleID(fmt.Sprintf("sgr-0%d", i/2%2))
				if i/2%4 < 2 {
					feed.Rules = []*vpc.Rule{allow(id, "sg-server", uint16(i), uint16(i), "192.0.2.0/24")}
				} else {
					feed.GoneRules = []vpc.RuleID{id}
				}
			}
			if err := p.apply(feed); err != nil {
				t.Error(err)
				break
			}
		}
		close(done)
		sending.Wait()
		if dropped := p.dropped(); len(dropped) > 0 {
			t.Errorf("dropped are %v", dropped)
		}
		hits, err := p.Hits()
		if err != nil {
			t.Fatal(err)
		}
		if hits[always.ID] < 1000 {
			t.Errorf("only %d packets were sent", hits[always.ID])
		}
	})
}
