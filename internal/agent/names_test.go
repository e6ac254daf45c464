package agent

import (
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"

	"ringfence/internal/names"
	"ringfence/internal/vpc"
)

func TestATakenAddressForNamesEndsTheAgent(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	a := &Agent{opts: Options{DNS: taken.Addr().String()}, log: slog.New(slog.DiscardHandler)}
	if err := a.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "is taken") {
		t.Errorf("error is %v, want that the address is taken", err)
	}
}

// Names in VPCs are those of its own network inside, and a VPC decides whether
// there are public ones, and whether its resolver answers at all.
func TestNamesInNetworks(t *testing.T) {
	one, two, mute := newNetwork(1), newNetwork(2), newNetwork(3)
	two.feed.VPCs[0].DNSHostnames = false
	mute.feed.VPCs[0].DNSSupport = false
	for n, w := range []*network{one, two, mute} {
		i := w.member(0, 4)
		w.feed.Interfaces[0].Public = map[netip.Addr]netip.Addr{i.PrivateAddr: netip.AddrFrom4([4]byte{203, 0, 113, byte(41 + n)})}
	}
	two.member(1, 5)
	a := known(all(one, two, mute))
	a.resolver = &names.Resolver{Directory: a.directory()}
	none := netip.Addr{}.String()
	for _, tt := range []struct {
		from       vpc.InstanceID
		name, want string
	}{
		{"i-104", "ip-10-0-0-4.ec2.internal", "10.0.0.4"},
		{"i-104", "ip-10-0-1-5.ec2.internal", none},
		{"i-204", "ip-10-0-1-5.ec2.internal", "10.0.1.5"},
		{"i-104", "ec2-203-0-113-41.compute-1.amazonaws.com", "10.0.0.4"},
		{"i-204", "ec2-203-0-113-41.compute-1.amazonaws.com", "203.0.113.41"},
		{"i-104", "ec2-203-0-113-42.compute-1.amazonaws.com", none}, // DNSHostnames is off
		{"i-204", "ec2-203-0-113-42.compute-1.amazonaws.com", none},
		{"i-304", "ip-10-0-0-4.ec2.internal", "no answer"}, // DNSSupport is off
		{"i-104", "ec2-203-0-113-43.compute-1.amazonaws.com", "203.0.113.43"},
	} {
		s, ok := a.subject(tt.from)
		if !ok {
			t.Fatalf("%s is not known", tt.from)
		}
		got := "no answer"
		if s.Answers() {
			addr, _ := a.resolver.Lookup(s.View(), tt.name)
			got = addr.String()
		}
		if got != tt.want {
			t.Errorf("%s asks for %s: got %s, want %s", tt.from, tt.name, got, tt.want)
		}
	}
}
