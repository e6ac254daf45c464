package policy

import (
	"fmt"
	"net/netip"
	"slices"

	"ringfence/internal/vpc"
)

// An end is who sends or receives: an interface, or whoever has an address
// that no interface has.
type end struct {
	iface *vpc.NetworkInterface // nil for the internet
	addr  netip.Addr
}

func (e end) number() vpc.InterfaceNumber {
	if e.iface == nil {
		return 0
	}
	return e.iface.Number
}

func (e end) subnet() vpc.SubnetNumber {
	if e.iface == nil {
		return 0
	}
	return e.iface.SubnetNo
}

// owned reports whether the address is the interface's own. Only then is who
// has it in groups: what an interface forwards for others, it does not lend its
// membership to, nor does it pass on theirs (Amazon VPC User Guide, "Security
// group rules").
func (e end) owned() bool {
	return e.iface != nil && slices.Contains(e.iface.Addresses, e.addr)
}

// via is the interface's number if the address is not its own, else 0.
func (e end) via() vpc.InterfaceNumber {
	if e.owned() {
		return 0
	}
	return e.number()
}

// A judgement is what rules say of the opening of a flow.
type judgement struct {
	reason  Reason     // 0 when every rule that has a say allows it
	rule    vpc.RuleID // the ACL entry that denies it, if one does
	out     vpc.RuleID // the sender's rule, "" when egress is open
	in      vpc.RuleID // the receiver's rule
	tracked [2]bool    // at sender, receiver
	failed  [2]bool    // no rule at sender, receiver
}

func (j *judgement) allows() bool { return j.reason == 0 }

// decisive is the rule to name: the receiver's where it is judged here.
func (j *judgement) decisive(dst end) vpc.RuleID {
	if dst.iface != nil {
		return j.in
	}
	return j.out
}

// judge asks the rules about a packet from src to dst that no flow covers, in
// the order of its way: groups of the sender, ACLs of both subnets if they
// differ, groups of the receiver. The first that refuses gives the reason.
func (h *Host) judge(src, dst end, p *header) judgement {
	j := h.judgeGroups(src, dst, p)
	if j.reason == NoEgressRule {
		return j
	}
	if reason, rule := h.judgeACLs(src, dst, p); reason != 0 {
		j.reason, j.rule = reason, rule
	}
	return j
}

// judgeGroups asks the groups of both ends, where they are interfaces.
func (h *Host) judgeGroups(src, dst end, p *header) judgement {
	var j judgement
	if dst.iface != nil {
		var ok bool
		if j.in, j.tracked[1], ok = h.group(dst.iface, false, src, p); !ok {
			j.failed[1], j.reason = true, NoIngressRule
		}
	}
	if src.iface != nil {
		var ok bool
		if j.out, j.tracked[0], ok = h.group(src.iface, true, dst, p); !ok {
			j.failed[0], j.reason = true, NoEgressRule
		}
	}
	return j
}

// aclsAsked says which ACLs have a say about what goes from src to dst: that of
// each interface's subnet, if the packet leaves it (VPC User Guide, "Network
// ACLs"). What a load balancer's node sends is judged as if it always did
// (ELB_ACL_RESTRICTION in "Reachability Analyzer explanation codes").
func aclsAsked(src, dst end) (out, in bool) {
	leaves := src.subnet() != dst.subnet()
	return src.iface != nil && (leaves || src.iface.IsBalancerNode()), dst.iface != nil && leaves
}

// judgeACLs asks them about one packet.
func (h *Host) judgeACLs(src, dst end, p *header) (Reason, vpc.RuleID) {
	out, in := aclsAsked(src, dst)
	if out {
		if allow, rule := judgeACL(h.ACL(src.iface.SubnetNo), true, dst.addr, p); !allow {
			return ACLOut, rule
		}
	}
	if in {
		if allow, rule := judgeACL(h.ACL(dst.iface.SubnetNo), false, src.addr, p); !allow {
			return ACLIn, rule
		}
	}
	return 0, ""
}

// group asks the groups of an interface about a packet to (egress) or from a
// peer. It returns the first matching rule and whether a flow that it admits
// is tracked.
//
// A flow is untracked iff a rule for everybody matches and another lets all
// ports of everybody pass the other way; families are judged apart, and only
// TCP and UDP flows are ever untracked (EC2 User Guide, "Amazon EC2 security
// group connection tracking").
func (h *Host) group(n *vpc.NetworkInterface, egress bool, peer end, p *header) (rule vpc.RuleID, tracked, ok bool) {
	set := h.sets[n.Identity]
	wide := false
	if egress && set.OpenEgress {
		ok, wide = true, true
	} else {
		for _, r := range h.Rules(set, egress) {
			if !h.matches(r, peer, p) {
				continue
			}
			if !ok {
				rule, ok = r.ID, true
			}
			wide = wide || r.Peer.CIDR.IsValid() && r.Peer.CIDR.Bits() == 0
		}
	}
	untracked := wide && p.proto.HasPorts() && h.allPortsOpen(set, !egress, p)
	return rule, !untracked, ok
}

// allPortsOpen reports whether a set has, in one direction, a rule that lets
// all ports of p's protocol pass to or from everybody of p's family.
func (h *Host) allPortsOpen(set *Set, egress bool, p *header) bool {
	if egress && set.OpenEgress {
		return true
	}
	for _, r := range h.Rules(set, egress) {
		cidr := r.Peer.CIDR
		if cidr.IsValid() && cidr.Bits() == 0 && cidr.Addr().Is4() == p.src.Is4() &&
			(r.Proto == vpc.AnyProto || r.Proto == p.proto && r.Ports == vpc.AllPorts) {
			return true
		}
	}
	return false
}

// matches reports whether a rule is about this packet and this peer.
func (h *Host) matches(r *vpc.Rule, peer end, p *header) bool {
	if !covers(r.Proto, r.Ports, r.ICMP, p) {
		return false
	}
	if r.Peer.CIDR.IsValid() {
		return r.Peer.CIDR.Contains(peer.addr)
	}
	return peer.owned() && h.sets[peer.iface.Identity].Has(r.Peer.Group)
}

// covers reports whether a protocol and a range cover a packet. When the ports
// are not known, only all of them do.
func covers(proto vpc.Proto, ports vpc.PortRange, icmp vpc.ICMPType, p *header) bool {
	switch {
	case proto == vpc.AnyProto:
		return true
	case proto != p.proto:
		return false
	case proto.HasPorts():
		return ports == vpc.AllPorts || !p.anyPort && ports.Contains(p.match)
	case proto.IsICMP():
		return icmp.Type == vpc.AnyICMP || !p.anyPort && icmp.Contains(uint8(p.match>>8), uint8(p.match))
	default:
		return true
	}
}

// judgeACL asks a subnet's ACL about one packet to or from a peer: the first
// entry that covers it decides, and none denies. When the ports are not known,
// an entry that denies some of them counts as if it denied all.
func judgeACL(a *vpc.NetworkACL, egress bool, peer netip.Addr, p *header) (allow bool, rule vpc.RuleID) {
	if a == nil {
		return true, ""
	}
	for _, e := range ACLEntries(a, egress) {
		covered := covers(e.Proto, e.Ports, e.ICMP, p)
		if p.anyPort && !e.Allow {
			covered = e.Proto == vpc.AnyProto || e.Proto == p.proto
		}
		if covered && e.CIDR.Contains(peer) {
			return e.Allow, ACLRuleID(a, e)
		}
	}
	return false, aclLast(a)
}

// aclLast names the rule at the end of every ACL, which denies.
func aclLast(a *vpc.NetworkACL) vpc.RuleID { return vpc.RuleID(a.ID + ":*") }

// ACLEntries returns the entries of one direction, by rising number.
func ACLEntries(a *vpc.NetworkACL, egress bool) []vpc.ACLEntry {
	var entries []vpc.ACLEntry
	for _, e := range a.Entries {
		if e.Egress == egress {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b vpc.ACLEntry) int { return a.Number - b.Number })
	return entries
}

// ACLRuleID is how verdicts name an entry of an ACL: its id, a colon, and the
// number.
func ACLRuleID(a *vpc.NetworkACL, e vpc.ACLEntry) vpc.RuleID {
	return vpc.RuleID(fmt.Sprintf("%s:%d", a.ID, e.Number))
}
