package agent

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"ringfence/internal/admin"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// known is an agent that knows nouns, and runs no kernel: its interfaces are
// behind ports by their numbers.
func known(f *vpc.Feed) *Agent {
	a := &Agent{host: policy.NewHost(policy.RevokeAWS), nouns: newNouns()}
	f.Whole = true
	a.nouns.apply(f)
	a.host.Apply(f)
	for _, n := range f.Interfaces {
		if n.Instance != "" {
			a.host.Connect(policy.Port(n.Number), policy.Plug{Interface: n.ID})
		}
	}
	return a
}

// What is asked about is a packet between addresses that fit together.
func TestQuestion(t *testing.T) {
	one, two := newNetwork(1), newNetwork(2)
	a := one.member(0, 4)
	one.member(1, 5)
	second := one.iface(1, 4)
	attach(second, a, 1)
	second.Addresses = append(second.Addresses, netip.MustParseAddr("10.0.1.9"))
	one.iface(0, 9)
	x := two.member(0, 4)
	public := netip.MustParseAddr("203.0.113.33")
	two.feed.Interfaces[0].Public = map[netip.Addr]netip.Addr{x.PrivateAddr: public}
	only4 := two.iface(1, 8)
	only4.Addresses = only4.Addresses[:1]
	stopped := &vpc.Instance{ID: "i-stopped", State: vpc.Stopped}
	two.feed.Instances = append(two.feed.Instances, stopped)
	agent := known(all(one, two))
	for port, addr := range map[policy.Port]string{7: "203.0.113.7", 8: "2001:db8:8000::7"} {
		agent.host.Connect(port, policy.Plug{Outside: netip.MustParseAddr(addr)})
	}
	for _, tt := range []struct{ src, dst, proto, want string }{
		// Ids stand for primary addresses, and for others where those do not fit.
		{"i-104", "i-115", "tcp", "104: tcp 10.0.0.4 > 10.0.1.5"},
		{"i-115", "eni-114", "udp", "115: udp 10.0.1.5 > 10.0.1.4"},
		{"eni-114", "i-115", "tcp", "114: tcp 10.0.1.4 > 10.0.1.5"},
		{"i-104", "2001:db8:0:101::5", "tcp", "104: tcp 2001:db8:0:100::4 > 2001:db8:0:101::5"},
		{"2001:db8:0:101::5", "i-104", "tcp", "115: tcp 2001:db8:0:101::5 > 2001:db8:0:100::4"},
		{"10.0.1.9", "i-115", "tcp", "114: tcp 10.0.1.9 > 10.0.1.5"},

		// ICMP is that of the addresses.
		{"i-104", "i-115", "icmp", "104: icmp 10.0.0.4 > 10.0.1.5"},
		{"i-104", "2001:db8:0:101::5", "ICMP", "104: icmpv6 2001:db8:0:100::4 > 2001:db8:0:101::5"},
		{"i-104", "i-115", "icmpv6", "104: icmpv6 2001:db8:0:100::4 > 2001:db8:0:101::5"},
		{"i-104", "2001:db8:0:101::5", "1", "104: icmp 2001:db8:0:100::4 > 2001:db8:0:101::5"},
		{"10.0.1.9", "10.0.1.5", "icmpv6", "icmpv6 is of IPv6, and 10.0.1.5 is not"},

		// Other networks, and the internet, know the public address only.
		{"203.0.113.7", "i-204", "tcp", "7: tcp 203.0.113.7 > 203.0.113.33"},
		{"i-104", "i-204", "tcp", "104: tcp 10.0.0.4 > 203.0.113.33"},
		{"2001:db8:8000::7", "i-204", "tcp", "8: tcp 2001:db8:8000::7 > 2001:db8:0:200::4"},
		{"203.0.113.7", "i-104", "tcp", "'i-104' has no public address"},
		{"203.0.113.33", "i-104", "tcp", "203.0.113.33 sends from its private address 10.0.0.4"},

		{"10.0.0.4", "10.0.1.5", "tcp", "10.0.0.4 is an address of several networks: name one of eni-104, eni-204"},
		{"10.0.0.9", "10.0.1.5", "tcp", "nobody has the address 10.0.0.9"},
		{"eni-109", "i-104", "tcp", "The network interface 'eni-109' is not attached to an instance"},
		{"i-stopped", "i-104", "tcp", "The instance 'i-stopped' is not in the 'running' state: it is stopped"},
		{"203.0.113.7", "2001:db8:0:100::4", "tcp", "203.0.113.7 and 2001:db8:0:100::4 are addresses of different IP versions"},
		{"2001:db8:8000::7", "eni-218", "tcp", "'eni-218' has no IPv6 address"},

		// What an instance has inside, it reaches without a packet. Others do not.
		{"i-104", "i-104", "tcp", "10.0.0.4 is inside the sender itself"},
		{"i-104", "eni-114", "udp", "10.0.1.4 is inside the sender itself"},
		{"eni-114", "10.0.0.4", "udp", "10.0.0.4 is inside the sender itself"},
		{"i-104", "127.0.0.1", "tcp", "127.0.0.1 is inside the sender itself"},
		{"2001:db8:8000::7", "::1", "tcp", "::1 is inside the sender itself"},
		{"i-104", "169.254.169.254", "tcp", "169.254.169.254 is inside the sender itself"},
		{"i-104", "169.254.169.123", "udp", "169.254.169.123 is inside the sender itself"},
		{"i-104", "169.254.169.253", "udp", "169.254.169.253 is inside the sender itself"},
		{"i-104", "10.0.0.2", "udp", "10.0.0.2 is inside the sender itself"},
		{"203.0.113.7", "169.254.169.254", "tcp", "7: tcp 203.0.113.7 > 169.254.169.254"},

		{"i-1", "i-104", "tcp", "The instance ID 'i-1' does not exist"},
		{"i-104", "eni-1", "tcp", "The networkInterface ID 'eni-1' does not exist"},
		{"i-104", "web", "tcp", `"web" is neither the id of an instance or of a network interface`},
		{"i-104", "i-115", "ah", `"ah" is not a protocol`},
	} {
		p, err := agent.question(admin.ExplainRequest{Source: tt.src, Destination: tt.dst, Port: 22, Proto: tt.proto})
		got := fmt.Sprint(err)
		if err == nil {
			got = fmt.Sprintf("%d: %s %s > %s", p.Port, p.Proto, p.Src, p.Dst)
		}
		if err == nil && got != tt.want || !strings.Contains(got, tt.want) {
			t.Errorf("%s > %s with %s\n got %s\nwant %s", tt.src, tt.dst, tt.proto, got, tt.want)
		}
	}
}

// Hosts on the internet side have addresses that are nobody else's.
func TestMayBeOutside(t *testing.T) {
	for addr, want := range map[string]bool{
		"203.0.113.7": true, "8.8.8.8": true, "2001:db8:8000::7": true, "2001:db8:ffff::1": true,
		"10.0.0.1": false, "127.0.0.1": false, "224.0.0.1": false,
		"2001:db8:0:100::4": false, "2001:db8::1": false, "2606:4700::1": false, "fe80::1": false, "::1": false,
	} {
		if got := mayBeOutside(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: got %v, want %v", addr, got, want)
		}
	}
	for _, addr := range []string{"203.0.113.7", "2001:db8:8000::7"} {
		id := outsideID(netip.MustParseAddr(addr))
		if got, ok := outsideAddr(id); !ok || got.String() != addr || strings.Contains(id, ":") {
			t.Errorf("%s has the machine %s, which is of %s", addr, id, got)
		}
	}
	if addr, ok := outsideAddr("i-00000001"); ok {
		t.Errorf("an instance is outside, at %s", addr)
	}
}
