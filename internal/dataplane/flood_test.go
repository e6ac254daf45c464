package dataplane_test

import (
	"net/netip"
	"os"
	"testing"

	"ringfence/internal/dataplane"
	"ringfence/internal/fabric"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// TestFlood opens far more connections to one instance than may be unanswered.
// They must not crowd out each other's answers for long, nor touch anything
// else: connections that are established stay, and another instance has all of
// its own room.
func TestFlood(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to load BPF programs")
	}
	const halfOpen, places, flood = 100, 512, 5000
	const outside, victim, other policy.Port = 11, 12, 13
	err := fabric.Scratch([]int{int(outside), int(victim), int(other)}, func() error {
		d, err := dataplane.Open(dataplane.Options{HalfOpen: halfOpen})
		if err != nil {
			return err
		}
		defer d.Close()
		open(t, d, map[policy.Port]string{outside: "203.0.113.7", victim: "10.254.0.10", other: "10.254.0.11"})

		expect := func(port policy.Port, src, dst string, sport, dport uint16, flags policy.TCPFlags, want policy.Reason) {
			t.Helper()
			f := policy.Frame{Src: netip.MustParseAddr(src), Dst: netip.MustParseAddr(dst), Proto: vpc.TCP, SrcPort: sport, DstPort: dport, Flags: flags}
			f.SrcMAC, f.DstMAC = vpc.MACOf(f.Src), vpc.MACOf(f.Dst)
			v, _, err := d.Run(port, f.Bytes())
			if err != nil || v.Reason != want {
				t.Errorf("%s:%d > %s:%d is %v, want %v (%v)", src, sport, dst, dport, v.Reason, want, err)
			}
		}
		connect := func(public, private string, port policy.Port, sport uint16) {
			t.Helper()
			expect(outside, "203.0.113.7", public, sport, 80, policy.SYN, policy.Admitted)
			expect(port, private, "203.0.113.7", 80, sport, policy.SYN|policy.ACK, policy.Known)
			expect(outside, "203.0.113.7", public, sport, 80, policy.ACK, policy.Known)
		}
		connect("203.0.113.40", "10.254.0.10", victim, 1)
		for i := range flood {
			expect(outside, "203.0.113.7", "203.0.113.40", uint16(1024+i), 80, policy.SYN, policy.Admitted)
		}

		// Who answers at once is answered, in the middle of the flood.
		connect("203.0.113.40", "10.254.0.10", victim, 2)
		// What was established before the flood goes on.
		expect(outside, "203.0.113.7", "203.0.113.40", 1, 80, policy.ACK, policy.Known)
		// Another instance does not notice.
		connect("203.0.113.41", "10.254.0.11", other, 1)

		live, _, err := d.Collect()
		if most := halfOpen + places + 3; live > most {
			t.Errorf("%d flows are remembered, want %d at the most", live, most)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// open connects hosts that admit everybody: interfaces in EC2-Classic, whose
// public addresses are 203.0.113.40 and up, and a host on the internet side.
func open(t *testing.T, d *dataplane.Dataplane, hosts map[policy.Port]string) {
	t.Helper()
	h := policy.NewHost(policy.RevokeAWS)
	feed := &vpc.Feed{Revision: 1, Whole: true, Rules: []*vpc.Rule{{
		ID: "sgr-1", Group: "sg-1", Proto: vpc.TCP, Ports: vpc.PortRange{From: 1, To: 65535}, Peer: vpc.Peer{CIDR: netip.MustParsePrefix("0.0.0.0/0")},
	}}}
	for port, addr := range hosts {
		a := netip.MustParseAddr(addr)
		if a.IsPrivate() {
			id := vpc.InterfaceID("eni-" + addr)
			last := a.As4()[3]
			feed.Interfaces = append(feed.Interfaces, &vpc.NetworkInterface{
				ID: id, Number: vpc.InterfaceNumber(port), Network: vpc.ClassicNetwork, NetworkNo: 1, SubnetNo: 1,
				Groups: []vpc.GroupID{"sg-1"}, Identity: 1, Addresses: []netip.Addr{a},
				Public: map[netip.Addr]netip.Addr{a: netip.AddrFrom4([4]byte{203, 0, 113, 30 + last})},
			})
			h.Connect(port, policy.Plug{Interface: id})
		} else {
			h.Connect(port, policy.Plug{Outside: a})
		}
	}
	if err := d.Apply(h, h.Apply(feed)); err != nil {
		t.Fatal(err)
	}
	for port := range hosts {
		if err := d.Connect(h, port); err != nil {
			t.Fatal(err)
		}
	}
}
