package dataplane_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ringfence/internal/dataplane"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// watchRules open the server's port 80.
func watchRules() []*vpc.Rule {
	return []*vpc.Rule{{
		ID: "sgr-web", Group: "sg-server", Proto: vpc.TCP, Ports: vpc.PortRange{From: 80, To: 80},
		Peer: vpc.Peer{CIDR: netip.MustParsePrefix("0.0.0.0/0")},
	}}
}

// Of an interface that is watched every opening is told, and every drop, at either
// end; of others nothing but some drops.
func TestWatch(t *testing.T) {
	withPair(t, dataplane.Options{EventsPerSecond: -1}, watchRules(), func(p *pair) {
		p.expect("nobody watches", p.send(clientPort, 1000, 80, policy.SYN), policy.Admitted)
		p.expect("nobody watches", p.send(clientPort, 1000, 81, policy.SYN), policy.NoIngressRule)
		if err := p.Watch([]vpc.InterfaceNumber{1}); err != nil {
			t.Fatal(err)
		}
		p.expect("the sender is watched", p.send(clientPort, 2000, 80, policy.SYN), policy.Admitted)
		p.expect("the reply is no opening", p.send(serverPort, 80, 2000, policy.SYN|policy.ACK), policy.Known)
		p.expect("dropped at the other end", p.send(clientPort, 2001, 81, policy.SYN), policy.NoIngressRule)
		if err := p.Watch([]vpc.InterfaceNumber{2}); err != nil {
			t.Fatal(err)
		}
		p.expect("the receiver is watched", p.send(clientPort, 3000, 80, policy.SYN), policy.Admitted)
		if err := p.Watch(nil); err != nil {
			t.Fatal(err)
		}
		p.expect("nobody watches any more", p.send(clientPort, 4000, 80, policy.SYN), policy.Admitted)
		if err := p.Watch([]vpc.InterfaceNumber{1}); err != nil {
			t.Fatal(err)
		}
		p.expect("the last one", p.send(clientPort, 5000, 80, policy.SYN), policy.Admitted)

		events, err := p.Events()
		if err != nil {
			t.Fatal(err)
		}
		defer events.Close()
		event := func(sport, dport uint16, reason policy.Reason, rule vpc.RuleID) dataplane.Event {
			return dataplane.Event{
				Src: netip.AddrPortFrom(clientAddr, sport), Dst: netip.AddrPortFrom(serverAddr, dport), Proto: vpc.TCP,
				Reason: reason, Interface: 2, Port: clientPort,
				Rule: rule, Sender: dataplane.EventEnd{Interface: 1}, Receiver: dataplane.EventEnd{Interface: 2, Rule: rule},
			}
		}
		for _, want := range []dataplane.Event{
			event(2000, 80, policy.Admitted, "sgr-web"),
			event(2001, 81, policy.NoIngressRule, ""),
			event(3000, 80, policy.Admitted, "sgr-web"),
			event(5000, 80, policy.Admitted, "sgr-web"),
		} {
			got, err := events.Read()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(dataplane.Event{}, "At", "Bytes"), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
				t.Errorf("told of another packet: %s", diff)
			}
		}
	})
}

// What finds no room is counted for those who watch.
func TestWatchCountsWhatIsLost(t *testing.T) {
	const page, many = 4096, 200
	withPair(t, dataplane.Options{}.WithMapSize("events", page), watchRules(), func(p *pair) {
		if err := p.Watch([]vpc.InterfaceNumber{1}); err != nil {
			t.Fatal(err)
		}
		for i := range uint16(many) {
			p.expect("an opening", p.send(clientPort, 2000+i, 80, policy.SYN), policy.Admitted)
		}
		lost, err := p.Lost()
		if err != nil {
			t.Fatal(err)
		}
		events, err := p.Events()
		if err != nil {
			t.Fatal(err)
		}
		defer events.Close()
		for range many - int(lost) {
			if _, err := events.Read(); err != nil {
				t.Fatal(err)
			}
		}
		if lost == 0 || lost == many {
			t.Errorf("%d of %d are lost", lost, many)
		}
	})
}
