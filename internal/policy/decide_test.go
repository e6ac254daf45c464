package policy_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// office has two networks and the internet:
//
//	EC2-Classic: web 10.254.0.10, app 10.254.0.11, alone 10.254.0.12 in no
//	  useful group; web is 203.0.113.40 on the internet
//	a VPC: left 10.0.1.10 and near 10.0.1.11 in one subnet, right 10.0.2.10 in
//	  another
//	the internet: 203.0.113.7, 203.0.113.8
type office struct {
	t      *testing.T
	host   *policy.Host
	flows  policy.Flows
	at     time.Duration
	rules  map[vpc.RuleID]*vpc.Rule
	met    map[policy.Reason]bool
	senses map[netip.Addr]policy.Port
}

func newOffice(t *testing.T) *office {
	o := &office{
		t: t, host: policy.NewHost(policy.RevokeAWS), rules: make(map[vpc.RuleID]*vpc.Rule),
		met: make(map[policy.Reason]bool), senses: make(map[netip.Addr]policy.Port),
	}
	feed := &vpc.Feed{Whole: true}
	iface := func(n int, network vpc.NetworkID, subnet vpc.SubnetNumber, addr, public string, groups ...vpc.GroupID) {
		i := &vpc.NetworkInterface{
			ID: vpc.InterfaceID(fmt.Sprintf("eni-%d", n)), Number: vpc.InterfaceNumber(n), Network: network, NetworkNo: vpc.NetworkNumber(min(subnet, 2)),
			SubnetNo: subnet, Groups: groups, Identity: vpc.Identity(n), Addresses: []netip.Addr{netip.MustParseAddr(addr)},
		}
		if public != "" {
			i.Public = map[netip.Addr]netip.Addr{i.Primary(): netip.MustParseAddr(public)}
		}
		feed.Interfaces = append(feed.Interfaces, i)
		o.plug(policy.Port(n), i.Primary(), policy.Plug{Interface: i.ID})
	}
	iface(1, vpc.ClassicNetwork, 1, "10.254.0.10", "203.0.113.40", "sg-web")
	iface(2, vpc.ClassicNetwork, 1, "10.254.0.11", "203.0.113.41", "sg-app")
	iface(3, vpc.ClassicNetwork, 1, "10.254.0.12", "", "sg-alone")
	iface(4, "vpc-1", 2, "10.0.1.10", "", "sg-vpc")
	iface(5, "vpc-1", 2, "10.0.1.11", "", "sg-vpc")
	iface(6, "vpc-1", 3, "10.0.2.10", "", "sg-vpc")
	feed.Interfaces[5].NetworkNo = 2
	for n, addr := range []string{"203.0.113.7", "203.0.113.8"} {
		a := netip.MustParseAddr(addr)
		o.plug(policy.Port(7+n), a, policy.Plug{Outside: a})
	}
	for _, r := range []*vpc.Rule{
		rule("sgr-http", "sg-web", vpc.TCP, 80, 80, "0.0.0.0/0"),
		rule("sgr-range", "sg-web", vpc.TCP, 8000, 8080, "203.0.113.7/32"),
		rule("sgr-dns", "sg-web", vpc.UDP, 53, 53, "203.0.113.0/24"),
		rule("sgr-ping", "sg-web", vpc.ICMP, 8, 0, "203.0.113.7/32"),
		rule("sgr-gre", "sg-web", 47, 0, 0, "203.0.113.7/32"),
		rule("sgr-app", "sg-web", vpc.TCP, 3306, 3306, "sg-app"),
		rule("sgr-all", "sg-app", vpc.TCP, 0, 65535, "0.0.0.0/0"),
		rule("sgr-vin", "sg-vpc", vpc.TCP, 0, 65535, "10.0.0.0/16"),
		rule("sgr-vout", "sg-vpc", vpc.TCP, 0, 999, "10.0.0.0/16"),
	} {
		r.Egress = r.ID == "sgr-vout"
		o.rules[r.ID] = r
		feed.Rules = append(feed.Rules, r)
	}
	for n, subnet := range []vpc.SubnetNumber{2, 3} {
		a := &vpc.NetworkACL{ID: vpc.ACLID(fmt.Sprintf("acl-%d", n)), Subnets: []vpc.ACLAssociation{{SubnetNo: subnet}}}
		for number, e := range []struct {
			egress   bool
			from, to uint16
		}{{false, 80, 81}, {true, 80, 80}, {true, 82, 82}, {false, 1024, 65535}, {true, 1024, 65535}} {
			a.Entries = append(a.Entries, vpc.ACLEntry{
				Number: 10 * (number + 1), Allow: true, Egress: e.egress, Proto: vpc.TCP,
				Ports: vpc.PortRange{From: e.from, To: e.to}, CIDR: netip.MustParsePrefix("10.0.0.0/16"),
			})
		}
		feed.ACLs = append(feed.ACLs, a)
	}
	o.host.Apply(feed)
	return o
}

func (o *office) plug(port policy.Port, addr netip.Addr, plug policy.Plug) {
	o.host.Connect(port, plug)
	o.senses[addr] = port
}

// rule is for a block, or for a group. ICMP has type and code for ports.
func rule(id vpc.RuleID, group vpc.GroupID, proto vpc.Proto, from, to uint16, peer string) *vpc.Rule {
	r := &vpc.Rule{ID: id, Group: group, Proto: proto}
	switch {
	case proto.HasPorts():
		r.Ports = vpc.PortRange{From: from, To: to}
	case proto.IsICMP():
		r.ICMP = vpc.ICMPType{Type: int16(from), Code: int16(to)}
	}
	if strings.HasPrefix(peer, "sg-") {
		r.Peer.Group = vpc.GroupID(peer)
	} else {
		r.Peer.CIDR = netip.MustParsePrefix(peer)
	}
	return r
}

var flagLetters = map[rune]policy.TCPFlags{'S': policy.SYN, 'A': policy.ACK, 'F': policy.FIN, 'R': policy.RST}

// frame reads a packet such as
//
//	tcp 203.0.113.7:40000 > 203.0.113.40:80 S
//	icmp 203.0.113.7 > 203.0.113.40 8 later
func (o *office) frame(words []string) (policy.Port, []byte) {
	o.t.Helper()
	f := policy.Frame{Payload: make([]byte, 8), ID: 1, Flags: policy.SYN, ICMPType: 8}
	f.Proto = map[string]vpc.Proto{"tcp": vpc.TCP, "udp": vpc.UDP, "icmp": vpc.ICMP, "gre": 47}[words[0]]
	end := func(word string) (netip.Addr, uint16) {
		if p, err := netip.ParseAddrPort(word); err == nil {
			return p.Addr(), p.Port()
		}
		return netip.MustParseAddr(word), 0
	}
	f.Src, f.SrcPort = end(words[1])
	f.Dst, f.DstPort = end(words[3])
	f.SrcMAC, f.DstMAC = vpc.MACOf(f.Src), vpc.MACOf(f.Dst)
	port := o.senses[f.Src]
	var quoted netip.AddrPort
	for _, word := range words[4:] {
		name, value, _ := strings.Cut(word, "=")
		switch {
		case name == "later":
			f.Offset = 10
		case name == "more":
			f.More = true
		case name == "by": // comes by the port of another
			port = o.senses[netip.MustParseAddr(value)]
			f.SrcMAC = vpc.MACOf(netip.MustParseAddr(value))
		case name == "mac":
			f.SrcMAC[5]++
		case name == "about": // an error that quotes a packet to its sender, from a port of the receiver
			quoted = netip.MustParseAddrPort(value)
			sport, _ := strconv.Atoi(words[len(words)-1])
			about := policy.Frame{Src: f.Dst, Dst: quoted.Addr(), Proto: vpc.TCP, SrcPort: uint16(sport), DstPort: quoted.Port()}
			f.ICMPType, f.ICMPCode, f.Payload = 3, 4, about.Packet()
		case f.Proto == vpc.TCP:
			f.Flags = 0
			for _, letter := range word {
				f.Flags |= flagLetters[letter]
			}
		case quoted.IsValid():
		default:
			n, err := strconv.Atoi(word)
			if err != nil {
				o.t.Fatalf("what is %q?", word)
			}
			f.ICMPType = uint8(n)
		}
	}
	return port, f.Bytes()
}

// do is a line of a case: a packet and what becomes of it, or wait, revoke,
// authorize.
func (o *office) do(line string) {
	o.t.Helper()
	words := strings.Fields(line)
	switch words[0] {
	case "wait":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			o.t.Fatal(err)
		}
		o.at += d
	case "revoke":
		o.host.Apply(&vpc.Feed{GoneRules: []vpc.RuleID{vpc.RuleID(words[1])}})
	case "authorize":
		o.host.Apply(&vpc.Feed{Rules: []*vpc.Rule{o.rules[vpc.RuleID(words[1])]}})
	default:
		arrow := slices.Index(words, "->")
		port, frame := o.frame(words[:arrow])
		v := o.host.DecideFrame(&o.flows, port, o.at, frame)
		o.met[v.Reason] = true
		got := strings.TrimSpace(fmt.Sprintf("%v %s", v.Reason, v.Rule))
		if want := strings.Join(words[arrow+1:], " "); got != want {
			o.t.Errorf("%s is %s", strings.TrimSpace(line), got)
		}
		if v.Accept != v.Reason.Accepts() || v.Accept != (v.To != 0) {
			o.t.Errorf("%s: verdict is %+v", line, v)
		}
	}
}

func TestDecide(t *testing.T) {
	met := make(map[policy.Reason]bool)
	for _, c := range []struct{ what, script string }{
		{"anyone may reach port 80, and only by TCP", `
			tcp 203.0.113.7:4000 > 203.0.113.40:80 -> admitted sgr-http
			tcp 10.254.0.12:4000 > 10.254.0.10:80 -> admitted sgr-http
			udp 203.0.113.7:4000 > 203.0.113.40:80 -> no-ingress-rule`},
		{"both ends of a range are in it, and only its block", `
			tcp 203.0.113.7:4000 > 203.0.113.40:7999 -> no-ingress-rule
			tcp 203.0.113.7:4000 > 203.0.113.40:8000 -> admitted sgr-range
			tcp 203.0.113.7:4000 > 203.0.113.40:8080 -> admitted sgr-range
			tcp 203.0.113.7:4000 > 203.0.113.40:8081 -> no-ingress-rule
			tcp 203.0.113.8:4000 > 203.0.113.40:8000 -> no-ingress-rule`},
		{"a group as a source holds private addresses, not public ones", `
			tcp 10.254.0.11:4000 > 10.254.0.10:3306 -> admitted sgr-app
			tcp 10.254.0.12:4000 > 10.254.0.10:3306 -> no-ingress-rule
			tcp 10.254.0.11:4000 > 203.0.113.40:3306 -> no-ingress-rule`},
		{"answers need no rule", `
			tcp 203.0.113.7:4000 > 203.0.113.40:80 S -> admitted sgr-http
			tcp 10.254.0.10:80 > 203.0.113.7:4000 SA -> known sgr-http
			tcp 203.0.113.7:4000 > 203.0.113.40:80 A -> known sgr-http
			tcp 10.254.0.12:4000 > 203.0.113.7:80 S -> no-route
			tcp 10.254.0.10:4000 > 203.0.113.8:80 S -> admitted
			tcp 203.0.113.8:80 > 203.0.113.40:4000 SA -> known`},
		{"a tracked flow outlives its rule, a new one does not begin", `
			tcp 10.254.0.11:4000 > 10.254.0.10:3306 S -> admitted sgr-app
			revoke sgr-app
			tcp 10.254.0.10:3306 > 10.254.0.11:4000 SA -> lingering sgr-app
			tcp 10.254.0.11:4000 > 10.254.0.10:3306 A -> lingering sgr-app
			tcp 10.254.0.11:4001 > 10.254.0.10:3306 S -> no-ingress-rule
			authorize sgr-app
			tcp 10.254.0.11:4000 > 10.254.0.10:3306 A -> known sgr-app`},
		{"an untracked flow is cut with its rule, and stays cut until it is opened anew", `
			tcp 203.0.113.7:4000 > 203.0.113.41:22 S -> admitted sgr-all
			tcp 10.254.0.11:22 > 203.0.113.7:4000 SA -> known sgr-all
			revoke sgr-all
			tcp 203.0.113.7:4000 > 203.0.113.41:22 A -> revoked
			tcp 10.254.0.11:22 > 203.0.113.7:4000 A -> revoked
			authorize sgr-all
			tcp 203.0.113.7:4000 > 203.0.113.41:22 A -> revoked
			tcp 203.0.113.7:4000 > 203.0.113.41:22 S -> admitted sgr-all
			tcp 10.254.0.11:22 > 203.0.113.7:4000 SA -> known sgr-all`},
		{"a connection that nobody remembers is picked up only if both ways are allowed", `
			tcp 10.254.0.10:22 > 203.0.113.7:4000 A -> no-flow
			tcp 203.0.113.7:4000 > 203.0.113.40:80 A -> admitted sgr-http
			tcp 10.254.0.10:80 > 203.0.113.7:4000 A -> known sgr-http
			tcp 203.0.113.7:4000 > 203.0.113.40:81 A -> no-ingress-rule`},
		{"flows are forgotten after a while, sooner if nobody has answered", `
			udp 203.0.113.7:4000 > 203.0.113.40:53 -> admitted sgr-dns
			wait 31s
			udp 10.254.0.10:53 > 203.0.113.7:4000 -> admitted
			tcp 203.0.113.7:4000 > 203.0.113.40:80 S -> admitted sgr-http
			tcp 10.254.0.10:80 > 203.0.113.7:4000 SA -> known sgr-http
			wait 431999s
			tcp 10.254.0.10:80 > 203.0.113.7:4000 A -> known sgr-http
			wait 432001s
			tcp 10.254.0.10:80 > 203.0.113.7:4000 A -> admitted`},
		{"a connection is over soon after it was reset", `
			tcp 203.0.113.7:4000 > 203.0.113.40:80 S -> admitted sgr-http
			tcp 10.254.0.10:80 > 203.0.113.7:4000 SA -> known sgr-http
			tcp 203.0.113.7:4000 > 203.0.113.40:80 R -> known sgr-http
			wait 61s
			tcp 203.0.113.7:4000 > 203.0.113.40:80 A -> admitted sgr-http`},
		{"ping is one type and code, its answer needs no rule", `
			icmp 203.0.113.7 > 203.0.113.40 8 -> admitted sgr-ping
			icmp 10.254.0.10 > 203.0.113.7 0 -> known sgr-ping
			icmp 203.0.113.7 > 203.0.113.40 13 -> no-ingress-rule
			icmp 203.0.113.8 > 203.0.113.40 8 -> no-ingress-rule`},
		{"an error about a flow passes, others need a rule", `
			tcp 10.254.0.10:4000 > 203.0.113.8:80 S -> admitted
			icmp 203.0.113.8 > 203.0.113.40 about=203.0.113.8:80 4000 -> related
			icmp 203.0.113.8 > 203.0.113.40 about=203.0.113.8:80 4001 -> no-ingress-rule`},
		{"protocols without ports make flows too", `
			gre 203.0.113.7 > 203.0.113.40 -> admitted sgr-gre
			gre 10.254.0.10 > 203.0.113.7 -> known sgr-gre
			gre 203.0.113.8 > 203.0.113.40 -> no-ingress-rule`},
		{"later fragments go with the first; alone they need a rule for all ports", `
			tcp 203.0.113.7:4000 > 203.0.113.40:80 S more -> admitted sgr-http
			tcp 203.0.113.7:4000 > 203.0.113.40:80 later -> known sgr-http
			wait 31s
			tcp 203.0.113.7:4000 > 203.0.113.40:80 later -> fragment-alone
			tcp 203.0.113.7:4000 > 203.0.113.41:80 later -> admitted sgr-all`},
		{"egress rules and network ACLs have their say, in this order", `
			tcp 10.0.1.10:4000 > 10.0.1.11:1000 -> no-egress-rule
			tcp 10.0.1.10:4000 > 10.0.1.11:22 -> admitted sgr-vin
			tcp 10.0.1.10:4000 > 10.0.2.10:80 -> admitted sgr-vin
			tcp 10.0.2.10:80 > 10.0.1.10:4000 SA -> known sgr-vin
			tcp 10.0.1.10:4000 > 10.0.2.10:81 -> acl-out acl-0:*
			tcp 10.0.1.10:4000 > 10.0.2.10:82 -> acl-in acl-1:*`},
		{"nobody speaks for another", `
			tcp 10.254.0.11:4000 > 10.254.0.10:80 by=10.254.0.12 -> spoofed
			tcp 10.254.0.11:4000 > 10.254.0.10:80 mac -> spoofed
			tcp 203.0.113.8:4000 > 203.0.113.40:80 by=203.0.113.7 -> spoofed`},
		{"there are neighbours, and nobody else", `
			tcp 10.254.0.11:4000 > 10.254.0.99:80 -> no-route
			tcp 10.254.0.11:4000 > 8.8.8.8:80 -> no-route
			tcp 203.0.113.7:4000 > 10.254.0.10:80 -> no-route
			tcp 10.0.1.10:4000 > 10.254.0.10:80 -> no-route
			udp 10.254.0.11:4000 > 255.255.255.255:67 -> multicast
			udp 10.254.0.11:4000 > 224.0.0.251:5353 -> multicast
			tcp 10.254.0.10:4000 > 10.254.0.10:80 -> malformed
			tcp 192.0.2.1:4000 > 203.0.113.40:80 -> unknown-port`},
	} {
		t.Run(c.what, func(t *testing.T) {
			o := newOffice(t)
			for line := range strings.Lines(strings.TrimSpace(c.script)) {
				o.do(line)
			}
			for r := range o.met {
				met[r] = true
			}
		})
	}
	elsewhere := []policy.Reason{
		policy.Untracked, policy.TableFull, // not modelled
		policy.Answered, policy.Ignored, policy.NotIP, // see TestARP
	}
	for _, r := range policy.Reasons() {
		if !met[r] && !slices.Contains(elsewhere, r) {
			t.Errorf("no packet is %v", r)
		}
	}
}

// Nothing is looked at that comes by a port of which nobody is known any more.
func TestInterfaceIsGone(t *testing.T) {
	o := newOffice(t)
	for frame, want := range map[string]policy.Reason{"": policy.Malformed, strings.Repeat("x", 60): policy.NotIP} {
		if v := o.host.DecideFrame(&o.flows, 1, o.at, []byte(frame)); v.Reason != want {
			t.Errorf("frame %q of an interface: %v, want %v", frame, v.Reason, want)
		}
	}
	o.host.Apply(&vpc.Feed{GoneInterfaces: []vpc.InterfaceID{"eni-1"}})
	for _, frame := range []string{"", strings.Repeat("x", 60)} {
		if v := o.host.DecideFrame(&o.flows, 1, o.at, []byte(frame)); v.Reason != policy.UnknownPort {
			t.Errorf("frame %q of one that is gone: %v, want %v", frame, v.Reason, policy.UnknownPort)
		}
	}
}

// Every question is answered but the one for the sender's own address; nobody
// asks in another's name; what is neither IP nor ARP goes nowhere.
func TestARP(t *testing.T) {
	o := newOffice(t)
	app := netip.MustParseAddr("10.254.0.11")
	for _, c := range []struct {
		operation      byte
		sender, target string
		want           policy.Reason
	}{
		{1, "10.254.0.11", "10.254.0.10", policy.Answered},
		{1, "10.254.0.11", "10.254.0.1", policy.Answered},
		{1, "0.0.0.0", "10.254.0.10", policy.Answered}, // RFC 5227: a probe
		{1, "0.0.0.0", "10.254.0.11", policy.Ignored},
		{1, "10.254.0.11", "10.254.0.11", policy.Ignored},
		{2, "10.254.0.11", "10.254.0.10", policy.Ignored},
		{1, "10.254.0.10", "10.254.0.12", policy.Spoofed},
		{3, "10.254.0.11", "10.254.0.10", policy.Malformed},
	} {
		mac := vpc.MACOf(app)
		sender, target := netip.MustParseAddr(c.sender).As4(), netip.MustParseAddr(c.target).As4()
		frame := slices.Concat([]byte{255, 255, 255, 255, 255, 255}, mac[:], []byte{8, 6, 0, 1, 8, 0, 6, 4, 0, c.operation}, mac[:], sender[:], make([]byte, 6), target[:])
		if v := o.host.DecideFrame(&o.flows, o.senses[app], 0, frame); v.Reason != c.want || v.Accept {
			t.Errorf("operation %d, %s asks for %s: %v, want %v", c.operation, c.sender, c.target, v.Reason, c.want)
		}
	}
	lldp := slices.Concat(make([]byte, 12), []byte{0x88, 0xcc}, make([]byte, 40))
	if v := o.host.DecideFrame(&o.flows, o.senses[app], 0, lldp); v.Reason != policy.NotIP {
		t.Errorf("LLDP is %v", v.Reason)
	}
}

// Under strict revocation no flow outlives its rule.
func TestStrictRevocation(t *testing.T) {
	o := newOffice(t)
	o.host.Revoke = policy.RevokeStrict
	for line := range strings.Lines(strings.TrimSpace(`
		tcp 10.254.0.11:4000 > 10.254.0.10:3306 S -> admitted sgr-app
		revoke sgr-app
		tcp 10.254.0.10:3306 > 10.254.0.11:4000 SA -> revoked`)) {
		o.do(line)
	}
}
