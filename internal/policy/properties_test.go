package policy_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/internal/policy"
	"ringfence/internal/scenario"
	"ringfence/internal/vpc"
)

// drawWorld makes a random world and who is in it.
func drawWorld(t *rapid.T) (*rand.Rand, *scenario.World) {
	rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	return rnd, scenario.NewWorld(rnd, new(scenario.Numbers))
}

func hostOf(w *scenario.World, feed *vpc.Feed) *policy.Host {
	h := policy.NewHost(policy.RevokeAWS)
	h.Apply(feed)
	w.Plug(h)
	return h
}

const now = time.Hour

// A rule that is added takes nothing away from anybody.
func TestAddedRuleTakesNothingAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rnd, world := drawWorld(t)
		before := hostOf(world, world.Whole())
		added := world.AddRule()
		after := hostOf(world, world.Whole())
		traffic := scenario.NewTraffic(rnd, world)
		for range 30 {
			port, frame := traffic.Dialogue().Frame(0)
			was := before.DecideFrame(new(policy.Flows), port, now, frame)
			is := after.DecideFrame(new(policy.Flows), port, now, frame)
			if was.Accept && !is.Accept {
				t.Fatalf("rule %+v turns %v into %v", *added, was, is)
			}
		}
	})
}

// Which of the rules come first decides which is named, and nothing else.
func TestOrderOfRulesDecidesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rnd, world := drawWorld(t)
		feed := world.Whole()
		host := hostOf(world, feed)
		shuffled := *feed
		shuffled.Rules = nil
		for i, n := range rnd.Perm(len(feed.Rules)) {
			r := *feed.Rules[i]
			r.ID = vpc.RuleID(fmt.Sprintf("sgr-%04d", n))
			shuffled.Rules = append(shuffled.Rules, &r)
		}
		other := hostOf(world, &shuffled)
		var flows, otherFlows policy.Flows
		traffic := scenario.NewTraffic(rnd, world)
		for range 50 {
			port, frame := traffic.Next()
			a, b := host.DecideFrame(&flows, port, now, frame), other.DecideFrame(&otherFlows, port, now, frame)
			a.Rule, b.Rule = "", ""
			if a != b {
				t.Fatalf("%v in one order, %v in another", a, b)
			}
		}
	})
}

// It does not matter by which changes a host has come to a revision.
func TestChangesAddUpToTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rnd, world := drawWorld(t)
		changed := hostOf(world, world.Whole())
		replaced := hostOf(world, world.Whole())
		for range rapid.IntRange(0, 30).Draw(t, "changes") {
			changed.Apply(world.Change())
		}
		whole := world.Whole()
		replaced.Apply(whole)
		hosts := []*policy.Host{changed, replaced, hostOf(world, whole)}
		flows := make([]policy.Flows, len(hosts))
		traffic := scenario.NewTraffic(rnd, world)
		for range 50 {
			port, frame := traffic.Next()
			var verdicts []policy.Verdict
			for i, h := range hosts {
				verdicts = append(verdicts, h.DecideFrame(&flows[i], port, now, frame))
			}
			if verdicts[0] != verdicts[2] || verdicts[1] != verdicts[2] {
				t.Fatalf("%v after changes, %v after a whole feed, %v from nothing", verdicts[0], verdicts[1], verdicts[2])
			}
		}
		if len(changed.Sets()) != len(hosts[2].Sets()) {
			t.Fatalf("%d sets of groups after changes, %d from nothing", len(changed.Sets()), len(hosts[2].Sets()))
		}
	})
}

// What Apply reports is what a kernel has to change: everything else decides as
// before.
func TestChangeNamesWhatDiffers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, world := drawWorld(t)
		whole := world.Whole()
		before, after := hostOf(world, whole), hostOf(world, whole)
		c := after.Apply(world.Change())
		for _, v := range whole.VPCs {
			if before.HasInternet(v.Number) != after.HasInternet(v.Number) && !c.Gateways[v.Number] {
				t.Fatalf("the gateway of %s differs, and the change does not say so: %v", v.ID, c.Gateways)
			}
		}
		for _, s := range whole.Subnets {
			if a, b := routesOf(before, s), routesOf(after, s); a != b && !c.Routes[s.Number] {
				t.Fatalf("routes of %s differ, and the change does not say so: %v\n%s\n%s", s.ID, c.Routes, a, b)
			}
			if before.ACL(s.Number) != after.ACL(s.Number) && !c.ACLs[s.Number] {
				t.Fatalf("the ACL of %s differs, and the change does not say so: %v", s.ID, c.ACLs)
			}
		}
		for _, set := range after.Sets() {
			was := before.Set(set.Identity)
			if was == nil || c.Rules[set.Identity] {
				continue
			}
			for _, egress := range []bool{false, true} {
				if a, b := before.Rules(was, egress), after.Rules(set, egress); fmt.Sprint(a) != fmt.Sprint(b) {
					t.Fatalf("rules of groups %v differ, and the change does not say so: %v", set.Groups, c.Rules)
				}
			}
		}
	})
}

// routesOf are a subnet's routes as far as they do something.
func routesOf(h *policy.Host, s *vpc.Subnet) string {
	var b strings.Builder
	for _, r := range h.Routes(s.Number, s.NetworkNo) {
		fmt.Fprint(&b, r.Destination, r.Kind)
		if r.Interface != nil {
			fmt.Fprint(&b, r.Interface.Number)
		}
		fmt.Fprintln(&b)
	}
	return b.String()
}
