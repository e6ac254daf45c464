package bed

import (
	"fmt"
	"net/netip"

	"ringfence/bench/internal/load"
	"ringfence/internal/vpc"
)

// A shape says what network the two machines are in, and how much is asked of
// their policy.
type shape struct {
	vpc   bool // not EC2-Classic
	apart bool // in two subnets, each with a network ACL of its own
	heavy bool // egress rules and ACL entries as many as people have who have many
	ipv6  bool // the packets are
}

const (
	clientID, serverID = "eni-client", "eni-server"

	clientGroup, serverGroup, memberGroup vpc.GroupID = "sg-client", "sg-server", "sg-members"

	networkID = vpc.NetworkID("vpc-bench")

	heavyEgress = 18 // rules
	heavyACL    = 14 // entries in each direction
)

var (
	everywhere4 = netip.MustParsePrefix("0.0.0.0/0")
	everywhere6 = netip.MustParsePrefix("::/0")

	// In EC2-Classic all are neighbours.
	classicClient = netip.MustParsePrefix("10.254.0.10/16")
	classicServer = netip.MustParsePrefix("10.254.0.11/16")
)

// addresses are those of the machines' links.
func (s shape) addresses() (client, server netip.Prefix) {
	switch {
	case !s.vpc:
		return classicClient, classicServer
	case s.ipv6:
		return nearClient6, nearServer6
	case s.apart:
		return nearClient, farServer
	default:
		return nearClient, nearServer
	}
}

// feed is all that a server would tell an agent of the two machines.
func (s shape) feed(rules int) *vpc.Feed {
	f := &vpc.Feed{Revision: 1, Whole: true, Rules: s.rules(rules), Interfaces: s.interfaces()}
	if s.vpc {
		s.addNetwork(f)
	}
	return f
}

// interfaces are those of the two machines and of the big group, whose members
// are elsewhere.
func (s shape) interfaces() []*vpc.NetworkInterface {
	interfaceOf := func(id vpc.InterfaceID, number int, group vpc.GroupID, identity vpc.Identity, addresses ...netip.Addr) *vpc.NetworkInterface {
		n := &vpc.NetworkInterface{
			ID: id, Number: vpc.InterfaceNumber(number), Instance: vpc.InstanceID("i" + id[3:]),
			Network: vpc.ClassicNetwork, NetworkNo: 1, Subnet: vpc.ClassicSubnet, SubnetNo: 1,
			Groups: []vpc.GroupID{group}, Identity: identity, Addresses: addresses,
		}
		if s.vpc {
			n.Network, n.NetworkNo, n.Subnet, n.SubnetNo = networkID, 2, "subnet-near", 2
		}
		return n
	}
	client, server := s.addresses()
	ends := [][]netip.Addr{{client.Addr()}, {server.Addr()}}
	if s.ipv6 { // the primary address is always IPv4
		ends = [][]netip.Addr{{nearClient.Addr(), client.Addr()}, {nearServer.Addr(), server.Addr()}}
	}
	list := []*vpc.NetworkInterface{
		interfaceOf(clientID, 1, clientGroup, 1, ends[0]...),
		interfaceOf(serverID, 2, serverGroup, 2, ends[1]...),
	}
	if s.apart {
		list[1].Subnet, list[1].SubnetNo = "subnet-far", 3
	}
	for i := range groupMembers {
		list = append(list, interfaceOf(vpc.InterfaceID(fmt.Sprintf("eni-%04d", i)), 3+i, memberGroup, 3, member(i)))
	}
	return list
}

// rules are those of the server's group, and of both groups what may leave.
func (s shape) rules(n int) []*vpc.Rule {
	var rules []*vpc.Rule
	add := func(r vpc.Rule) {
		r.ID = vpc.RuleID(fmt.Sprintf("sgr-%06d", len(rules)))
		rules = append(rules, &r)
	}
	for _, r := range rulesOf(n) {
		in := vpc.Rule{Group: serverGroup, Proto: r.proto, Ports: vpc.PortRange{From: r.port, To: r.port}}
		switch {
		case r.client:
			in.Peer.Group = clientGroup
		case r.members:
			in.Peer.Group = memberGroup
		default:
			in.Peer.CIDR = r.block
		}
		add(in)
	}
	if !s.vpc {
		return rules // in EC2-Classic everything may leave
	}
	for _, group := range []vpc.GroupID{clientGroup, serverGroup} {
		if !s.heavy {
			add(vpc.Rule{Group: group, Egress: true, Proto: vpc.AnyProto, Peer: vpc.Peer{CIDR: everywhere4}})
			add(vpc.Rule{Group: group, Egress: true, Proto: vpc.AnyProto, Peer: vpc.Peer{CIDR: everywhere6}})
			continue
		}
		for _, r := range rulesOf(heavyEgress) {
			out := vpc.Rule{Group: group, Egress: true, Proto: r.proto, Ports: vpc.PortRange{From: r.port, To: r.port}}
			if r.client {
				out.Peer.Group = serverGroup
			} else {
				out.Peer.CIDR = r.source(netip.Addr{})
			}
			add(out)
		}
	}
	return rules
}

// addNetwork adds the VPC, its subnets, and what is between them.
func (s shape) addNetwork(f *vpc.Feed) {
	f.VPCs = []*vpc.VPC{{
		ID: networkID, Number: 2,
		CIDRs: []vpc.CIDRAssociation{
			{ID: "vpc-cidr-assoc-1", CIDR: netip.MustParsePrefix("10.99.0.0/16")},
			{ID: "vpc-cidr-assoc-2", CIDR: netip.MustParsePrefix("172.31.0.0/16")},
		},
		IPv6: []vpc.CIDRAssociation{{ID: "vpc-cidr-assoc-3", CIDR: netip.MustParsePrefix("2001:db8:0:100::/56")}},
	}}
	f.Subnets = []*vpc.Subnet{
		{
			ID: "subnet-near", Number: 2, Network: networkID, NetworkNo: 2, CIDR: nearClient.Masked(),
			IPv6: []vpc.CIDRAssociation{{ID: "subnet-cidr-assoc-1", CIDR: nearClient6.Masked()}},
		},
		{ID: "subnet-far", Number: 3, Network: networkID, NetworkNo: 2, CIDR: farServer.Masked()},
	}
	f.RouteTables = []*vpc.RouteTable{{ID: "rtb-main", Network: networkID, Associations: []vpc.RouteTableAssociation{{ID: "rtbassoc-1"}}}}
	f.ACLs = []*vpc.NetworkACL{
		{ID: "acl-near", Network: networkID, Entries: s.entries(), Subnets: []vpc.ACLAssociation{{ID: "aclassoc-1", Subnet: "subnet-near", SubnetNo: 2}}},
		{ID: "acl-far", Network: networkID, Entries: s.entries(), Subnets: []vpc.ACLAssociation{{ID: "aclassoc-2", Subnet: "subnet-far", SubnetNo: 3}}},
	}
}

// entries are those of a network ACL: the default one's, or as many as a
// careful administrator writes, of which the last admit the load and its
// answers.
func (s shape) entries() []vpc.ACLEntry {
	var entries []vpc.ACLEntry
	for _, egress := range []bool{false, true} {
		number := 0
		add := func(allow bool, proto vpc.Proto, ports vpc.PortRange, block netip.Prefix) {
			number += 100
			entries = append(entries, vpc.ACLEntry{
				Number: number, Egress: egress, Allow: allow, Proto: proto, Ports: ports, CIDR: block,
			})
		}
		if !s.heavy {
			add(true, vpc.AnyProto, vpc.PortRange{}, everywhere4)
			add(true, vpc.AnyProto, vpc.PortRange{}, everywhere6)
			continue
		}
		// Two kinds of traffic, each with its answers.
		const allowing = 4
		for i := range heavyACL - allowing {
			block := netip.PrefixFrom(addrAt(netip.MustParsePrefix("192.0.2.0/24"), 16*i), 28)
			add(i%2 == 0, vpc.TCP, vpc.PortRange{From: uint16(20 + i), To: uint16(20 + i)}, block)
		}
		here := netip.MustParsePrefix("10.99.0.0/16")
		service := vpc.PortRange{From: load.StreamPort, To: load.RefusedPort}
		answers := vpc.PortRange{From: 32768, To: 65535}
		for _, proto := range []vpc.Proto{vpc.TCP, vpc.UDP} {
			add(true, proto, service, here)
			add(true, proto, answers, here)
		}
	}
	return entries
}
