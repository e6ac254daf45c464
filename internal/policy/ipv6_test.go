package policy_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

var (
	six       = netip.MustParseAddr
	hopByHop  = policy.Extension{Header: 0, Data: []byte{5, 2, 0, 0}}
	options   = policy.Extension{Header: 60}
	routing   = policy.Extension{Header: 43, Data: make([]byte, 22)}
	fragment  = policy.Extension{Header: 44}
	inside6   = six("2001:db8:0:101::10") // of eni-1 of campus
	near6     = six("2001:db8:0:101::11") // of eni-2
	router6   = six("2001:db8:0:102::10") // of eni-3
	other6    = six("2001:db8:0:200::10") // of eni-4, whose VPC has no gateway
	outside6  = six("2001:db8:8000::7")
	ipv6Ports = map[netip.Addr]policy.Port{inside6: 1, near6: 2, router6: 3, other6: 4, outside6: 8}
)

// newCampus6 is a campus where everybody has an IPv6 address too, and the
// router gets what subnet 1 sends to 2001:db8:9000::/36.
func newCampus6(t *testing.T) *campus {
	c := newCampus(t)
	for addr, port := range ipv6Ports {
		if addr != outside6 {
			n := c.nouns.Interfaces[port-1]
			n.Addresses = append(n.Addresses, addr)
		}
	}
	c.nouns.VPCs[0].IPv6, c.nouns.VPCs[1].IPv6 = block("2001:db8:0:100::/56"), block("2001:db8:0:200::/56")
	tables := c.nouns.RouteTables
	tables[1].Routes = append(tables[1].Routes, toInterface("2001:db8:9000::/36", "eni-3"))
	for i, gateway := range []vpc.GatewayID{"igw-1", "igw-1", "igw-2"} {
		tables[i].Routes = append(tables[i].Routes, toGateway("::/0", gateway))
	}
	for _, egress := range []bool{false, true} {
		r := rule(vpc.RuleID("sgr-six"), "sg-all", vpc.AnyProto, 0, 0, "::/0")
		if r.Egress = egress; egress {
			r.ID = "sgr-six-out"
		}
		c.nouns.Rules = append(c.nouns.Rules, r)
	}
	c.plug(8, outside6, policy.Plug{Outside: outside6})
	c.host = policy.NewHost(policy.RevokeAWS)
	for port := range policy.Port(4) {
		c.host.Connect(port+1, policy.Plug{Interface: c.nouns.Interfaces[port].ID})
	}
	c.host.Connect(7, policy.Plug{Outside: six("203.0.113.7")})
	c.host.Connect(8, policy.Plug{Outside: outside6})
	c.host.Apply(&c.nouns)
	return c
}

// from makes a UDP frame by the port of its source.
func from(src, dst netip.Addr, extensions ...policy.Extension) *policy.Frame {
	return &policy.Frame{Src: src, Dst: dst, Proto: vpc.UDP, SrcPort: 4000, DstPort: 53, Payload: make([]byte, 8), Extensions: extensions}
}

func (c *campus) sendFrame(by policy.Port, f *policy.Frame) policy.Verdict {
	if n := c.host.Interface(c.plugAt(by).Interface); n != nil {
		f.SrcMAC = n.MAC()
	} else {
		f.SrcMAC = vpc.MACOf(c.plugAt(by).Outside)
	}
	return c.host.DecideFrame(&c.flows, by, time.Hour, f.Bytes())
}

func (c *campus) plugAt(port policy.Port) policy.Plug {
	plug, _ := c.host.Plug(port)
	return plug
}

// IPv6 goes where IPv4 goes, without an exchange of addresses.
func TestIPv6Routes(t *testing.T) {
	c := newCampus6(t)
	for _, tt := range []struct {
		what     string
		by       policy.Port
		src, dst netip.Addr
		want     policy.Reason
		to       policy.Port
	}{
		{"a neighbour is reached", 1, inside6, near6, policy.Admitted, 2},
		{"another subnet is reached", 1, inside6, router6, policy.Admitted, 3},
		{"an address that nobody has is not", 1, inside6, six("2001:db8:0:1ff::1"), policy.NoRoute, 0},
		{"the internet is reached by a gateway", 1, inside6, outside6, policy.Admitted, 8},
		{"and reaches in", 8, outside6, inside6, policy.Admitted, 1},
		{"but not where no gateway is", 8, outside6, other6, policy.NoRoute, 0},
		{"from where nobody gets out either", 4, other6, outside6, policy.NoRoute, 0},
		{"two VPCs meet on the internet side only", 1, inside6, other6, policy.NoRoute, 0},
		{"a router gets what is for others", 1, inside6, six("2001:db8:9000::1"), policy.Admitted, 3},
		{"a router lends nobody its way to the internet", 3, near6, outside6, policy.NoRoute, 0},
		{"a router may forward inwards", 3, outside6, near6, policy.Admitted, 2},
		{"nobody else speaks for another", 2, outside6, inside6, policy.Spoofed, 0},
		{"multicast goes nowhere", 1, inside6, six("ff02::1"), policy.Multicast, 0},
		{"nor does what is for the link", 1, inside6, six("fe80::1"), policy.NoRoute, 0},
		{"nor what comes from there", 1, six("fe80::52:aff:fe00:10a"), near6, policy.NoRoute, 0},
		{"which is no foreign address though", 1, six("fe80::52:aff:fe00:10a"), six("ff02::16"), policy.Multicast, 0},
		{"not even from a router", 3, six("fe80::1"), near6, policy.NoRoute, 0},
		{"nobody sends itself anything", 1, inside6, inside6, policy.Malformed, 0},
		{"no address is an IPv4 one in disguise", 1, inside6, six("::ffff:10.0.1.11"), policy.Malformed, 0},
	} {
		v := c.sendFrame(tt.by, from(tt.src, tt.dst))
		if v.Reason != tt.want || v.To != tt.to {
			t.Errorf("%s: %v > %v is %v to %d, want %v to %d", tt.what, tt.src, tt.dst, v.Reason, v.To, tt.want, tt.to)
		}
	}
}

// Extension headers are walked as far as they are sound and lead nowhere else.
func TestExtensionHeaders(t *testing.T) {
	nine := slices.Repeat([]policy.Extension{options}, 9)
	for _, tt := range []struct {
		what       string
		extensions []policy.Extension
		want       policy.Reason
	}{
		{"options for the receiver are passed over", []policy.Extension{options, options}, policy.Admitted},
		{"options for every hop come first", []policy.Extension{hopByHop, options}, policy.Admitted},
		{"and nowhere else", []policy.Extension{options, hopByHop}, policy.Malformed},
		{"a source route takes nobody past the rules", []policy.Extension{routing}, policy.Malformed},
		{"a fragment that is the whole is the whole", []policy.Extension{fragment}, policy.Admitted},
		{"but no fragment is in a fragment", []policy.Extension{fragment, fragment}, policy.Malformed},
		{"eight headers are enough", nine[:8], policy.Admitted},
		{"nine are too many", nine, policy.Malformed},
	} {
		c := newCampus6(t)
		if v := c.sendFrame(1, from(inside6, near6, tt.extensions...)); v.Reason != tt.want {
			t.Errorf("%s: %v", tt.what, v.Reason)
		}
	}
}

// Later fragments follow their first one by the number of the datagram, with
// whatever headers are between, and need rules for all ports without it.
func TestIPv6Fragments(t *testing.T) {
	c := newCampus6(t)
	c.host.Apply(&vpc.Feed{
		GoneRules: []vpc.RuleID{"sgr-six"},
		Rules:     []*vpc.Rule{rule("sgr-dns", "sg-all", vpc.UDP, 53, 53, "::/0"), rule("sgr-gre", "sg-all", 47, 0, 0, "::/0")},
	})
	part := func(id uint32, offset uint16, more bool) *policy.Frame {
		f := from(inside6, near6, hopByHop, fragment, options)
		f.ID, f.Offset, f.More = id, offset, more
		return f
	}
	for _, tt := range []struct {
		what string
		part *policy.Frame
		want policy.Reason
	}{
		{"a fragment before the first is alone", part(1<<20, 5, true), policy.FragmentAlone},
		{"the first opens the flow", part(1<<20, 0, true), policy.Admitted},
		{"the next follows it", part(1<<20, 5, true), policy.Known},
		{"also the last", part(1<<20, 10, false), policy.Known},
		{"not one of another datagram", part(1<<21, 5, false), policy.FragmentAlone},
	} {
		if v := c.sendFrame(1, tt.part); v.Reason != tt.want {
			t.Errorf("%s: %v", tt.what, v.Reason)
		}
	}
	second := part(7, 1, false)
	second.Extensions, second.Proto = []policy.Extension{fragment}, vpc.TCP
	if v := c.sendFrame(1, second); v.Reason != policy.Malformed {
		t.Errorf("a fragment that overwrites the flags of TCP is %v", v.Reason)
	}
}

// Neighbours are looked for, and the answer is the router's. Nothing else of
// neighbour discovery goes anywhere.
func TestNeighbourDiscovery(t *testing.T) {
	mac := vpc.MACOf(six("10.0.1.10"))
	own, link, free := inside6, six("fe80::52:aff:fe00:10a"), netip.IPv6Unspecified()
	ask := func(sender, target netip.Addr) *policy.Frame { return policy.Solicitation(mac, sender, target) }
	with := func(f *policy.Frame, change func(*policy.Frame)) *policy.Frame { change(f); return f }
	for _, tt := range []struct {
		what  string
		frame *policy.Frame
		want  policy.Reason
	}{
		{"a neighbour", ask(own, near6), policy.Answered},
		{"the router", ask(own, six("fe80::1")), policy.Answered},
		{"by the address of the link", ask(link, near6), policy.Answered},
		{"an address that nobody has", ask(own, six("2001:db8:0:101::99")), policy.Answered},
		{"its own address", ask(own, own), policy.Ignored},
		{"whether its own address is free", ask(free, own), policy.Ignored},
		{"whether another's is free", ask(free, near6), policy.Ignored},
		{"in another's name", ask(near6, six("fe80::1")), policy.Spoofed},
		{"for another MAC", with(ask(own, near6), func(f *policy.Frame) { f.Payload[23]++ }), policy.Spoofed},
		{"without saying its MAC", with(ask(own, near6), func(f *policy.Frame) { f.Payload = f.Payload[:16] }), policy.Answered},
		{"half an address", with(ask(own, near6), func(f *policy.Frame) { f.Payload = f.Payload[:12] }), policy.Malformed},
		{"half an option", with(ask(own, near6), func(f *policy.Frame) { f.Payload = f.Payload[:20] }), policy.Malformed},
		{"an option without length", with(ask(own, near6), func(f *policy.Frame) { f.Payload[17] = 0 }), policy.Malformed},
		{"a group", ask(own, six("ff02::1")), policy.Malformed},
		{"from beyond a router", with(ask(own, near6), func(f *policy.Frame) { f.TTL = 64 }), policy.Malformed},
		{"with a code", with(ask(own, near6), func(f *policy.Frame) { f.ICMPCode = 1 }), policy.Malformed},
		{"in a fragment", with(ask(own, near6), func(f *policy.Frame) { f.Extensions = []policy.Extension{fragment} }), policy.Malformed},
		{"behind options", with(ask(own, near6), func(f *policy.Frame) { f.Extensions = []policy.Extension{options} }), policy.Answered},
		{"for routers", with(ask(link, near6), func(f *policy.Frame) { f.ICMPType = 133 }), policy.Ignored},
		{"to be a router", with(ask(link, near6), func(f *policy.Frame) { f.ICMPType = 134 }), policy.Ignored},
		{"nothing, but tells", with(ask(near6, near6), func(f *policy.Frame) { f.ICMPType = 136 }), policy.Ignored},
		{"to go elsewhere", with(ask(link, near6), func(f *policy.Frame) { f.ICMPType = 137 }), policy.Ignored},
	} {
		c := newCampus6(t)
		if v := c.sendFrame(1, tt.frame); v.Reason != tt.want || v.Accept {
			t.Errorf("who asks for %s is %v, want %v", tt.what, v.Reason, tt.want)
		}
	}
}

// ICMPv6 is judged by its own rules, and what it tells of flows passes.
func TestICMPv6(t *testing.T) {
	c := newCampus6(t)
	c.host.Apply(&vpc.Feed{
		GoneRules: []vpc.RuleID{"sgr-six", "sgr-false"},
		Rules:     []*vpc.Rule{rule("sgr-ping", "sg-all", vpc.ICMPv6, 128, 0, "::/0"), rule("sgr-four", "sg-all", vpc.ICMP, 8, 0, "0.0.0.0/0")},
	})
	echo := func(src, dst netip.Addr, proto vpc.Proto, typ uint8) *policy.Frame {
		return &policy.Frame{Src: src, Dst: dst, Proto: proto, ICMPType: typ, ICMPID: 7, Payload: make([]byte, 8)}
	}
	about := func(f *policy.Frame) *policy.Frame {
		e := echo(outside6, f.Src, vpc.ICMPv6, 2) // too big
		e.Payload = f.Packet()
		return e
	}
	sent := from(inside6, six("2001:db8:8000::7"))
	for _, tt := range []struct {
		what  string
		by    policy.Port
		frame *policy.Frame
		want  policy.Reason
	}{
		{"ping is one type", 8, echo(outside6, inside6, vpc.ICMPv6, 128), policy.Admitted},
		{"and its answer another", 1, echo(inside6, outside6, vpc.ICMPv6, 129), policy.Known},
		{"others need rules of their own", 8, echo(outside6, inside6, vpc.ICMPv6, 2), policy.NoIngressRule},
		{"ping of IPv4 is not IPv6", 8, echo(outside6, inside6, vpc.ICMP, 8), policy.Malformed},
		{"nor the other way round", 1, echo(six("10.0.1.10"), six("10.0.1.11"), vpc.ICMPv6, 128), policy.Malformed},
		{"a flow begins", 1, sent, policy.Admitted},
		{"its packets are too big", 8, about(sent), policy.Related},
		{"no flow is told of behind extension headers", 8, about(from(inside6, outside6, options)), policy.NoIngressRule},
	} {
		if v := c.sendFrame(tt.by, tt.frame); v.Reason != tt.want {
			t.Errorf("%s: %v, want %v", tt.what, v.Reason, tt.want)
		}
	}
}

// A flow is forgotten as soon as the less patient of its ends says, and what
// they say later is for later flows.
func TestTimeoutsOfInterfaces(t *testing.T) {
	c := newCampus6(t)
	patience := func(n int, seconds int) {
		same := *c.host.Interface(c.nouns.Interfaces[n].ID)
		same.Timeouts = vpc.ConnectionTimeouts{UDP: seconds}
		c.host.Apply(&vpc.Feed{Interfaces: []*vpc.NetworkInterface{&same}})
	}
	at := time.Hour
	send := func(by policy.Port, src, dst netip.Addr, want policy.Reason) {
		t.Helper()
		f := from(src, dst)
		f.SrcMAC = vpc.MACOf(outside6)
		if by < 7 {
			f.SrcMAC = c.host.Interface(c.plugAt(by).Interface).MAC()
		}
		if v := c.host.DecideFrame(&c.flows, by, at, f.Bytes()); v.Reason != want {
			t.Errorf("%v > %v is %v, want %v", src, dst, v.Reason, want)
		}
	}
	patience(0, 60)
	send(8, outside6, inside6, policy.Admitted)
	at += 59 * time.Second
	send(8, outside6, inside6, policy.Known) // the internet has no say
	send(2, near6, inside6, policy.Admitted)
	patience(1, 60)
	at += 31 * time.Second
	send(2, near6, inside6, policy.Admitted) // it was opened with the default of one end
	at += 59 * time.Second
	send(2, near6, inside6, policy.Known)
}
