package api_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"ringfence/internal/api"
	"ringfence/internal/server"
	"ringfence/internal/vpc"
)

func (c *caller) newACL(network string) string {
	c.t.Helper()
	return text(c.ok("CreateNetworkAcl", "VpcId="+network), "networkAclId")
}

// entry is the parameters of an entry about everything.
func entry(acl string, number int, egress bool, block string) []string {
	return []string{"NetworkAclId=" + acl, fmt.Sprintf("RuleNumber=%d", number), fmt.Sprintf("Egress=%v", egress),
		"Protocol=-1", "RuleAction=allow", block}
}

const (
	ipv4Entry = "CidrBlock=0.0.0.0/0"
	ipv6Entry = "Ipv6CidrBlock=::/0"
)

// An ACL has 20 entries for each direction and family, the last one included.
func TestTheQuotasOfACLs(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, carol)
	network := c.newVPC("10.0.0.0/16")
	acl := c.newACL(network)
	for i := range 19 {
		c.ok("CreateNetworkAclEntry", entry(acl, i+1, false, ipv4Entry)...)
	}
	for _, tt := range []struct {
		call, action string
		params       []string
		want         vpc.Code
	}{
		{"entry 20 and the last one", "CreateNetworkAclEntry", entry(acl, 20, false, ipv4Entry), vpc.NetworkACLEntryLimitExceeded},
		{"an entry in its place", "ReplaceNetworkAclEntry", entry(acl, 19, false, ipv4Entry), ""},
		{"the other direction", "CreateNetworkAclEntry", entry(acl, 20, true, ipv4Entry), ""},
		{"the other family", "CreateNetworkAclEntry", entry(acl, 20, false, ipv6Entry), ""},
		{"an entry from the other family", "ReplaceNetworkAclEntry", entry(acl, 20, false, ipv4Entry), vpc.NetworkACLEntryLimitExceeded},
	} {
		if got := c.code(tt.action, tt.params...); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.call, got, tt.want)
		}
	}

	limits, err := api.ParseLimits([]string{"acls-per-vpc=3"})
	if err != nil {
		t.Fatal(err)
	}
	c = w.withOptions(t, server.Options{API: api.Options{Limits: limits}}).caller(t, carol)
	c.newACL(network) // the third, with the default one
	if code := c.code("CreateNetworkAcl", "VpcId="+network); code != vpc.NetworkACLLimitExceeded {
		t.Errorf("the fourth ACL: %q", code)
	}
}

// The store keeps what a user has made, in order, and nothing else.
func TestEntriesAreKeptInOrder(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, carol)
	acl := c.newACL(c.newVPC("10.0.0.0/16"))
	type place struct {
		egress bool
		number int
	}
	entries := map[place]bool{}
	rapid.Check(t, func(rt *rapid.T) {
		p := place{rapid.Bool().Draw(rt, "egress"), rapid.IntRange(1, 5).Draw(rt, "number")}
		action := rapid.SampledFrom([]string{"CreateNetworkAclEntry", "ReplaceNetworkAclEntry", "DeleteNetworkAclEntry"}).Draw(rt, "action")
		params, want := entry(acl, p.number, p.egress, ipv4Entry), vpc.Code("")
		switch {
		case action == "CreateNetworkAclEntry" && entries[p]:
			want = vpc.NetworkACLEntryAlreadyExists
		case action != "CreateNetworkAclEntry" && !entries[p]:
			want = vpc.InvalidNetworkACLEntryNotFound
		case action == "DeleteNetworkAclEntry":
			delete(entries, p)
		default:
			entries[p] = true
		}
		if action == "DeleteNetworkAclEntry" {
			params = params[:3]
		}
		if got := c.code(action, params...); got != want {
			rt.Fatalf("%s %v: %q, want %q", action, p, got, want)
		}
		var kept []place
		for _, e := range view(t, w).ACL("us-east-1", carol, vpc.ACLID(acl)).Entries {
			kept = append(kept, place{e.Egress, e.Number})
		}
		if len(kept) != len(entries) || slices.ContainsFunc(kept, func(p place) bool { return !entries[p] }) {
			rt.Fatalf("kept %v, want %v", kept, entries)
		}
		if !slices.IsSortedFunc(kept, func(a, b place) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }) {
			rt.Fatalf("kept in the order %v", kept)
		}
	})
}

// Many who edit one ACL, and move one subnet between two, leave all entries
// there and the subnet with one of them.
func TestManyEditACLs(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, carol)
	network := c.newVPC("10.0.0.0/16")
	acls := []string{c.newACL(network), c.newACL(network)}
	c.ok("CreateSubnet", "VpcId="+network, "CidrBlock=10.0.1.0/24")
	association := text(c.ok("DescribeNetworkAcls", "Filter.1.Name=default", "Filter.1.Value.1=true",
		"Filter.2.Name=vpc-id", "Filter.2.Value.1="+network), "networkAclAssociationId")
	var mu sync.Mutex
	moved := 0
	var wg sync.WaitGroup
	for i := range 10 {
		c := w.caller(t, carol)
		wg.Go(func() { c.ok("CreateNetworkAclEntry", entry(acls[0], i+1, false, ipv4Entry)...) })
		wg.Go(func() {
			switch code := c.code("ReplaceNetworkAclAssociation", "AssociationId="+association, "NetworkAclId="+acls[i%2]); code {
			case "":
				mu.Lock()
				moved++
				mu.Unlock()
			case vpc.InvalidAssociationIDNotFound:
			default:
				t.Errorf("move the subnet: %s", code)
			}
		})
	}
	wg.Wait()
	v := view(t, w)
	subnets := 0
	for _, acl := range acls {
		subnets += len(v.ACL("us-east-1", carol, vpc.ACLID(acl)).Subnets)
	}
	if entries := v.ACL("us-east-1", carol, vpc.ACLID(acls[0])).Entries; len(entries) != 10 || moved != 1 || subnets != 1 {
		t.Errorf("%d entries, %d moves, %d ACLs of the subnet", len(entries), moved, subnets)
	}
}

func TestFiltersOfACLs(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, carol)
	network := c.newVPC("10.0.0.0/16")
	acl := c.newACL(network)
	c.ok("CreateNetworkAclEntry", "NetworkAclId="+acl, "RuleNumber=7", "Egress=true", "Protocol=17", "RuleAction=allow", "CidrBlock=10.0.0.0/8", "PortRange.From=53", "PortRange.To=54")
	c.ok("CreateNetworkAclEntry", "NetworkAclId="+acl, "RuleNumber=8", "Egress=false", "Protocol=58", "RuleAction=allow", "Ipv6CidrBlock=2001:db8::/32", "Icmp.Type=128", "Icmp.Code=9")
	tests := []struct {
		name, value string
		want        bool
	}{
		{"default", "false", true},
		{"default", "true", false},
		{"network-acl-id", acl, true},
		{"network-acl-id", "acl-*", true},
		{"vpc-id", network, true},
		{"owner-id", string(carol), true},
		{"owner-id", string(albert), false},
		{"association.subnet-id", "*", false},
		{"association.association-id", "*", false},
		{"association.network-acl-id", acl, false},
		{"entry.cidr", "10.0.0.0/8", true},
		{"entry.cidr", "2001:db8::/32", false},
		{"entry.ipv6-cidr", "2001:db8::/32", true},
		{"entry.egress", "true", true},
		{"entry.rule-action", "allow", true},
		{"entry.rule-action", "drop", false},
		{"entry.rule-number", "7", true},
		{"entry.rule-number", "32767", true},
		{"entry.rule-number", "9", false},
		{"entry.protocol", "17", true},
		{"entry.protocol", "udp", true},
		{"entry.protocol", "tcp", false},
		{"entry.icmp.type", "128", true},
		{"entry.icmp.code", "9", true},
		{"entry.icmp.code", "53", false},
		{"entry.port-range.from", "53", true},
		{"entry.port-range.to", "54", true},
		{"entry.port-range.to", "53", false},
		{"tag-key", "*", false},
	}
	for _, tt := range tests {
		body := c.ok("DescribeNetworkAcls", "NetworkAclId.1="+acl, "Filter.1.Name="+tt.name, "Filter.1.Value.1="+tt.value)
		if got := strings.Contains(body, acl); got != tt.want {
			t.Errorf("%s=%s: found %v, want %v", tt.name, tt.value, got, tt.want)
		}
	}
}
