package bed

import (
	"context"
	"fmt"
	"strings"
)

// buildNFT is a router with nftables in its best form: known connections first,
// then one look-up in one set of source, protocol and port.
func buildNFT(ctx context.Context, b *Bed) error {
	host, err := b.route(ctx)
	if err != nil {
		return err
	}
	var elements []string
	for _, r := range rulesOf(b.Rules) {
		elements = append(elements, r.nft(b.ClientAddr))
	}
	return host.Command(ctx, fmt.Sprintf(`
		table inet filter {
			set admitted {
				type ipv4_addr . inet_proto . inet_service
				flags interval
				elements = { %s }
			}
			chain forward {
				type filter hook forward priority filter; policy drop;
				ct state established,related accept
				ct state invalid drop
				iifname %q ip saddr != %s drop
				iifname %q ip saddr != %s drop
				oifname %q ip saddr . meta l4proto . th dport @admitted accept
			}
		}`, strings.Join(elements, ", "), clientDevice, b.ClientAddr, serverDevice, b.ServerAddr, serverDevice),
		"nft", "-f", "-")
}

// buildIPTables is a bridge with iptables and ipset in the form that private
// clouds use: chains of its own for each port, walked rule by rule.
func buildIPTables(ctx context.Context, b *Bed) error {
	host, err := b.bridge(ctx, nearClient, nearServer, "1")
	if err != nil {
		return err
	}
	set := []string{fmt.Sprintf("create %s hash:net", memberSet)}
	for i := range groupMembers {
		set = append(set, fmt.Sprintf("add %s %s", memberSet, member(i)))
	}
	if err := host.Command(ctx, strings.Join(set, "\n")+"\n", "ipset", "restore"); err != nil {
		return err
	}
	return host.Command(ctx, b.chains(), "iptables-restore")
}

// chains are the rules as iptables-restore reads them. Each port has a chain for
// what it gets (in), one for what it sends (out), and one for its own address
// (own).
func (b *Bed) chains() string {
	var t strings.Builder
	add := func(format string, args ...any) { fmt.Fprintf(&t, format+"\n", args...) }
	add("*filter")
	for _, chain := range []string{"FORWARD ACCEPT", "ports -", "refuse -"} {
		add(":%s [0:0]", chain)
	}
	sides := b.sides(nearClient, nearServer)
	for _, s := range sides {
		for _, chain := range []string{"in", "out", "own"} {
			add(":%s-%s - [0:0]", chain, s.device)
		}
	}
	for _, s := range sides {
		for _, direction := range []struct{ match, chain string }{{"out", "in"}, {"in", "out"}} {
			add("-A FORWARD -m physdev --physdev-%s %s --physdev-is-bridged -j ports", direction.match, s.device)
			add("-A ports -m physdev --physdev-%s %s --physdev-is-bridged -j %s-%s", direction.match, s.device, direction.chain, s.device)
		}
		add("-A own-%s -s %s -m mac --mac-source %s -j RETURN", s.device, s.address.Addr(), s.mac)
		add("-A own-%s -j DROP", s.device)
		add("-A out-%s -j own-%s", s.device, s.device)
		add("-A out-%s -m state --state RELATED,ESTABLISHED -j RETURN", s.device)
		add("-A out-%s -m state --state INVALID -j DROP", s.device)
		add("-A out-%s -j RETURN", s.device)
		add("-A in-%s -m state --state RELATED,ESTABLISHED -j RETURN", s.device)
		if s.device == serverDevice {
			for _, r := range rulesOf(b.Rules) {
				add("-A in-%s %s -j RETURN", s.device, r.iptables(b.ClientAddr))
			}
		}
		add("-A in-%s -m state --state INVALID -j DROP", s.device)
		add("-A in-%s -j refuse", s.device)
	}
	add("-A ports -j ACCEPT")
	add("-A refuse -j DROP")
	add("COMMIT")
	return t.String()
}
