package policy

import "ringfence/internal/vpc"

// A Verdict is what becomes of a packet. It is never without its reason.
type Verdict struct {
	Accept bool
	Reason Reason

	// Rule is the rule or ACL entry that decided: the ingress rule where the
	// receiver is judged here, otherwise the egress rule. "" where no rule
	// did, as for a packet that nobody allows.
	Rule vpc.RuleID

	// To is the port that an accepted packet is delivered to, 0 for a packet
	// that goes nowhere.
	To Port
}

// A Reason says why a verdict is what it is. Each has a sentence for operators
// in docs/packet.md, and each that drops has a counter. The numbers are those
// of enum reason in dataplane/bpf/ringfence.h.
type Reason uint8

const (
	// The packet is delivered.
	Admitted  Reason = iota + 1 // rules admit a packet that no flow covers
	Known                       // it belongs to a flow that was admitted
	Lingering                   // it belongs to a tracked flow whose rule is gone
	Related                     // an ICMP error about an admitted flow
	Untracked                   // admitted both ways, but no room to remember it

	// The packet is ARP and goes no further.
	Answered // a question, to which the answer was sent
	Ignored  // a reply or an announcement, which asks nothing

	// The packet is dropped.
	UnknownPort   // nothing is known about the interface it came from
	Malformed     // truncated, impossible lengths, source routing
	NotIP         // neither ARP nor a supported IP version
	Spoofed       // not the sender's own MAC or IP address
	Multicast     // broadcast and multicast are not delivered
	NoRoute       // nobody here has the destination address
	FragmentAlone // a later fragment whose first one was not seen
	NoEgressRule  // no rule of the sender's groups allows it
	NoIngressRule // no rule of the receiver's groups allows it
	ACLOut        // the network ACL of the sender's subnet denies it
	ACLIn         // the network ACL of the receiver's subnet denies it
	Revoked       // its flow was cut when a rule went away
	NoFlow        // mid-stream TCP that no flow covers and rules allow one way only
	TableFull     // no room to remember the flow, and rules allow one way only
)

var reasonNames = [...]string{
	Admitted: "admitted", Known: "known", Lingering: "lingering", Related: "related", Untracked: "untracked",
	Answered: "answered", Ignored: "ignored",
	UnknownPort: "unknown-port", Malformed: "malformed", NotIP: "not-ip", Spoofed: "spoofed",
	Multicast: "multicast", NoRoute: "no-route", FragmentAlone: "fragment-alone",
	NoEgressRule: "no-egress-rule", NoIngressRule: "no-ingress-rule", ACLOut: "acl-out", ACLIn: "acl-in",
	Revoked: "revoked", NoFlow: "no-flow", TableFull: "table-full",
}

// Reasons are all there are, in the order of their numbers.
func Reasons() []Reason {
	rs := make([]Reason, 0, len(reasonNames)-1)
	for r := Admitted; int(r) < len(reasonNames); r++ {
		rs = append(rs, r)
	}
	return rs
}

func (r Reason) String() string {
	if int(r) < len(reasonNames) && reasonNames[r] != "" {
		return reasonNames[r]
	}
	return "unknown"
}

// Accepts reports whether r delivers the packet.
func (r Reason) Accepts() bool { return r >= Admitted && r <= Untracked }

func drop(r Reason) Verdict { return Verdict{Reason: r} }
