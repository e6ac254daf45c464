package dataplane_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
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
	err := fabric.Scratch(scenario.Ports, func() error {
		w := newWatch(policy.RevokeAWS)
		var err error
		if w.kernel, err = dataplane.Open(dataplane.Options{Step: w.look}); err != nil {
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
	kernel   *dataplane.Dataplane
	old, new *policy.Host // what packets may meet
	between  *policy.Host // new, without the ports that are to be connected anew
	watching bool
	at       time.Duration

	traffic *scenario.Traffic
	known   []*watched
	steps   int
	err     error // the first
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

func newWatch(revoke policy.Revocation) *watch {
	return &watch{old: policy.NewHost(revoke), new: policy.NewHost(revoke), between: policy.NewHost(revoke), at: time.Hour}
}

// changeWorld puts a world into the kernel and changes it some times.
func (w *watch) changeWorld(rnd *rand.Rand, numbers *scenario.Numbers) error {
	w.watching = false
	w.at += 200 * time.Hour // all flows of the last world are over
	w.kernel.StopClock(w.at)
	if _, _, err := w.kernel.Collect(); err != nil {
		return err
	}
	world := scenario.NewWorld(rnd, numbers)
	whole := world.Whole()
	w.old.Apply(whole)
	w.between.Apply(whole)
	if err := w.kernel.Apply(w.new, w.new.Apply(whole)); err != nil {
		return err
	}
	if err := w.connect(world); err != nil {
		return err
	}
	w.traffic = scenario.NewTraffic(rnd, world)
	for range 12 {
		w.begin()
		if err := w.change(world); err != nil {
			return err
		}
	}
	return nil
}

// connect connects all ports of a world, in the kernel and in what is expected
// of it.
func (w *watch) connect(world *scenario.World) error {
	for _, h := range []*policy.Host{w.old, w.between} {
		world.Plug(h)
	}
	return scenario.Connect(w.new, w.kernel, world)
}

// begin lets some dialogues begin.
func (w *watch) begin() {
	w.known = nil
	for range 20 {
		k := &watched{dialogue: w.traffic.Dialogue(), possible: []*policy.Flows{new(policy.Flows)}}
		for range w.steps % 5 {
			w.say(k, w.new)
		}
		w.known = append(w.known, k)
		w.steps++
	}
}

// change changes one thing in the world, watching.
func (w *watch) change(world *scenario.World) error {
	feed := world.Change()
	w.between.Apply(feed)
	for _, n := range feed.Interfaces {
		if was := w.old.Interface(n.ID); was.Number != n.Number {
			w.between.Disconnect(w.between.PortOf(n.ID))
		}
	}
	now := w.new
	change := now.Apply(feed)
	w.watching, w.new = true, w.between
	err := w.kernel.Apply(now, change)
	if err == nil {
		w.lookAfter()
		w.old, w.between, w.new = w.between, w.old, now
		err = scenario.Connect(now, w.kernel, world)
		w.lookAfter()
		w.old, w.between = w.between, w.old
	}
	w.old.Apply(feed)
	world.Plug(w.old)
	world.Plug(w.between)
	w.watching = false
	if w.err != nil {
		return fmt.Errorf("change %s: %w", describe(feed), w.err)
	}
	return err
}

// lookAfter looks when a change is done: everything is as it is to be.
func (w *watch) lookAfter() {
	old := w.old
	w.old = w.new
	w.look()
	w.old = old
}

// look is called by the kernel's owner between any two steps of a change.
func (w *watch) look() {
	if !w.watching || w.err != nil {
		return
	}
	for range 6 {
		w.say(&watched{dialogue: w.traffic.Dialogue(), possible: []*policy.Flows{new(policy.Flows)}}, w.old, w.new)
	}
	for range 6 {
		w.say(w.known[w.steps%len(w.known)], w.old, w.new)
		w.steps++
	}
}

// say lets a dialogue go on by a packet, which may meet one of some hosts.
func (w *watch) say(k *watched, hosts ...*policy.Host) {
	port, frame := k.dialogue.Frame(k.turn)
	k.turn++
	got, err := w.kernel.RunInStep(port, frame)
	if err != nil {
		w.fail(err)
		return
	}
	var possible []*policy.Flows
	var wanted []policy.Verdict
	for _, before := range k.possible {
		for _, h := range hosts {
			flows := before.Clone()
			want := h.DecideFrame(flows, port, w.at, frame)
			wanted = append(wanted, want)
			if (want == got || isHalfway(want, got)) && !contains(possible, flows) {
				possible = append(possible, flows)
			}
		}
	}
	p, _ := policy.ParseFrame(frame)
	k.said = append(k.said, fmt.Sprintf("by port %d %v:%d > %v:%d proto %v flags %v: %v %+v", port, p.Src, p.SrcPort, p.Dst, p.DstPort, p.Proto, p.TCP.Flags, got.Reason, got))
	if len(possible) == 0 {
		w.fail(fmt.Errorf("%v\nwant one of %+v", k.said, wanted))
		return
	}
	k.possible = possible
}

// isHalfway reports whether a TCP segment that no flow covers, and a revision
// refuses, was told another reason for it. Such a segment is picked up only if
// both directions are allowed. When a group's rules change, and both ends are in
// it by different sets of groups, these change one after the other.
func isHalfway(want, got policy.Verdict) bool {
	return !want.Accept && got == (policy.Verdict{Reason: policy.NoFlow})
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
