package scenario

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"ringfence/internal/fabric"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// A RealPackets oracle sends frames over real links, each into a network
// namespace of its own, and looks where they come out.
//
// Of a packet that arrives it sees no reason; a rule that admits it is told by
// its counter. Of one that does not, it sees the counter of the reason.
type RealPackets struct {
	*kernel
	wires    map[int]*fabric.Wire
	barriers uint16 // sent so far
}

// WithRealPackets calls fn with an oracle, on a thread that the oracle must be
// used on. Programs are attached by clsact filters if that is asked for, as they
// are where the kernel has no TCX links. It needs root.
func WithRealPackets(mode Mode, filters bool, fn func(*RealPackets) error) error {
	return fabric.Wires(Ports, func(wires map[int]*fabric.Wire) (err error) {
		k, err := newKernel(mode, filters)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, k.dataplane.Close()) }()
		return fn(&RealPackets{kernel: k, wires: wires})
	})
}

// Plug attaches the programs first: from then on the port drops what it is not
// told to deliver.
func (r *RealPackets) Plug(port policy.Port, plug policy.Plug) error {
	if err := r.dataplane.Attach(port, plug.Interface == ""); err != nil {
		return err
	}
	return r.kernel.Plug(port, plug)
}

// Unplug takes the programs off, too: the next one behind the port may need
// others.
func (r *RealPackets) Unplug(port policy.Port) error {
	if err := r.kernel.Unplug(port); err != nil {
		return err
	}
	return r.dataplane.Detach(port)
}

func (r *RealPackets) Reset() error {
	for port := range r.plugged {
		if err := r.Unplug(port); err != nil {
			return err
		}
	}
	return r.kernel.Reset()
}

func (r *RealPackets) Send(at time.Duration, port policy.Port, frame []byte) (Outcome, error) {
	r.dataplane.StopClock(r.began + at)
	before, err := r.Counters()
	if err != nil {
		return Outcome{}, err
	}
	if err := r.wires[int(port)].Send(frame); err != nil {
		return Outcome{}, err
	}
	arrived, err := r.arrivals(port, before)
	if err != nil {
		return Outcome{}, err
	}
	after, err := r.Counters()
	if err != nil {
		return Outcome{}, err
	}
	o, err := outcome(port, arrived, moved(before.Drops, after.Drops))
	if o.Verdict.Accept {
		o.Verdict.Rule = r.decisive(o.Verdict.To, moved(before.Hits, after.Hits))
	}
	if o.Verdict.Rule != "" {
		o.Verdict.Reason = policy.Admitted
	}
	return o, err
}

// decisive is, of the rules whose counters have moved, that of the receiver, or
// the sender's where the receiver is on the internet side.
func (r *RealPackets) decisive(to policy.Port, hits map[vpc.RuleID]uint64) vpc.RuleID {
	plug, _ := r.host.Plug(to)
	for id := range hits {
		if rule := r.host.Rule(id); rule != nil && rule.Egress == (plug.Interface == "") {
			return id
		}
	}
	return ""
}

// An arrival is a frame that has come out of the wire of a port.
type arrival struct {
	port  policy.Port
	frame []byte
}

// arrivals are all frames that come out of any wire because of one that was
// just put into a port's.
func (r *RealPackets) arrivals(port policy.Port, before *Counters) ([]arrival, error) {
	arrived, err := r.barrier(port, before)
	if err != nil {
		return nil, err
	}
	for i, w := range r.wires {
		for {
			frame, err := w.Receive(0)
			if err != nil {
				return nil, err
			}
			if frame == nil {
				break
			}
			arrived = append(arrived, arrival{policy.Port(i), frame})
		}
	}
	return arrived, nil
}

// patience bounds the wait for a frame that must come.
const patience = 10 * time.Second

// barrier returns when the programs are done with all that was put into a
// port's wire, and what has come out of it before: it asks, by ARP or neighbour
// discovery, for an address that it has not asked for yet, and the answer comes
// behind whatever was sent earlier. Where nobody is behind the port nothing is answered, but
// everything is counted.
func (r *RealPackets) barrier(port policy.Port, before *Counters) ([]arrival, error) {
	plug, ok := r.host.Plug(port)
	n := r.host.Interface(plug.Interface)
	if !ok || plug.Interface != "" && n == nil {
		return nil, r.awaitUnknownPort(before)
	}
	mac, own := vpc.MACOf(plug.Outside), plug.Outside
	if n != nil {
		mac, own = n.MAC(), n.Primary()
	}
	r.barriers++
	about := netip.AddrFrom4([4]byte{198, 19, byte(r.barriers >> 8), byte(r.barriers)}) // RFC 2544: nobody's
	ask := whoHas
	if own.Is6() {
		about = netip.AddrFrom16([16]byte{0x20, 1, 0, 2, 14: byte(r.barriers >> 8), 15: byte(r.barriers)}) // RFC 5180: nobody's
		ask = func(mac [6]byte, sender, target netip.Addr) []byte {
			return policy.Solicitation(mac, sender, target).Bytes()
		}
	}
	wire := r.wires[int(port)]
	if err := wire.Send(ask(mac, own, about)); err != nil {
		return nil, err
	}
	var arrived []arrival
	for {
		frame, err := wire.Receive(patience)
		if err != nil {
			return nil, err
		}
		if frame == nil {
			return nil, fmt.Errorf("no answer to the question for a neighbour by port %d", port)
		}
		if answers(frame, about) {
			return arrived, nil
		}
		arrived = append(arrived, arrival{port, frame})
	}
}

// answers reports whether a frame tells who has an address.
func answers(frame []byte, about netip.Addr) bool {
	if target, _, ok := advertised(frame); ok {
		return target == about
	}
	p, reason := policy.ParseFrame(frame)
	return reason == 0 && p.ARP != nil && p.ARP.Sender == about
}

func (r *RealPackets) awaitUnknownPort(before *Counters) error {
	unknown := Counted{0, policy.UnknownPort}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		drops, err := r.drops()
		if err != nil {
			return err
		}
		if drops[unknown] > before.Drops[unknown] {
			return nil
		}
	}
	return errors.New("a frame by a port that nobody is behind is not counted")
}

// outcome is what must have been decided about a frame that came in by a port.
func outcome(port policy.Port, arrived []arrival, drops map[Counted]uint64) (Outcome, error) {
	o := Outcome{Drops: drops}
	switch {
	case len(arrived) > 1 || len(drops) > 1 || len(arrived) == 1 && len(drops) == 1:
		return o, fmt.Errorf("one frame arrives %d times and is counted as dropped by %d counters", len(arrived), len(drops))
	case len(arrived) == 1 && arrived[0].port == port:
		o.Verdict.Reason, o.Frame = policy.Answered, arrived[0].frame
	case len(arrived) == 1:
		o.Verdict.Accept, o.Verdict.To, o.Frame = true, arrived[0].port, arrived[0].frame
	case len(drops) == 1:
		for counted := range drops {
			o.Verdict.Reason = counted.Reason
		}
	default:
		o.Verdict.Reason = policy.Ignored
	}
	return o, nil
}
