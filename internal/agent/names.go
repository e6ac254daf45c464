package agent

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"

	"ringfence/internal/fabric"
	"ringfence/internal/names"
	"ringfence/internal/vpc"
)

// Addresses in EC2-Classic.
const classicBits = 16 // all of the pool are neighbours

var (
	classicRouter    = netip.MustParseAddr("10.254.0.1")
	classicResolvers = []netip.Addr{netip.MustParseAddr("172.16.0.23"), everyResolver}
)

// everyResolver answers in every VPC, besides the one at the third address of its
// first block (Amazon VPC User Guide, "Amazon DNS server").
var everyResolver = netip.MustParseAddr("169.254.169.253")

// resolvers are the addresses of the resolver in a network. a.mu is held.
func (a *Agent) resolvers(network vpc.NetworkID) []netip.Addr {
	v := a.nouns.vpcs[network]
	if v == nil {
		return classicResolvers
	}
	return []netip.Addr{v.CIDRs[0].CIDR.Addr().Next().Next(), everyResolver}
}

// instanceLimits keep one instance from starving the others.
var instanceLimits = fabric.Limits{Memory: 1 << 30, Processes: 1024, CPUWeight: 100}

func hostname(a netip.Addr) string {
	return "ip-" + strings.NewReplacer(".", "-", ":", "-").Replace(a.String())
}

// directory finds who has an address now.
func (a *Agent) directory() names.Directory {
	return names.Directory{
		ByBalancer: a.balancerAddresses,
		ByPublic: func(public netip.Addr) (names.Host, bool) {
			a.mu.Lock()
			defer a.mu.Unlock()
			n, private := a.host.AtPublic(public)
			if n == nil {
				return names.Host{}, false
			}
			if v := a.nouns.vpcs[n.Network]; v != nil && !v.DNSHostnames {
				return names.Host{}, false
			}
			return names.Host{Region: n.Region, Network: n.Network, Private: private, Public: public}, true
		},
		ByPrivate: func(in names.View, private netip.Addr) (names.Host, bool) {
			a.mu.Lock()
			defer a.mu.Unlock()
			n := a.host.AtIn(in.Region, in.Network, private)
			if n == nil {
				return names.Host{}, false
			}
			return names.Host{Region: n.Region, Network: n.Network, Private: private, Public: n.Public[private]}, true
		},
	}
}

// instanceHandlers answer an instance's questions as of now.
func (a *Agent) instanceHandlers(id vpc.InstanceID) fabric.Handlers {
	subject := func() (names.Subject, bool) { return a.subject(id) }
	return fabric.Handlers{
		Metadata: names.Metadata(subject),
		DNS: func(_ context.Context, network string, query []byte) []byte {
			s, ok := subject()
			if !ok || !s.Answers() {
				return nil
			}
			return a.resolver.Answer(s.View(), network, query)
		},
	}
}

// subject is what an instance is told about itself; false says that it is not
// known now.
func (a *Agent) subject(id vpc.InstanceID) (names.Subject, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := a.nouns.instances[id]
	if i == nil {
		return names.Subject{}, false
	}
	s := names.Subject{Instance: i, VPC: a.nouns.vpcs[i.Network]}
	for _, n := range a.nouns.interfacesOf(id) {
		groups := n.Groups
		if s.VPC == nil {
			groups = i.Groups // in the order in which they were named
		}
		s.Interfaces = append(s.Interfaces, names.Interface{
			NetworkInterface: n, GroupNames: a.nouns.groupNames(groups), Subnet: a.nouns.subnets[n.Subnet],
		})
	}
	return s, len(s.Interfaces) > 0
}

// outsideHandlers answer a host on the internet side, which has no metadata.
func (a *Agent) outsideHandlers() fabric.Handlers {
	return fabric.Handlers{DNS: func(_ context.Context, network string, query []byte) []byte {
		return a.resolver.Answer(names.View{}, network, query)
	}}
}

// listenNames opens the address of the host on which outside names are
// answered, nil where there is none.
func (a *Agent) listenNames(ctx context.Context) (*names.Server, error) {
	if a.opts.DNS == "" {
		return nil, nil
	}
	s, err := names.Listen(ctx, a.opts.DNS, a.resolver, a.log)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("the address %s for names is taken: end who has it, or choose another", a.opts.DNS)
	}
	if err != nil {
		return nil, err
	}
	a.log.Info("answer names", "address", s.Addr().String())
	return s, nil
}

func (a *Agent) serveNames(ctx context.Context, s *names.Server) {
	if err := s.Run(ctx); err != nil && ctx.Err() == nil {
		a.log.Error("answer names", "address", a.opts.DNS, "err", err)
	}
}
