package policy_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// campus has two VPCs with equal addresses and the internet:
//
//	vpc-1 10.0.0.0/16: subnet 1 with a 10.0.1.10, public 203.0.113.40, its
//	  secondary address 10.0.1.12, public 203.0.113.42, and b 10.0.1.11 without
//	  a public address; subnet 2 with the router 10.0.2.10, public 203.0.113.41,
//	  which forwards
//	vpc-2 10.0.0.0/16: subnet 3 with 10.0.1.10, public 203.0.113.50
//	the internet: 203.0.113.7
//
// Only vpc-1 has a gateway; its main table sends everything there, that of
// subnet 1 10.8.0.0/16 to the router, 10.9.0.0/16 to nobody, and 10.0.77.0/24,
// which is in the VPC, to the router as well.
type campus struct {
	*office
	nouns vpc.Feed
}

func block(s string) []vpc.CIDRAssociation {
	return []vpc.CIDRAssociation{{CIDR: netip.MustParsePrefix(s)}}
}

func newCampus(t *testing.T) *campus {
	c := &campus{office: &office{
		t: t, host: policy.NewHost(policy.RevokeAWS), met: make(map[policy.Reason]bool), senses: make(map[netip.Addr]policy.Port),
	}}
	f := &c.nouns
	f.Whole = true
	f.VPCs = []*vpc.VPC{
		{ID: "vpc-1", Number: 1, Region: "us-east-1", CIDRs: block("10.0.0.0/16")},
		{ID: "vpc-2", Number: 2, Region: "us-east-1", CIDRs: block("10.0.0.0/16")},
	}
	f.Subnets = []*vpc.Subnet{
		{ID: "subnet-1", Number: 1, Network: "vpc-1"}, {ID: "subnet-2", Number: 2, Network: "vpc-1"}, {ID: "subnet-3", Number: 3, Network: "vpc-2"},
	}
	f.Gateways = []*vpc.InternetGateway{{ID: "igw-1", Network: "vpc-1"}, {ID: "igw-2"}}
	f.RouteTables = []*vpc.RouteTable{
		{ID: "rtb-main", Network: "vpc-1", Associations: []vpc.RouteTableAssociation{{}}, Routes: []vpc.Route{toGateway("0.0.0.0/0", "igw-1")}},
		{ID: "rtb-1", Network: "vpc-1", Associations: []vpc.RouteTableAssociation{{Subnet: "subnet-1", SubnetNo: 1}}, Routes: []vpc.Route{
			toGateway("0.0.0.0/0", "igw-1"), toInterface("10.8.0.0/16", "eni-3"), toInterface("10.9.0.0/16", "eni-gone"), toInterface("10.0.77.0/24", "eni-3"),
		}},
		{ID: "rtb-2", Network: "vpc-2", Associations: []vpc.RouteTableAssociation{{}}, Routes: []vpc.Route{toGateway("0.0.0.0/0", "igw-2")}},
	}
	c.attach(1, "vpc-1", 1, "10.0.1.10=203.0.113.40", "10.0.1.12=203.0.113.42")
	c.attach(2, "vpc-1", 1, "10.0.1.11")
	c.attach(3, "vpc-1", 2, "10.0.2.10=203.0.113.41")
	f.Interfaces[2].NoSourceDestCheck = true
	c.attach(4, "vpc-2", 3, "10.0.1.10=203.0.113.50")
	for _, egress := range []bool{false, true} {
		r := rule(vpc.RuleID(fmt.Sprint("sgr-", egress)), "sg-all", vpc.AnyProto, 0, 0, "0.0.0.0/0")
		r.Egress = egress
		f.Rules = append(f.Rules, r)
	}
	outside := netip.MustParseAddr("203.0.113.7")
	c.plug(7, outside, policy.Plug{Outside: outside})
	c.host.Apply(f)
	return c
}

func toGateway(block string, id vpc.GatewayID) vpc.Route {
	return vpc.Route{Destination: netip.MustParsePrefix(block), Gateway: id}
}

func toInterface(block string, id vpc.InterfaceID) vpc.Route {
	return vpc.Route{Destination: netip.MustParsePrefix(block), Interface: id}
}

// attach adds an interface by its number, with addresses such as
// 10.0.1.10=203.0.113.40, and plugs it into the port of that number.
func (c *campus) attach(n int, network vpc.NetworkID, subnet vpc.SubnetNumber, addresses ...string) {
	i := &vpc.NetworkInterface{
		ID: vpc.InterfaceID(fmt.Sprintf("eni-%d", n)), Number: vpc.InterfaceNumber(n), Instance: "i-1", Region: "us-east-1",
		Network: network, NetworkNo: 1, SubnetNo: subnet, Groups: []vpc.GroupID{"sg-all"}, Identity: 1,
		Public: make(map[netip.Addr]netip.Addr),
	}
	if network == "vpc-2" {
		i.NetworkNo, i.Identity = 2, 2
	}
	for _, a := range addresses {
		private, public, ok := strings.Cut(a, "=")
		i.Addresses = append(i.Addresses, netip.MustParseAddr(private))
		if ok {
			i.Public[netip.MustParseAddr(private)] = netip.MustParseAddr(public)
		}
	}
	c.nouns.Interfaces = append(c.nouns.Interfaces, i)
	c.host.Connect(policy.Port(n), policy.Plug{Interface: i.ID})
}

// send says what becomes of a UDP packet by the port of an interface.
func (c *campus) send(port policy.Port, src, dst string) string {
	c.t.Helper()
	f := policy.Frame{Src: netip.MustParseAddr(src), Dst: netip.MustParseAddr(dst), Proto: vpc.UDP, SrcPort: 4000, DstPort: 53}
	f.SrcMAC = vpc.MACOf(f.Src)
	if port < 7 {
		f.SrcMAC = c.host.Interface(vpc.InterfaceID(fmt.Sprintf("eni-%d", port))).MAC()
	}
	v := c.host.DecideFrame(new(policy.Flows), port, time.Hour, f.Bytes())
	if v.Accept {
		return fmt.Sprintf("%v to %d", v.Reason, v.To)
	}
	return v.Reason.String()
}

// Packets go to who has the address in the VPC, else where the route table of
// the subnet says.
func TestRoutes(t *testing.T) {
	c := newCampus(t)
	for _, tt := range []struct {
		what     string
		by       policy.Port
		src, dst string
		want     string
	}{
		{"a neighbour is reached without a route", 1, "10.0.1.10", "10.0.1.11", "admitted to 2"},
		{"another subnet is reached by the local route", 1, "10.0.1.10", "10.0.2.10", "admitted to 3"},
		{"an address of the VPC that nobody has is nowhere", 1, "10.0.1.10", "10.0.1.99", "no-route"},
		{"not even if a route holds it", 1, "10.0.1.10", "10.0.77.1", "no-route"},
		{"the gateway takes who has a public address", 1, "10.0.1.10", "203.0.113.7", "admitted to 7"},
		{"each address has its own", 1, "10.0.1.12", "203.0.113.7", "admitted to 7"},
		{"and nobody else", 2, "10.0.1.11", "203.0.113.7", "no-route"},
		{"a router is given what is for others", 1, "10.0.1.10", "10.8.1.1", "admitted to 3"},
		{"but not what it sends itself", 3, "10.0.2.10", "10.8.1.1", "no-route"},
		{"a router that is gone leaves a black hole", 1, "10.0.1.10", "10.9.1.1", "no-route"},
		{"what a router forwards has no public address", 3, "10.0.1.10", "203.0.113.7", "no-route"},
		{"a router may answer for others", 3, "203.0.113.7", "10.0.1.11", "admitted to 2"},
		{"nobody else may", 2, "203.0.113.7", "10.0.1.10", "spoofed"},
		{"equal addresses of two VPCs do not meet", 4, "10.0.1.10", "10.0.1.11", "no-route"},
		{"without a gateway there is no internet", 4, "10.0.1.10", "203.0.113.7", "no-route"},
		{"in neither direction", 7, "203.0.113.7", "203.0.113.50", "no-route"},
		{"the internet reaches public addresses", 7, "203.0.113.7", "203.0.113.42", "admitted to 1"},
		{"also where no route leads out", 7, "203.0.113.7", "203.0.113.41", "admitted to 3"},
		{"one VPC reaches another by public addresses", 1, "10.0.1.10", "203.0.113.41", "admitted to 3"},
		{"if both have gateways", 1, "10.0.1.10", "203.0.113.50", "no-route"},
	} {
		if got := c.send(tt.by, tt.src, tt.dst); got != tt.want {
			t.Errorf("%s: %s > %s is %s, want %s", tt.what, tt.src, tt.dst, got, tt.want)
		}
	}
}

// Whatever changes a route is told with the subnets that it is a route of.
func TestChangeNamesSubnetsWhoseRoutesDiffer(t *testing.T) {
	table := func(c *campus, i int, change func(*vpc.RouteTable)) *vpc.RouteTable {
		same := *c.nouns.RouteTables[i]
		change(&same)
		return &same
	}
	router := func(c *campus, change func(*vpc.NetworkInterface)) *vpc.Feed {
		same := *c.nouns.Interfaces[2]
		change(&same)
		return &vpc.Feed{Interfaces: []*vpc.NetworkInterface{&same}}
	}
	for _, tt := range []struct {
		what     string
		change   func(c *campus) *vpc.Feed
		routes   []vpc.SubnetNumber
		gateways []vpc.NetworkNumber
	}{
		{"a gateway is attached", func(*campus) *vpc.Feed {
			return &vpc.Feed{Gateways: []*vpc.InternetGateway{{ID: "igw-2", Network: "vpc-2"}}}
		}, []vpc.SubnetNumber{3}, []vpc.NetworkNumber{2}},
		{"a gateway is detached", func(*campus) *vpc.Feed {
			return &vpc.Feed{Gateways: []*vpc.InternetGateway{{ID: "igw-1"}}}
		}, []vpc.SubnetNumber{1, 2}, []vpc.NetworkNumber{1}},
		{"a gateway is gone", func(*campus) *vpc.Feed {
			return &vpc.Feed{GoneGateways: []vpc.GatewayID{"igw-1"}}
		}, []vpc.SubnetNumber{1, 2}, []vpc.NetworkNumber{1}},
		{"another gateway takes its place", func(*campus) *vpc.Feed {
			return &vpc.Feed{Gateways: []*vpc.InternetGateway{{ID: "igw-2", Network: "vpc-1"}, {ID: "igw-1"}}}
		}, []vpc.SubnetNumber{1, 2}, nil},
		{"a route is added", func(c *campus) *vpc.Feed {
			return &vpc.Feed{RouteTables: []*vpc.RouteTable{table(c, 0, func(t *vpc.RouteTable) {
				t.Routes = append(slices.Clone(t.Routes), toInterface("10.9.0.0/16", "eni-3"))
			})}}
		}, []vpc.SubnetNumber{2}, nil},
		{"a tag is added", func(c *campus) *vpc.Feed {
			return &vpc.Feed{RouteTables: []*vpc.RouteTable{table(c, 0, func(t *vpc.RouteTable) { t.Tags = []vpc.Tag{{Key: "a"}} })}}
		}, nil, nil},
		{"a subnet moves to the main table", func(c *campus) *vpc.Feed {
			return &vpc.Feed{RouteTables: []*vpc.RouteTable{table(c, 1, func(t *vpc.RouteTable) { t.Associations = nil })}}
		}, []vpc.SubnetNumber{1}, nil},
		{"another table is main", func(c *campus) *vpc.Feed {
			return &vpc.Feed{RouteTables: []*vpc.RouteTable{
				table(c, 1, func(t *vpc.RouteTable) {
					t.Associations = append(slices.Clone(t.Associations), vpc.RouteTableAssociation{})
				}),
				table(c, 0, func(t *vpc.RouteTable) { t.Associations = nil }),
			}}
		}, []vpc.SubnetNumber{2}, nil},
		{"a table is gone", func(*campus) *vpc.Feed {
			return &vpc.Feed{GoneRouteTables: []vpc.RouteTableID{"rtb-1"}}
		}, []vpc.SubnetNumber{1}, nil},
		{"a router is gone", func(*campus) *vpc.Feed {
			return &vpc.Feed{GoneInterfaces: []vpc.InterfaceID{"eni-3"}}
		}, []vpc.SubnetNumber{1}, nil},
		{"a router is detached", func(c *campus) *vpc.Feed {
			return router(c, func(n *vpc.NetworkInterface) { n.Instance = "" })
		}, []vpc.SubnetNumber{1}, nil},
		{"a router checks destinations", func(c *campus) *vpc.Feed {
			return router(c, func(n *vpc.NetworkInterface) { n.NoSourceDestCheck = false })
		}, []vpc.SubnetNumber{1}, nil},
		{"a router has another address", func(c *campus) *vpc.Feed {
			return router(c, func(n *vpc.NetworkInterface) {
				n.Addresses = append(slices.Clone(n.Addresses), netip.MustParseAddr("10.0.2.77"))
			})
		}, nil, nil},
		{"the VPC has another block", func(c *campus) *vpc.Feed {
			v := *c.nouns.VPCs[0]
			v.CIDRs = append(slices.Clone(v.CIDRs), block("10.1.0.0/16")...)
			return &vpc.Feed{VPCs: []*vpc.VPC{&v}}
		}, []vpc.SubnetNumber{1, 2}, nil},
		{"a subnet comes", func(*campus) *vpc.Feed {
			return &vpc.Feed{Subnets: []*vpc.Subnet{{ID: "subnet-4", Number: 4, Network: "vpc-1"}}}
		}, []vpc.SubnetNumber{4}, nil},
		{"a VPC goes with all that it has", func(*campus) *vpc.Feed {
			return &vpc.Feed{
				GoneVPCs: []vpc.NetworkID{"vpc-1"}, GoneSubnets: []vpc.SubnetID{"subnet-1", "subnet-2"},
				GoneRouteTables: []vpc.RouteTableID{"rtb-main", "rtb-1"}, Gateways: []*vpc.InternetGateway{{ID: "igw-1"}},
			}
		}, []vpc.SubnetNumber{1, 2}, []vpc.NetworkNumber{1}},
	} {
		c := newCampus(t)
		change := c.host.Apply(tt.change(c))
		routes, gateways := slices.Sorted(maps.Keys(change.Routes)), slices.Sorted(maps.Keys(change.Gateways))
		if !slices.Equal(routes, tt.routes) || !slices.Equal(gateways, tt.gateways) {
			t.Errorf("when %s, routes of %v and gateways of %v change; want %v and %v", tt.what, routes, gateways, tt.routes, tt.gateways)
		}
	}
}

// A whole feed takes away what it does not have.
func TestWholeFeedTakesRoutesAway(t *testing.T) {
	c := newCampus(t)
	c.nouns.Gateways, c.nouns.RouteTables = nil, c.nouns.RouteTables[1:]
	change := c.host.Apply(&c.nouns)
	if !change.Routes[1] || !change.Routes[2] || !change.Gateways[1] {
		t.Errorf("routes of %v and gateways of %v change", change.Routes, change.Gateways)
	}
	if got := c.send(1, "10.0.1.10", "203.0.113.7"); got != "no-route" {
		t.Errorf("without a gateway the internet is %s", got)
	}
}

// Names lead to networks: equal addresses of two regions' networks are told
// apart.
func TestAtIn(t *testing.T) {
	c := newCampus(t)
	a := netip.MustParseAddr("10.0.1.10")
	if n := c.host.AtIn("us-east-1", "vpc-2", a); n == nil || n.ID != "eni-4" {
		t.Errorf("%v has %s in vpc-2", n, a)
	}
	if n := c.host.AtIn("eu-west-1", "vpc-2", a); n != nil {
		t.Errorf("%s has %s in another region", n.ID, a)
	}
}

// BenchmarkApplyLargeVPC loads 5,000 interfaces and 1,000 groups, then changes
// one rule.
func BenchmarkApplyLargeVPC(b *testing.B) {
	f := &vpc.Feed{Whole: true, VPCs: []*vpc.VPC{{ID: "vpc-1", Number: 1, CIDRs: block("10.0.0.0/16")}}}
	for i := range 1000 {
		group := vpc.GroupID(fmt.Sprintf("sg-%04d", i))
		for n := range 10 {
			f.Rules = append(f.Rules, rule(vpc.RuleID(fmt.Sprintf("sgr-%04d%02d", i, n)), group, vpc.TCP, uint16(n), uint16(n), fmt.Sprintf("sg-%04d", (i+n)%1000)))
		}
	}
	for i := range 5000 {
		f.Interfaces = append(f.Interfaces, &vpc.NetworkInterface{
			ID: vpc.InterfaceID(fmt.Sprintf("eni-%05d", i)), Number: vpc.InterfaceNumber(i + 1), Network: "vpc-1", NetworkNo: 1, SubnetNo: 1,
			Groups:   []vpc.GroupID{vpc.GroupID(fmt.Sprintf("sg-%04d", i%1000)), vpc.GroupID(fmt.Sprintf("sg-%04d", (i+i/1000+1)%1000))},
			Identity: vpc.Identity(i + 1), Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})},
		})
	}
	b.Run("load", func(b *testing.B) {
		for b.Loop() {
			policy.NewHost(policy.RevokeAWS).Apply(f)
		}
	})
	b.Run("change a rule", func(b *testing.B) {
		h := policy.NewHost(policy.RevokeAWS)
		h.Apply(f)
		for b.Loop() {
			h.Apply(&vpc.Feed{GoneRules: []vpc.RuleID{f.Rules[500].ID}})
			h.Apply(&vpc.Feed{Rules: f.Rules[500:501]})
		}
	})
}
