package agent

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ringfence/internal/admin"
	"ringfence/internal/elb"
	"ringfence/internal/vpc"
)

// balance gives a network a load balancer with a node in its first subnet, as
// the interface of host number 8, which the internet reaches at 203.0.113.60.
// It passes port 80 on to port 80 of instances.
func (w *network) balance(t *testing.T, instances ...*vpc.Instance) *vpc.LoadBalancer {
	t.Helper()
	if _, err := elb.FindEngine(t.Context()); err != nil {
		t.Skip(err)
	}
	node := w.iface(0, 8)
	node.Addresses = node.Addresses[:1]
	node.Public = map[netip.Addr]netip.Addr{node.Primary(): netip.MustParseAddr("203.0.113.60")}
	node.LoadBalancer, node.Requester, node.Zone = "lb-1", "amazon-elb", "us-east-1a"
	lb := &vpc.LoadBalancer{
		ID: "lb-1", Account: "123456789012", Region: "us-east-1", Name: "front", Network: w.feed.VPCs[0].ID,
		DNSName: "front-1234567890.us-east-1.elb.amazonaws.com", Scheme: vpc.InternetFacing,
		Nodes:       []vpc.LoadBalancerNode{{Zone: "us-east-1a", Subnet: node.Subnet, Interface: node.ID}},
		Listeners:   []vpc.Listener{{Protocol: vpc.ListenHTTP, Port: 80, InstanceProtocol: vpc.ListenHTTP, InstancePort: 80}},
		HealthCheck: vpc.HealthCheck{Target: "HTTP:80/", Interval: 1, Timeout: 1, UnhealthyThreshold: 2, HealthyThreshold: 2},
		Attributes:  vpc.LoadBalancerAttributes{IdleTimeout: 60, DesyncMitigation: "defensive"},
	}
	for _, i := range instances {
		i.Zone = "us-east-1a"
		lb.Instances = append(lb.Instances, i.ID)
	}
	return lb
}

// outside runs a shell command on a host on the internet side.
func (s *server) outside(script string) string {
	s.t.Helper()
	if _, err := s.agent.Outside(s.t.Context(), admin.OutsideRequest{}); err != nil {
		s.t.Fatal(err)
	}
	return s.in(outsideID(DefaultOutside), script)
}

// found waits until a node has told of an instance's state.
func (s *server) found(node vpc.InterfaceID, instance vpc.InstanceID, state vpc.HealthState) {
	s.t.Helper()
	s.until(fmt.Sprintf("%s %s at %s", instance, state, node), func() bool {
		var last vpc.HealthState
		for _, r := range s.told {
			for _, h := range r.Health {
				if h.Node == node && h.Instance == instance {
					last = h.State
				}
			}
		}
		return last == state
	})
}

// A load balancer's node is a machine that clients and instances meet at its
// interface, that is filtered as any interface is, and that goes when the
// interface does.
func TestBalancer(t *testing.T) {
	s := serve(t)
	w := newNetwork(1)
	one, two := w.member(0, 4), w.member(0, 5)
	lb := w.balance(t, one, two)
	node := lb.Nodes[0].Interface
	s.launchAll(w)
	s.feed(&vpc.Feed{LoadBalancers: []*vpc.LoadBalancer{lb}})
	s.found(node, one.ID, vpc.HealthHealthy)
	s.found(node, two.ID, vpc.HealthHealthy)

	out := s.outside("for i in 1 2 3 4; do curl -sS -m 10 http://203.0.113.60/; done")
	for _, want := range []string{"instance " + string(one.ID), "instance " + string(two.ID), "peer 10.0.0.8"} {
		if !strings.Contains(out, want) {
			t.Errorf("a client sees %q, want %q", out, want)
		}
	}

	// Whoever filters the node's own packets filters its health checks.
	egress := w.feed.Rules[2].ID
	s.applied(s.feed(&vpc.Feed{GoneRules: []vpc.RuleID{egress}}))
	s.found(node, one.ID, vpc.HealthFailed)
	s.found(node, two.ID, vpc.HealthFailed)
	if out := s.outside("curl -s -o /dev/null -m 10 -w '%{http_code}' http://203.0.113.60/"); out != "503" {
		t.Errorf("with no healthy instance the status is %s", out)
	}
	s.feed(&vpc.Feed{Rules: w.feed.Rules[2:3]})
	s.found(node, one.ID, vpc.HealthHealthy)

	fewer := *lb
	fewer.Instances = lb.Instances[1:]
	s.feed(&vpc.Feed{LoadBalancers: []*vpc.LoadBalancer{&fewer}})
	s.found(node, one.ID, vpc.HealthForgotten)

	s.applied(s.feed(&vpc.Feed{
		GoneLoadBalancers: []vpc.LoadBalancerID{lb.ID}, GoneInterfaces: []vpc.InterfaceID{node, one.Interface, two.Interface},
		GoneInstances: []vpc.InstanceID{one.ID, two.ID},
	}))
	s.found(node, two.ID, vpc.HealthForgotten)
	s.idle()
	s.agent.mu.Lock()
	delete(s.agent.machines, outsideID(DefaultOutside)) // is there until the end
	s.agent.mu.Unlock()
	if len(s.agent.machines)+len(s.agent.nodes) > 0 {
		t.Errorf("left are machines %v, nodes %v", s.agent.machines, s.agent.nodes)
	}
}

// A node goes on while no agent is there, and the next one takes it over. One
// that is killed is booted anew.
func TestBalancerOutlivesTheAgent(t *testing.T) {
	s := serve(t)
	w := newNetwork(1)
	one := w.member(0, 4)
	lb := w.balance(t, one)
	node := lb.Nodes[0].Interface
	s.launchAll(w)
	s.feed(&vpc.Feed{LoadBalancers: []*vpc.LoadBalancer{lb}})
	s.found(node, one.ID, vpc.HealthHealthy)
	before := s.init(vpc.InstanceID(node))

	everything := all(w)
	everything.LoadBalancers = []*vpc.LoadBalancer{lb}
	s.mu.Lock()
	s.told = nil
	s.mu.Unlock()
	s.restart(everything)
	s.found(node, one.ID, vpc.HealthHealthy)
	if after := s.init(vpc.InstanceID(node)); after != before {
		t.Errorf("the node's init was %d and is %d", before, after)
	}
	if out := s.outside("curl -sS -m 10 http://203.0.113.60/"); !strings.Contains(out, string(one.ID)) {
		t.Errorf("a client sees %q", out)
	}

	if err := unix.Kill(before, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.found(node, one.ID, vpc.HealthUnchecked)
	s.found(node, one.ID, vpc.HealthHealthy)
	if out := s.outside("curl -sS -m 10 http://203.0.113.60/"); !strings.Contains(out, string(one.ID)) {
		t.Errorf("after the node was killed a client sees %q", out)
	}
}
