package agent

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/admin"
	"ringfence/internal/fabric/guest"
	"ringfence/internal/fabric/initproto"
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
	if name, ok := strings.CutPrefix(in.Source, balancerPrefix); ok {
		return a.explainBalancer(name, in)
	}
	return a.explainPacket(in)
}

// explainPacket explains one packet. a.mu is held.
func (a *Agent) explainPacket(in admin.ExplainRequest) (*admin.Explanation, error) {
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
	out.Kernel = outcome(kernel)
	if v, ok := a.host.Answer(p); ok {
		out.Answer = outcome(v)
	}
	return out, nil
}

func outcome(v policy.Verdict) *admin.Outcome {
	return &admin.Outcome{Verdict: verdictWord(v.Accept), Reason: v.Reason.String(), Rule: v.Rule}
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
	proto, err := parseProto(in.Proto)
	if err != nil {
		return nil, err
	}
	from, err := a.party(in.Source)
	if err != nil {
		return nil, err
	}
	to, err := a.party(in.Destination)
	if err != nil {
		return nil, err
	}
	ipv6 := from.addr.Is6() || to.addr.Is6() || proto == vpc.ICMPv6
	p := &policy.Packet{At: time.Hour, Proto: proto}
	if p.Src, p.Port, err = a.sender(from, ipv6); err != nil {
		return nil, err
	}
	sender := a.interfaceAt(p.Port)
	if p.Dst, err = a.destination(to, sender, ipv6); err != nil {
		return nil, err
	}
	switch {
	case p.Src.Is4() != p.Dst.Is4():
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "%s and %s are addresses of different IP versions", p.Src, p.Dst)
	case p.Dst == p.Src || a.isInside(p.Dst, sender):
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "%s is inside the sender itself: such packets never leave it, and nothing judges them", p.Dst)
	case proto == vpc.ICMPv6 && p.Dst.Is4():
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "icmpv6 is of IPv6, and %s is not", p.Dst)
	}
	p.SrcMAC = vpc.MACOf(p.Src)
	if sender != nil {
		p.SrcMAC = sender.MAC()
	}
	return p, fill(p, in)
}

// isInside reports whether an address is in the sender's own machine: it is one
// of its interfaces', or that of a service that each instance has on its
// loopback. sender is nil on the internet side. a.mu is held.
func (a *Agent) isInside(addr netip.Addr, sender *vpc.NetworkInterface) bool {
	if addr.IsLoopback() || sender == nil || sender.Instance == "" {
		return addr.IsLoopback()
	}
	for _, n := range a.nouns.interfacesOf(sender.Instance) {
		if slices.Contains(n.Addresses, addr) {
			return true
		}
	}
	return addr == guest.MetadataAddr || addr == guest.TimeAddr || slices.Contains(a.resolvers(sender.Network), addr)
}

// fill makes p the first packet of a connection, or an echo request.
func fill(p *policy.Packet, in admin.ExplainRequest) error {
	const echoRequest, echoRequest6 = 8, 128 // RFC 792, RFC 4443 §4.1
	if p.Proto == vpc.ICMP && p.Dst.Is6() && strings.EqualFold(in.Proto, vpc.ICMP.String()) {
		p.Proto = vpc.ICMPv6
	}
	switch {
	case p.Proto.HasPorts() && in.Port == 0:
		return vpc.Errorf(vpc.MissingParameter, "A %s packet needs a port: write the destination as %s", p.Proto, net.JoinHostPort(in.Destination, "PORT"))
	case p.Proto.HasPorts():
		p.SrcPort, p.DstPort = explainPort, in.Port
		p.TCP.Flags = policy.SYN
	case p.Proto == vpc.ICMP:
		p.ICMP.Type = echoRequest
	case p.Proto == vpc.ICMPv6:
		p.ICMP.Type = echoRequest6
	}
	return nil
}

func parseProto(s string) (vpc.Proto, error) {
	if p, ok := vpc.ProtoNamed(s); ok {
		return p, nil
	}
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil {
		return 0, vpc.Errorf(vpc.InvalidParameterValue, "%q is not a protocol: want tcp, udp, icmp, icmpv6 or a number up to 255", s)
	}
	return vpc.Proto(n), nil
}
