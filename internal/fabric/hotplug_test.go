package fabric

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
)

// A machine of a VPC: 10.0.0.0/24 with 2001:db8:0:100::/64, and a second port in
// 10.0.1.0/24 with 2001:db8:0:101::/64.
func dualStack(n int) Machine {
	m := instance(n)
	m.Ports = []Port{subnetPort(n, 0, "10.0.0", "2001:db8:0:100::")}
	return m
}

func subnetPort(n, device int, ipv4, ipv6 string) Port {
	name := "p" + string(rune('a'+device)) + string(rune('0'+n))
	host := string(rune('0' + n))
	return Port{
		Name: name, Index: 1000 + 100*device + n, Device: device, MAC: [6]byte{2, 0x52, 10, 0, byte(device), byte(n)},
		Addresses: []netip.Prefix{mustPrefix(ipv4 + "." + host + "/24"), mustPrefix(ipv6 + host + "/128")},
		Routers:   []netip.Addr{mustAddr(ipv4 + ".1"), mustAddr("fe80::1")},
	}
}

// router joins ports of f, each list by a bridge of its own, and forwards
// between those: as the virtual router of subnets does.
func router(t testing.TB, f *Fabric, subnets map[string][]string) {
	t.Helper()
	script := "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1\n"
	for prefixes, ports := range subnets {
		ipv4, ipv6, _ := strings.Cut(prefixes, " ")
		bridge := "br" + strings.ReplaceAll(ipv4, ".", "")
		script += "ip link add " + bridge + " address 02:52:00:00:00:01 type bridge\nsysctl -qw net.ipv6.conf." + bridge + ".disable_ipv6=0\n" +
			"ip link set " + bridge + " up\nip address add " + ipv4 + ".1/24 dev " + bridge + "\nip address add fe80::1/64 dev " + bridge + " nodad\n" +
			"ip route add " + ipv6 + "/64 dev " + bridge + "\n"
		for _, p := range ports {
			script += "ip link set " + p + " master " + bridge + "\n"
		}
	}
	err := f.InDataplane(func() error {
		return shell(script)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// An instance with IPv6 addresses has them at once; one without can have none.
func TestIPv6(t *testing.T) {
	f := open(t)
	boot(t, f, dualStack(2))
	boot(t, f, dualStack(3))
	boot(t, f, instance(0x102))
	router(t, f, map[string][]string{"10.0.0 2001:db8:0:100::": {"pa2", "pa3"}})
	for _, tt := range []struct{ id, script, want string }{
		{"i-00000002", "ip -6 -o address show eth0 scope global | tr -s ' ' | cut -d' ' -f2-4", "eth0 inet6 2001:db8:0:100::2/128"},
		{"i-00000002", "ip -6 route show default", "default via fe80::1 dev eth0 metric 1024 pref medium"},
		{"i-00000002", "ip -6 address show tentative", ""},
		{"i-00000002", "curl -sS 'http://[2001:db8:0:100::3]/'", "instance i-00000003\naddress 10.0.0.3\npeer 2001:db8:0:100::2"},
		{"i-00000002", "curl -sS 'http://10.0.0.3/' | tail -1", "peer 10.0.0.2"},
		{"i-00000102", "ip -6 address show eth0", ""},
		{"i-00000102", "ip -6 address add 2001:db8::7/64 dev eth0 2>/dev/null || echo refused", "refused"},
		{"i-00000102", "echo 0 2>&1 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6 | grep -c Read-only", "1"},
	} {
		if got, _ := run(t, f, tt.id, tt.script); got != tt.want {
			t.Errorf("%s: %s\n got %s\nwant %s", tt.id, tt.script, got, tt.want)
		}
	}
}

// A second interface is plugged into a running machine: replies leave by the
// interface that was asked, also when the other one's route is nearer.
func TestSecondPort(t *testing.T) {
	f := open(t)
	boot(t, f, dualStack(2))
	neighbour := dualStack(3) // of the second port
	neighbour.Ports[0] = subnetPort(3, 0, "10.0.1", "2001:db8:0:101::")
	boot(t, f, neighbour)
	first, second := dualStack(2).Ports[0], subnetPort(2, 1, "10.0.1", "2001:db8:0:101::")
	first.OwnTable, second.OwnTable = true, true
	for range 2 { // again changes nothing
		for _, p := range []Port{first, second} {
			if err := f.SetPort("i-00000002", p); err != nil {
				t.Fatal(err)
			}
		}
	}
	if ports, err := f.Ports(); err != nil || portsUp(ports, "pb2") {
		t.Errorf("the new port is up before anything judges it: %v (%v)", ports, err)
	}
	if err := f.SetPortUp("pb2"); err != nil {
		t.Fatal(err)
	}
	router(t, f, map[string][]string{"10.0.0 2001:db8:0:100::": {"pa2"}, "10.0.1 2001:db8:0:101::": {"pa3", "pb2"}})
	for _, address := range []string{"10.0.0.2", "10.0.1.2", "[2001:db8:0:100::2]", "[2001:db8:0:101::2]"} {
		mustRun(t, f, "i-00000003", "curl -sS -m 10 http://"+address+"/")
	}
	for _, tt := range []struct{ script, want string }{
		{"ip route get 10.0.1.3 from 10.0.0.2 | head -1 | cut -d' ' -f1-7", "10.0.1.3 from 10.0.0.2 via 10.0.0.1 dev eth0"},
		{"ip route get 10.0.0.3 from 10.0.1.2 | head -1 | cut -d' ' -f1-7", "10.0.0.3 from 10.0.1.2 via 10.0.1.1 dev eth1"},
		{"ip route get 203.0.113.7 | head -1 | cut -d' ' -f1-7", "203.0.113.7 via 10.0.0.1 dev eth0 src 10.0.0.2"},
		{"ip -6 route get 2001:db8:8000::7 from 2001:db8:0:101::2 | cut -d' ' -f1-7", "2001:db8:8000::7 from 2001:db8:0:101::2 via fe80::1 dev eth1"},
		{"ip rule | grep -c 1000", "2"},
		{"ip -6 rule | grep -c 1000", "2"},
	} {
		if got := mustRun(t, f, "i-00000002", tt.script); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.script, got, tt.want)
		}
	}

	first.OwnTable = false
	for range 2 {
		if err := f.UnsetPort("i-00000002", second); err != nil {
			t.Fatal(err)
		}
		if err := f.SetPort("i-00000002", first); err != nil {
			t.Fatal(err)
		}
	}
	if got := mustRun(t, f, "i-00000002", "ip -br link | cut -d' ' -f1 | grep -c eth; ip rule; ip -6 rule"); strings.Contains(got, "1000") || !strings.HasPrefix(got, "1\n") {
		t.Errorf("something is left of the second port:\n%s", got)
	}
	mustRun(t, f, "i-00000002", "ping -c1 -W5 10.0.0.1 && ping -c1 -W5 2001:db8:0:101::3")
}

func portsUp(ports []PortState, name string) bool {
	return slices.ContainsFunc(ports, func(p PortState) bool { return p.Name == name && p.Up })
}

// Addresses of a running machine come and go; those that stay are not touched.
func TestAddressesChange(t *testing.T) {
	f := open(t)
	m := instance(2)
	m.Ports = []Port{subnetPort(2, 0, "10.0.0", "2001:db8:0:100::")}
	p := m.Ports[0]
	m.Ports[0].Addresses = p.Addresses[:1]
	boot(t, f, m)
	router(t, f, map[string][]string{"10.0.0 2001:db8:0:100::": {"pa2"}})
	ipv4, ipv6 := p.Addresses[0], p.Addresses[1]
	secondary, other := mustPrefix("10.0.0.9/24"), mustPrefix("2001:db8:0:100::9/128")
	for _, addresses := range [][]netip.Prefix{
		{ipv4, secondary}, {ipv4, secondary, ipv6}, {ipv4, ipv6, other}, {ipv4, other}, {ipv4}, {ipv4, ipv6},
	} {
		p.Addresses = addresses
		for range 2 {
			if err := f.SetPort(m.ID, p); err != nil {
				t.Fatal(err)
			}
		}
		var want []string
		for _, a := range addresses {
			want = append(want, a.String())
		}
		got := strings.Fields(mustRun(t, f, m.ID, "ip -o address show eth0 scope global | tr -s ' ' | cut -d' ' -f4"))
		if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("has %v, want %v", got, want)
		}
		mustRun(t, f, m.ID, "ping -c1 -W5 10.0.0.1")
		for _, a := range addresses {
			if err := f.InDataplane(func() error { return shell("ping -c1 -W5 " + a.Addr().String()) }); err != nil {
				t.Errorf("of %v: %v", addresses, err)
			}
		}
	}
}

// The next daemon knows the ports that were plugged in, and those that a daemon
// was killed over are gone.
func TestAdoptPorts(t *testing.T) {
	f := open(t)
	m := dualStack(2)
	boot(t, f, m)
	second, third := subnetPort(2, 1, "10.0.1", "2001:db8:0:101::"), subnetPort(2, 2, "10.0.2", "2001:db8:0:102::")
	for _, p := range []Port{second, third} {
		if err := f.SetPort(m.ID, p); err != nil {
			t.Fatal(err)
		}
	}
	// What a daemon leaves that ends while it plugs in one and removes another.
	half := subnetPort(2, 3, "10.0.3", "2001:db8:0:103::")
	s, err := f.readState(m.ID)
	if err != nil {
		t.Fatal(err)
	}
	ns, err := s.Init.network()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	if err := f.addPort(half, ns, half.device()); err != nil {
		t.Fatal(err)
	}
	if err := f.RemovePorts(third.Name); err != nil {
		t.Fatal(err)
	}

	next := reopen(t, f)
	for range 2 {
		adopted, err := next.Adopt(t.Context())
		if err != nil || len(adopted) != 1 || len(adopted[0].Ports) != 2 || adopted[0].Ports[1].Name != second.Name {
			t.Fatalf("adopted %+v (%v)", adopted, err)
		}
	}
	for _, p := range []Port{half, third} {
		if err := next.SetPort(m.ID, p); err != nil {
			t.Error(err)
		}
	}
	if got := mustRun(t, next, m.ID, "ip -br link | cut -d@ -f1 | grep eth | sort"); got != "eth0\neth1\neth2\neth3" {
		t.Errorf("has %s", got)
	}
	if err := next.Stop(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	if ports, err := next.Ports(); err != nil || len(ports) > 0 {
		t.Errorf("left are ports %v (%v)", ports, err)
	}
}

// A machine that does not run has no ports to be set.
func TestPortsOfNobody(t *testing.T) {
	f := open(t)
	if err := f.SetPort("i-00000002", subnetPort(2, 1, "10.0.1", "2001:db8:0:101::")); err == nil {
		t.Error("a port was given to a machine that does not run")
	}
	if ports, err := f.Ports(); err != nil || len(ports) > 0 {
		t.Errorf("left are ports %v (%v)", ports, err)
	}
}

// Ports that are removed at the same time go together.
func TestRemovePortsTogether(t *testing.T) {
	f := open(t)
	var names []string
	for n := range 40 {
		p := subnetPort(n%10, n/10, "10.0.0", "2001:db8:0:100::")
		link := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: p.Name, Index: p.Index}, PeerName: "x" + p.Name}
		if err := f.dataplane.LinkAdd(link); err != nil {
			t.Fatal(err)
		}
		names = append(names, p.Name)
	}
	err := each(len(names), func(i int) error { return f.RemovePorts(names[i]) })
	if ports, listErr := f.Ports(); err != nil || listErr != nil || len(ports) > 0 {
		t.Errorf("%v: left are %v (%v)", err, ports, listErr)
	}
}
