package bed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"

	"ringfence/bench/internal/netns"
)

var (
	// In one subnet, as behind a bridge.
	nearClient = netip.MustParsePrefix("10.99.1.10/24")
	nearServer = netip.MustParsePrefix("10.99.1.20/24")
	// In two, with a router between.
	farServer    = netip.MustParsePrefix("10.99.2.20/24")
	clientRouter = netip.MustParseAddr("10.99.1.1")
	serverRouter = netip.MustParseAddr("10.99.2.1")
	// In one, by IPv6.
	nearClient6 = netip.MustParsePrefix("2001:db8:0:100::10/64")
	nearServer6 = netip.MustParsePrefix("2001:db8:0:100::20/64")
)

// buildVeth joins the two machines by one link: the least that there can be.
func buildVeth(ctx context.Context, b *Bed) error {
	sides := b.sides(nearClient, nearServer)
	err := ip(ctx, b.Client, fmt.Sprintf("link add eth0 address %s %s type veth peer name eth0 netns %s address %s %s",
		sides[0].mac, queues, b.Server.Path(), sides[1].mac, queues))
	if err != nil {
		return err
	}
	return errors.Join(sides[0].configure(ctx), sides[1].configure(ctx))
}

func buildBridge(ctx context.Context, b *Bed) error {
	_, err := b.bridge(ctx, nearClient, nearServer, "0")
	return err
}

func buildBridge6(ctx context.Context, b *Bed) error {
	_, err := b.bridge(ctx, nearClient6, nearServer6, "0")
	return err
}

// bridge joins the machines by a bridge in a namespace of its own, which shows
// its packets to iptables or does not.
func (b *Bed) bridge(ctx context.Context, client, server netip.Prefix, callIPTables string) (*netns.Namespace, error) {
	host, err := b.namespace()
	if err != nil {
		return nil, err
	}
	if err := ip(ctx, host, "link add bridge type bridge", "link set bridge up"); err != nil {
		return nil, err
	}
	for _, s := range b.sides(client, server) {
		if err := s.plug(ctx, host); err != nil {
			return nil, err
		}
		if err := ip(ctx, host, fmt.Sprintf("link set %s master bridge up", s.device)); err != nil {
			return nil, err
		}
	}
	for _, family := range []string{"iptables", "ip6tables"} {
		err := host.Set("bridge/bridge-nf-call-"+family, callIPTables)
		if errors.Is(err, fs.ErrNotExist) && callIPTables == "0" {
			continue // without br_netfilter nothing is shown anyway
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = errors.New("iptables does not see what crosses a bridge: modprobe br_netfilter")
		}
		if err != nil {
			return nil, err
		}
	}
	return host, nil
}

func buildRouted(ctx context.Context, b *Bed) error {
	_, err := b.route(ctx)
	return err
}

// route joins the machines by a router in a namespace of its own.
func (b *Bed) route(ctx context.Context) (*netns.Namespace, error) {
	host, err := b.namespace()
	if err != nil {
		return nil, err
	}
	routers := []netip.Addr{clientRouter, serverRouter}
	for i, s := range b.sides(nearClient, farServer) {
		s.router = routers[i]
		if err := s.plug(ctx, host); err != nil {
			return nil, err
		}
		err := ip(ctx, host, fmt.Sprintf("address add %s/24 dev %s", routers[i], s.device), fmt.Sprintf("link set %s up", s.device))
		if err != nil {
			return nil, err
		}
	}
	return host, host.Set("ipv4/ip_forward", "1")
}
