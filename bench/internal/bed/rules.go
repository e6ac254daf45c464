package bed

import (
	"fmt"
	"net/netip"

	"ringfence/bench/internal/load"
	"ringfence/internal/vpc"
)

// A rule is one of those that judge what comes to the server, in a form that
// each firewall is told in its own way.
type rule struct {
	proto vpc.Proto
	port  uint16

	// Who it admits: one block, or the members of a big group, or the client.
	block   netip.Prefix
	members bool
	client  bool
}

const (
	groupEvery   = 10   // one rule in so many is about a big group
	groupMembers = 1000 // of that group
)

// memberBlock holds the addresses of the big group.
var memberBlock = netip.MustParsePrefix("172.31.0.0/22")

func member(i int) netip.Addr { return addrAt(memberBlock, i+1) }

// admitted is the traffic of package load.
var admitted = []rule{
	{proto: vpc.TCP, port: load.StreamPort, client: true},
	{proto: vpc.TCP, port: load.RequestPort, client: true},
	{proto: vpc.TCP, port: load.ConnectionPort, client: true},
	{proto: vpc.UDP, port: load.DatagramPort, client: true},
}

// rulesOf returns n rules, of which the last four admit the client. The others
// are about addresses and ports that never come.
func rulesOf(n int) []rule {
	rules := make([]rule, 0, n)
	for i := range n - len(admitted) {
		r := rule{proto: vpc.TCP, port: uint16(10_000 + i)}
		if i%groupEvery == 0 {
			r.members = true
		} else {
			r.block = netip.PrefixFrom(addrAt(netip.MustParsePrefix("172.16.0.0/16"), i), 32)
		}
		rules = append(rules, r)
	}
	return append(rules, admitted...)
}

// addrAt is a block's address number i.
func addrAt(block netip.Prefix, i int) netip.Addr {
	a := block.Addr().As4()
	return netip.AddrFrom4([4]byte{a[0], a[1], a[2] + byte(i>>8), a[3] + byte(i)})
}

// source is the block that a rule admits where a firewall knows no groups.
func (r rule) source(client netip.Addr) netip.Prefix {
	switch {
	case r.client:
		return netip.PrefixFrom(client, 32)
	case r.members:
		return memberBlock
	default:
		return r.block
	}
}

// memberSet is the name of the big group where a firewall has sets.
const memberSet = "members"

func (r rule) iptables(client netip.Addr) string {
	from := fmt.Sprintf("-s %s", r.source(client))
	if r.members {
		from = fmt.Sprintf("-m set --match-set %s src", memberSet)
	}
	return fmt.Sprintf("%s -p %s -m %s --dport %d", from, r.proto, r.proto, r.port)
}

func (r rule) nft(client netip.Addr) string {
	return fmt.Sprintf("%s . %s . %d", r.source(client), r.proto, r.port)
}
