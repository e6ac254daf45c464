package dataplane_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"ringfence/internal/dataplane"
	"ringfence/internal/fabric"
	"ringfence/internal/policy"
	"ringfence/internal/scenario"
	"ringfence/internal/vpc"
)

var (
	killWorlds     = flag.Int("killworlds", 9, "random worlds to kill a process in that changes them")
	killSeed       = flag.Uint64("killseed", 0, "of the first of them")
	killEverywhere = flag.Bool("killeverywhere", false, "kill one at each step in each world, not just at one")
)

// killedEnv holds, in JSON, the life of a process that is to be killed.
const killedEnv = "RINGFENCE_TEST_KILLED"

// A life is that of a process that changes a world once, and is killed in the
// middle.
type life struct {
	Pins    string
	Seed    uint64
	DiesAt  int // step of the change
	Changes int // before that one
}

func TestMain(m *testing.M) {
	if text := os.Getenv(killedEnv); text != "" {
		var l life
		err := json.Unmarshal([]byte(text), &l)
		if err == nil {
			err = fabric.Scratch(scenario.Ports, l.live)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// live lets dialogues begin in a world, changes it and dies.
func (l *life) live() error {
	w, world := l.world()
	steps := -1 << 20 // not before the change
	die := func() {
		if steps++; steps == l.DiesAt {
			_ = unix.Kill(os.Getpid(), unix.SIGKILL) // does not return
		}
	}
	o := l.options()
	o.Step = die
	var err error
	if w.kernel, err = dataplane.Open(o); err != nil {
		return err
	}
	if err := l.prepare(w, world); err != nil {
		return err
	}
	steps = 0
	if err := w.kernel.Apply(w.now, w.now.Apply(world.Change())); err != nil {
		return err
	}
	return scenario.Connect(w.now, w.kernel, world)
}

// options are those of both processes. The slots of odd seeds are large.
func (l *life) options() dataplane.Options {
	o := dataplane.Options{Pins: l.Pins, MaxFlows: 4096}
	if l.Seed%2 == 1 {
		o.LargeFrom = 1
	}
	return o
}

// world is the same one for the same life.
func (l *life) world() (*watch, *scenario.World) {
	rnd := rand.New(rand.NewPCG(l.Seed, 2))
	w := newWatch()
	world := scenario.NewWorld(rnd, new(scenario.Numbers))
	w.traffic = scenario.NewTraffic(rnd, world)
	return w, world
}

// prepare does what is to be done before the change. A watch without a kernel
// only remembers what one would have done.
func (l *life) prepare(w *watch, world *scenario.World) error {
	if w.kernel != nil {
		w.kernel.StopClock(w.at)
	}
	if err := w.load(world, world.Whole()); err != nil {
		return err
	}
	for range l.Changes {
		if err := w.load(world, world.Change()); err != nil {
			return err
		}
	}
	w.begin()
	return w.err
}

// TestKilledAtAnyStep kills a process at every step of a change. What it has
// pinned goes on filtering by the old revision or the new one, flows that both
// allow live on, and the next process brings everything to the new revision,
// with packets meeting nothing else on the way, and leaves nothing behind.
//
// One thing else they do meet when an interface was changing its groups: rules
// are brought to the new revision, which does not know the set of groups that
// it had, before it is brought to the one that it has. Until then rules about
// groups do not know it, and refuse it.
func TestKilledAtAnyStep(t *testing.T) {
	needRoot(t)
	mount := filepath.Join(t.TempDir(), "bpf")
	if err := dataplane.MountPins(mount); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(mount, 0); err != nil {
			t.Error(err)
		}
	})
	var fresh [2]*dataplane.Dataplane // for even seeds and for odd ones
	for i := range fresh {
		err := fabric.Scratch(scenario.Ports, func() (err error) {
			fresh[i], err = dataplane.Open((&life{Seed: uint64(i)}).options())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		defer fresh[i].Close()
	}
	killed := 0
	for seed := *killSeed; seed < *killSeed+uint64(*killWorlds); seed++ {
		steps := int(seed%9) + 1
		first := steps
		if *killEverywhere {
			first, steps = 1, 1<<20
		}
		for step := first; step <= steps; step++ {
			l := life{Pins: filepath.Join(mount, "pins"), Seed: seed, DiesAt: step, Changes: int(seed / 2 % 4)}
			died, err := l.run()
			if err != nil {
				t.Fatal(err)
			}
			if err := fabric.Scratch(scenario.Ports, func() error { return l.inherit(t, fresh[seed%2]) }); err != nil {
				t.Fatalf("seed %d, killed at step %d: %v", seed, step, err)
			}
			if err := dataplane.RemovePins(l.Pins); err != nil {
				t.Fatal(err)
			}
			if !died {
				break // there are no more steps
			}
			killed++
		}
	}
	t.Logf("%d processes were killed", killed)
}

// run reports whether the process was killed, rather than done.
func (l *life) run() (killed bool, err error) {
	text, err := json.Marshal(l)
	if err != nil {
		return false, err
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), killedEnv+"="+string(text))
	out, err := cmd.CombinedOutput()
	exit, failed := errors.AsType[*exec.ExitError](err)
	if failed && exit.Sys().(interface{ Signaled() bool }).Signaled() {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("%w: %s", err, out)
	}
	return false, nil
}

// inherit is the next process.
func (l *life) inherit(t *testing.T, fresh *dataplane.Dataplane) error {
	w, world := l.world()
	if err := l.prepare(w, world); err != nil {
		return err
	}
	feed := world.Change()
	w.leave(feed)
	w.now.Apply(feed)
	w.meets = nil
	o := l.options()
	o.Step = w.look
	var err error
	if w.kernel, err = dataplane.Open(o); err != nil {
		return err
	}
	defer w.kernel.Close()
	w.meets = []*policy.Host{w.old, w.between, w.now}
	w.look()
	if len(feed.Interfaces) > 0 {
		w.meets = nil // see TestKilledAtAnyStep
	}
	next := policy.NewHost(policy.RevokeAWS)
	if err := w.kernel.Apply(next, next.Apply(world.Whole())); err != nil {
		return err
	}
	if err := scenario.Connect(next, w.kernel, world); err != nil {
		return err
	}
	if err := w.kernel.Sweep(); err != nil {
		return err
	}
	w.meets, w.apart = []*policy.Host{w.now}, false
	w.look()
	if w.err != nil {
		return fmt.Errorf("change %s: %w", describe(feed), w.err)
	}
	return sameEntries(t, w.kernel, fresh, world)
}

// sameEntries compares a kernel with another one, which is made to know a world
// and nothing else.
func sameEntries(t *testing.T, d, fresh *dataplane.Dataplane, world *scenario.World) error {
	host := policy.NewHost(policy.RevokeAWS)
	if err := fresh.Apply(host, host.Apply(&vpc.Feed{Whole: true})); err != nil {
		return err
	}
	for _, port := range scenario.Ports {
		if err := fresh.Disconnect(policy.Port(port)); err != nil {
			return err
		}
	}
	if err := scenario.Load(host, fresh, world); err != nil {
		return err
	}
	if err := fresh.Sweep(); err != nil {
		return err
	}
	if got, want := d.Entries(t), fresh.Entries(t); !maps.Equal(got, want) {
		return fmt.Errorf("has %v, a new one %v", got, want)
	}
	return nil
}
