package testrun

import (
	"fmt"
	"net/netip"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// A Setting is where a client and a server are, and by what they are judged.
type Setting struct {
	Name   string
	Rules  int // of the server
	client netip.Addr
	server netip.Addr
	subnet vpc.SubnetNumber // of the server; 0: it is on the internet side
	heavy  bool             // 18 egress rules at both ends, and an ACL of 14 entries out and in at each
}

const classicSubnet, clientSubnet, serverSubnet vpc.SubnetNumber = 1, 2, 3

// Settings to measure in.
var (
	Classic  = Setting{Name: "EC2-Classic", client: addr("10.254.0.10"), server: addr("10.254.0.11"), subnet: classicSubnet}
	Near     = Setting{Name: "one subnet", client: addr("10.0.1.10"), server: addr("10.0.1.11"), subnet: clientSubnet}
	Far      = Setting{Name: "two subnets", client: addr("10.0.1.10"), server: addr("10.0.2.11"), subnet: serverSubnet}
	Far6     = Setting{Name: "two subnets, IPv6", client: addr("2001:db8:0:101::10"), server: addr("2001:db8:0:102::11"), subnet: serverSubnet}
	Internet = Setting{Name: "to the internet", client: addr("203.0.113.41"), server: addr("203.0.113.7")}
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// With has some rules.
func (s Setting) With(rules int) Setting {
	s.Rules = rules
	return s
}

// Harder has egress rules and ACLs, too, that are not trivial.
func (s Setting) Harder(rules int) Setting {
	s.Rules, s.heavy = rules, true
	s.Name += ", egress rules, ACLs"
	return s
}

// router has the MAC address of the virtual router. Where frames are rewritten,
// it is the primary address of everybody, and public addresses are the private
// ones: a test run gives a program again and again the frame that it has
// rewritten, and so it always is the same.
var router = addr("0.0.0.1")

func (s *Setting) isRewritten() bool { return s.subnet == 0 || s.subnet == serverSubnet }

func (s *Setting) feed() *vpc.Feed {
	f := &vpc.Feed{Whole: true, Rules: s.serverRules()}
	f.Interfaces = []*vpc.NetworkInterface{
		s.member(clientID, 1, s.client, ClientGroup, clientSubnet), s.member(serverID, 2, s.server, ServerGroup, s.subnet),
	}
	if s.subnet == classicSubnet {
		return f
	}
	f.VPCs = []*vpc.VPC{{ID: "vpc-1", Number: 2, CIDRs: block("10.0.0.0/16"), IPv6: block("2001:db8:0:100::/56")}}
	f.Gateways = []*vpc.InternetGateway{{ID: "igw-1", Network: "vpc-1"}}
	f.RouteTables = []*vpc.RouteTable{{
		ID: "rtb-1", Network: "vpc-1", Associations: []vpc.RouteTableAssociation{{}},
		Routes: []vpc.Route{{Destination: netip.MustParsePrefix("0.0.0.0/0"), Gateway: "igw-1"}},
	}}
	if s.subnet == 0 {
		f.Interfaces = f.Interfaces[:1]
		f.Interfaces[0].Public = map[netip.Addr]netip.Addr{s.client: s.client}
	}
	f.ACLs = s.acls()
	f.Rules = append(f.Rules, s.egressRules(ClientGroup)...)
	f.Rules = append(f.Rules, s.egressRules(ServerGroup)...)
	return f
}

func block(cidr string) []vpc.CIDRAssociation {
	return []vpc.CIDRAssociation{{CIDR: netip.MustParsePrefix(cidr)}}
}

func (s *Setting) member(id vpc.InterfaceID, number int, a netip.Addr, group vpc.GroupID, subnet vpc.SubnetNumber) *vpc.NetworkInterface {
	n := Interface(id, number, a, group, vpc.Identity(number))
	if subnet != classicSubnet {
		n.Network, n.NetworkNo, n.Subnet, n.SubnetNo = "vpc-1", 2, "", subnet
	}
	if s.subnet == classicSubnet {
		n.Network, n.NetworkNo, n.SubnetNo = vpc.ClassicNetwork, 1, classicSubnet
	}
	if s.isRewritten() {
		n.Addresses = []netip.Addr{router, a}
	}
	return n
}

// serverRules admit the client by the last of them.
func (s *Setting) serverRules() []*vpc.Rule {
	var rules []*vpc.Rule
	for i := range s.Rules - 2 {
		rules = append(rules, Rule(i))
	}
	for _, proto := range []vpc.Proto{vpc.TCP, vpc.UDP} {
		rules = append(rules, &vpc.Rule{
			ID: vpc.RuleID("sgr-z" + proto.String()), Group: ServerGroup, Proto: proto,
			Ports: vpc.PortRange{From: 80, To: 80}, Peer: vpc.Peer{Group: ClientGroup},
		})
	}
	return rules
}

// egressRules let everything leave, or the ports of some services.
func (s *Setting) egressRules(group vpc.GroupID) []*vpc.Rule {
	n := 1
	if s.heavy {
		n = 9
	}
	var rules []*vpc.Rule
	for i, everybody := range []string{"0.0.0.0/0", "::/0"} {
		for k := range n {
			r := &vpc.Rule{
				ID: vpc.RuleID(fmt.Sprintf("sgr-%s-%d-%02d", group, i, k)), Group: group, Egress: true, Proto: vpc.AnyProto,
				Peer: vpc.Peer{CIDR: netip.MustParsePrefix(everybody)},
			}
			if s.heavy {
				r.Proto, r.Ports = []vpc.Proto{vpc.TCP, vpc.UDP}[k%2], vpc.PortRange{From: uint16(80 + k/2), To: uint16(80 + k/2)}
			}
			rules = append(rules, r)
		}
	}
	return rules
}

// acls are one for each subnet: it admits services and ephemeral ports, and
// denies some blocks of addresses (Amazon VPC User Guide, "Example: Control
// access to instances in a subnet").
func (s *Setting) acls() []*vpc.NetworkACL {
	var acls []*vpc.NetworkACL
	for _, subnet := range []vpc.SubnetNumber{clientSubnet, serverSubnet} {
		a := &vpc.NetworkACL{ID: vpc.ACLID(fmt.Sprintf("acl-%d", subnet)), Network: "vpc-1", Subnets: []vpc.ACLAssociation{{SubnetNo: subnet}}}
		for _, egress := range []bool{false, true} {
			a.Entries = append(a.Entries, s.entries(egress)...)
		}
		acls = append(acls, a)
	}
	return acls
}

func (s *Setting) entries(egress bool) []vpc.ACLEntry {
	var entries []vpc.ACLEntry
	add := func(allow bool, proto vpc.Proto, from, to uint16, cidr string) {
		entries = append(entries, vpc.ACLEntry{
			Number: 10 * (len(entries) + 1), Egress: egress, Allow: allow, Proto: proto,
			Ports: vpc.PortRange{From: from, To: to}, CIDR: netip.MustParsePrefix(cidr),
		})
	}
	if s.heavy {
		for i := range 6 {
			add(false, vpc.TCP, uint16(20+i), uint16(20+i), fmt.Sprintf("192.0.%d.0/24", i))
		}
		for _, everybody := range []string{"0.0.0.0/0", "::/0"} {
			add(true, vpc.TCP, 80, 81, everybody)
			add(true, vpc.UDP, 80, 80, everybody)
			add(true, vpc.TCP, 1024, 65535, everybody)
			add(true, vpc.UDP, 1024, 65535, everybody)
		}
		return entries
	}
	add(true, vpc.AnyProto, 0, 0, "0.0.0.0/0")
	add(true, vpc.AnyProto, 0, 0, "::/0")
	return entries
}

// frame is one from client to server, or back.
func (b *Bench) frame(proto vpc.Proto, back bool, serverPort uint16, flags policy.TCPFlags) []byte {
	f := policy.Frame{Src: b.client, Dst: b.server, Proto: proto, SrcPort: b.next, DstPort: serverPort, Flags: flags}
	if back {
		f.Src, f.Dst, f.SrcPort, f.DstPort = b.server, b.client, serverPort, b.next
	}
	f.SrcMAC, f.DstMAC = vpc.MACOf(f.Src), vpc.MACOf(f.Dst)
	if b.isRewritten() {
		f.DstMAC = vpc.MACOf(router)
	}
	if b.isRewritten() && !(b.subnet == 0 && back) {
		f.SrcMAC = vpc.MACOf(router)
	}
	return f.Bytes()
}
