package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ringfence/internal/admin"
	"ringfence/internal/fabric"
	"ringfence/internal/fabric/guest"
	"ringfence/internal/fabric/initproto"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// DefaultOutside is the host on the internet side that is meant when no
// address is named: the workstation of the examples in the EC2 User Guide 2012.
var DefaultOutside = netip.MustParseAddr("203.0.113.7")

// outsideRouter is the neighbour that hosts on the internet side send to.
var (
	outsideRouter    = netip.MustParseAddr("169.254.0.1")
	outsideResolvers = []netip.Addr{netip.MustParseAddr("127.0.0.1")}
)

const outsidePrefix = "outside-"

// outsideID is the machine id of a host on the internet side. It has no colons,
// which no directory of a machine may have.
func outsideID(addr netip.Addr) string {
	return outsidePrefix + strings.ReplaceAll(addr.String(), ":", "-")
}

// outsideAddr is the address of the host on the internet side that has a machine
// id; false says that it is no such host's.
func outsideAddr(id string) (netip.Addr, bool) {
	text, ok := strings.CutPrefix(id, outsidePrefix)
	if !ok {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(strings.ReplaceAll(text, "-", ":"))
	return addr, err == nil
}

// outsideLink is the link of the host on the internet side that has an address.
func outsideLink(addr netip.Addr) link {
	return link{policy.Plug{Outside: addr}, fabric.Port{
		MAC:       vpc.MACOf(addr),
		Addresses: []netip.Prefix{netip.PrefixFrom(addr, addr.BitLen())},
		Routers:   []netip.Addr{outsideRouter, vpc.RouterIPv6},
	}}
}

// Outside makes sure that there is a host on the internet side with an address.
func (a *Agent) Outside(ctx context.Context, in admin.OutsideRequest) (*admin.Outside, error) {
	addr := DefaultOutside
	if in.IP != "" {
		var err error
		if addr, err = parseAddr(in.IP); err != nil {
			return nil, vpc.Errorf(vpc.InvalidParameterValue, "%q is not an IP address", in.IP)
		}
	}
	if err := a.bootOutside(ctx, addr); err != nil {
		return nil, err
	}
	return &admin.Outside{IP: addr.String(), Init: initproto.SocketPath(a.opts.DataDir, outsideID(addr))}, nil
}

// outsideIPv6 has the IPv6 addresses of hosts on the internet side. The rest of
// the block for documentation (RFC 3849) is for VPCs.
var outsideIPv6 = netip.MustParsePrefix("2001:db8:8000::/33")

// mayBeOutside reports whether an address is one of the internet.
func mayBeOutside(addr netip.Addr) bool {
	if addr.Is6() {
		return outsideIPv6.Contains(addr)
	}
	return addr.IsGlobalUnicast() && !addr.IsPrivate()
}

// outsideMachine finds or reserves the machine of an address that may be
// outside. a.mu is held.
func (a *Agent) outsideMachine(addr netip.Addr) (*machine, error) {
	if n, _ := a.host.AtPublic(addr); n != nil {
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "%s is the public address of %s: choose an address that nobody has", addr, cmp.Or(string(n.Instance), string(n.ID)))
	}
	if a.hostLink != 0 && addr == a.opts.HostLink {
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "%s is this host itself: run the command without ringfence outside", addr)
	}
	if addr.Is6() && !mayBeOutside(addr) {
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "hosts on the internet side have IPv6 addresses of %s, and %s is not one", outsideIPv6, addr)
	}
	if !mayBeOutside(addr) {
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "%s is not an address of the internet", addr)
	}
	id := outsideID(addr)
	m := a.machines[id]
	if m == nil {
		m = &machine{id: id}
		a.machines[id] = m
	}
	return m, nil
}

// bootOutside boots the host if it does not run, and returns when it does.
func (a *Agent) bootOutside(ctx context.Context, addr netip.Addr) error {
	for {
		var busy *machine // while it is, there is no answer
		done := make(chan error, 1)
		begin := func(loop context.Context) {
			a.mu.Lock()
			defer a.mu.Unlock()
			m, err := a.outsideMachine(addr)
			switch {
			case err != nil || m.running:
				done <- err
			case m.busy:
				busy = m
				close(done)
			default:
				a.change(loop, m, func() { done <- a.startOutside(loop, m, addr) })
			}
		}
		select {
		case a.asks <- begin:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case err, answered := <-done:
			if answered {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := a.lockIdle(ctx, busy); err != nil {
			return err
		}
		a.mu.Unlock()
	}
}

func (a *Agent) startOutside(ctx context.Context, m *machine, addr netip.Addr) error {
	a.mu.Lock()
	l := a.take(m, outsideLink(addr))
	a.mu.Unlock()
	spec := fabric.Machine{
		ID: m.id, Kind: guest.Outside, Ports: []fabric.Port{l.port},
		Hostname: "outside-" + hostname(addr)[len("ip-"):], Resolvers: outsideResolvers,
	}
	if err := a.start(ctx, m, spec, a.answering(m, a.outsideHandlers())); err != nil {
		return fmt.Errorf("boot outside host %s: %w", addr, errors.Join(err, a.unplug(m)))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	m.running = true
	return nil
}

// touchOutside notes that an interface may have the address of a host on the
// internet side. a.mu is held.
func (a *Agent) touchOutside(n *vpc.NetworkInterface) {
	for _, public := range n.Public {
		if id := outsideID(public); a.machines[id] != nil {
			a.touch(id)
		}
	}
}

// reconcileOutside removes a host on the internet side whose address an
// interface has now. a.mu is held.
func (a *Agent) reconcileOutside(ctx context.Context, m *machine, addr netip.Addr) {
	if n, _ := a.host.AtPublic(addr); m != nil && n != nil {
		a.change(ctx, m, func() { a.remove(ctx, m, nil) })
	}
}

// addHostLink makes the host itself a host on the internet side. Where routes
// of its own are in the way it goes on without the public addresses they lead
// to, and without any link if its own address is one of those.
func (a *Agent) addHostLink() error {
	addr := a.opts.HostLink
	if !addr.IsValid() {
		return nil
	}
	const port = policy.Port(hostLinkIndex)
	host := fabric.HostLink{
		Port: fabric.Port{
			Name: a.portName(port), Index: int(port), MAC: vpc.MACOf(addr),
			Addresses: []netip.Prefix{netip.PrefixFrom(addr, addr.BitLen())},
		},
		Routes: slices.Clone(a.opts.PublicPools),
	}
	for {
		err := a.fabric.AddHostLink(host)
		overlap, ok := errors.AsType[*fabric.RouteOverlapError](err)
		if !ok {
			if err != nil {
				return fmt.Errorf("add host link: %w", err)
			}
			break
		}
		if overlap.Wanted.Contains(addr) {
			a.log.Warn("no link from this host to the instances: use ringfence outside", "err", overlap)
			return nil
		}
		a.log.Warn("no route from this host to some public addresses: use ringfence outside for these", "err", overlap)
		host.Routes = slices.DeleteFunc(host.Routes, func(p netip.Prefix) bool { return p == overlap.Wanted })
	}
	if err := a.plug("", link{policy.Plug{Outside: addr}, host.Port}); err != nil {
		return fmt.Errorf("connect host link: %w", err)
	}
	if err := a.fabric.SetPortUp(host.Port.Name); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hostLink = port
	return nil
}
