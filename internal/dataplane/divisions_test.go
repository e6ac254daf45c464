package dataplane_test

import (
	"fmt"
	"maps"
	"testing"

	"ringfence/internal/dataplane"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// manyRules are more than fit one vector, each of a block and a port of its own.
func manyRules() []*vpc.Rule {
	var rules []*vpc.Rule
	for n := range 600 {
		rules = append(rules, allow(vpc.RuleID(fmt.Sprintf("sgr-%03d", n)), "sg-server", uint16(1000+n), uint16(1000+n), fmt.Sprintf("10.%d.%d.0/24", n/256, n%256)))
	}
	return rules
}

// Of many rules one is another each time, of a new block and a new port, that may
// be around those of others. What the rules of now allow passes, what those
// before did does not, and nothing is left behind at last.
func TestManyRulesChangeOneByOne(t *testing.T) {
	few := allow("sgr-few", "sg-server", 80, 80, "10.254.0.10/32")
	withPair(t, dataplane.Options{MaxFlows: 1000}, []*vpc.Rule{few}, func(p *pair) {
		before := p.Entries(t)
		if err := p.apply(&vpc.Feed{Rules: manyRules(), GoneRules: []vpc.RuleID{few.ID}}); err != nil {
			t.Fatal(err)
		}
		var gone []vpc.RuleID
		for i := range 400 { // more than a division has room for
			to := uint16(3000 + 2*i)
			rule := allow(vpc.RuleID(fmt.Sprintf("sgr-%03d-new", i)), "sg-server", to-uint16(i%7), to, fmt.Sprintf("10.254.0.%d/%d", 10-i%2, 32-i%4))
			if err := p.apply(&vpc.Feed{Rules: []*vpc.Rule{rule}, GoneRules: gone}); err != nil {
				t.Fatal(err)
			}
			gone = []vpc.RuleID{rule.ID}
			want := policy.NoIngressRule
			if rule.Peer.CIDR.Contains(clientAddr) {
				want = policy.Admitted
			}
			p.expect(fmt.Sprintf("what rule %d allows of %v", i, rule.Peer.CIDR), p.send(clientPort, 2000, to, policy.SYN), want)
			p.expect("a port above", p.send(clientPort, 2000, to+1, policy.SYN), policy.NoIngressRule)
			p.expect("the port of the rule before", p.send(clientPort, 2000, to-uint16(i%7)-1, policy.SYN), policy.NoIngressRule)
		}
		for _, r := range manyRules() {
			gone = append(gone, r.ID)
		}
		if err := p.apply(&vpc.Feed{Rules: []*vpc.Rule{few}, GoneRules: gone}); err != nil {
			t.Fatal(err)
		}
		if err := p.Sweep(); err != nil {
			t.Fatal(err)
		}
		if got := p.Entries(t); !maps.Equal(got, before) {
			t.Errorf("left behind are %v, want %v", got, before)
		}
	})
}

// Sets of many rules change without a pause, in a room for a few of them. Each
// finds the room that others have left, whatever was there.
func TestManyRulesInLittleRoom(t *testing.T) {
	const room = 8192
	withPair(t, dataplane.Options{MaxFlows: 1000}.WithMapSize("chunks", room), nil, func(p *pair) {
		var before []*vpc.Rule
		for change := range 40 {
			rules := portsOf(600 + change%20*100)
			if err := p.apply(&vpc.Feed{Rules: rules, GoneRules: idsBeyond(before, len(rules))}); err != nil {
				t.Fatalf("change %d to %d rules: %v", change, len(rules), err)
			}
			last := rules[len(rules)-1].Ports.To
			p.expect("the last rule's port", p.send(clientPort, 2000, last, policy.SYN), policy.Admitted)
			p.expect("the port behind", p.send(clientPort, 2000, last+1, policy.SYN), policy.NoIngressRule)
			before = rules
		}
	})
}

// portsOf are rules that each open a port to a block.
func portsOf(n int) []*vpc.Rule {
	var rules []*vpc.Rule
	for i := range n {
		rules = append(rules, allow(vpc.RuleID(fmt.Sprintf("sgr-%04d", i)), "sg-server", uint16(1000+i), uint16(1000+i), "10.0.0.0/8"))
	}
	return rules
}

func idsBeyond(rules []*vpc.Rule, n int) []vpc.RuleID {
	var ids []vpc.RuleID
	for _, r := range rules[min(n, len(rules)):] {
		ids = append(ids, r.ID)
	}
	return ids
}
