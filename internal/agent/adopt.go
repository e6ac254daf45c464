package agent

import (
	"context"
	"slices"

	"ringfence/internal/fabric"
	"ringfence/internal/fabric/guest"
	"ringfence/internal/vpc"
)

// adopt takes over the machines that run on from an earlier agent. Those that
// nobody wants any more are removed, and so are single ports; what should be
// there and is not is left to reconcile.
func (a *Agent) adopt(ctx context.Context) error {
	found, err := a.fabric.Adopt(ctx, a.portName(hostLinkIndex))
	if err != nil {
		return err
	}
	var unwanted []string
	for _, f := range found {
		m, attend := a.claim(f)
		if m == nil {
			unwanted = append(unwanted, f.ID)
			continue
		}
		if err := a.adoptLinks(f, m); err != nil {
			return err
		}
		a.serve(ctx, m, attend)
		if i := a.instance(vpc.InstanceID(f.ID)); i != nil {
			a.watchInstance(ctx, m, i)
		}
		if f.Kind == guest.Balancer {
			a.watchNode(ctx, m)
		}
		a.log.Info("adopt machine", "machine", f.ID, "init", f.PID)
	}
	return a.fabric.Remove(ctx, unwanted...)
}

// adoptLinks connects the links of m, and removes the ports of f that are not
// among them.
func (a *Agent) adoptLinks(f fabric.Adopted, m *machine) error {
	for _, p := range f.Ports {
		i := slices.IndexFunc(m.links, func(l link) bool { return l.port.Name == p.Name })
		if i < 0 {
			if err := a.fabric.UnsetPort(f.ID, p); err != nil {
				return err
			}
			continue
		}
		if err := a.plug(m.id, m.links[i]); err != nil {
			return err
		}
		if err := a.fabric.SetPortUp(p.Name); err != nil { // the earlier agent may have ended before that
			return err
		}
	}
	return nil
}

// claim finds out who a machine is, with the links that are as wanted; nil if
// it is not wanted any more.
func (a *Agent) claim(f fabric.Adopted) (*machine, func(context.Context)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	m := &machine{id: f.ID, running: true, generation: f.Generation}
	attend, want := a.claimed(f, m)
	var links []link
	for _, p := range f.Ports {
		for _, l := range want {
			if l.port.Device == p.Device && l.port.MAC == p.MAC {
				links = append(links, link{l.plug, p})
			}
		}
	}
	if len(links) == 0 || links[0].port.Device != 0 {
		return nil, nil
	}
	for _, l := range links {
		a.ports.keep(l.port.Index)
		a.hold(m, l)
	}
	a.machines[m.id] = m
	return m, attend
}

// instance is an instance as it is now, nil for other machines.
func (a *Agent) instance(id vpc.InstanceID) *vpc.Instance {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.nouns.instances[id]
}

// claimed says what attends to a machine and which links it should have: none if
// it is not wanted any more. a.mu is held.
func (a *Agent) claimed(f fabric.Adopted, m *machine) (func(context.Context), []link) {
	if f.Kind == guest.Outside {
		addr, ok := outsideAddr(f.ID)
		if n, _ := a.host.AtPublic(addr); !ok || n != nil {
			return nil, nil
		}
		return a.answering(m, a.outsideHandlers()), []link{outsideLink(addr)}
	}
	if f.Kind == guest.Balancer {
		return a.attendNode(vpc.InterfaceID(f.ID)), a.wantedLinks(m) // none if its interface is gone
	}
	id := vpc.InstanceID(f.ID)
	if a.nouns.instances[id] == nil {
		return nil, nil
	}
	return a.answering(m, a.instanceHandlers(id)), a.wantedLinks(m)
}
