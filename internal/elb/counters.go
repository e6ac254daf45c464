package elb

import (
	"context"
	"strings"
)

// Counters are what a node has counted since it was made, and what it sees now,
// by the names of CloudWatch (User Guide for Classic Load Balancers,
// "CloudWatch metrics").
type Counters struct {
	RequestCount            int64 // requests, or connections of TCP and SSL listeners
	HTTPCodeELB4XX          int64 // answers that are not an instance's
	HTTPCodeELB5XX          int64
	HTTPCodeBackend2XX      int64
	HTTPCodeBackend3XX      int64
	HTTPCodeBackend4XX      int64
	HTTPCodeBackend5XX      int64
	BackendConnectionErrors int64
	SpilloverCount          int64 // refused because the surge queue was full

	// Now.
	SurgeQueueLength int64
	Latency          float64 // seconds to an instance's answer: of the last 1024 requests, the mean
	HealthyHosts     int
	UnhealthyHosts   int
}

// counters add up what workers count, each from nothing.
type counters struct {
	past    Counters         // of workers that have ended
	current map[int]Counters // as last seen, by process
}

func newCounters() counters { return counters{current: make(map[int]Counters)} }

// sum adds up rows of one worker.
func sum(rows []row) Counters {
	var c Counters
	var answered, latency int64
	for _, r := range rows {
		switch name := r["svname"]; {
		case name == "FRONTEND" && strings.HasPrefix(r["pxname"], frontendPrefix):
			if r["mode"] == "http" {
				c.RequestCount += r.number("req_tot")
			} else {
				c.RequestCount += r.number("stot")
			}
			c.HTTPCodeELB4XX += r.number("hrsp_4xx")
			c.HTTPCodeELB5XX += r.number("hrsp_5xx")
		case name == "BACKEND" && strings.HasPrefix(r["pxname"], backendPrefix):
			c.SurgeQueueLength += r.number("qcur")
			c.SpilloverCount += r.number("dreq")
		case strings.HasPrefix(name, "i-"):
			c.HTTPCodeELB4XX -= r.number("hrsp_4xx")
			c.HTTPCodeELB5XX -= r.number("hrsp_5xx")
			c.HTTPCodeBackend2XX += r.number("hrsp_2xx")
			c.HTTPCodeBackend3XX += r.number("hrsp_3xx")
			c.HTTPCodeBackend4XX += r.number("hrsp_4xx")
			c.HTTPCodeBackend5XX += r.number("hrsp_5xx")
			c.BackendConnectionErrors += r.number("econ")
			seen := min(r.number("stot"), 1024)
			answered, latency = answered+seen, latency+seen*r.number("rtime")
		}
	}
	if answered > 0 {
		c.Latency = float64(latency) / float64(answered) / 1000
	}
	return c
}

// add adds what another has counted. What is seen now stays as it is.
func (c *Counters) add(o Counters) {
	c.RequestCount += o.RequestCount
	c.HTTPCodeELB4XX += o.HTTPCodeELB4XX
	c.HTTPCodeELB5XX += o.HTTPCodeELB5XX
	c.HTTPCodeBackend2XX += o.HTTPCodeBackend2XX
	c.HTTPCodeBackend3XX += o.HTTPCodeBackend3XX
	c.HTTPCodeBackend4XX += o.HTTPCodeBackend4XX
	c.HTTPCodeBackend5XX += o.HTTPCodeBackend5XX
	c.BackendConnectionErrors += o.BackendConnectionErrors
	c.SpilloverCount += o.SpilloverCount
}

// count asks all workers what they have counted. What cannot be had now is had
// the next time.
func (n *Node) count(ctx context.Context) Counters {
	var total Counters
	if n.proxy.isRunning() {
		current, err := n.askCounters(ctx)
		if err != nil {
			n.log.Warn("count requests", "err", err)
		}
		seen := n.counted.current[current]
		total.SurgeQueueLength, total.Latency = seen.SurgeQueueLength, seen.Latency
	}
	total.add(n.counted.past)
	for _, c := range n.counted.current {
		total.add(c)
	}
	return total
}

// askCounters brings the counters up to date, and says which worker takes
// connections.
func (n *Node) askCounters(ctx context.Context) (current int, err error) {
	w, err := n.proxy.workers(ctx)
	if err != nil {
		return 0, err
	}
	seen := make(map[int]Counters)
	for _, worker := range w.all() {
		rows, err := n.proxy.statistics(ctx, worker)
		if err != nil {
			return 0, err
		}
		seen[worker] = sum(rows)
	}
	for worker, last := range n.counted.current {
		if _, alive := seen[worker]; !alive {
			n.counted.past.add(last)
		}
	}
	n.counted.current = seen
	return w.current, nil
}

// Counters returns what the node has counted.
func (n *Node) Counters(ctx context.Context) (Counters, error) {
	var c Counters
	err := n.do(ctx, func(ctx context.Context) {
		c = n.count(ctx)
		for _, t := range n.targets {
			if t.inService() {
				c.HealthyHosts++
			} else {
				c.UnhealthyHosts++
			}
		}
	})
	return c, err
}
