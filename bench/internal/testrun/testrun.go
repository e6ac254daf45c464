// Package testrun measures what the programs cost by BPF test runs, with
// everything they touch in the CPU's caches unless it says otherwise: a packet
// of an established flow, a whole new handshake, a refused opening; between
// instances of EC2-Classic, across the subnets of a VPC, to the internet and over
// IPv6.
package testrun

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ringfence/internal/dataplane"
	"ringfence/internal/fabric"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

const (
	client, server policy.Port = 11, 12

	repeats    = 20_000 // of one frame; more would be interrupted by the scheduler
	handshakes = 20_000
)

// The two instances' interfaces, and the group that each is in.
const (
	clientID, serverID       vpc.InterfaceID = "eni-client", "eni-server"
	ClientGroup, ServerGroup vpc.GroupID     = "sg-client", "sg-server"
)

// A Bench is a client and a server that admits it by the last of its rules.
type Bench struct {
	Setting
	Host      *policy.Host
	Dataplane *dataplane.Dataplane

	revision int64
	next     uint16 // client's port
}

// With calls fn with two EC2-Classic instances, one of which has some rules. It
// needs root.
func With(rules int, o dataplane.Options, fn func(*Bench) error) error {
	return In(Classic.With(rules), o, fn)
}

// In is With for any setting.
func In(s Setting, o dataplane.Options, fn func(*Bench) error) error {
	return fabric.Scratch([]int{int(client), int(server)}, func() (err error) {
		o.HalfOpen = 1 << 30 // SYNs are sent again and again
		d, err := dataplane.Open(o)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, d.Close()) }()
		b := &Bench{Setting: s, Host: policy.NewHost(policy.RevokeAWS), Dataplane: d, next: 1024}
		if err := b.Follow(s.feed()); err != nil {
			return err
		}
		if err := b.Connect(client, policy.Plug{Interface: clientID}); err != nil {
			return err
		}
		plug := policy.Plug{Interface: serverID}
		if s.subnet == 0 {
			plug = policy.Plug{Outside: s.server}
		}
		if err := b.Connect(server, plug); err != nil {
			return err
		}
		return fn(b)
	})
}

// Follow brings the kernel to what a feed says, as the next revision.
func (b *Bench) Follow(f *vpc.Feed) error {
	b.revision++
	f.Revision = b.revision
	return b.Dataplane.Apply(b.Host, b.Host.Apply(f))
}

// Connect puts somebody behind a port.
func (b *Bench) Connect(port policy.Port, plug policy.Plug) error {
	b.Host.Connect(port, plug)
	return b.Dataplane.Connect(b.Host, port)
}

// Interface is one of EC2-Classic that is in one group.
func Interface(id vpc.InterfaceID, number int, addr netip.Addr, group vpc.GroupID, identity vpc.Identity) *vpc.NetworkInterface {
	return &vpc.NetworkInterface{
		ID: id, Number: vpc.InterfaceNumber(number), Instance: vpc.InstanceID("i-" + string(id[4:])),
		Network: vpc.ClassicNetwork, NetworkNo: 1, Subnet: vpc.ClassicSubnet, SubnetNo: 1,
		Groups: []vpc.GroupID{group}, Identity: identity, Addresses: []netip.Addr{addr},
	}
}

// Rule is rule number i of the server's group, about somebody who never comes.
func Rule(i int) *vpc.Rule {
	return &vpc.Rule{
		ID: vpc.RuleID(fmt.Sprintf("sgr-%06d", i)), Group: ServerGroup, Proto: vpc.TCP,
		Ports: vpc.PortRange{From: uint16(1000 + i), To: uint16(1000 + i)},
		Peer:  vpc.Peer{CIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{172, byte(16 + i>>16), byte(i >> 8), byte(i)}), 32)},
	}
}

// ErrChanges says that a program rewrites a frame into one that it would not
// decide in the same way, so that many runs measure something else.
var ErrChanges = errors.New("the frame is another one after a run")

// measure is the time of a run of many.
func (b *Bench) measure(port policy.Port, f []byte) (time.Duration, error) {
	first, rewritten, err := b.Dataplane.Run(port, f)
	if err != nil {
		return 0, err
	}
	again, _, err := b.Dataplane.Run(port, rewritten)
	if err == nil && again.Reason != first.Reason {
		err = ErrChanges
	}
	if err != nil {
		return 0, err
	}
	return b.Dataplane.Measure(port, rewritten, repeats)
}

// expect runs a frame once and fails if it is not decided as the measurement
// takes for granted.
func (b *Bench) expect(port policy.Port, f []byte, want policy.Reason) error {
	v, _, err := b.Dataplane.Run(port, f)
	if err == nil && v.Reason != want {
		err = fmt.Errorf("packet is %v, not %v", v.Reason, want)
	}
	return err
}

// Established is a packet of a flow that both ends have spoken on.
func (b *Bench) Established() (time.Duration, error) {
	b.next++
	for _, step := range []struct {
		port policy.Port
		f    []byte
		want policy.Reason
	}{
		{client, b.frame(vpc.TCP, false, 80, policy.SYN), policy.Admitted},
		{server, b.frame(vpc.TCP, true, 80, policy.SYN|policy.ACK), policy.Known},
		{client, b.frame(vpc.TCP, false, 80, policy.ACK), policy.Known},
	} {
		if err := b.expect(step.port, step.f, step.want); err != nil {
			return 0, err
		}
	}
	return b.measure(client, b.frame(vpc.TCP, false, 80, policy.ACK))
}

// Loop is what all the others have in them that is not ours.
func (b *Bench) Loop() (time.Duration, error) {
	return b.Dataplane.MeasureLoop(client, b.frame(vpc.TCP, false, 80, policy.ACK), repeats)
}

// OneWay is a datagram of a flow that is never answered.
func (b *Bench) OneWay() (time.Duration, error) {
	b.next++
	f := b.frame(vpc.UDP, false, 80, 0)
	if err := b.expect(client, f, policy.Admitted); err != nil {
		return 0, err
	}
	return b.measure(client, f)
}

// Refused is an opening that no rule admits.
func (b *Bench) Refused() (time.Duration, error) {
	b.next++
	f := b.frame(vpc.TCP, false, 10, policy.SYN)
	if err := b.expect(client, f, b.refusal()); err != nil {
		return 0, err
	}
	return b.measure(client, f)
}

// refusal is what is said of an opening that the server's groups do not allow,
// or before them the client's.
func (b *Bench) refusal() policy.Reason {
	switch {
	case b.heavy:
		return policy.NoEgressRule
	case b.subnet == 0:
		return policy.Admitted // there is nobody to refuse it
	default:
		return policy.NoIngressRule
	}
}

// SYN is an opening with everything in the caches: the same one again and
// again, which is judged and remembered anew each time.
func (b *Bench) SYN() (time.Duration, error) {
	b.next++
	f := b.frame(vpc.TCP, false, 80, policy.SYN)
	if err := b.expect(client, f, policy.Admitted); err != nil {
		return 0, err
	}
	return b.measure(client, f)
}

// SYNACK is the answer to an opening, likewise.
func (b *Bench) SYNACK() (time.Duration, error) {
	b.next++
	f := b.frame(vpc.TCP, true, 80, policy.SYN|policy.ACK)
	if err := b.expect(client, b.frame(vpc.TCP, false, 80, policy.SYN), policy.Admitted); err != nil {
		return 0, err
	}
	if err := b.expect(server, f, policy.Known); err != nil {
		return 0, err
	}
	return b.measure(server, f)
}

// Both are SYN and SYN-ACK together, without the kernel's loop.
func (b *Bench) Both() (time.Duration, error) {
	var sum time.Duration
	for _, m := range []func() (time.Duration, error){b.SYN, b.SYNACK} {
		d, err := m()
		if err != nil {
			return 0, err
		}
		empty, err := b.Loop()
		if err != nil {
			return 0, err
		}
		sum += d - empty
	}
	return sum, nil
}

// Handshake is the median of SYN and SYN-ACK together, each run once by a system
// call that drives much out of the caches, less what the kernel needs to take
// the time of a single run.
func (b *Bench) Handshake() (time.Duration, error) {
	var all []time.Duration
	empty, err := b.clockCost()
	if err != nil {
		return 0, err
	}
	for range handshakes {
		b.next++
		syn, err := b.Dataplane.Measure(client, b.frame(vpc.TCP, false, 80, policy.SYN), 1)
		if err != nil {
			return 0, err
		}
		synAck, err := b.Dataplane.Measure(server, b.frame(vpc.TCP, true, 80, policy.SYN|policy.ACK), 1)
		if err != nil {
			return 0, err
		}
		all = append(all, syn+synAck-2*empty)
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

// clockCost is by how much a single run seems longer than one of many.
func (b *Bench) clockCost() (time.Duration, error) {
	f := b.frame(vpc.TCP, false, 10, policy.SYN)
	many, err := b.Dataplane.Measure(client, f, repeats)
	if err != nil {
		return 0, err
	}
	var single []time.Duration
	for range 1000 {
		d, err := b.Dataplane.Measure(client, f, 1)
		if err != nil {
			return 0, err
		}
		single = append(single, d)
	}
	slices.Sort(single)
	return max(0, single[len(single)/2]-many), nil
}
