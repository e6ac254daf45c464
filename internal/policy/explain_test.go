package policy_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// Every step of a packet is told with what decides there.
func TestExplain(t *testing.T) {
	c := newCampus6(t)
	everything := func(number int, allow, egress bool, cidr string) vpc.ACLEntry {
		return vpc.ACLEntry{Number: number, Allow: allow, Egress: egress, Proto: vpc.AnyProto, CIDR: netip.MustParsePrefix(cidr)}
	}
	c.host.Apply(&vpc.Feed{ACLs: []*vpc.NetworkACL{
		{ID: "acl-1", Network: "vpc-1", Subnets: []vpc.ACLAssociation{{SubnetNo: 1}}, Entries: []vpc.ACLEntry{
			everything(100, true, true, "0.0.0.0/0"), everything(101, true, true, "::/0"), everything(100, true, false, "0.0.0.0/0"),
		}},
		{ID: "acl-2", Network: "vpc-1", Subnets: []vpc.ACLAssociation{{SubnetNo: 2}}, Entries: []vpc.ACLEntry{everything(7, false, false, "10.0.1.11/32"), everything(8, true, false, "0.0.0.0/0")}},
	}})
	node := *c.host.Interface("eni-2")
	node.LoadBalancer = "elb-1"
	c.host.Apply(&vpc.Feed{Interfaces: []*vpc.NetworkInterface{&node}})
	for _, tt := range []struct {
		by       policy.Port
		src, dst string
		want     string
	}{
		{1, "10.0.1.10", "10.0.2.10", `
			source allow 10.0.1.10 is an address of eni-1
			route allow 10.0.2.10 is eni-3 in the same network
			egress allow sgr-true of sg-all allows everything to 0.0.0.0/0
			acl-out allow acl-1:100 allows it
			acl-in allow acl-2:8 allows it
			ingress allow sgr-false of sg-all allows everything from 0.0.0.0/0`},
		{2, "10.0.1.11", "10.0.2.10", `
			source allow 10.0.1.11 is an address of eni-2
			route allow 10.0.2.10 is eni-3 in the same network
			egress allow sgr-true of sg-all allows everything to 0.0.0.0/0
			acl-out allow acl-1:100 allows it
			acl-in drop acl-2:7 denies it`},
		{2, "10.0.1.11", "10.0.1.10", `
			source allow 10.0.1.11 is an address of eni-2
			route allow 10.0.1.10 is eni-1 in the same network
			egress allow sgr-true of sg-all allows everything to 0.0.0.0/0
			subnet allow eni-2 is a load balancer's node: the ACL is asked within its subnet, too (ELB_ACL_RESTRICTION)
			acl-out allow acl-1:100 allows it
			ingress allow sgr-false of sg-all allows everything from 0.0.0.0/0`},
		{1, "10.0.1.10", "203.0.113.7", `
			source allow 10.0.1.10 is an address of eni-1
			route allow rtb-1 sends 0.0.0.0/0 to igw-1
			egress allow sgr-true of sg-all allows everything to 0.0.0.0/0
			acl-out allow acl-1:100 allows it
			nat allow the source becomes 203.0.113.40`},
		{1, "2001:db8:0:101::10", "2001:db8:8000::7", `
			source allow 2001:db8:0:101::10 is an address of eni-1
			route allow rtb-1 sends ::/0 to igw-1
			egress allow sgr-six-out of sg-all allows everything to ::/0
			acl-out allow acl-1:101 allows it`},
		{8, "2001:db8:8000::7", "2001:db8:0:101::10", `
			internet allow 2001:db8:8000::7 is a host on the internet side
			route allow 2001:db8:0:101::10 is an address of eni-1, whose VPC has an internet gateway
			acl-in drop acl-1:* denies it`},
		{7, "203.0.113.7", "203.0.113.40", `
			internet allow 203.0.113.7 is a host on the internet side
			nat allow the destination 203.0.113.40 becomes 10.0.1.10 of eni-1
			acl-in allow acl-1:100 allows it
			ingress allow sgr-false of sg-all allows everything from 0.0.0.0/0`},
		{7, "203.0.113.7", "203.0.113.50", `
			internet allow 203.0.113.7 is a host on the internet side
			route drop vpc-2 has no internet gateway, by which to reach eni-4`},
		{1, "10.0.1.10", "10.8.0.1", `
			source allow 10.0.1.10 is an address of eni-1
			route allow rtb-1 sends 10.8.0.0/16 to eni-3
			egress allow sgr-true of sg-all allows everything to 0.0.0.0/0
			acl-out allow acl-1:100 allows it
			acl-in allow acl-2:8 allows it
			ingress allow sgr-false of sg-all allows everything from 0.0.0.0/0`},
		{1, "10.0.1.10", "10.9.0.1", `
			source allow 10.0.1.10 is an address of eni-1
			route drop rtb-1 sends 10.9.0.0/16 to eni-gone, which is gone or not attached: a black hole`},
		{4, "10.0.1.10", "203.0.113.7", `
			source allow 10.0.1.10 is an address of eni-4
			route drop rtb-2 sends 0.0.0.0/0 to igw-2, which is gone or not attached: a black hole`},
		{1, "10.0.1.10", "10.0.1.99", `
			source allow 10.0.1.10 is an address of eni-1
			route drop 10.0.1.99 is in 10.0.0.0/16 of the VPC, and nobody there has it`},
		{2, "10.0.1.11", "203.0.113.7", `
			source allow 10.0.1.11 is an address of eni-2
			route drop rtb-1 sends 0.0.0.0/0 to igw-1, and 10.0.1.11 has no public address to leave by`},
		{3, "203.0.113.7", "10.0.1.11", `
			source allow eni-3 may send for 203.0.113.7: its source/destination check is off
			route allow 10.0.1.11 is eni-2 in the same network
			egress allow sgr-true of sg-all allows everything to 0.0.0.0/0
			acl-out drop acl-2:* denies it`},
		{1, "2001:db8:0:101::10", "fe80::1", `
			route drop addresses of fe80::/10 are of one link, and nothing is routed from them or to them`},
		{2, "10.0.1.10", "10.0.2.10", `
			end drop its source is not its sender's address`},
	} {
		p := c.first(tt.by, tt.src, tt.dst, vpc.UDP)
		v, steps := c.host.Explain(p)
		var got []string
		for _, s := range steps {
			word := map[bool]string{true: "allow", false: "drop"}[s.Allow]
			why, _, _ := strings.Cut(s.Why, "; ")
			got = append(got, fmt.Sprintf("%s %s %s", s.Where, word, why))
		}
		var want []string
		for line := range strings.Lines(strings.TrimSpace(tt.want)) {
			want = append(want, strings.TrimSpace(line))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s > %s\n%s\nwant\n%s", tt.src, tt.dst, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if last := steps[len(steps)-1]; last.Allow != v.Accept {
			t.Errorf("%s > %s: the verdict is %v, and the last step %v", tt.src, tt.dst, v, last)
		}
	}
}

// first is the first packet of a flow.
func (c *campus) first(by policy.Port, src, dst string, proto vpc.Proto) *policy.Packet {
	p := &policy.Packet{At: time.Hour, Port: by, Src: six(src), Dst: six(dst), Proto: proto}
	p.SrcMAC = vpc.MACOf(p.Src)
	if n := c.host.Interface(c.plugAt(by).Interface); n != nil {
		p.SrcMAC = n.MAC()
	}
	switch proto {
	case vpc.TCP:
		p.SrcPort, p.DstPort, p.TCP.Flags = 4000, 80, policy.SYN
	case vpc.UDP:
		p.SrcPort, p.DstPort = 4000, 53
	case vpc.ICMP:
		p.ICMP.Type = 8
	case vpc.ICMPv6:
		p.ICMP.Type = 128
	}
	return p
}
