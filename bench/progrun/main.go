// Progrun measures what the programs cost by BPF test runs, with everything
// they touch in the CPU's caches: a packet of an established flow, a whole new
// handshake, a refused opening. Run it as root:
//
//	go run ./bench/progrun
package main

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"ringfence/internal/dataplane"
	"ringfence/internal/fabric"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

const (
	client, server policy.Port = 11, 12
	rounds                     = 7
	repeats                    = 20_000 // of one frame; more would be interrupted by the scheduler
	handshakes                 = 20_000 // in a round
)

func main() {
	flag.Parse()
	if err := fabric.Scratch([]int{int(client), int(server)}, measure); err != nil {
		fmt.Fprintln(os.Stderr, "progrun:", err)
		os.Exit(1)
	}
}

// measure prints a table with the median of the rounds and their extremes.
func measure() error {
	table := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "rules\tempty program\testablished\tUDP one way\trefused\tSYN\tSYN-ACK\thandshake, cold\t\tmedian of 7 rounds (min to max), ns")
	for _, rules := range []int{10, 400, 1000, 10_000} {
		b, err := newBench(rules)
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "%d\t", rules)
		for _, m := range []func() (time.Duration, error){b.loop, b.established, b.oneWay, b.refused, b.syn, b.synAck, b.handshake} {
			var all []time.Duration
			for range rounds {
				d, err := m()
				if err != nil {
					return err
				}
				all = append(all, d)
			}
			slices.Sort(all)
			fmt.Fprintf(table, "%d (%d to %d)\t", all[rounds/2].Nanoseconds(), all[0].Nanoseconds(), all[rounds-1].Nanoseconds())
		}
		fmt.Fprintln(table, "\t")
		if err := b.dataplane.Close(); err != nil {
			return err
		}
	}
	return table.Flush()
}

// A bench is two EC2-Classic instances, one of which admits the other by the
// last of its rules.
type bench struct {
	dataplane *dataplane.Dataplane
	next      uint16 // client's port
}

var clientAddr, serverAddr = netip.MustParseAddr("10.254.0.10"), netip.MustParseAddr("10.254.0.11")

func newBench(rules int) (*bench, error) {
	d, err := dataplane.Open(dataplane.Options{HalfOpen: 1 << 30}) // SYNs are sent again and again
	if err != nil {
		return nil, err
	}
	feed := &vpc.Feed{Revision: 1, Whole: true}
	for i, addr := range []netip.Addr{clientAddr, serverAddr} {
		feed.Interfaces = append(feed.Interfaces, &vpc.NetworkInterface{
			ID: vpc.InterfaceID(fmt.Sprintf("eni-%d", i)), Number: vpc.InterfaceNumber(i + 1),
			Network: vpc.ClassicNetwork, NetworkNo: 1, Subnet: vpc.ClassicSubnet, SubnetNo: 1,
			Groups: []vpc.GroupID{vpc.GroupID(fmt.Sprintf("sg-%d", i))}, Identity: vpc.Identity(i + 1),
			Addresses: []netip.Addr{addr},
		})
	}
	for i := range rules - 2 {
		feed.Rules = append(feed.Rules, &vpc.Rule{
			ID: vpc.RuleID(fmt.Sprintf("sgr-%06d", i)), Group: "sg-1", Proto: vpc.TCP,
			Ports: vpc.PortRange{From: uint16(1000 + i), To: uint16(1000 + i)},
			Peer:  vpc.Peer{CIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{172, byte(16 + i>>16), byte(i >> 8), byte(i)}), 32)},
		})
	}
	for _, proto := range []vpc.Proto{vpc.TCP, vpc.UDP} {
		feed.Rules = append(feed.Rules, &vpc.Rule{
			ID: vpc.RuleID("sgr-z" + proto.String()), Group: "sg-1", Proto: proto,
			Ports: vpc.PortRange{From: 80, To: 80}, Peer: vpc.Peer{Group: "sg-0"},
		})
	}
	h := policy.NewHost(policy.RevokeAWS)
	if err := d.Apply(h, h.Apply(feed)); err != nil {
		return nil, err
	}
	for i, port := range []policy.Port{client, server} {
		h.Connect(port, policy.Plug{Interface: vpc.InterfaceID(fmt.Sprintf("eni-%d", i))})
		if err := d.Connect(h, port); err != nil {
			return nil, err
		}
	}
	return &bench{dataplane: d, next: 1024}, nil
}

// frame is one from client to server, or back.
func frame(proto vpc.Proto, back bool, clientPort, serverPort uint16, flags policy.TCPFlags) []byte {
	f := policy.Frame{
		Src: clientAddr, Dst: serverAddr, Proto: proto, SrcPort: clientPort, DstPort: serverPort, Flags: flags,
	}
	if back {
		f.Src, f.Dst, f.SrcPort, f.DstPort = serverAddr, clientAddr, serverPort, clientPort
	}
	f.SrcMAC, f.DstMAC = vpc.MACOf(f.Src), vpc.MACOf(f.Dst)
	return f.Bytes()
}

// expect runs a frame once and fails if it is not decided as the measurement
// takes for granted.
func (b *bench) expect(port policy.Port, f []byte, want policy.Reason) error {
	v, _, err := b.dataplane.Run(port, f)
	if err == nil && v.Reason != want {
		err = fmt.Errorf("packet is %v, not %v", v.Reason, want)
	}
	return err
}

func (b *bench) established() (time.Duration, error) {
	b.next++
	for _, step := range []struct {
		port policy.Port
		f    []byte
		want policy.Reason
	}{
		{client, frame(vpc.TCP, false, b.next, 80, policy.SYN), policy.Admitted},
		{server, frame(vpc.TCP, true, b.next, 80, policy.SYN|policy.ACK), policy.Known},
		{client, frame(vpc.TCP, false, b.next, 80, policy.ACK), policy.Known},
	} {
		if err := b.expect(step.port, step.f, step.want); err != nil {
			return 0, err
		}
	}
	return b.dataplane.Measure(client, frame(vpc.TCP, false, b.next, 80, policy.ACK), repeats)
}

// loop is what all the others have in them that is not ours.
func (b *bench) loop() (time.Duration, error) {
	return b.dataplane.MeasureLoop(client, frame(vpc.TCP, false, 1024, 80, policy.ACK), repeats)
}

func (b *bench) oneWay() (time.Duration, error) {
	b.next++
	f := frame(vpc.UDP, false, b.next, 80, 0)
	if err := b.expect(client, f, policy.Admitted); err != nil {
		return 0, err
	}
	return b.dataplane.Measure(client, f, repeats)
}

func (b *bench) refused() (time.Duration, error) {
	b.next++
	f := frame(vpc.TCP, false, b.next, 81, policy.SYN)
	if err := b.expect(client, f, policy.NoIngressRule); err != nil {
		return 0, err
	}
	return b.dataplane.Measure(client, f, repeats)
}

// syn is an opening with everything in the caches: the same one again and
// again, which is judged and remembered anew each time.
func (b *bench) syn() (time.Duration, error) {
	b.next++
	f := frame(vpc.TCP, false, b.next, 80, policy.SYN)
	if err := b.expect(client, f, policy.Admitted); err != nil {
		return 0, err
	}
	return b.dataplane.Measure(client, f, repeats)
}

// synAck is the answer to an opening, likewise.
func (b *bench) synAck() (time.Duration, error) {
	b.next++
	f := frame(vpc.TCP, true, b.next, 80, policy.SYN|policy.ACK)
	if err := b.expect(client, frame(vpc.TCP, false, b.next, 80, policy.SYN), policy.Admitted); err != nil {
		return 0, err
	}
	if err := b.expect(server, f, policy.Known); err != nil {
		return 0, err
	}
	return b.dataplane.Measure(server, f, repeats)
}

// handshake is the median of SYN and SYN-ACK together, each run once by a system
// call that drives much out of the caches, less what the kernel needs to take
// the time of a single run.
func (b *bench) handshake() (time.Duration, error) {
	var all []time.Duration
	empty, err := b.clockCost()
	if err != nil {
		return 0, err
	}
	for range handshakes {
		b.next++
		syn, err := b.dataplane.Measure(client, frame(vpc.TCP, false, b.next, 80, policy.SYN), 1)
		if err != nil {
			return 0, err
		}
		synAck, err := b.dataplane.Measure(server, frame(vpc.TCP, true, b.next, 80, policy.SYN|policy.ACK), 1)
		if err != nil {
			return 0, err
		}
		all = append(all, syn+synAck-2*empty)
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

// clockCost is by how much a single run seems longer than one of many.
func (b *bench) clockCost() (time.Duration, error) {
	f := frame(vpc.TCP, false, b.next, 81, policy.SYN)
	many, err := b.dataplane.Measure(client, f, repeats)
	if err != nil {
		return 0, err
	}
	var single []time.Duration
	for range 1000 {
		d, err := b.dataplane.Measure(client, f, 1)
		if err != nil {
			return 0, err
		}
		single = append(single, d)
	}
	slices.Sort(single)
	return max(0, single[len(single)/2]-many), nil
}
