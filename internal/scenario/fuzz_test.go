package scenario_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"ringfence/internal/dataplane"
	"ringfence/internal/fabric"
	"ringfence/internal/policy"
	"ringfence/internal/scenario"
)

var (
	worlds  = flag.Int("worlds", 1000, "random worlds to hold the kernel to the specification in")
	packets = flag.Int("packets", 50, "packets in each world")
	seed    = flag.Uint64("seed", 0, "of the first world")
)

// TestKernelAgrees holds the BPF programs to the specification: random worlds,
// random packets, time passing and rules changing in between; verdict, reason,
// rule and receiver must be the same.
func TestKernelAgrees(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to load BPF programs")
	}
	for _, revoke := range []policy.Revocation{policy.RevokeAWS, policy.RevokeStrict} {
		if err := fabric.Scratch(scenario.Ports, func() error { return agree(revoke) }); err != nil {
			t.Fatal(err)
		}
	}
}

func agree(revoke policy.Revocation) error {
	d, err := dataplane.Open(dataplane.Options{Revoke: revoke})
	if err != nil {
		return err
	}
	defer d.Close()
	c := comparison{kernel: d, host: policy.NewHost(revoke), at: time.Hour}
	for s := *seed; s < *seed+uint64(*worlds)/2; s++ {
		if err := c.world(s, *packets); err != nil {
			return fmt.Errorf("revocation mode %d, seed %d: %w", revoke, s, err)
		}
	}
	return nil
}

// A comparison puts worlds, one after another, into a kernel and the
// specification of it.
type comparison struct {
	kernel  *dataplane.Dataplane
	host    *policy.Host
	flows   policy.Flows
	numbers scenario.Numbers
	at      time.Duration
	history []string // of this world
}

// world stops at the first difference.
func (c *comparison) world(seed uint64, packets int) error {
	rnd := rand.New(rand.NewPCG(seed, 0))
	c.at += 200 * time.Hour // all flows of the last world are over
	c.flows, c.history = policy.Flows{}, nil
	if err := c.collect(); err != nil {
		return err
	}
	world := scenario.NewWorld(rnd, &c.numbers)
	if err := scenario.Load(c.host, c.kernel, world); err != nil {
		return err
	}
	traffic := scenario.NewTraffic(rnd, world)
	for i := range packets {
		if rnd.IntN(20) == 0 {
			if err := c.kernel.Apply(c.host, c.host.Apply(world.Change())); err != nil {
				return err
			}
			if err := scenario.Connect(c.host, c.kernel, world); err != nil {
				return err
			}
		}
		pause := scenario.Pause(rnd)
		c.at += pause
		c.kernel.StopClock(c.at)
		if pause > 100*time.Hour {
			if err := c.collect(); err != nil {
				return err
			}
		}
		port, frame := traffic.Next()
		if err := c.packet(port, frame); err != nil {
			return fmt.Errorf("packet %d: %w", i, err)
		}
	}
	return nil
}

// collect makes the kernel forget all flows, after a time in which all expire.
func (c *comparison) collect() error {
	c.kernel.StopClock(c.at)
	live, _, err := c.kernel.Collect()
	if err == nil && live != 0 {
		err = fmt.Errorf("%d flows outlive all timeouts", live)
	}
	return err
}

func (c *comparison) packet(port policy.Port, frame []byte) error {
	want := c.host.DecideFrame(&c.flows, port, c.at, frame)
	got, _, err := c.kernel.Run(port, frame)
	if errors.Is(err, dataplane.ErrFrameTooShort) {
		if want.Accept {
			return fmt.Errorf("specification accepts a frame that a test run refuses: %x", frame)
		}
		return nil // sent over a link instead, see TestShortFrames
	}
	if err != nil {
		return err
	}
	p, _ := policy.ParseFrame(frame)
	c.history = append(c.history, fmt.Sprintf("%v by port %d: %+v: %v %+v", c.at, port, p, want.Reason, want))
	if got != want {
		return fmt.Errorf("%x\n%s\nkernel: %v %+v", frame, strings.Join(c.history, "\n"), got.Reason, got)
	}
	return nil
}
