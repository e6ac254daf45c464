package policy

import (
	"fmt"
	"net/netip"

	"ringfence/internal/vpc"
)

// A Step is one place on a packet's way, and what is decided there.
type Step struct {
	Where string
	Allow bool
	Why   string
	Rule  vpc.RuleID // that decided; "" when none did
}

// Explain says step by step what would become of a packet that no flow covers,
// ending with the step that drops it, if one does.
func (h *Host) Explain(p *Packet) (Verdict, []Step) {
	v := h.Decide(new(Flows), p)
	e := explanation{host: h, verdict: v}
	plug := h.ports[p.Port]
	if n := h.interfaces[plug.Interface]; n != nil {
		e.fromInterface(p, n)
	} else {
		e.add("internet", true, "", "%s is a host on the internet side", plug.Outside)
		e.toPublic(p)
	}
	if !v.Accept && (len(e.steps) == 0 || e.steps[len(e.steps)-1].Allow) {
		e.add("end", false, v.Rule, "%s", reasonTexts[v.Reason])
	}
	return v, e.steps
}

// reasonTexts say why a packet ends that no step below has ended.
var reasonTexts = map[Reason]string{
	UnknownPort: "nothing is known about the interface it comes from",
	Malformed:   "it is malformed",
	NotIP:       "it is neither IPv4 nor IPv6",
	Spoofed:     "its source is not its sender's address",
	Multicast:   "broadcast and multicast are not delivered",
	NoRoute:     "nobody has the destination address",
}

type explanation struct {
	host    *Host
	verdict Verdict
	steps   []Step
}

func (e *explanation) add(where string, allow bool, rule vpc.RuleID, format string, args ...any) bool {
	e.steps = append(e.steps, Step{where, allow, fmt.Sprintf(format, args...), rule})
	return allow
}

func (e *explanation) fromInterface(p *Packet, n *vpc.NetworkInterface) {
	h := e.host
	switch v := undeliverable(p, n.Addresses, n.NoSourceDestCheck); {
	case v.Reason == NoRoute:
		e.add("route", false, "", "addresses of fe80::/10 are of one link, and nothing is routed from them or to them")
		return
	case v.Reason != 0 || e.verdict.Reason == Spoofed:
		return
	case h.At(n.NetworkNo, p.Src) == n:
		e.add("source", true, "", "%s is an address of %s", p.Src, n.ID)
	default:
		e.add("source", true, "", "%s may send for %s: its source/destination check is off", n.ID, p.Src)
	}
	if peer := h.At(n.NetworkNo, p.Dst); peer != nil {
		e.add("route", true, "", "%s is %s in the same network", p.Dst, peer.ID)
		e.pass(p, end{n, p.Src}, end{peer, p.Dst})
		return
	}
	route, ok := h.route(n, p.Dst)
	switch {
	case !ok:
		e.add("route", false, "", "no route of subnet %s leads to %s", n.Subnet, p.Dst)
		return
	case route.Kind == RouteInterface && route.Interface != n:
		e.add("route", true, "", "%s", describeRoute(route))
		e.pass(p, end{n, p.Src}, end{route.Interface, p.Dst})
		return
	case route.Kind != RouteInternet:
		e.add("route", false, "", "%s", h.whyNot(route, p.Dst))
		return
	}
	public, ok := publicOf(n, p.Src)
	if !ok {
		e.add("route", false, "", "%s, and %s has no public address to leave by", describeRoute(route), p.Src)
		return
	}
	if !h.reachable(p.Dst) {
		e.add("route", false, "", "%s, and nobody on the internet side has %s", describeRoute(route), p.Dst)
		return
	}
	e.add("route", true, "", "%s", describeRoute(route))
	if !e.pass(p, end{n, p.Src}, end{addr: p.Dst}) {
		return
	}
	if public != p.Src {
		e.add("nat", true, "", "the source becomes %s", public)
	}
	if _, outside := h.outside[p.Dst]; !outside {
		e.toPublic(leaving(p, public))
	}
}

func (e *explanation) toPublic(p *Packet) {
	h := e.host
	if _, ok := h.outside[p.Dst]; ok {
		e.add("route", true, "", "%s is a host on the internet side; nothing is judged there", p.Dst)
		return
	}
	n, private := h.AtPublic(p.Dst)
	if n == nil {
		e.add("route", false, "", "nobody on the internet side has %s", p.Dst)
		return
	}
	if !h.HasInternet(n.NetworkNo) {
		e.add("route", false, "", "%s has no internet gateway, by which to reach %s", n.Network, n.ID)
		return
	}
	if private == p.Dst {
		e.add("route", true, "", "%s is an address of %s, whose VPC has an internet gateway", p.Dst, n.ID)
	} else {
		e.add("nat", true, "", "the destination %s becomes %s of %s", p.Dst, private, n.ID)
	}
	e.pass(arriving(p, private), end{addr: p.Src}, end{n, private})
}

// describeRoute says which entry of which table a packet follows.
func describeRoute(r Route) string {
	if r.Table == "" {
		return "everything that is not in EC2-Classic is on the internet side"
	}
	return fmt.Sprintf("%s sends %s to %s", r.Table, r.Destination, r.Target)
}

// whyNot says why a route leads a packet nowhere.
func (h *Host) whyNot(r Route, dst netip.Addr) string {
	if r.Kind == RouteLocal {
		return fmt.Sprintf("%s is in %s of the VPC, and nobody there has it", dst, r.Destination)
	}
	if r.Kind == RouteInterface {
		return fmt.Sprintf("%s, which is where the packet comes from", describeRoute(r))
	}
	why := "which is gone or not attached"
	if target := h.interfaces[vpc.InterfaceID(r.Target)]; target != nil && target.Instance != "" {
		why = "which checks destinations and takes nothing for others"
	}
	return fmt.Sprintf("%s, %s: a black hole", describeRoute(r), why)
}

// pass explains what is judged between two ends, as Host.judge does it.
func (e *explanation) pass(p *Packet, src, dst end) bool {
	h, hd := e.host, newHeader(p)
	if dst.iface != nil && h.portOf[dst.iface.ID] == 0 {
		return e.add("route", false, "", "%s is not attached to an instance that is running here", dst.iface.ID)
	}
	if src.iface != nil && !e.group("egress", src.iface, true, dst, &hd) {
		return false
	}
	out, in := aclsAsked(src, dst)
	if out && src.subnet() == dst.subnet() {
		e.add("subnet", true, "", "%s is a load balancer's node: the ACL is asked within its subnet, too (ELB_ACL_RESTRICTION)", src.iface.ID)
	}
	if out && !e.acl("acl-out", src.iface, true, dst.addr, &hd) {
		return false
	}
	if in && !e.acl("acl-in", dst.iface, false, src.addr, &hd) {
		return false
	}
	return dst.iface == nil || e.group("ingress", dst.iface, false, src, &hd)
}

func (e *explanation) group(where string, n *vpc.NetworkInterface, egress bool, peer end, hd *header) bool {
	set := e.host.sets[n.Identity]
	if egress && set.OpenEgress {
		return e.add(where, true, "", "everything may leave an EC2-Classic instance")
	}
	id, tracked, ok := e.host.group(n, egress, peer, hd)
	if !ok {
		return e.add(where, false, "", "no rule of %v allows it", set.Groups)
	}
	how := "a flow it admits outlives it"
	if !tracked || e.host.Revoke == RevokeStrict {
		how = "a flow it admits is cut with it"
	}
	r := e.host.rules[id]
	return e.add(where, true, id, "%s of %s allows %s; %s", id, r.Group, describe(r), how)
}

func (e *explanation) acl(where string, n *vpc.NetworkInterface, egress bool, peer netip.Addr, hd *header) bool {
	a := e.host.ACL(n.SubnetNo)
	if a == nil {
		return e.add(where, true, "", "the subnet has no network ACL")
	}
	allow, rule := judgeACL(a, egress, peer, hd)
	if allow {
		return e.add(where, true, rule, "%s allows it", rule)
	}
	return e.add(where, false, rule, "%s denies it", rule)
}

// describe puts a rule into a few words.
func describe(r *vpc.Rule) string {
	what := r.Proto.String()
	switch {
	case r.Proto == vpc.AnyProto:
		what = "everything"
	case r.Proto.HasPorts() && r.Ports == vpc.AllPorts:
		what += " on all ports"
	case r.Proto.HasPorts() && r.Ports.From == r.Ports.To:
		what += fmt.Sprintf(" %d", r.Ports.From)
	case r.Proto.HasPorts():
		what += fmt.Sprintf(" %d-%d", r.Ports.From, r.Ports.To)
	case r.Proto.IsICMP() && r.ICMP.Type != vpc.AnyICMP:
		what += fmt.Sprintf(" type %d code %d", r.ICMP.Type, r.ICMP.Code)
	}
	word := "from"
	if r.Egress {
		word = "to"
	}
	if r.Peer.CIDR.IsValid() {
		return fmt.Sprintf("%s %s %s", what, word, r.Peer.CIDR)
	}
	return fmt.Sprintf("%s %s %s", what, word, r.Peer.Group)
}
