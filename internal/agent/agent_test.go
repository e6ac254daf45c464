package agent

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"ringfence/internal/vpc"
)

func states(reports []vpc.Report) []string {
	var s []string
	for _, r := range reports {
		s = append(s, fmt.Sprintf("%s of boot %d", r.State, r.Generation))
	}
	return s
}

// An instance that cannot be launched ends as one of EC2 does, and leaves
// nothing.
func TestLaunchThatFails(t *testing.T) {
	s := serve(t)
	i := s.launch(1, "ami-00000bad")
	r := s.about(i.ID, 1)[0]
	if r.State != vpc.Terminated || r.Reason.Code != "Server.InternalError" {
		t.Errorf("told %+v", r)
	}
	s.now(i, vpc.Terminated, 1)
	s.forget(i)
	s.leavesNothing()
}

// Whoever ends an instance that is booting waits for the end of it, and is told
// of nothing twice.
func TestTerminatedWhileBooting(t *testing.T) {
	s := serve(t)
	i := s.launch(1, vpc.BaseImage)
	s.now(i, vpc.ShuttingDown, 1)
	s.until("its end", func() bool {
		return slices.ContainsFunc(s.told, func(r vpc.Report) bool { return r.State == vpc.Terminated })
	})
	s.idle()
	told := s.about(i.ID, 1)
	last := told[len(told)-1]
	if len(told) > 2 || last.State != vpc.Terminated || last.Reason.Code != "" || len(told) == 2 && told[0].State != vpc.Running {
		t.Errorf("told %v", told)
	}
	s.now(i, vpc.Terminated, 1)
	s.forget(i)
	s.leavesNothing()
}

// A reboot that comes while the instance still boots is done after that.
func TestRebootedWhileBooting(t *testing.T) {
	s := serve(t)
	i := s.launch(1, vpc.BaseImage)
	s.now(i, vpc.Running, 2)
	s.until("the second boot", func() bool {
		return slices.ContainsFunc(s.told, func(r vpc.Report) bool { return r.State == vpc.Running && r.Generation == 2 })
	})
	s.idle()
	if m := s.agent.machines[string(i.ID)]; !m.running || m.generation != 2 {
		t.Errorf("machine is %+v", m)
	}
}

// An instance whose init is killed has stopped, even if it dies before anybody
// knows that it runs.
func TestKilledInit(t *testing.T) {
	s := serve(t)
	i := s.launch(1, vpc.BaseImage)
	s.about(i.ID, 1)
	if err := unix.Kill(s.init(i.ID), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	told := s.about(i.ID, 2)
	if got := states(told); !slices.Equal(got, []string{"running of boot 1", "stopped of boot 1"}) {
		t.Errorf("told %v", got)
	}
	if code := told[1].Reason.Code; code != "Client.InstanceInitiatedShutdown" {
		t.Errorf("told reason %q", code)
	}
	s.now(i, vpc.Running, 1) // the feed is late
	s.now(i, vpc.Stopped, 1)
	s.now(i, vpc.Pending, 2)
	told = s.about(i.ID, 3)
	if got := states(told[2:]); !slices.Equal(got, []string{"running of boot 2"}) {
		t.Errorf("told %v after a start", got)
	}
}

// Many instances come and go, each transition is told once, and nothing is left
// of them.
func TestManyInstances(t *testing.T) {
	s := serve(t)
	const many = 30
	var all []*vpc.Instance
	for n := range many {
		all = append(all, s.launch(n+1, vpc.BaseImage))
	}
	for _, i := range all {
		s.about(i.ID, 1)
		s.now(i, vpc.Running, 1)
	}
	for _, i := range all {
		s.now(i, vpc.ShuttingDown, 1)
	}
	for _, i := range all {
		s.about(i.ID, 2)
		s.now(i, vpc.Terminated, 1)
	}
	for _, i := range all {
		s.forget(i)
		if got := states(s.about(i.ID, 2)); !slices.Equal(got, []string{"running of boot 1", "terminated of boot 1"}) {
			t.Errorf("told %v of %s", got, i.ID)
		}
	}
	s.leavesNothing()
}

// An agent that is to end does not wait for boots that are under way, nor for
// those that have not begun.
func TestEndWhileBooting(t *testing.T) {
	s := serve(t)
	for n := range 30 {
		s.launch(n+1, vpc.BaseImage)
	}
	s.applied(s.feed(&vpc.Feed{}))
	s.stop()
	s.wait("end", s.ended)
	s.agent.mu.Lock()
	defer s.agent.mu.Unlock()
	for _, m := range s.agent.machines {
		if m.busy {
			t.Errorf("%s is busy after the end", m.id)
		}
	}
}

// A revision that cannot be enforced is not said to be, nor is a later one until
// all of it is.
func TestRevisionThatCannotBeEnforced(t *testing.T) {
	s := serve(t)
	i := s.launch(1, vpc.BaseImage)
	s.about(i.ID, 1)
	rule := func(n int) *vpc.Rule {
		peer := netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}), 32)
		return &vpc.Rule{
			ID: vpc.RuleID(fmt.Sprintf("sgr-%08x", n)), Group: "sg-1", Proto: vpc.TCP,
			Ports: vpc.PortRange{From: 22, To: 22}, Peer: vpc.Peer{CIDR: peer},
		}
	}
	s.applied(s.feed(&vpc.Feed{Rules: []*vpc.Rule{rule(1)}}))
	const tooMany = 1<<16 + 1
	var rules []*vpc.Rule
	var gone []vpc.RuleID
	for n := range tooMany {
		rules = append(rules, rule(n+2))
		gone = append(gone, rules[n].ID)
	}
	tooLarge := s.feed(&vpc.Feed{Rules: rules})
	j := s.launch(2, vpc.BaseImage) // a revision that the kernel would take
	s.now(j, vpc.ShuttingDown, 1)
	enforced := s.feed(&vpc.Feed{GoneRules: gone})
	s.applied(enforced)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.told {
		if r.Applied >= tooLarge && r.Applied < enforced {
			t.Errorf("revision %d is said to be enforced, but there are too many rules since %d", r.Applied, tooLarge)
		}
	}
}

// Hosts on the internet side come and go with their addresses.
func TestOutsideHostMakesWay(t *testing.T) {
	s := serve(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	addr := netip.MustParseAddr("203.0.113.33") // of instance 1
	for range 2 {
		if err := s.agent.bootOutside(ctx, addr); err != nil {
			t.Fatal(err)
		}
	}
	i := s.launch(1, vpc.BaseImage)
	s.about(i.ID, 1)
	s.idle()
	if err := s.agent.bootOutside(ctx, addr); vpc.CodeOf(err) != vpc.InvalidParameterValue {
		t.Errorf("an instance's address is outside: %v", err)
	}
	s.now(i, vpc.ShuttingDown, 1)
	s.about(i.ID, 2)
	s.now(i, vpc.Terminated, 1)
	s.forget(i)
	s.leavesNothing()
	if err := s.agent.bootOutside(ctx, addr); err != nil {
		t.Errorf("after the instance: %v", err)
	}
}
