package agent

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ringfence/internal/elb"
	"ringfence/internal/vpc"
)

// balancerLabels say whose node a metric of load balancers is about.
var balancerLabels = []string{"account", "region", "load_balancer", "zone"}

// balancerMetrics are those of CloudWatch (User Guide for Classic Load
// Balancers, "CloudWatch metrics"), of each node.
var balancerMetrics = []struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(elb.Counters) float64
}{
	{balancerDesc("RequestCount", "Requests, or connections to TCP and SSL listeners."), prometheus.CounterValue,
		func(c elb.Counters) float64 { return float64(c.RequestCount) }},
	{balancerDesc("HTTPCode_ELB_4XX", "Answers 4XX that are not an instance's."), prometheus.CounterValue,
		func(c elb.Counters) float64 { return float64(c.HTTPCodeELB4XX) }},
	{balancerDesc("HTTPCode_ELB_5XX", "Answers 5XX that are not an instance's."), prometheus.CounterValue,
		func(c elb.Counters) float64 { return float64(c.HTTPCodeELB5XX) }},
	{balancerDesc("HTTPCode_Backend_2XX", "Answers 2XX of instances."), prometheus.CounterValue,
		func(c elb.Counters) float64 { return float64(c.HTTPCodeBackend2XX) }},
	{balancerDesc("HTTPCode_Backend_3XX", "Answers 3XX of instances."), prometheus.CounterValue,
		func(c elb.Counters) float64 { return float64(c.HTTPCodeBackend3XX) }},
	{balancerDesc("HTTPCode_Backend_4XX", "Answers 4XX of instances."), prometheus.CounterValue,
		func(c elb.Counters) float64 { return float64(c.HTTPCodeBackend4XX) }},
	{balancerDesc("HTTPCode_Backend_5XX", "Answers 5XX of instances."), prometheus.CounterValue,
		func(c elb.Counters) float64 { return float64(c.HTTPCodeBackend5XX) }},
	{balancerDesc("BackendConnectionErrors", "Connections to instances that did not come to be."), prometheus.CounterValue,
		func(c elb.Counters) float64 { return float64(c.BackendConnectionErrors) }},
	{balancerDesc("SpilloverCount", "Requests refused because the surge queue was full."), prometheus.CounterValue,
		func(c elb.Counters) float64 { return float64(c.SpilloverCount) }},
	{balancerDesc("SurgeQueueLength", "Requests that wait for an instance."), prometheus.GaugeValue,
		func(c elb.Counters) float64 { return float64(c.SurgeQueueLength) }},
	{balancerDesc("Latency", "Seconds until instances answer: the mean of recent requests."), prometheus.GaugeValue,
		func(c elb.Counters) float64 { return c.Latency }},
	{balancerDesc("HealthyHostCount", "Instances in service."), prometheus.GaugeValue,
		func(c elb.Counters) float64 { return float64(c.HealthyHosts) }},
	{balancerDesc("UnHealthyHostCount", "Instances out of service."), prometheus.GaugeValue,
		func(c elb.Counters) float64 { return float64(c.UnhealthyHosts) }},
}

func balancerDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("ringfence_elb_"+name, help, balancerLabels, nil)
}

// countersWait bounds how long whoever looks at metrics waits for nodes.
const countersWait = 2 * time.Second

// collectBalancers asks all nodes at once. Those that do not answer are left
// out.
func (a *Agent) collectBalancers(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), countersWait)
	defer cancel()
	var wg sync.WaitGroup
	for id, client := range a.nodeClients() {
		wg.Go(func() {
			labels, ok := a.nodeLabels(id)
			counters, err := client.Counters(ctx)
			if err != nil || !ok {
				return
			}
			for _, m := range balancerMetrics {
				metrics <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(counters), labels...)
			}
		})
	}
	wg.Wait()
}

func (a *Agent) nodeClients() map[vpc.InterfaceID]*elb.Client {
	a.mu.Lock()
	defer a.mu.Unlock()
	clients := make(map[vpc.InterfaceID]*elb.Client)
	for id, n := range a.nodes {
		if n.client != nil {
			clients[id] = n.client
		}
	}
	return clients
}

// nodeLabels are a node's, by balancerLabels; false says that it is gone.
func (a *Agent) nodeLabels(id vpc.InterfaceID) ([]string, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := a.nouns.interfaces[id]
	if n == nil || a.nouns.balancers[n.LoadBalancer] == nil {
		return nil, false
	}
	lb := a.nouns.balancers[n.LoadBalancer]
	return []string{string(lb.Account), string(lb.Region), lb.Name, string(n.Zone)}, true
}
