package policy_test

import (
	"net/netip"
	"strings"
	"testing"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// answer is what becomes of the answer to the first packet of a flow: "none" when
// there is none.
func (c *campus) answer(by policy.Port, proto vpc.Proto, src, dst string) string {
	v, ok := c.host.Answer(c.first(by, src, dst, proto))
	switch {
	case !ok:
		return "none"
	case v.Accept:
		return v.Reason.String()
	}
	return strings.TrimSpace(v.Reason.String() + " " + string(v.Rule))
}

// Who explains a packet that is admitted says also what stops its answer: ACLs,
// which know no flows, and routes.
func TestAnswer(t *testing.T) {
	c := newCampus6(t)
	c.host.Apply(&vpc.Feed{ACLs: []*vpc.NetworkACL{
		{ID: "acl-1", Network: "vpc-1", Subnets: []vpc.ACLAssociation{{SubnetNo: 1}}, Entries: []vpc.ACLEntry{
			{Number: 100, Allow: true, Proto: vpc.AnyProto, CIDR: netip.MustParsePrefix("0.0.0.0/0")},
			{Number: 101, Allow: true, Proto: vpc.AnyProto, CIDR: netip.MustParsePrefix("::/0")},
			{Number: 99, Allow: true, Egress: true, Proto: vpc.TCP, Ports: vpc.PortRange{From: 80, To: 80}, CIDR: netip.MustParsePrefix("0.0.0.0/0")},
			{Number: 100, Allow: true, Egress: true, Proto: vpc.TCP, Ports: vpc.PortRange{From: 1024, To: 65535}, CIDR: netip.MustParsePrefix("0.0.0.0/0")},
		}},
	}})
	for _, tt := range []struct {
		by       policy.Port
		proto    vpc.Proto
		src, dst string
		want     string
	}{
		{7, vpc.TCP, "203.0.113.7", "203.0.113.40", "known"},
		{7, vpc.UDP, "203.0.113.7", "203.0.113.40", "acl-out acl-1:*"},
		{8, vpc.TCP, "2001:db8:8000::7", "2001:db8:0:101::10", "acl-out acl-1:*"},
		{3, vpc.ICMP, "10.0.2.10", "10.0.1.10", "acl-out acl-1:*"},
		{3, vpc.ICMPv6, "2001:db8:0:102::10", "2001:db8:0:101::10", "acl-out acl-1:*"},
		{3, vpc.TCP, "10.0.2.10", "203.0.113.40", "known"},
		{3, vpc.UDP, "10.0.2.10", "203.0.113.40", "acl-out acl-1:*"},
		{3, vpc.ICMP, "10.0.2.10", "203.0.113.7", "known"},
		{7, vpc.TCP, "203.0.113.7", "203.0.113.41", "known"},
		{1, vpc.TCP, "10.0.1.10", "203.0.113.7", "known"},
		{1, vpc.TCP, "10.0.1.10", "203.0.113.41", "known"},
		{1, vpc.TCP, "10.0.1.10", "10.8.0.1", "known"}, // by the router

		// Inside the subnet no ACL is asked, and what is dropped has no answer.
		{2, vpc.UDP, "10.0.1.11", "10.0.1.10", "known"},
		{2, vpc.ICMP, "10.0.1.11", "10.0.1.10", "known"},
		{1, vpc.UDP, "10.0.1.10", "10.0.2.10", "none"},
	} {
		if got := c.answer(tt.by, tt.proto, tt.src, tt.dst); got != tt.want {
			t.Errorf("%s, %s > %s: got %s, want %s", tt.proto, tt.src, tt.dst, got, tt.want)
		}
	}

	// What comes from the internet needs no route, and its answer does.
	nowhere := *c.nouns.RouteTables[0]
	nowhere.Routes = nil
	c.host.Apply(&vpc.Feed{RouteTables: []*vpc.RouteTable{&nowhere}})
	if got := c.answer(7, vpc.TCP, "203.0.113.7", "203.0.113.41"); got != "no-route" {
		t.Errorf("without a route: got %s", got)
	}
}
