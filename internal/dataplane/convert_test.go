package dataplane

import (
	"net/netip"
	"strings"
	"testing"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// The reasons of the programs are those of the specification, number by number.
func TestReasonsAreTheSame(t *testing.T) {
	names := []string{
		kernelReasonUNDECIDED: "unknown", kernelReasonADMITTED: "admitted", kernelReasonKNOWN: "known",
		kernelReasonLINGERING: "lingering", kernelReasonRELATED: "related", kernelReasonUNTRACKED: "untracked",
		kernelReasonANSWERED: "answered", kernelReasonIGNORED: "ignored", kernelReasonUNKNOWN_PORT: "unknown-port",
		kernelReasonMALFORMED: "malformed", kernelReasonNOT_IP: "not-ip", kernelReasonSPOOFED: "spoofed",
		kernelReasonMULTICAST: "multicast", kernelReasonNO_ROUTE: "no-route", kernelReasonFRAGMENT_ALONE: "fragment-alone",
		kernelReasonNO_EGRESS_RULE: "no-egress-rule", kernelReasonNO_INGRESS_RULE: "no-ingress-rule",
		kernelReasonACL_OUT: "acl-out", kernelReasonACL_IN: "acl-in", kernelReasonREVOKED: "revoked",
		kernelReasonNO_FLOW: "no-flow", kernelReasonTABLE_FULL: "table-full",
	}
	for r, name := range names {
		if got := toReason(kernelReason(r)).String(); got != name {
			t.Errorf("the programs' %q is %q in Go", name, got)
		}
	}
	if want := len(policy.Reasons()) + 1; len(names) != want {
		t.Errorf("the programs have %d reasons, Go has %d", len(names), want)
	}
}

// Values come back as they went, and have the bytes that the programs expect.
func TestConversions(t *testing.T) {
	for _, addr := range []string{"10.254.0.10", "0.0.0.0", "2001:db8::1"} {
		if a := netip.MustParseAddr(addr); fromAddr(toAddr(a)) != a {
			t.Errorf("%v becomes %v", a, fromAddr(toAddr(a)))
		}
	}
	for _, id := range []vpc.RuleID{"", "sgr-0123456789abcdef0", vpc.RuleID(strings.Repeat("x", 40))} {
		name, ok := toRuleName(id)
		if got := fromRuleName(name); !ok || got != id {
			t.Errorf("rule %q becomes %q", id, got)
		}
	}
	if _, ok := toRuleName(vpc.RuleID(strings.Repeat("x", 41))); ok {
		t.Error("a rule id of 41 bytes fits into 40")
	}
	if got := swap16(0x1234); got != 0x3412 {
		t.Errorf("swap16 makes %#x", got)
	}
	if got := swap32(0x12345678); got != 0x78563412 {
		t.Errorf("swap32 makes %#x", got)
	}
}
