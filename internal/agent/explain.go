package agent

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/admin"
	"ringfence/internal/fabric/initproto"
	"ringfence/internal/names"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// Exec says where an instance's init listens.
func (a *Agent) Exec(_ context.Context, id vpc.InstanceID) (*admin.Exec, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := a.nouns.instances[id]
	if i == nil {
		return nil, vpc.Errorf(vpc.InvalidInstanceIDNotFound, "The instance ID '%s' does not exist", id)
	}
	if m := a.machines[string(id)]; m == nil || !m.running {
		return nil, vpc.Errorf(vpc.IncorrectInstanceState, "The instance '%s' is not in the 'running' state: it is %s", id, i.State)
	}
	return &admin.Exec{Init: initproto.SocketPath(a.opts.DataDir, string(id))}, nil
}

// Explain says what would become of a packet that opens a flow, by the
// specification and by the programs in the kernel. A sender on the internet
// side that is not there is made, as by Outside.
func (a *Agent) Explain(ctx context.Context, in admin.ExplainRequest) (*admin.Explanation, error) {
	if a.isFreeOutside(in.Source) {
		if _, err := a.Outside(ctx, admin.OutsideRequest{IP: in.Source}); err != nil {
			return nil, err
		}
	}
	if addr, ok := a.resolver.Lookup(a.viewOf(in.Source), in.Destination); ok {
		in.Destination = addr.String()
	}
	if err := a.dataplane.PrepareAsk(); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	p, err := a.question(in)
	if err != nil {
		return nil, err
	}
	v, steps := a.host.Explain(p)
	out := &admin.Explanation{Verdict: verdictWord(v.Accept), Reason: v.Reason.String()}
	for _, s := range steps {
		out.Steps = append(out.Steps, admin.Step{Where: s.Where, Verdict: verdictWord(s.Allow), Why: s.Why, Rule: s.Rule})
	}
	var kernel policy.Verdict
	err = a.fabric.InDataplane(func() error {
		var err error
		kernel, err = a.dataplane.Ask(p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ask the kernel: %w", err)
	}
	out.Kernel = &admin.KernelVerdict{Verdict: verdictWord(kernel.Accept), Reason: kernel.Reason.String(), Rule: kernel.Rule}
	return out, nil
}

func verdictWord(allow bool) string {
	if allow {
		return "allow"
	}
	return "drop"
}

// explainPort is the source port of imaginary packets: the first one of Linux's
// ephemeral range.
const explainPort = 32768

// question makes the packet that is asked about. a.mu is held.
func (a *Agent) question(in admin.ExplainRequest) (*policy.Packet, error) {
	src, port, err := a.sender(in.Source)
	if err != nil {
		return nil, err
	}
	dst, err := a.address(in.Destination, a.inside(port))
	if err != nil {
		return nil, err
	}
	if src.Is4() != dst.Is4() {
		if src, dst, err = a.sameFamily(in, src, dst); err != nil {
			return nil, err
		}
	}
	if src == dst {
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "%s is the sender itself: such packets never leave it, and nothing judges them", dst)
	}
	proto, err := parseProto(in.Proto)
	if err != nil {
		return nil, err
	}
	if proto == vpc.ICMP && dst.Is6() {
		proto = vpc.ICMPv6
	}
	p := &policy.Packet{At: time.Hour, Port: port, Src: src, Dst: dst, Proto: proto}
	switch {
	case proto.HasPorts():
		if in.Port == 0 {
			return nil, vpc.Errorf(vpc.MissingParameter, "A %s packet needs a port: write the destination as %s:PORT", proto, in.Destination)
		}
		p.SrcPort, p.DstPort = explainPort, in.Port
		p.TCP.Flags = policy.SYN
	case proto == vpc.ICMP:
		p.ICMP.Type = 8
	case proto == vpc.ICMPv6:
		p.ICMP.Type = 128
	}
	p.SrcMAC = vpc.MACOf(src)
	if n := a.interfaceAt(port); n != nil {
		p.SrcMAC = n.MAC()
	}
	return p, nil
}

// isFreeOutside reports whether name is an address on the internet side that
// nobody has.
func (a *Agent) isFreeOutside(name string) bool {
	addr, err := netip.ParseAddr(name)
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
	_, port, err := a.sender(name)
	if n := a.interfaceAt(port); err == nil && n != nil {
		return names.View{Region: n.Region, Network: n.Network}
	}
	return names.View{}
}

// sender finds who sends: an instance, or a host on the internet side.
func (a *Agent) sender(name string) (netip.Addr, policy.Port, error) {
	if i := a.nouns.instances[vpc.InstanceID(name)]; i != nil {
		n := a.host.Interface(i.Interface)
		if n == nil || a.host.PortOf(n.ID) == 0 {
			return netip.Addr{}, 0, vpc.Errorf(vpc.IncorrectInstanceState, "The instance '%s' is not in the 'running' state: it is %s", name, i.State)
		}
		return n.Primary(), a.host.PortOf(n.ID), nil
	}
	addr, err := netip.ParseAddr(name)
	if err != nil {
		return addr, 0, unknownHost(name)
	}
	if port := a.host.OutsidePort(addr); port != 0 {
		return addr, port, nil
	}
	switch n, private := a.host.AtPublic(addr); {
	case n != nil && private == addr && a.host.PortOf(n.ID) != 0:
		return addr, a.host.PortOf(n.ID), nil
	case n != nil && private != addr:
		return addr, 0, vpc.Errorf(vpc.InvalidParameterValue, "%s sends from its private address %s: name that, or the instance", addr, private)
	}
	for _, i := range a.nouns.instances {
		if n := a.host.Interface(i.Interface); n != nil && slices.Contains(n.Addresses, addr) && a.host.PortOf(n.ID) != 0 {
			return addr, a.host.PortOf(n.ID), nil
		}
	}
	return addr, 0, vpc.Errorf(vpc.InvalidParameterValue, "nobody has the address %s", addr)
}

// address finds the destination's address as the sender uses it: an instance's
// private one from within, its public one from outside.
func (a *Agent) address(name string, inside bool) (netip.Addr, error) {
	if i := a.nouns.instances[vpc.InstanceID(name)]; i != nil {
		if inside {
			return i.PrivateAddr, nil
		}
		if !i.PublicAddr.IsValid() {
			return i.PublicAddr, vpc.Errorf(vpc.InvalidParameterValue, "The instance '%s' has no public address", name)
		}
		return i.PublicAddr, nil
	}
	addr, err := netip.ParseAddr(name)
	if err != nil || addr.Is4In6() {
		return addr, unknownHost(name)
	}
	return addr, nil
}

// sameFamily gives the end that names an instance another of its addresses,
// when the other end's is of another family.
func (a *Agent) sameFamily(in admin.ExplainRequest, src, dst netip.Addr) (netip.Addr, netip.Addr, error) {
	if other, ok := a.otherAddress(in.Source, dst); ok {
		return other, dst, nil
	}
	if other, ok := a.otherAddress(in.Destination, src); ok {
		return src, other, nil
	}
	return src, dst, vpc.Errorf(vpc.InvalidParameterValue, "%s and %s are addresses of different IP versions", src, dst)
}

// otherAddress returns an instance's first address of the family of like.
func (a *Agent) otherAddress(name string, like netip.Addr) (netip.Addr, bool) {
	i := a.nouns.instances[vpc.InstanceID(name)]
	if i == nil {
		return netip.Addr{}, false
	}
	n := a.host.Interface(i.Interface)
	if n == nil {
		return netip.Addr{}, false
	}
	at := slices.IndexFunc(n.Addresses, func(addr netip.Addr) bool { return addr.Is4() == like.Is4() })
	if at < 0 {
		return netip.Addr{}, false
	}
	return n.Addresses[at], true
}

func unknownHost(name string) error {
	if strings.HasPrefix(name, "i-") {
		return vpc.Errorf(vpc.InvalidInstanceIDNotFound, "The instance ID '%s' does not exist", name)
	}
	return vpc.Errorf(vpc.InvalidParameterValue, "%q is neither an instance id, an address nor the name of an instance", name)
}

func (a *Agent) interfaceAt(port policy.Port) *vpc.NetworkInterface {
	plug, _ := a.host.Plug(port)
	return a.host.Interface(plug.Interface)
}

func (a *Agent) inside(port policy.Port) bool { return a.interfaceAt(port) != nil }

func parseProto(s string) (vpc.Proto, error) {
	for _, p := range []vpc.Proto{vpc.TCP, vpc.UDP, vpc.ICMP, vpc.ICMPv6} {
		if strings.EqualFold(s, p.String()) {
			return p, nil
		}
	}
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil {
		return 0, vpc.Errorf(vpc.InvalidParameterValue, "%q is not a protocol: want tcp, udp, icmp, icmpv6 or a number up to 255", s)
	}
	return vpc.Proto(n), nil
}
