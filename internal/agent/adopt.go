package agent

import (
	"context"
	"net/netip"
	"strings"

	"ringfence/internal/fabric"
	"ringfence/internal/fabric/guest"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// adopt takes over the machines that run on from an earlier agent. Those that
// nobody wants any more are removed; those that should run and do not are
// booted by reconcile.
func (a *Agent) adopt(ctx context.Context) error {
	found, err := a.fabric.Adopt(ctx, a.portName(hostLinkIndex))
	if err != nil {
		return err
	}
	var unwanted []string
	for _, f := range found {
		h, plug, ok := a.claim(f)
		if !ok {
			unwanted = append(unwanted, f.ID)
			continue
		}
		m := &machine{id: f.ID, plug: plug, port: policy.Port(f.Ports[0].Index)}
		a.ports.keep(f.Ports[0].Index)
		if err := a.plug(m); err != nil {
			return err
		}
		a.serve(ctx, m, h)
		m.running, m.generation = true, f.Generation
		a.machines[f.ID] = m
		if i := a.nouns.instances[vpc.InstanceID(f.ID)]; i != nil {
			a.watch(ctx, m, i)
		}
		a.log.Info("adopt machine", "machine", f.ID, "init", f.PID)
	}
	return a.fabric.Remove(ctx, unwanted...)
}

// claim says who a machine is, if it is still wanted.
func (a *Agent) claim(f fabric.Adopted) (fabric.Handlers, policy.Plug, bool) {
	if f.Kind == guest.Outside {
		addr, err := netip.ParseAddr(strings.TrimPrefix(f.ID, outsidePrefix))
		if n, _ := a.host.AtPublic(addr); err != nil || n != nil {
			return fabric.Handlers{}, policy.Plug{}, false
		}
		return a.outsideHandlers(), policy.Plug{Outside: addr}, true
	}
	i := a.nouns.instances[vpc.InstanceID(f.ID)]
	if i == nil {
		return fabric.Handlers{}, policy.Plug{}, false
	}
	n := a.host.Interface(i.Interface)
	if n == nil || n.Primary() != f.Ports[0].Addresses[0].Addr() {
		return fabric.Handlers{}, policy.Plug{}, false
	}
	return a.instanceHandlers(i.ID), policy.Plug{Interface: n.ID}, true
}
