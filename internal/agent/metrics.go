package agent

import (
	"github.com/prometheus/client_golang/prometheus"

	"ringfence/internal/vpc"
)

// Metrics of the host. They are read from the kernel when somebody looks.
var (
	dropPackets = prometheus.NewDesc("ringfence_dropped_packets_total",
		"Packets that were dropped, by reason and by the network interface that the verdict is about: "+
			"empty for the internet side, and for interfaces that are gone.", []string{"interface", "reason"}, nil)
	dropBytes = prometheus.NewDesc("ringfence_dropped_bytes_total",
		"Bytes of the packets that were dropped.", []string{"interface", "reason"}, nil)
	ruleHits = prometheus.NewDesc("ringfence_rule_admitted_packets_total",
		"Packets that a rule has admitted and no flow covered: as a rule, one for each connection.", []string{"rule"}, nil)
	flowsLive = prometheus.NewDesc("ringfence_flows",
		"Flows that are remembered, as of the last collection.", nil, nil)
	machinesRunning = prometheus.NewDesc("ringfence_machines",
		"Instances, hosts on the internet side and nodes of load balancers that run here.", nil, nil)
)

// Describe implements prometheus.Collector.
func (a *Agent) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{dropPackets, dropBytes, ruleHits, flowsLive, machinesRunning} {
		descs <- d
	}
	for _, m := range balancerMetrics {
		descs <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (a *Agent) Collect(metrics chan<- prometheus.Metric) {
	metrics <- prometheus.MustNewConstMetric(flowsLive, prometheus.GaugeValue, float64(a.flows.Load()))
	a.collectBalancers(metrics)
	owners, running := a.population()
	metrics <- prometheus.MustNewConstMetric(machinesRunning, prometheus.GaugeValue, float64(running))
	drops, err := a.dataplane.Drops()
	if err != nil {
		metrics <- prometheus.NewInvalidMetric(dropPackets, err)
	}
	type key struct{ owner, reason string }
	packets, bytes := make(map[key]float64), make(map[key]float64)
	for _, d := range drops { // those of interfaces that are gone are summed up
		k := key{owners[d.Interface], d.Reason.String()}
		packets[k] += float64(d.Packets)
		bytes[k] += float64(d.Bytes)
	}
	for k, n := range packets {
		metrics <- prometheus.MustNewConstMetric(dropPackets, prometheus.CounterValue, n, k.owner, k.reason)
		metrics <- prometheus.MustNewConstMetric(dropBytes, prometheus.CounterValue, bytes[k], k.owner, k.reason)
	}
	hits, err := a.dataplane.Hits()
	if err != nil {
		metrics <- prometheus.NewInvalidMetric(ruleHits, err)
	}
	for rule, n := range hits {
		metrics <- prometheus.MustNewConstMetric(ruleHits, prometheus.CounterValue, float64(n), string(rule))
	}
}

// population names the interfaces of numbers, and counts the machines that run.
func (a *Agent) population() (owners map[vpc.InterfaceNumber]string, running int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	owners = make(map[vpc.InterfaceNumber]string)
	for _, m := range a.machines {
		if m.running {
			running++
		}
		for _, l := range m.links {
			if n := a.host.Interface(l.plug.Interface); n != nil {
				owners[n.Number] = string(n.ID)
			}
		}
	}
	return owners, running
}
