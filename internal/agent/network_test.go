package agent

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ringfence/internal/admin"
	"ringfence/internal/fabric/initproto"
	"ringfence/internal/vpc"
)

// A network is VPC number n, with the nouns that are fed of it: 10.0.0.0/16 and a
// block of IPv6 of its own, subnets 0 and 1 that are a /24 and a /64 of each, a
// gateway with routes to it, and a group that is open to all.
type network struct {
	n    int
	feed vpc.Feed
}

func newNetwork(n int) *network {
	id := vpc.NetworkID(fmt.Sprintf("vpc-%d", n))
	gateway := vpc.GatewayID(fmt.Sprintf("igw-%d", n))
	group := vpc.GroupID(fmt.Sprintf("sg-%d", n))
	w := &network{n: n}
	w.feed.VPCs = []*vpc.VPC{{
		ID: id, Number: vpc.NetworkNumber(n), Region: "us-east-1", DNSSupport: true, DNSHostnames: true,
		CIDRs: []vpc.CIDRAssociation{{CIDR: netip.MustParsePrefix("10.0.0.0/16")}},
		IPv6:  []vpc.CIDRAssociation{{CIDR: netip.MustParsePrefix(fmt.Sprintf("2001:db8:0:%d00::/56", n))}},
	}}
	for subnet := range 2 {
		w.feed.Subnets = append(w.feed.Subnets, &vpc.Subnet{
			ID: w.subnet(subnet), Number: vpc.SubnetNumber(10*n + subnet), Region: "us-east-1", Network: id, NetworkNo: vpc.NetworkNumber(n),
			CIDR: netip.MustParsePrefix(fmt.Sprintf("10.0.%d.0/24", subnet)),
			IPv6: []vpc.CIDRAssociation{{CIDR: netip.MustParsePrefix(fmt.Sprintf("2001:db8:0:%d0%d::/64", n, subnet))}},
		})
	}
	w.feed.Gateways = []*vpc.InternetGateway{{ID: gateway, Region: "us-east-1", Network: id}}
	w.feed.RouteTables = []*vpc.RouteTable{{
		ID: vpc.RouteTableID(fmt.Sprintf("rtb-%d", n)), Region: "us-east-1", Network: id, Associations: []vpc.RouteTableAssociation{{}},
		Routes: []vpc.Route{
			{Destination: netip.MustParsePrefix("0.0.0.0/0"), Gateway: gateway}, {Destination: netip.MustParsePrefix("::/0"), Gateway: gateway},
		},
	}}
	w.feed.Groups = []*vpc.SecurityGroup{{ID: group, Region: "us-east-1", Network: id, Name: "open"}}
	for i, egress := range []bool{false, true} {
		for j, cidr := range []string{"0.0.0.0/0", "::/0"} {
			w.feed.Rules = append(w.feed.Rules, &vpc.Rule{
				ID: vpc.RuleID(fmt.Sprintf("sgr-%d%d%d", n, i, j)), Group: group, Egress: egress, Proto: vpc.AnyProto, Peer: vpc.Peer{CIDR: netip.MustParsePrefix(cidr)},
			})
		}
	}
	return w
}

func (w *network) subnet(n int) vpc.SubnetID { return vpc.SubnetID(fmt.Sprintf("subnet-%d%d", w.n, n)) }

// member is the instance of a host number in a subnet, pending, with its first
// interface. Host numbers are at most 9.
func (w *network) member(subnet, host int) *vpc.Instance {
	i := &vpc.Instance{
		ID: vpc.InstanceID(fmt.Sprintf("i-%d%d%d", w.n, subnet, host)), Region: "us-east-1", Image: "ami-fba54092", State: vpc.Pending, Generation: 1,
		Network: w.feed.VPCs[0].ID,
	}
	n := w.iface(subnet, host)
	attach(n, i, 0)
	i.Interface, i.PrivateAddr = n.ID, n.Primary()
	w.feed.Instances = append(w.feed.Instances, i)
	return i
}

// iface is the interface of a host number in a subnet: 10.0.SUBNET.HOST, and the
// same in IPv6.
func (w *network) iface(subnet, host int) *vpc.NetworkInterface {
	n := &vpc.NetworkInterface{
		ID:     vpc.InterfaceID(fmt.Sprintf("eni-%d%d%d", w.n, subnet, host)),
		Number: vpc.InterfaceNumber(100*w.n + 10*subnet + host), Region: "us-east-1",
		Network: w.feed.VPCs[0].ID, NetworkNo: vpc.NetworkNumber(w.n), Subnet: w.subnet(subnet), SubnetNo: vpc.SubnetNumber(10*w.n + subnet),
		Groups: []vpc.GroupID{w.feed.Groups[0].ID}, Identity: vpc.Identity(w.n),
		Addresses: []netip.Addr{
			netip.MustParseAddr(fmt.Sprintf("10.0.%d.%d", subnet, host)), netip.MustParseAddr(fmt.Sprintf("2001:db8:0:%d0%d::%d", w.n, subnet, host)),
		},
	}
	w.feed.Interfaces = append(w.feed.Interfaces, n)
	return n
}

func attach(n *vpc.NetworkInterface, i *vpc.Instance, device int) {
	n.Instance, n.Attachment = i.ID, &vpc.Attachment{Device: device}
}

// settle notes in the nouns that the instances run.
func (w *network) settle() {
	for at, i := range w.feed.Instances {
		running := *i
		running.State = vpc.Running
		w.feed.Instances[at] = &running
	}
}

// change replaces an interface by a changed copy, and returns the feed of it.
func (w *network) change(id vpc.InterfaceID, how func(*vpc.NetworkInterface)) *vpc.Feed {
	at := slices.IndexFunc(w.feed.Interfaces, func(n *vpc.NetworkInterface) bool { return n.ID == id })
	changed := *w.feed.Interfaces[at]
	changed.Addresses = slices.Clone(changed.Addresses)
	how(&changed)
	w.feed.Interfaces[at] = &changed
	return &vpc.Feed{Interfaces: []*vpc.NetworkInterface{&changed}}
}

// all is everything about several networks.
func all(networks ...*network) *vpc.Feed {
	f := &vpc.Feed{}
	for _, w := range networks {
		f.VPCs = append(f.VPCs, w.feed.VPCs...)
		f.Subnets = append(f.Subnets, w.feed.Subnets...)
		f.Gateways = append(f.Gateways, w.feed.Gateways...)
		f.RouteTables = append(f.RouteTables, w.feed.RouteTables...)
		f.Groups = append(f.Groups, w.feed.Groups...)
		f.Rules = append(f.Rules, w.feed.Rules...)
		f.Interfaces = append(f.Interfaces, w.feed.Interfaces...)
		f.Instances = append(f.Instances, w.feed.Instances...)
	}
	return f
}

// launchAll feeds networks and waits until their instances run.
func (s *server) launchAll(networks ...*network) {
	s.t.Helper()
	s.feed(all(networks...))
	for _, w := range networks {
		for _, i := range w.feed.Instances {
			if got := s.about(i.ID, 1)[0]; got.State != vpc.Running {
				s.t.Fatalf("told %+v", got)
			}
		}
		w.settle()
		s.feed(&vpc.Feed{Instances: w.feed.Instances})
	}
}

// in runs a shell command in a machine and returns all it says.
func (s *server) in(id, script string) string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "out")
	out, err := os.Create(path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer out.Close()
	_, err = initproto.Exec(s.t.Context(), initproto.SocketPath(s.agent.opts.DataDir, id), initproto.Command{
		Args: []string{"sh", "-c", script}, Stdout: out, Stderr: out,
	})
	if err != nil {
		s.t.Fatalf("%s: %v", script, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// says checks what a command in an instance says.
func (s *server) says(i *vpc.Instance, script, want string) {
	s.t.Helper()
	if got := s.in(string(i.ID), script); got != want {
		s.t.Errorf("%s: %s\n got %s\nwant %s", i.ID, script, got, want)
	}
}

// get asks the web server at an address who it is, and who asks.
func get(address string) string {
	return fmt.Sprintf("curl -sS -m %.0f 'http://%s/' | tr '\\n' ' '", patience.Seconds(), address)
}

// Instances reach each other inside a subnet and between subnets; two VPCs with
// the same addresses on one host do not meet.
func TestNetworksWithTheSameAddresses(t *testing.T) {
	s := serve(t)
	one, two := newNetwork(1), newNetwork(2)
	a, b, c := one.member(0, 4), one.member(0, 5), one.member(1, 4)
	x, y := two.member(0, 4), two.member(1, 4)
	s.launchAll(one, two)
	s.says(a, get("10.0.0.5"), "instance i-105 address 10.0.0.5 peer 10.0.0.4")
	s.says(a, get("10.0.1.4"), "instance i-114 address 10.0.1.4 peer 10.0.0.4")
	s.says(b, get("10.0.0.4"), "instance i-104 address 10.0.0.4 peer 10.0.0.5")
	s.says(c, get("10.0.0.4"), "instance i-104 address 10.0.0.4 peer 10.0.1.4")
	s.says(x, get("10.0.1.4"), "instance i-214 address 10.0.1.4 peer 10.0.0.4")
	s.says(y, get("10.0.0.4"), "instance i-204 address 10.0.0.4 peer 10.0.1.4")
	s.says(x, "curl -sS -m 1 http://10.0.0.5/ >/dev/null 2>&1 || echo nobody", "nobody")
	s.says(a, get("ip-10-0-0-5.ec2.internal"), "instance i-105 address 10.0.0.5 peer 10.0.0.4")
	s.says(a, "curl -sS http://169.254.169.254/latest/meta-data/network/interfaces/macs/02:52:0a:00:00:04/vpc-id", "vpc-1")
	s.says(a, "cat /etc/resolv.conf | grep nameserver", "nameserver 10.0.0.2\nnameserver 169.254.169.253")
	s.says(a, "ip -4 -o address show eth0 | tr -s ' ' | cut -d' ' -f4; ip route show default", "10.0.0.4/24\ndefault via 10.0.0.1 dev eth0")
}

// IPv6 goes between instances of a subnet, of two, and to and from the internet
// side, and no address is exchanged on the way.
func TestIPv6(t *testing.T) {
	s := serve(t)
	w := newNetwork(1)
	a, b, c := w.member(0, 4), w.member(0, 5), w.member(1, 6)
	s.launchAll(w)
	s.says(a, get("[2001:db8:0:100::5]"), "instance i-105 address 10.0.0.5 peer 2001:db8:0:100::4")
	s.says(a, get("[2001:db8:0:101::6]"), "instance i-116 address 10.0.1.6 peer 2001:db8:0:100::4")
	s.says(c, "ping -6 -c1 -W20 2001:db8:0:100::5 >/dev/null && echo answered", "answered")
	s.says(b, "ip -6 neighbour | cut -d' ' -f1-5", "fe80::1 dev eth0 lladdr 02:52:00:00:00:01")

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	host, err := s.agent.Outside(ctx, admin.OutsideRequest{IP: "2001:db8:8000::7"})
	if err != nil {
		t.Fatal(err)
	}
	outside := filepath.Base(filepath.Dir(filepath.Dir(host.Init)))
	if got, want := s.in(outside, get("[2001:db8:0:100::4]")), "instance i-104 address 10.0.0.4 peer 2001:db8:8000::7"; got != want {
		t.Errorf("from outside\n got %s\nwant %s", got, want)
	}
	s.says(b, "ping -6 -c1 -W20 2001:db8:8000::7 >/dev/null && echo answered", "answered")
	if _, err := s.agent.Outside(ctx, admin.OutsideRequest{IP: "2001:db8::7"}); vpc.CodeOf(err) != vpc.InvalidParameterValue {
		t.Errorf("a host outside has an address that is for VPCs: %v", err)
	}
	for _, q := range []admin.ExplainRequest{
		{Source: "i-104", Destination: "2001:db8:8000::7", Port: 22, Proto: "tcp"},
		{Source: "2001:db8:8000::7", Destination: "i-104", Proto: "icmp"},
		{Source: "i-104", Destination: "i-116", Proto: "icmpv6"},
		{Source: "i-104", Destination: "i-116", Port: 22, Proto: "tcp"},
	} {
		e, err := s.agent.Explain(ctx, q)
		if err != nil || e.Verdict != "allow" || e.Kernel.Verdict != "allow" {
			t.Errorf("%+v: %+v (%v)", q, e, err)
		}
	}

	// An address that is taken away, and one that is given, while it runs.
	s.applied(s.feed(w.change("eni-104", func(n *vpc.NetworkInterface) { n.Addresses[1] = netip.MustParseAddr("2001:db8:0:100::8") })))
	s.idle()
	s.says(b, get("[2001:db8:0:100::8]"), "instance i-104 address 10.0.0.4 peer 2001:db8:0:100::5")
	s.says(b, "curl -sS -m 1 'http://[2001:db8:0:100::4]/' >/dev/null 2>&1 || echo nobody", "nobody")
	s.restart(all(w))
	s.idle()
	s.says(a, get("[2001:db8:0:101::6]"), "instance i-116 address 10.0.1.6 peer 2001:db8:0:100::8")
	if got, want := s.in(outside, get("[2001:db8:0:100::8]")), "instance i-104 address 10.0.0.4 peer 2001:db8:8000::7"; got != want {
		t.Errorf("from outside, after a restart\n got %s\nwant %s", got, want)
	}
}

// An instance forwards for others once its interface checks no addresses, a route
// leads to it, and it is made a router from within, as any Linux.
func TestRouterInstance(t *testing.T) {
	s := serve(t)
	w := newNetwork(1)
	router, client, target := w.member(0, 4), w.member(1, 5), w.member(1, 6)
	w.feed.Interfaces[0].NoSourceDestCheck, w.feed.Interfaces[2].NoSourceDestCheck = true, true
	const block = "192.168.7.0/24"
	main := w.feed.RouteTables[0]
	main.Routes = append(main.Routes, vpc.Route{Destination: netip.MustParsePrefix(block), Interface: "eni-104"})
	w.feed.RouteTables = append(w.feed.RouteTables, &vpc.RouteTable{
		ID: "rtb-own", Region: main.Region, Network: main.Network,
		Associations: []vpc.RouteTableAssociation{{Subnet: w.subnet(0), SubnetNo: w.feed.Subnets[0].Number}},
		Routes:       []vpc.Route{{Destination: netip.MustParsePrefix(block), Interface: "eni-116"}},
	})
	s.launchAll(w)
	// It knows its neighbour: nobody is told one who asks in the name of 192.168.7.1.
	s.says(target, "ip address add 192.168.7.1/32 dev lo && ip neighbour add 10.0.1.5 lladdr 02:52:0a:00:01:05 dev eth0 && echo has it", "has it")
	s.says(client, "ping -c1 -W1 192.168.7.1 >/dev/null || echo no answer", "no answer")
	s.says(router, "sysctl -w net.ipv4.ip_forward=1", "net.ipv4.ip_forward = 1")
	s.says(client, "ping -c1 -W20 192.168.7.1 >/dev/null && echo answered", "answered")
	s.says(client, get("192.168.7.1"), "instance i-116 address 10.0.1.6 peer 10.0.1.5")
}

// Interfaces come and go while an instance runs, and their addresses; the next
// agent finds all as it was, and does what was asked for meanwhile.
func TestInterfacesComeAndGo(t *testing.T) {
	s := serve(t)
	w := newNetwork(1)
	a, b := w.member(0, 4), w.member(1, 5)
	second := w.iface(1, 4).ID
	s.launchAll(w)
	devices := "ls /sys/class/net | grep eth | tr '\\n' ' '"
	s.says(a, devices, "eth0")

	s.applied(s.feed(w.change(second, func(n *vpc.NetworkInterface) { attach(n, a, 1) })))
	s.idle()
	s.says(a, devices, "eth0 eth1")
	s.says(b, get("10.0.1.4"), "instance i-104 address 10.0.0.4 peer 10.0.1.5")
	s.says(b, get("10.0.0.4"), "instance i-104 address 10.0.0.4 peer 10.0.1.5")

	s.applied(s.feed(w.change(second, func(n *vpc.NetworkInterface) { n.Addresses = append(n.Addresses, netip.MustParseAddr("10.0.1.9")) })))
	s.idle()
	s.says(b, get("10.0.1.9"), "instance i-104 address 10.0.0.4 peer 10.0.1.5")

	init := s.init(a.ID)
	s.restart(all(w))
	s.idle()
	if again := s.init(a.ID); again != init {
		t.Errorf("%s was booted anew", a.ID)
	}
	s.says(b, get("10.0.1.9"), "instance i-104 address 10.0.0.4 peer 10.0.1.5")

	// While no agent runs, the interface moves to another instance.
	w.change(second, func(n *vpc.NetworkInterface) { attach(n, b, 1) })
	s.restart(all(w))
	s.idle()
	s.says(a, devices+"; ip rule | grep -c 1000", "eth0 0")
	s.says(b, devices, "eth0 eth1")
	s.says(a, get("10.0.1.9"), "instance i-115 address 10.0.1.5 peer 10.0.0.4")

	// And back, in one step.
	s.applied(s.feed(w.change(second, func(n *vpc.NetworkInterface) { attach(n, a, 3) })))
	s.idle()
	s.says(a, devices, "eth0 eth3")
	s.says(b, devices, "eth0")

	// Once it is detached it is not reached any more, though it is still there.
	s.applied(s.feed(w.change(second, func(n *vpc.NetworkInterface) { n.Instance, n.Attachment = "", nil })))
	s.agent.mu.Lock()
	if port := s.agent.host.PortOf(second); port != 0 {
		t.Errorf("%s is detached, and behind port %d", second, port)
	}
	s.agent.mu.Unlock()
	s.idle()
	s.says(a, devices, "eth0")
	s.says(a, get("10.0.1.5"), "instance i-115 address 10.0.1.5 peer 10.0.0.4")
}

// A stopped instance keeps its interfaces, and has them again when it starts.
func TestStoppedInstanceKeepsItsInterfaces(t *testing.T) {
	s := serve(t)
	w := newNetwork(1)
	a, b := w.member(0, 4), w.member(1, 5)
	attach(w.iface(1, 4), a, 1)
	s.launchAll(w)
	s.now(a, vpc.Stopping, 1)
	s.about(a.ID, 2)
	s.now(a, vpc.Stopped, 1)
	s.now(a, vpc.Pending, 2)
	s.about(a.ID, 3)
	s.now(a, vpc.Running, 2)
	for _, address := range []string{"10.0.0.4", "10.0.1.4"} {
		s.says(b, get(address), "instance i-104 address 10.0.0.4 peer 10.0.1.5")
	}
}
