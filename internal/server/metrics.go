package server

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ringfence/internal/api"
)

// metrics are what /metrics shows.
type metrics struct {
	registry *prometheus.Registry
	calls    *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// newMetrics registers the metrics. revision and enforced are asked when
// somebody looks.
func newMetrics(revision, enforced func() int64) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringfence_api_calls_total",
			Help: "Calls of the API by service, action and error code; the code is empty for success.",
		}, []string{"service", "action", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "ringfence_api_call_duration_seconds",
			Help:    "Time from the first byte of a call read to its answer written.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2.5, 12), // 0.1 ms to 2.4 s
		}, []string{"service", "action"}),
	}
	gauge := func(name, help string, value func() int64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(value()) })
	}
	m.registry.MustRegister(m.calls, m.seconds,
		gauge("ringfence_store_revision", "Newest revision of the store.", revision),
		gauge("ringfence_enforced_revision", "Newest revision that every agent has applied; 0 without an agent.", enforced),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// observe counts a call. Actions that do not exist share one label, or callers
// could make labels without end.
func (m *metrics) observe(q *queryCall) {
	action := "unknown"
	if api.IsAction(q.caller.Service, q.call.Action) {
		action = q.call.Action
	}
	m.calls.WithLabelValues(string(q.caller.Service), action, string(q.outcome)).Inc()
	m.seconds.WithLabelValues(string(q.caller.Service), action).Observe(q.took.Seconds())
}
