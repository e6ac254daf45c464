package api_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ringfence/internal/vpc"
)

// A group's rules are a set: what calls do to it is what they do to a map.
func TestRulesAreASet(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, albert)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		name := fmt.Sprintf("group-%d", n)
		c.ok("CreateSecurityGroup", "GroupName="+name, "GroupDescription=d")
		defer c.ok("DeleteSecurityGroup", "GroupName="+name)
		set := map[string]bool{}
		for range rapid.IntRange(1, 12).Draw(rt, "calls") {
			from := rapid.IntRange(1, 2).Draw(rt, "from")
			to := from + rapid.IntRange(0, 1).Draw(rt, "more")
			cidr := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, rapid.Byte().Draw(rt, "host")}), rapid.IntRange(24, 25).Draw(rt, "bits"))
			rule := fmt.Sprintf("%d-%d %s", from, to, cidr.Masked())
			params := []string{"GroupName=" + name, "IpProtocol=tcp", fmt.Sprintf("FromPort=%d", from), fmt.Sprintf("ToPort=%d", to), "CidrIp=" + cidr.String()}
			if rapid.Bool().Draw(rt, "authorize") {
				want := vpc.Code("")
				if set[rule] {
					want = vpc.InvalidPermissionDuplicate
				}
				if code := c.code("AuthorizeSecurityGroupIngress", params...); code != want {
					rt.Fatalf("authorise %s: %q, want %q", rule, code, want)
				}
				set[rule] = true
			} else {
				c.ok("RevokeSecurityGroupIngress", params...)
				delete(set, rule)
			}
		}
		v := view(t, w)
		got := map[string]bool{}
		for _, r := range v.Rules(v.GroupNamed("us-east-1", albert, vpc.ClassicNetwork, name)) {
			got[fmt.Sprintf("%d-%d %s", r.Ports.From, r.Ports.To, r.Peer.CIDR)] = true
		}
		if !maps.Equal(got, set) {
			rt.Fatalf("rules %q, want %q", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(set)))
		}
	})
}
