package agent

import (
	"strings"
	"testing"

	"ringfence/internal/admin"
	"ringfence/internal/vpc"
)

// What no node of a load balancer ever sends is not said to be admitted.
func TestExplainKnowsWhatALoadBalancerSends(t *testing.T) {
	a := &Agent{nouns: newNouns()}
	a.nouns.apply(&vpc.Feed{
		Instances: []*vpc.Instance{{ID: "i-1", Region: "us-east-1", Network: "vpc-1"}, {ID: "i-2", Region: "us-east-1", Network: "vpc-2"}},
		LoadBalancers: []*vpc.LoadBalancer{{
			ID: "elb-1", Name: "front", Region: "us-east-1", Network: "vpc-1", Nodes: []vpc.LoadBalancerNode{{Interface: "eni-1"}},
			Listeners:   []vpc.Listener{{Protocol: vpc.ListenHTTP, Port: 80, InstanceProtocol: vpc.ListenHTTP, InstancePort: 8080}},
			HealthCheck: vpc.HealthCheck{Target: "TCP:22"},
		}},
	})
	for _, c := range []struct {
		name string
		in   admin.ExplainRequest
		want string
	}{
		{"front", admin.ExplainRequest{Destination: "i-1", Port: 80, Proto: "tcp"}, "sends nothing to port 80"},
		{"front", admin.ExplainRequest{Destination: "i-1", Proto: "udp"}, "and no udp"},
		{"front", admin.ExplainRequest{Destination: "i-1", Proto: "tcpp"}, "is not a protocol"},
		{"front", admin.ExplainRequest{Destination: "i-2", Proto: "tcp"}, "not in the network"},
		{"front", admin.ExplainRequest{Destination: "i-3", Proto: "tcp"}, "is not an instance"},
		{"back", admin.ExplainRequest{Destination: "i-1", Proto: "tcp"}, "no ACTIVE Load Balancer"},
	} {
		if e, err := a.explainBalancer(c.name, c.in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s to %+v: %+v, %v; want the error %q", c.name, c.in, e, err, c.want)
		}
	}
}

// In EC2-Classic accounts share a network and the names of load balancers: an
// instance is sent to by its own account's alone.
func TestExplainKeepsToTheAccountOfTheInstance(t *testing.T) {
	front := func(id vpc.LoadBalancerID, account vpc.AccountID, target string) *vpc.LoadBalancer {
		return &vpc.LoadBalancer{
			ID: id, Name: "front", Account: account, Region: "us-east-1", Network: vpc.ClassicNetwork,
			Nodes: []vpc.LoadBalancerNode{{Interface: "eni-1"}}, HealthCheck: vpc.HealthCheck{Target: target},
		}
	}
	a := &Agent{nouns: newNouns()}
	a.nouns.apply(&vpc.Feed{
		Instances: []*vpc.Instance{
			{ID: "i-1", Account: "111122223333", Region: "us-east-1", Network: vpc.ClassicNetwork},
			{ID: "i-3", Account: "777788889999", Region: "us-east-1", Network: vpc.ClassicNetwork},
		},
		LoadBalancers: []*vpc.LoadBalancer{front("elb-1", "111122223333", "TCP:81"), front("elb-2", "444455556666", "TCP:82")},
	})
	for _, c := range []struct {
		instance string
		want     string
	}{
		{"i-1", "sends nothing to port 82"},
		{"i-3", "no ACTIVE Load Balancer named 'front' in us-east-1 of 777788889999"},
	} {
		in := admin.ExplainRequest{Destination: c.instance, Port: 82, Proto: "tcp"}
		if e, err := a.explainBalancer("front", in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("to %s: %+v, %v; want the error %q", c.instance, e, err, c.want)
		}
	}
}
