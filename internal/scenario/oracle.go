package scenario

import (
	"time"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// An Oracle says what becomes of packets in a world that follows a feed. There
// are three: Specification, TestRuns and RealPackets.
type Oracle interface {
	// Reset empties the world: nothing is remembered of earlier scenarios.
	Reset() error

	// Follow makes the world equal to the next revision of the feed.
	Follow(f *vpc.Feed) error

	// Plug puts an interface, or a host on the internet side, behind a port.
	Plug(port policy.Port, plug policy.Plug) error

	// Unplug leaves nothing behind a port.
	Unplug(port policy.Port) error

	// Cut cuts the connections of a kind, at a time since Reset, and returns how
	// many.
	Cut(at time.Duration, which func(*policy.Connection) bool) (int, error)

	// Send says what becomes of a frame that comes in by a port, at a time
	// since Reset. Moments never go back.
	Send(at time.Duration, port policy.Port, frame []byte) (Outcome, error)

	// Counters are the kernel's, nil where nothing is counted.
	Counters() (*Counters, error)
}

// An Outcome is what an oracle has seen of one packet.
type Outcome struct {
	// Verdict is what was decided. Its Reason is 0 where the oracle has only
	// seen the packet arrive: then it is another one than Admitted by a rule,
	// and the Rule is not known.
	Verdict policy.Verdict

	// Frame is what has arrived, nil where the oracle delivers nothing.
	Frame []byte

	// Drops are the counters of dropped packets that have moved.
	Drops map[Counted]uint64
}

// Counters are of one scenario.
type Counters struct {
	Drops map[Counted]uint64
	Hits  map[vpc.RuleID]uint64 // packets that no flow covered, by the rule that admitted them
}

// Counted is what a counter of dropped packets is about: an interface, or the
// number that stands for a host on the internet side, and a reason.
type Counted struct {
	Number vpc.InterfaceNumber
	Reason policy.Reason
}

// A Specification asks policy.Decide.
type Specification struct {
	Mode

	host  *policy.Host
	flows policy.Flows
}

func (s *Specification) Reset() error {
	s.host, s.flows = s.newHost(), policy.Flows{}
	return nil
}

func (s *Specification) Follow(f *vpc.Feed) error {
	s.host.Apply(f)
	return nil
}

func (s *Specification) Plug(port policy.Port, plug policy.Plug) error {
	s.host.Connect(port, plug)
	return nil
}

func (s *Specification) Unplug(port policy.Port) error {
	s.host.Disconnect(port)
	return nil
}

func (s *Specification) Cut(at time.Duration, which func(*policy.Connection) bool) (int, error) {
	return s.flows.Cut(at, which), nil
}

func (s *Specification) Send(at time.Duration, port policy.Port, frame []byte) (Outcome, error) {
	return Outcome{Verdict: s.host.DecideFrame(&s.flows, port, at, frame)}, nil
}

func (s *Specification) Counters() (*Counters, error) { return nil, nil }
