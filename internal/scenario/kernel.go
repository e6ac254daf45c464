package scenario

import (
	"errors"
	"fmt"
	"time"

	"ringfence/internal/dataplane"
	"ringfence/internal/fabric"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// scenarioFlows is how many flows the kernel remembers in a scenario: enough
// for any, and little to make.
const scenarioFlows = 4096

// A kernel is what TestRuns and RealPackets share: a dataplane that follows a
// host.
type kernel struct {
	host      *policy.Host
	dataplane *dataplane.Dataplane
	plugged   map[policy.Port]bool
	revision  int64
	began     time.Duration      // this scenario, by the programs' clock
	dropped   map[Counted]uint64 // before it
}

func newKernel(mode Mode, filters bool) (*kernel, error) {
	d, err := dataplane.Open(dataplane.Options{
		Revoke: mode.Revoke, StrictICMPErrors: mode.StrictICMPErrors,
		MaxFlows: scenarioFlows, Filter: fabric.AttachFilter, ForceFilters: filters,
	})
	if err != nil {
		return nil, err
	}
	return &kernel{host: mode.newHost(), dataplane: d, plugged: make(map[policy.Port]bool)}, nil
}

// betweenScenarios is longer than any flow is remembered.
const betweenScenarios = 1000 * time.Hour

func (k *kernel) Reset() error {
	for port := range k.plugged {
		if err := k.Unplug(port); err != nil {
			return err
		}
	}
	if err := k.Follow(&vpc.Feed{Revision: k.revision + 1, Whole: true}); err != nil {
		return err
	}
	k.began += betweenScenarios
	k.dataplane.StopClock(k.began)
	live, _, err := k.dataplane.Collect()
	if err == nil && live != 0 {
		err = fmt.Errorf("%d flows outlive all timeouts", live)
	}
	if err != nil {
		return err
	}
	k.dropped = nil
	k.dropped, err = k.drops()
	return err
}

func (k *kernel) Follow(f *vpc.Feed) error {
	k.revision = f.Revision
	return k.dataplane.Apply(k.host, k.host.Apply(f))
}

func (k *kernel) Plug(port policy.Port, plug policy.Plug) error {
	k.plugged[port] = true
	k.host.Connect(port, plug)
	return k.dataplane.Connect(k.host, port)
}

func (k *kernel) Unplug(port policy.Port) error {
	delete(k.plugged, port)
	k.host.Disconnect(port)
	return k.dataplane.Disconnect(port)
}

func (k *kernel) Cut(at time.Duration, which func(*policy.Connection) bool) (int, error) {
	k.dataplane.StopClock(k.began + at)
	return k.dataplane.Cut(func(f *dataplane.Flow) bool { return which(&f.Connection) })
}

func (k *kernel) Counters() (*Counters, error) {
	drops, err := k.drops()
	if err != nil {
		return nil, err
	}
	hits, err := k.dataplane.Hits()
	if err != nil {
		return nil, err
	}
	return &Counters{drops, hits}, nil
}

// drops are the counters of dropped packets since the scenario began.
func (k *kernel) drops() (map[Counted]uint64, error) {
	list, err := k.dataplane.Drops()
	if err != nil {
		return nil, err
	}
	drops := make(map[Counted]uint64)
	for _, d := range list {
		c := Counted{d.Interface, d.Reason}
		drops[c] = d.Packets - k.dropped[c]
	}
	return drops, nil
}

// moved returns the counters that differ, and by how much.
func moved[K comparable](before, after map[K]uint64) map[K]uint64 {
	by := make(map[K]uint64)
	for k, n := range after {
		if n != before[k] {
			by[k] = n - before[k]
		}
	}
	return by
}

// A TestRuns oracle gives frames to the BPF programs by test runs, without any
// link.
type TestRuns struct{ *kernel }

// WithTestRuns calls fn with an oracle, on a thread that the oracle must be
// used on. It needs root.
func WithTestRuns(mode Mode, fn func(*TestRuns) error) error {
	return fabric.Scratch(Ports, func() (err error) {
		k, err := newKernel(mode, false)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, k.dataplane.Close()) }()
		return fn(&TestRuns{k})
	})
}

func (t *TestRuns) Send(at time.Duration, port policy.Port, frame []byte) (Outcome, error) {
	t.dataplane.StopClock(t.began + at)
	before, err := t.drops()
	if err != nil {
		return Outcome{}, err
	}
	v, delivered, err := t.dataplane.Run(port, frame)
	if err != nil {
		return Outcome{}, fmt.Errorf("test run: %w", err)
	}
	after, err := t.drops()
	if err != nil {
		return Outcome{}, err
	}
	return Outcome{Verdict: v, Frame: delivered, Drops: moved(before, after)}, nil
}
