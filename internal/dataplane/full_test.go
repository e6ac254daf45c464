package dataplane_test

import (
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ringfence/internal/dataplane"
	"ringfence/internal/fabric"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// Two instances of EC2-Classic: who is behind clientPort is in sg-client, who is
// behind serverPort is in sg-server.
const (
	clientPort policy.Port = 12
	serverPort policy.Port = 13
)

var (
	clientAddr = netip.MustParseAddr("10.254.0.10")
	serverAddr = netip.MustParseAddr("10.254.0.11")
)

// A pair is a kernel that has the two instances, and what it should be equal to.
type pair struct {
	*dataplane.Dataplane
	t        *testing.T
	host     *policy.Host
	revision int64
}

// withPair runs fn in a namespace with the two instances.
func withPair(t *testing.T, o dataplane.Options, rules []*vpc.Rule, fn func(*pair)) {
	t.Helper()
	needRoot(t)
	err := fabric.Scratch([]int{int(clientPort), int(serverPort)}, func() error {
		d, err := dataplane.Open(o)
		if err != nil {
			return err
		}
		defer d.Close()
		d.StopClock(time.Hour)
		p := &pair{Dataplane: d, t: t, host: policy.NewHost(policy.RevokeAWS)}
		feed := &vpc.Feed{Whole: true, Rules: rules}
		for n, addr := range []netip.Addr{clientAddr, serverAddr} {
			iface := &vpc.NetworkInterface{
				ID: vpc.InterfaceID(fmt.Sprintf("eni-%d", n)), Number: vpc.InterfaceNumber(n + 1), Network: vpc.ClassicNetwork, NetworkNo: 1,
				Subnet: vpc.ClassicSubnet, SubnetNo: 1, Groups: []vpc.GroupID{[]vpc.GroupID{"sg-client", "sg-server"}[n]},
				Identity: vpc.Identity(n + 1), Addresses: []netip.Addr{addr},
			}
			feed.Interfaces = append(feed.Interfaces, iface)
			p.host.Connect(clientPort+policy.Port(n), policy.Plug{Interface: iface.ID})
		}
		if err := p.apply(feed); err != nil {
			return err
		}
		for _, port := range []policy.Port{clientPort, serverPort} {
			if err := d.Connect(p.host, port); err != nil {
				return err
			}
		}
		fn(p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (p *pair) apply(f *vpc.Feed) error {
	p.revision++
	f.Revision = p.revision
	return p.Apply(p.host, p.host.Apply(f))
}

// send returns what becomes of a TCP segment between the two.
func (p *pair) send(from policy.Port, sport, dport uint16, flags policy.TCPFlags) policy.Reason {
	p.t.Helper()
	f := policy.Frame{Src: clientAddr, Dst: serverAddr, Proto: vpc.TCP, SrcPort: sport, DstPort: dport, Flags: flags}
	if from == serverPort {
		f.Src, f.Dst = f.Dst, f.Src
	}
	f.SrcMAC, f.DstMAC = vpc.MACOf(f.Src), vpc.MACOf(f.Dst)
	v, _, err := p.Run(from, f.Bytes())
	if err != nil {
		p.t.Fatal(err)
	}
	return v.Reason
}

func (p *pair) expect(what string, got, want policy.Reason) {
	p.t.Helper()
	if got != want {
		p.t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func allow(id vpc.RuleID, group vpc.GroupID, from, to uint16, cidr string) *vpc.Rule {
	return &vpc.Rule{
		ID: id, Group: group, Proto: vpc.TCP, Ports: vpc.PortRange{From: from, To: to},
		Peer: vpc.Peer{CIDR: netip.MustParsePrefix(cidr)},
	}
}

const fewFlows = 64

// When there is no room to remember another flow, those that are remembered go
// on. A new one passes only if the rules allow both of its directions, since
// nothing else would let its answers pass.
func TestFullFlowTable(t *testing.T) {
	for _, c := range []struct {
		what  string
		rules []*vpc.Rule
		want  policy.Reason
	}{
		{"rules allow one way", []*vpc.Rule{allow("sgr-1", "sg-server", 80, 80, "10.254.0.0/16")}, policy.TableFull},
		{"rules allow both ways", []*vpc.Rule{
			allow("sgr-1", "sg-server", 80, 80, "10.254.0.0/16"), allow("sgr-2", "sg-client", 1024, 65535, "10.254.0.0/16"),
		}, policy.Untracked},
	} {
		t.Run(c.what, func(t *testing.T) {
			withPair(t, dataplane.Options{MaxFlows: fewFlows, HalfOpen: 10 * fewFlows}, c.rules, func(p *pair) {
				remembered := uint16(0)
				for ; remembered < 10*fewFlows; remembered++ {
					if r := p.send(clientPort, 2000+remembered, 80, policy.SYN); r != policy.Admitted {
						p.expect("the first that is not remembered", r, c.want)
						break
					}
				}
				if remembered < fewFlows || remembered == 10*fewFlows {
					t.Fatalf("%d flows are remembered, want some %d", remembered, fewFlows)
				}
				const more = 100
				for i := range uint16(more) {
					p.expect("one more", p.send(clientPort, 10000+i, 80, policy.SYN), c.want)
				}
				if c.want == policy.Untracked {
					p.expect("an answer to it", p.send(serverPort, 80, 10000, policy.SYN|policy.ACK), policy.Untracked)
				}
				for i := range remembered {
					p.expect("an answer to a remembered one", p.send(serverPort, 80, 2000+i, policy.SYN|policy.ACK), policy.Known)
					p.expect("and the answer to that", p.send(clientPort, 2000+i, 80, policy.ACK), policy.Known)
				}
				want := map[policy.Reason]uint64{policy.TableFull: more + 1}
				if c.want == policy.Untracked {
					want = map[policy.Reason]uint64{}
				}
				if got := p.dropped(); !maps.Equal(got, want) {
					t.Errorf("counted %v, want %v", got, want)
				}
			})
		})
	}
}

// Without room to remember it, a ping needs rules for its answer too, whatever its
// identifier.
func TestFullFlowTablePing(t *testing.T) {
	message := func(id vpc.RuleID, group vpc.GroupID, typ int16) *vpc.Rule {
		return &vpc.Rule{
			ID: id, Group: group, Proto: vpc.ICMP, ICMP: vpc.ICMPType{Type: typ, Code: vpc.AnyICMP},
			Peer: vpc.Peer{CIDR: netip.MustParsePrefix("10.254.0.0/16")},
		}
	}
	question, answer := message("sgr-1", "sg-server", 8), message("sgr-2", "sg-client", 0)
	for _, c := range []struct {
		what  string
		rules []*vpc.Rule
		want  policy.Reason
	}{
		{"rules allow the question", []*vpc.Rule{question}, policy.TableFull},
		{"rules allow both", []*vpc.Rule{question, answer}, policy.Untracked},
	} {
		t.Run(c.what, func(t *testing.T) {
			withPair(t, dataplane.Options{MaxFlows: fewFlows, HalfOpen: 10 * fewFlows}, c.rules, func(p *pair) {
				remembered := uint16(0)
				for ; p.ping(remembered) == policy.Admitted; remembered++ {
					if remembered == 10*fewFlows {
						t.Fatalf("%d flows are remembered, want some %d", remembered, fewFlows)
					}
				}
				for id := remembered; id < 10000; id += 99 {
					p.expect(fmt.Sprintf("ping %d", id), p.ping(id), c.want)
				}
			})
		})
	}
}

// ping returns what becomes of a client's.
func (p *pair) ping(id uint16) policy.Reason {
	p.t.Helper()
	f := policy.Frame{
		Src: clientAddr, Dst: serverAddr, SrcMAC: vpc.MACOf(clientAddr), DstMAC: vpc.MACOf(serverAddr),
		Proto: vpc.ICMP, ICMPType: 8, ICMPID: id,
	}
	v, _, err := p.Run(clientPort, f.Bytes())
	if err != nil {
		p.t.Fatal(err)
	}
	return v.Reason
}

// dropped are the counts of drops by reason.
func (p *pair) dropped() map[policy.Reason]uint64 {
	p.t.Helper()
	drops, err := p.Drops()
	if err != nil {
		p.t.Fatal(err)
	}
	n := make(map[policy.Reason]uint64)
	for _, d := range drops {
		n[d.Reason] += d.Packets
	}
	return n
}

// When a map is full the new rules are not put in force, none of them, and the
// old ones stay. Once there is room, all is as it should be.
func TestFullMaps(t *testing.T) {
	old := []*vpc.Rule{allow("sgr-0", "sg-server", 80, 80, "10.254.0.10/32")}
	var many []*vpc.Rule
	for n := range 600 {
		many = append(many, allow(vpc.RuleID(fmt.Sprintf("sgr-1%03d", n)), "sg-server", uint16(1000+n), uint16(1000+n), fmt.Sprintf("10.254.%d.10/32", n%200)))
	}
	for _, group := range []vpc.GroupID{"sg-client", "sg-server"} {
		many = append(many, &vpc.Rule{ID: "sgr-2" + vpc.RuleID(group), Group: "sg-server", Proto: vpc.UDP, Peer: vpc.Peer{Group: group}})
	}
	for name, size := range map[string]uint32{
		"cidrs": 20, "l4": 20, "identities": 1, "rule_names": 20, "rule_numbers": 64, "chunks": 3, "parts": 40, "slots": 4,
	} {
		t.Run(name, func(t *testing.T) {
			withPair(t, dataplane.Options{MaxFlows: fewFlows}.WithMapSize(name, size), old, func(p *pair) {
				before := p.Entries(t)
				if err := p.apply(&vpc.Feed{Rules: many}); err == nil {
					t.Fatal("there is room for everything")
				}
				for i := range uint16(10) {
					p.expect("what the old rules allow", p.send(clientPort, 2000+i, 80, policy.SYN), policy.Admitted)
					p.expect("what the new rules would", p.send(clientPort, 2000+i, 1000, policy.SYN), policy.NoIngressRule)
				}
				if name == "slots" {
					return // there is no room to change anything
				}
				if got := p.Entries(t); !maps.Equal(got, before) {
					t.Errorf("left behind are %v, want %v", got, before)
				}
				feed := &vpc.Feed{Rules: []*vpc.Rule{allow("sgr-3", "sg-server", 443, 443, "10.254.0.0/16")}, GoneRules: []vpc.RuleID{"sgr-0"}}
				for _, r := range many {
					feed.GoneRules = append(feed.GoneRules, r.ID)
				}
				p.host.Apply(feed)
				if err := p.Apply(p.host, p.host.Everything()); err != nil {
					t.Fatal(err)
				}
				p.expect("what the newest rules allow", p.send(clientPort, 3000, 443, policy.SYN), policy.Admitted)
				p.expect("what they do not", p.send(clientPort, 3000, 80, policy.SYN), policy.NoIngressRule)
				if err := p.Sweep(); err != nil {
					t.Fatal(err)
				}
				if got := p.Entries(t); !maps.Equal(got, before) {
					t.Errorf("with as many rules as at first there are %v, want %v", got, before)
				}
			})
		})
	}
}

// When there is no room for places or routes, the change that needs them fails
// and says for what; whoever is there stays as he is.
func TestFullPlaces(t *testing.T) {
	needRoot(t)
	for name, size := range map[string]uint32{"locations": 4, "publics": 1, "routes": 4} {
		t.Run(name, func(t *testing.T) {
			err := fabric.Scratch([]int{int(clientPort), int(serverPort)}, func() error {
				d, err := dataplane.Open(dataplane.Options{MaxFlows: fewFlows}.WithMapSize(name, size))
				if err != nil {
					return err
				}
				defer d.Close()
				p := &pair{Dataplane: d, t: t, host: policy.NewHost(policy.RevokeAWS)}
				feed := openVPC()
				client, server := inVPC(0, 2, clientAddr), inVPC(1, 2, serverAddr)
				client.Public = map[netip.Addr]netip.Addr{clientAddr: netip.MustParseAddr("203.0.113.40")}
				feed.VPCs[0].CIDRs[0].CIDR = netip.MustParsePrefix("10.254.0.0/16")
				feed.VPCs[0].IPv6, feed.RouteTables[0].Routes = nil, feed.RouteTables[0].Routes[:1]
				feed.Interfaces = []*vpc.NetworkInterface{client, server}
				if err := p.apply(feed); err != nil {
					return err
				}
				for i, port := range []policy.Port{clientPort, serverPort} {
					p.host.Connect(port, policy.Plug{Interface: feed.Interfaces[i].ID})
					if err := d.Connect(p.host, port); err != nil {
						return err
					}
				}
				more := *server
				table := *feed.RouteTables[0]
				more.Public = make(map[netip.Addr]netip.Addr)
				for i := range byte(8) {
					second := netip.AddrFrom4([4]byte{10, 254, 1, i})
					more.Addresses = append(more.Addresses, second)
					more.Public[second] = netip.AddrFrom4([4]byte{203, 0, 113, 50 + i})
					table.Routes = append(table.Routes, vpc.Route{Destination: netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, i, 0}), 24), Gateway: "igw-1"})
				}
				change := &vpc.Feed{Interfaces: []*vpc.NetworkInterface{&more}}
				if name == "routes" {
					change = &vpc.Feed{RouteTables: []*vpc.RouteTable{&table}}
				}
				if err := p.apply(change); err == nil || !strings.Contains(err.Error(), name) {
					t.Errorf("Apply says %v", err)
				}
				p.expect("what was reached before", p.send(clientPort, 2000, 80, policy.SYN), policy.Admitted)
				p.host.Apply(&vpc.Feed{Interfaces: []*vpc.NetworkInterface{server}, RouteTables: feed.RouteTables})
				if err := d.Apply(p.host, p.host.Everything()); err != nil {
					t.Errorf("with room again, Apply says %v", err)
				}
				want := map[string]int{"locations": 3, "publics": 1, "routes": 2}
				if got := d.Entries(t)[name]; got != want[name] {
					t.Errorf("%d entries are left, want %d", got, want[name])
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A ring buffer that nobody reads fills up. What is lost is told events, not
// counts.
func TestFullRingBuffer(t *testing.T) {
	const page = 4096
	withPair(t, dataplane.Options{MaxFlows: fewFlows, EventsPerSecond: 1 << 20}.WithMapSize("events", page), nil, func(p *pair) {
		const many = 1000
		for i := range uint16(many) {
			p.expect("a refused one", p.send(clientPort, 2000+i, 80, policy.SYN), policy.NoIngressRule)
		}
		if got := p.dropped()[policy.NoIngressRule]; got != many {
			t.Errorf("counted %d, want %d", got, many)
		}
		events, err := p.Events()
		if err != nil {
			t.Fatal(err)
		}
		defer events.Close()
		e, err := events.Read()
		if err != nil {
			t.Fatal(err)
		}
		want := dataplane.Event{
			Src: netip.AddrPortFrom(clientAddr, 2000), Dst: netip.AddrPortFrom(serverAddr, 80), Proto: vpc.TCP,
			At: e.At, Reason: policy.NoIngressRule, Interface: 2, Port: clientPort, Bytes: e.Bytes,
			Sender: dataplane.EventEnd{Interface: 1}, Receiver: dataplane.EventEnd{Interface: 2},
		}
		if e != want {
			t.Errorf("the first event is %+v, want %+v", e, want)
		}
	})
}
