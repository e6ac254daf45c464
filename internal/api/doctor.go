package api

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// A Finding is something that works as it was said, and most likely not as it
// was meant.
type Finding struct {
	Account vpc.AccountID
	Region  vpc.Region
	Noun    string // such as the name of a load balancer
	Message string // what does not work, and which rule would help
}

// Doctor looks for load balancers of all accounts whose ports no rule of a group
// opens: their own ports for clients, or those of instances and health checks for
// their nodes. Network ACLs and routes are not looked at.
func (a *API) Doctor(ctx context.Context) ([]Finding, error) {
	v, err := a.store.View(ctx)
	if err != nil {
		return nil, fmt.Errorf("examine load balancers: %w", err)
	}
	var findings []Finding
	for _, lb := range v.EveryLoadBalancer() {
		e := &examination{reader: v.Reader, lb: lb}
		for _, n := range lb.Nodes {
			if i := nodeInterface(v.Reader, lb, n); i != nil {
				e.nodes = append(e.nodes, i)
			}
		}
		e.listeners()
		e.instances()
		findings = append(findings, e.findings...)
	}
	return findings, nil
}

// An examination is that of one load balancer.
type examination struct {
	reader   store.Reader
	lb       *vpc.LoadBalancer
	nodes    []*vpc.NetworkInterface
	findings []Finding
}

func (e *examination) find(format string, args ...any) {
	e.findings = append(e.findings, Finding{e.lb.Account, e.lb.Region, e.lb.Name, fmt.Sprintf(format, args...)})
}

// listeners looks for ports that no client reaches. In EC2-Classic all are open.
func (e *examination) listeners() {
	if e.lb.IsClassic() {
		return
	}
	groups := joinIDs(e.lb.Groups)
	for _, l := range e.lb.Listeners {
		if !e.allows(e.lb.Groups, false, l.Port, nil) {
			e.find("no client reaches its listener on port %d: no rule of its groups (%s) allows TCP port %d in", l.Port, groups, l.Port)
		}
	}
	for _, p := range e.instancePorts() {
		if !e.allows(e.lb.Groups, true, p.port, nil) {
			e.find("it does not reach the %s of its instances: no rule of its groups (%s) allows TCP port %d out", p.what, groups, p.port)
		}
	}
}

// instances looks for registered instances that the nodes do not reach.
func (e *examination) instances() {
	for _, id := range e.lb.Instances {
		i := e.reader.Instance(id)
		if i == nil || i.State != vpc.Running && i.State != vpc.Pending {
			continue
		}
		for _, p := range e.instancePorts() {
			for _, n := range e.nodes {
				if e.allows(i.Groups, false, p.port, n) {
					continue
				}
				e.find("it does not reach the %s of %s: no rule of the instance's groups (%s) allows TCP port %d in from %s", p.what, id, joinIDs(i.Groups), p.port, e.source(n))
				break // once is enough
			}
		}
	}
}

// source names where the nodes' packets come from, as a rule would.
func (e *examination) source(n *vpc.NetworkInterface) string {
	if e.lb.IsClassic() {
		return string(vpc.ELBAccount) + "/" + vpc.ELBGroupName
	}
	return joinIDs(n.Groups)
}

// An instancePort is one that nodes connect to.
type instancePort struct {
	port uint16
	what string
}

// instancePorts are the ports of the listeners' instances and of the health
// check, each once.
func (e *examination) instancePorts() []instancePort {
	var ports []instancePort
	add := func(port uint16, what string) {
		if !slices.ContainsFunc(ports, func(p instancePort) bool { return p.port == port }) {
			ports = append(ports, instancePort{port, what})
		}
	}
	for _, l := range e.lb.Listeners {
		add(l.InstancePort, fmt.Sprintf("instance port %d", l.InstancePort))
	}
	if port := e.lb.HealthCheck.Port(); port != 0 {
		add(port, fmt.Sprintf("health check port %d", port))
	}
	return ports
}

// allows reports whether a rule of one of the groups lets TCP to a port pass: with
// any peer for nil, otherwise with that interface.
func (e *examination) allows(groups []vpc.GroupID, egress bool, port uint16, peer *vpc.NetworkInterface) bool {
	for _, id := range groups {
		g := e.reader.Group(e.lb.Region, id)
		if g == nil {
			continue
		}
		for _, r := range e.reader.Rules(g) {
			if r.Egress == egress && (r.Proto == vpc.AnyProto || r.Proto == vpc.TCP && r.Ports.Contains(port)) && isPeer(r.Peer, peer) {
				return true
			}
		}
	}
	return false
}

// isPeer reports whether an interface is one that a rule is for; nil is.
func isPeer(p vpc.Peer, n *vpc.NetworkInterface) bool {
	switch {
	case n == nil:
		return true
	case p.Group != "":
		return slices.Contains(n.Groups, p.Group)
	}
	return slices.ContainsFunc(n.Addresses, func(a netip.Addr) bool { return p.CIDR.Contains(a) })
}

func joinIDs(ids []vpc.GroupID) string {
	return strings.Join(each(ids, func(id vpc.GroupID) string { return string(id) }), ", ")
}
