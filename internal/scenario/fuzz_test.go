package scenario_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
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
// rule and receiver must be the same, and what is delivered must be what was sent.
func TestKernelAgrees(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to load BPF programs")
	}
	met := make(map[meeting]int)
	for _, o := range modes {
		if err := fabric.Scratch(scenario.Ports, func() error { return agree(o, met) }); err != nil {
			t.Fatal(err)
		}
	}
	for r := policy.Admitted; r <= policy.NoFlow; r++ {
		four, six := met[meeting{r, false}], met[meeting{r, true}]
		t.Logf("%-16s %7d of IPv4 and the like, %7d of IPv6", r, four, six)
		elsewhere := r == policy.Untracked || r == policy.NotIP // needs full tables, or no packet of IPv6
		if *worlds >= 1000 && !elsewhere && (four == 0 || six == 0) {
			t.Errorf("no packet is %v", r)
		}
	}
}

// modes are those in which the kernel is compared. Large slots are judged in
// another way, and few random worlds have so many rules.
var modes = []dataplane.Options{{}, {Revoke: policy.RevokeStrict}, {StrictICMPErrors: true}, {LargeFrom: 1}}

func agree(o dataplane.Options, met map[meeting]int) error {
	d, err := dataplane.Open(o)
	if err != nil {
		return err
	}
	defer d.Close()
	c := comparison{kernel: d, host: policy.NewHost(o.Revoke), at: time.Hour, met: met, dropped: make(map[policy.Reason]uint64)}
	c.host.StrictICMPErrors = o.StrictICMPErrors
	for s := *seed; s < *seed+uint64(*worlds/len(modes)); s++ {
		if err := c.world(s, *packets); err != nil {
			return fmt.Errorf("revocation mode %d, strict ICMP errors %t, large slots from %d, seed %d: %w", o.Revoke, o.StrictICMPErrors, o.LargeFrom, s, err)
		}
	}
	return c.compareDrops()
}

// A comparison puts worlds, one after another, into a kernel and the
// specification of it.
type comparison struct {
	kernel  *dataplane.Dataplane
	host    *policy.Host
	flows   policy.Flows
	numbers scenario.Numbers
	at      time.Duration
	history []event // of this world
	met     map[meeting]int
	dropped map[policy.Reason]uint64
}

// An event is a packet and what becomes of it.
type event struct {
	at    time.Duration
	port  policy.Port
	frame []byte
	want  policy.Verdict
}

func (e event) String() string {
	p, _ := policy.ParseFrame(e.frame)
	s := fmt.Sprintf("%v by port %d: %v %+v: %+v", e.at, e.port, e.want.Reason, e.want, p)
	if p.ND != nil {
		s += fmt.Sprintf(" %+v", *p.ND)
	}
	if p.ICMP.Quoted != nil {
		s += fmt.Sprintf(" about %+v", *p.ICMP.Quoted)
	}
	return s
}

// A meeting is a verdict about a packet of an IP version.
type meeting struct {
	reason policy.Reason
	ipv6   bool
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
		if rnd.IntN(8) == 0 {
			if err := c.kernel.Apply(c.host, c.host.Apply(world.Change())); err != nil {
				return err
			}
			if err := scenario.Connect(c.host, c.kernel, world); err != nil {
				return err
			}
		}
		if rnd.IntN(60) == 0 {
			if err := scenario.Unplug(c.host, c.kernel, world); err != nil {
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
		if rnd.IntN(50) == 0 {
			if err := c.cut(rnd.IntN(4)); err != nil {
				return err
			}
		}
		port, frame := traffic.Next()
		if rnd.IntN(10) == 0 {
			if err := c.ask(port, frame); err != nil {
				return fmt.Errorf("packet %d: %w", i, err)
			}
		}
		v, err := c.packet(port, frame)
		if err != nil {
			return fmt.Errorf("packet %d: %w", i, err)
		}
		if v.Accept {
			world.Admitted(v.Rule)
		}
	}
	return c.compareFlows()
}

// cut cuts some of the connections, by the ports of their clients.
func (c *comparison) cut(some int) error {
	which := func(f *policy.Connection) bool { return int(f.Client.Addr.Port())%4 == some }
	n, err := c.kernel.Cut(func(f *dataplane.Flow) bool { return which(&f.Connection) })
	if want := c.flows.Cut(c.at, which); err == nil && n != want {
		err = fmt.Errorf("the kernel has cut %d connections, the specification %d", n, want)
	}
	return err
}

// compareFlows holds what the kernel remembers to what the specification does,
// but for its finer clock.
func (c *comparison) compareFlows() error {
	want := make(map[policy.Connection]int)
	for _, f := range c.flows.All(c.at) {
		f.Idle = 0
		want[f]++
	}
	var differences []error
	err := c.kernel.Flows(func(f *dataplane.Flow) bool {
		f.Idle = 0
		if want[f.Connection]--; want[f.Connection] < 0 {
			differences = append(differences, fmt.Errorf("only the kernel remembers %+v", f.Connection))
		}
		return true
	})
	for f, n := range want {
		if n > 0 {
			differences = append(differences, fmt.Errorf("only the specification remembers %+v", f))
		}
	}
	return errors.Join(append(differences, err)...)
}

// compareDrops holds the kernel's counters of all worlds to the packets that were
// dropped.
func (c *comparison) compareDrops() error {
	drops, err := c.kernel.Drops()
	if err != nil {
		return err
	}
	counted := make(map[policy.Reason]uint64)
	for _, d := range drops {
		counted[d.Reason] += d.Packets
	}
	if !maps.Equal(counted, c.dropped) {
		return fmt.Errorf("counted are %v, and dropped were %v", counted, c.dropped)
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

// ask compares what would become of a packet if it were whole and no flow covered
// it.
func (c *comparison) ask(port policy.Port, frame []byte) error {
	p, reason := policy.ParseFrame(frame)
	if reason != 0 || p.ARP != nil || p.ND != nil {
		return nil
	}
	p.Port = port
	frame = policy.FrameOf(&p).Bytes()
	want := c.host.DecideFrame(new(policy.Flows), port, c.at, frame)
	got, err := c.kernel.Ask(&p)
	itself := want.Reason == policy.Known // it comes to its sender, from whom it has just opened a flow
	if err == nil && got != want && !itself {
		err = fmt.Errorf("asked about %x, the kernel says %v %+v, the specification %v %+v", frame, got.Reason, got, want.Reason, want)
	}
	return err
}

// packet returns what both have decided.
func (c *comparison) packet(port policy.Port, frame []byte) (policy.Verdict, error) {
	want := c.host.DecideFrame(&c.flows, port, c.at, frame)
	got, delivered, err := c.kernel.Run(port, frame)
	if errors.Is(err, dataplane.ErrFrameTooShort) {
		if want.Accept {
			return want, fmt.Errorf("specification accepts a frame that a test run refuses: %x", frame)
		}
		return want, nil // sent over a link instead, see TestShortFrames
	}
	if err != nil {
		return want, err
	}
	p, _ := policy.ParseFrame(frame)
	c.met[meeting{want.Reason, p.Src.Is6()}]++
	c.history = append(c.history, event{c.at, port, frame, want})
	if got != want {
		return want, fmt.Errorf("%x\n%skernel: %v %+v", frame, c.story(), got.Reason, got)
	}
	if want.Reason >= policy.UnknownPort {
		c.dropped[want.Reason]++
	}
	if want.Accept {
		if err := c.checkDelivered(port, want.To, frame, delivered); err != nil {
			return want, fmt.Errorf("%s%w", c.story(), err)
		}
	}
	return want, nil
}

// story is the history of this world.
func (c *comparison) story() string {
	var story strings.Builder
	for _, e := range c.history {
		fmt.Fprintln(&story, e)
	}
	return story.String()
}
