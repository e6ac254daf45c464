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
