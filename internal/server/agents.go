package server

import (
	"context"
	"sync"

	"ringfence/internal/admin"
	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// agents is how far each agent is.
type agents struct {
	mu      sync.Mutex
	applied map[string]int64 // by host; 0: has applied nothing yet
	proxies map[string]vpc.ProxyEngine
}

// A Subscription is one agent's feed.
type Subscription struct {
	watcher *store.Watcher
	agents  *agents
	host    string
}

// Subscribe tells the agent of a host what to enforce: first everything, then
// what changes. Until Close, nothing counts as enforced that this agent has
// not applied.
func (s *Server) Subscribe(host string) *Subscription {
	s.agents.mu.Lock()
	defer s.agents.mu.Unlock()
	s.agents.applied[host] = 0
	return &Subscription{watcher: s.store.Watch(), agents: &s.agents, host: host}
}

// Next waits for the next Feed. It fails when ctx is done, only then. An agent
// reports each revision as applied, also that of an empty Feed.
func (s *Subscription) Next(ctx context.Context) (*vpc.Feed, error) { return s.watcher.Next(ctx) }

// Close ends the subscription: the host is not waited for any more.
func (s *Subscription) Close() {
	s.agents.mu.Lock()
	defer s.agents.mu.Unlock()
	delete(s.agents.applied, s.host)
	delete(s.agents.proxies, s.host)
}

// Report takes what an agent says: how far its kernel is, or what has become of
// an instance.
func (s *Server) Report(ctx context.Context, report *vpc.Report) error {
	s.agents.advance(report.Host, report.Applied)
	if report.Proxy != nil {
		s.agents.equip(report.Host, *report.Proxy)
	}
	return s.api.Report(ctx, report)
}

// advance remembers that a host has applied revision. Hosts that have not
// subscribed do not count.
func (a *agents) advance(host string, revision int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if known, ok := a.applied[host]; ok && revision > known {
		a.applied[host] = revision
	}
}

// equip remembers what runs load balancers on a host.
func (a *agents) equip(host string, proxy vpc.ProxyEngine) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.proxies[host] = proxy
}

// enforced is the newest revision that all agents have applied; 0 when there
// is no agent.
func (a *agents) enforced() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	var least int64
	first := true
	for _, revision := range a.applied {
		if first || revision < least {
			least, first = revision, false
		}
	}
	return least
}

// list returns how far each agent is.
func (a *agents) list() []admin.Agent {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := make([]admin.Agent, 0, len(a.applied))
	for host, revision := range a.applied {
		list = append(list, admin.Agent{Host: host, Applied: revision, Proxy: a.proxies[host]})
	}
	return list
}
