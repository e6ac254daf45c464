package api_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"ringfence/internal/api"
	"ringfence/internal/server"
	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// newVPC makes a VPC that is not the default one.
func (c *caller) newVPC(block string) string {
	c.t.Helper()
	return text(c.ok("CreateVpc", "CidrBlock="+block), "vpcId")
}

func (c *caller) newGroup(name string, params ...string) string {
	c.t.Helper()
	return text(c.ok("CreateSecurityGroup", append(params, "GroupName="+name, "GroupDescription=d")...), "groupId")
}

// A drawnRule is a rule as a random call names it.
type drawnRule struct {
	egress   bool
	proto    string
	from, to int
	peer     string // an IPv4 block, an IPv6 block, or a group
}

func drawRule(rt *rapid.T, group string, egress bool) drawnRule {
	r := drawnRule{egress: egress}
	r.proto = rapid.SampledFrom([]string{"tcp", "udp", "icmp", "icmpv6", "-1", "50"}).Draw(rt, "protocol")
	if !slices.Contains([]string{"-1", "50"}, r.proto) {
		r.from = rapid.IntRange(1, 2).Draw(rt, "from")
		r.to = r.from + rapid.IntRange(0, 1).Draw(rt, "more")
	}
	r.peer = rapid.SampledFrom([]string{"10.0.0.0/8", "10.0.0.0/9", "::/0", "2001:db8::/32", group}).Draw(rt, "peer")
	return r
}

// permission is the parameters of Authorize and Revoke for a rule.
func (r drawnRule) permission() []string {
	params := []string{"IpPermissions.1.IpProtocol=" + r.proto, fmt.Sprintf("IpPermissions.1.FromPort=%d", r.from), fmt.Sprintf("IpPermissions.1.ToPort=%d", r.to)}
	switch r.kind() {
	case "group":
		return append(params, "IpPermissions.1.Groups.1.GroupId="+r.peer)
	case "IPv6":
		return append(params, "IpPermissions.1.Ipv6Ranges.1.CidrIpv6="+r.peer)
	}
	return append(params, "IpPermissions.1.IpRanges.1.CidrIp="+r.peer)
}

// update is the parameters of ModifySecurityGroupRules that make a rule this one.
func (r drawnRule) update(id string) []string {
	const values = "SecurityGroupRule.1.SecurityGroupRule."
	peer := map[string]string{"group": "ReferencedGroupId=", "IPv6": "CidrIpv6=", "IPv4": "CidrIpv4="}[r.kind()]
	return []string{
		"SecurityGroupRule.1.SecurityGroupRuleId=" + id, values + "IpProtocol=" + r.proto,
		fmt.Sprintf(values+"FromPort=%d", r.from), fmt.Sprintf(values+"ToPort=%d", r.to), values + peer + r.peer,
	}
}

func (r drawnRule) kind() string {
	switch {
	case strings.HasPrefix(r.peer, "sg-"):
		return "group"
	case strings.Contains(r.peer, ":"):
		return "IPv6"
	}
	return "IPv4"
}

// storedRule is a rule of the store as a random call would name it.
func storedRule(r *vpc.Rule) drawnRule {
	d := drawnRule{egress: r.Egress, proto: r.Proto.String(), from: int(r.Ports.From), to: int(r.Ports.To), peer: string(r.Peer.Group)}
	if r.Proto.IsICMP() {
		d.from, d.to = int(r.ICMP.Type), int(r.ICMP.Code)
	}
	if r.Peer.CIDR.IsValid() {
		d.peer = r.Peer.CIDR.String()
	}
	return d
}

// A group of a VPC is a map from ids to different rules: whatever is authorised,
// revoked and modified, by values and by ids, it does as the map does.
func TestRulesOfAVPCAreAMap(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, carol)
	network := "VpcId=" + c.newVPC("10.0.0.0/16")
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		group := c.newGroup(fmt.Sprintf("group-%d", n), network)
		defer c.ok("DeleteSecurityGroup", "GroupId="+group)
		rules := map[string]drawnRule{}
		for _, r := range groupRules(t, w, group) {
			rules[string(r.ID)] = storedRule(r)
		}
		holds := func(r drawnRule) (id string) {
			for id, other := range rules {
				if other == r {
					return id
				}
			}
			return ""
		}
		expect := func(want vpc.Code, action string, params ...string) bool {
			if got := c.code(action, append(params, "GroupId="+group)...); got != want {
				rt.Fatalf("%s %q: %q, want %q", action, params, got, want)
			}
			return want == ""
		}
		for range rapid.IntRange(1, 15).Draw(rt, "calls") {
			egress := rapid.Bool().Draw(rt, "egress")
			rule, direction := drawRule(rt, group, egress), "Ingress"
			if egress {
				direction = "Egress"
			}
			known := slices.Sorted(maps.Keys(rules))
			switch call := rapid.IntRange(0, 3).Draw(rt, "call"); {
			case call == 0:
				want := vpc.Code("")
				if holds(rule) != "" {
					want = vpc.InvalidPermissionDuplicate
				}
				if expect(want, "AuthorizeSecurityGroup"+direction, rule.permission()...) {
					rules[addedRule(t, w, group, rules)] = rule
				}
			case call == 1:
				id, want := holds(rule), vpc.Code("")
				if id == "" {
					want = vpc.InvalidPermissionNotFound
				}
				expect(want, "RevokeSecurityGroup"+direction, rule.permission()...)
				delete(rules, id)
			case len(known) == 0:
			case call == 2:
				id := rapid.SampledFrom(known).Draw(rt, "rule")
				want := vpc.Code("")
				if rules[id].egress != egress {
					want = vpc.InvalidSecurityGroupRuleIDNotFound
				}
				if expect(want, "RevokeSecurityGroup"+direction, "SecurityGroupRuleId.1="+id) {
					delete(rules, id)
				}
			default:
				id := rapid.SampledFrom(known).Draw(rt, "rule")
				rule.egress = rules[id].egress
				want := vpc.Code("")
				if holder := holds(rule); rule.kind() != rules[id].kind() {
					want = vpc.InvalidParameterValue
				} else if holder != "" && holder != id {
					want = vpc.InvalidPermissionDuplicate
				}
				if expect(want, "ModifySecurityGroupRules", rule.update(id)...) {
					rules[id] = rule
				}
			}
		}
		got := map[string]drawnRule{}
		for _, r := range groupRules(t, w, group) {
			got[string(r.ID)] = storedRule(r)
		}
		if !maps.Equal(got, rules) {
			rt.Fatalf("rules\n%v\nwant\n%v", got, rules)
		}
	})
}

func groupRules(t testing.TB, w *world, group string) []*vpc.Rule {
	t.Helper()
	v := view(t, w)
	return v.Rules(v.Group("us-east-1", vpc.GroupID(group)))
}

// addedRule returns the id that a group's rules have and known has not.
func addedRule(t testing.TB, w *world, group string, known map[string]drawnRule) string {
	t.Helper()
	for _, r := range groupRules(t, w, group) {
		if _, ok := known[string(r.ID)]; !ok {
			return string(r.ID)
		}
	}
	t.Fatal("no rule was added")
	return ""
}

// Of many who modify two rules to be the same, one at a time succeeds, and no
// rule is there twice.
func TestManyModifyAGroup(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, carol)
	group := c.newGroup("web")
	var ids []string
	for port := range 8 {
		rule := drawnRule{proto: "tcp", from: port, to: port, peer: "10.0.0.0/8"}
		ids = append(ids, text(c.ok("AuthorizeSecurityGroupIngress", append(rule.permission(), "GroupId="+group)...), "securityGroupRuleId"))
	}
	want := drawnRule{proto: "tcp", from: 100, to: 100, peer: "10.0.0.0/8"}
	var mu sync.Mutex
	codes := map[vpc.Code]int{}
	var wg sync.WaitGroup
	for _, id := range ids {
		c := w.caller(t, carol)
		wg.Go(func() {
			code := c.code("ModifySecurityGroupRules", append(want.update(id), "GroupId="+group)...)
			mu.Lock()
			codes[code]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if codes[""] != 1 || codes[vpc.InvalidPermissionDuplicate] != len(ids)-1 {
		t.Errorf("answers: %v", codes)
	}
}

// rulesUpTo is the parameters of one bundle with n sources.
func rulesUpTo(n int, source func(i int) string) []string {
	params := []string{"IpPermissions.1.IpProtocol=-1"}
	for i := range n {
		params = append(params, fmt.Sprintf("IpPermissions.1.%s", source(i)))
	}
	return params
}

func ipv4Source(i int) string { return fmt.Sprintf("IpRanges.%d.CidrIp=10.0.%d.0/24", i+1, i) }

func ipv6Source(i int) string {
	return fmt.Sprintf("Ipv6Ranges.%d.CidrIpv6=2001:db8:%d::/48", i+1, i+1)
}

func TestTheQuotasOfAVPCToday(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, carol)
	web, app := c.newGroup("web"), c.newGroup("app")
	ingress := func(params ...string) vpc.Code {
		return c.code("AuthorizeSecurityGroupIngress", append(params, "GroupId="+web)...)
	}

	// 60 rules for each direction and each family.
	for _, tt := range []struct {
		call   string
		params []string
		want   vpc.Code
	}{
		{"61 blocks", rulesUpTo(61, ipv4Source), vpc.RulesPerSecurityGroupLimitExceeded},
		{"59 blocks", rulesUpTo(59, ipv4Source), ""},
		{"60 blocks of IPv6", rulesUpTo(60, ipv6Source), ""},
		{"a group, which counts in both families", []string{"IpPermissions.1.IpProtocol=-1", "IpPermissions.1.Groups.1.GroupId=" + app}, vpc.RulesPerSecurityGroupLimitExceeded},
		{"the 60th block", []string{"IpPermissions.1.IpProtocol=-1", "IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0"}, ""},
		{"the 61st block", []string{"IpPermissions.1.IpProtocol=-1", "IpPermissions.1.IpRanges.1.CidrIp=1.0.0.0/8"}, vpc.RulesPerSecurityGroupLimitExceeded},
	} {
		if got := ingress(tt.params...); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.call, got, tt.want)
		}
	}
	if code := c.code("AuthorizeSecurityGroupEgress", append(rulesUpTo(59, ipv4Source), "GroupId="+web)...); code != "" {
		t.Errorf("egress has a quota of its own: %q", code)
	}
}

func TestTheQuotasOfAVPCIn2012(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, albert)
	network := "VpcId=" + c.newVPC("10.0.0.0/16")
	group := c.newGroup("web", network)
	// 50 rules, the one for egress among them.
	if code := c.code("AuthorizeSecurityGroupIngress", append(rulesUpTo(50, ipv4Source), "GroupId="+group)...); code != vpc.RulesPerSecurityGroupLimitExceeded {
		t.Errorf("51 rules: %q", code)
	}
	c.ok("AuthorizeSecurityGroupIngress", append(rulesUpTo(49, ipv4Source), "GroupId="+group)...)
	if code := c.code("AuthorizeSecurityGroupEgress", append(rulesUpTo(1, ipv4Source), "GroupId="+group)...); code != vpc.RulesPerSecurityGroupLimitExceeded {
		t.Errorf("rule 51: %q", code)
	}
	for i := range 48 { // with web and default that is 50
		c.newGroup(fmt.Sprintf("group-%d", i), network)
	}
	if code := c.code("CreateSecurityGroup", "GroupName=more", "GroupDescription=d", network); code != vpc.SecurityGroupLimitExceeded {
		t.Errorf("group 51: %q", code)
	}
	c.newGroup("of another VPC", "VpcId="+c.newVPC("10.1.0.0/16"))
	c.newGroup("of EC2-Classic")
}

func TestTheQuotaOfGroupsIsTheRegions(t *testing.T) {
	w := fresh(t)
	limits, err := api.ParseLimits([]string{"vpc-groups=4"})
	if err != nil {
		t.Fatal(err)
	}
	c := w.withOptions(t, server.Options{API: api.Options{Limits: limits}}).caller(t, carol)
	network := "VpcId=" + c.newVPC("10.0.0.0/16")
	c.newGroup("web")
	c.newGroup("web", network) // two, with two default groups
	if code := c.code("CreateSecurityGroup", "GroupName=more", "GroupDescription=d", network); code != vpc.SecurityGroupLimitExceeded {
		t.Errorf("group 5: %q", code)
	}
}

// A group that an interface is in stays, and the refusal says which one.
func TestAGroupWithMembersStays(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, carol)
	group := c.newGroup("web")
	var members []string
	for range 7 {
		members = append(members, addInterface(t, w, group))
	}
	slices.Sort(members)
	status, body := c.call("DeleteSecurityGroup", "GroupId="+group)
	want := "resource " + group + " has a dependent object: " + strings.Join(members[:5], ", ") + ", 2 more"
	if status != 400 || !strings.Contains(body, "<Code>DependencyViolation</Code><Message>"+want+"</Message>") {
		t.Errorf("%d %s\nwant %s", status, body, want)
	}
}

// addInterface puts an interface of carol's into a group and returns its id.
func addInterface(t *testing.T, w *world, group string) string {
	t.Helper()
	var id vpc.InterfaceID
	if _, err := w.store.Update(t.Context(), func(tx *store.Tx) error {
		g := tx.Group("us-east-1", vpc.GroupID(group))
		if g == nil {
			return fmt.Errorf("no group %s", group) // of a moment before; Update tries again
		}
		number := tx.Take(store.InterfaceNumbers, 1)
		id = vpc.InterfaceID(fmt.Sprintf("eni-%08x", number))
		tx.PutInterface(&vpc.NetworkInterface{ID: id, Account: carol, Region: "us-east-1", Network: g.Network, Groups: []vpc.GroupID{g.ID}})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return string(id)
}

func TestFiltersOfRules(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, carol)
	web, app := c.newGroup("web"), c.newGroup("app")
	for _, r := range []drawnRule{
		{false, "tcp", 80, 81, "10.0.0.0/8"},
		{true, "udp", 53, 54, "203.0.113.0/24"},
		{true, "icmpv6", 128, 0, "2001:db8::/32"},
		{true, "50", 0, 0, app},
	} {
		action := map[bool]string{false: "AuthorizeSecurityGroupIngress", true: "AuthorizeSecurityGroupEgress"}[r.egress]
		c.ok(action, append(r.permission(), "GroupId="+web)...)
	}
	tests := []struct{ name, in, egress string }{ // values of the two directions
		{"cidr", "10.0.0.0/8", "203.*"},
		{"ipv6-cidr", "", "2001:db8::/32"},
		{"from-port", "80", "53"},
		{"to-port", "81", "54"},
		{"protocol", "tcp", "udp"},
		{"protocol", "tc?", "50"},
		{"group-id", "", app},
		{"group-name", "", "app"},
		{"user-id", "", string(carol)},
		{"prefix-list-id", "", ""},
	}
	found := func(filter, value string) bool {
		body := c.ok("DescribeSecurityGroups", "Filter.1.Name="+filter, "Filter.1.Value.1="+value, "Filter.2.Name=group-name", "Filter.2.Value.1=web")
		return strings.Contains(body, "<groupName>web</groupName>")
	}
	for _, tt := range tests {
		for _, value := range []string{tt.in, tt.egress} {
			if got, want := found("ip-permission."+tt.name, value), value != "" && value == tt.in; got != want {
				t.Errorf("ip-permission.%s=%s: found %v, want %v", tt.name, value, got, want)
			}
			if got, want := found("egress.ip-permission."+tt.name, value), value != "" && value == tt.egress; got != want {
				t.Errorf("egress.ip-permission.%s=%s: found %v, want %v", tt.name, value, got, want)
			}
		}
	}
}
