package agent

import (
	"net/netip"
	"slices"
	"strings"

	"ringfence/internal/names"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// A party is who is asked to send or to receive a packet.
type party struct {
	name  string                // as it was asked for
	iface *vpc.NetworkInterface // of an instance's or an interface's id; nil for an address
	addr  netip.Addr            // valid for an address only
}

// party finds who has a name: the id of an instance, which stands for its first
// interface, the id of an interface, or an address. a.mu is held.
func (a *Agent) party(name string) (party, error) {
	p := party{name: name}
	if i := a.nouns.instances[vpc.InstanceID(name)]; i != nil {
		if p.iface = a.nouns.first(i.ID); p.iface == nil {
			return p, notRunning(i)
		}
		return p, nil
	}
	if p.iface = a.nouns.interfaces[vpc.InterfaceID(name)]; p.iface != nil {
		return p, nil
	}
	addr, err := parseAddr(name)
	if err != nil {
		return p, unknownHost(name)
	}
	p.addr = addr
	return p, nil
}

// parseAddr reads an address that packets may have: it names no interface of
// whoever asks.
func parseAddr(s string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(s)
	return addr.WithZone("").Unmap(), err
}

func notRunning(i *vpc.Instance) error {
	return vpc.Errorf(vpc.IncorrectInstanceState, "The instance '%s' is not in the 'running' state: it is %s", i.ID, i.State)
}

func unknownHost(name string) error {
	switch {
	case strings.HasPrefix(name, "i-"):
		return vpc.Errorf(vpc.InvalidInstanceIDNotFound, "The instance ID '%s' does not exist", name)
	case strings.HasPrefix(name, "eni-"):
		return vpc.Errorf(vpc.InvalidNetworkInterfaceIDNotFound, "The networkInterface ID '%s' does not exist", name)
	}
	return vpc.Errorf(vpc.InvalidParameterValue, "%q is neither the id of an instance or of a network interface, nor an address, nor the DNS name of an instance", name)
}

// sender finds the address that a party sends from, and its port. a.mu is held.
func (a *Agent) sender(p party, ipv6 bool) (netip.Addr, policy.Port, error) {
	if p.iface == nil {
		return a.senderAt(p.addr)
	}
	port := a.host.PortOf(p.iface.ID)
	if port == 0 {
		if i := a.nouns.instances[p.iface.Instance]; i != nil {
			return netip.Addr{}, 0, notRunning(i)
		}
		return netip.Addr{}, 0, vpc.Errorf(vpc.InvalidParameterValue, "The network interface '%s' is not attached to an instance", p.iface.ID)
	}
	addr, err := addressOf(p, ipv6)
	return addr, port, err
}

// senderAt finds who sends from an address. a.mu is held.
func (a *Agent) senderAt(addr netip.Addr) (netip.Addr, policy.Port, error) {
	if port := a.host.OutsidePort(addr); port != 0 {
		return addr, port, nil
	}
	if n, private := a.host.AtPublic(addr); n != nil && private != addr {
		return addr, 0, vpc.Errorf(vpc.InvalidParameterValue, "%s sends from its private address %s: name that, or the instance", addr, private)
	}
	var found []string
	var port policy.Port
	for _, n := range a.nouns.interfaces {
		if at := a.host.PortOf(n.ID); at != 0 && slices.Contains(n.Addresses, addr) {
			found, port = append(found, string(n.ID)), at
		}
	}
	switch len(found) {
	case 0:
		return addr, 0, vpc.Errorf(vpc.InvalidParameterValue, "nobody has the address %s", addr)
	case 1:
		return addr, port, nil
	}
	slices.Sort(found)
	return addr, 0, vpc.Errorf(vpc.InvalidParameterValue, "%s is an address of several networks: name one of %s", addr, strings.Join(found, ", "))
}

// destination finds the address by which a sender reaches a party: inside a
// network its private one, from elsewhere its public one. IPv6 knows only one.
// a.mu is held.
func (a *Agent) destination(p party, sender *vpc.NetworkInterface, ipv6 bool) (netip.Addr, error) {
	if p.iface == nil {
		return p.addr, nil
	}
	private, err := addressOf(p, ipv6)
	if err != nil || ipv6 || sender != nil && sender.NetworkNo == p.iface.NetworkNo {
		return private, err
	}
	public, ok := p.iface.Public[private]
	if !ok {
		return public, vpc.Errorf(vpc.InvalidParameterValue, "'%s' has no public address, by which to reach it from another network", p.name)
	}
	return public, nil
}

// addressOf is the primary IPv4 address of a party that is an interface, or its
// first IPv6 address.
func addressOf(p party, ipv6 bool) (netip.Addr, error) {
	i := slices.IndexFunc(p.iface.Addresses, func(addr netip.Addr) bool { return addr.Is6() == ipv6 })
	if i < 0 {
		version := 4
		if ipv6 {
			version = 6
		}
		return netip.Addr{}, vpc.Errorf(vpc.InvalidParameterValue, "'%s' has no IPv%d address", p.name, version)
	}
	return p.iface.Addresses[i], nil
}

// isFreeOutside reports whether name is an address on the internet side that
// nobody has.
func (a *Agent) isFreeOutside(name string) bool {
	addr, err := parseAddr(name)
	if err != nil || !mayBeOutside(addr) {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	n, _ := a.host.AtPublic(addr)
	return n == nil && a.host.OutsidePort(addr) == 0
}

// viewOf is how a sender sees names.
func (a *Agent) viewOf(name string) names.View {
	a.mu.Lock()
	defer a.mu.Unlock()
	p, err := a.party(name)
	if err != nil {
		return names.View{}
	}
	n := p.iface
	if n == nil {
		_, port, err := a.senderAt(p.addr)
		if n = a.interfaceAt(port); err != nil || n == nil {
			return names.View{}
		}
	}
	return names.View{Region: n.Region, Network: n.Network}
}

// interfaceAt is the interface behind a port, nil where there is none.
func (a *Agent) interfaceAt(port policy.Port) *vpc.NetworkInterface {
	plug, _ := a.host.Plug(port)
	return a.host.Interface(plug.Interface)
}
