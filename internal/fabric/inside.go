package fabric

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// inside runs fn on a thread that is in a network namespace, with a socket that
// speaks netlink there.
func inside(ns netns.NsHandle, fn func(*netlink.Handle) error) error {
	return OnOwnThread(func() error {
		if err := netns.Set(ns); err != nil {
			return fmt.Errorf("enter network namespace: %w", err)
		}
		return speakNetlink(fn)
	})
}

// speakNetlink runs fn with a socket to this thread's network namespace.
func speakNetlink(fn func(*netlink.Handle) error) error {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("speak netlink: %w", err)
	}
	defer h.Close()
	return fn(h)
}

// configure brings the inner device of p, in this thread's network namespace,
// to what p says, and sets it up. What is so already stays.
func configure(h *netlink.Handle, p Port) error {
	link, err := h.LinkByName(p.device())
	if err != nil {
		return fmt.Errorf("find %s: %w", p.device(), err)
	}
	if err := speakIPv6(p.device(), slices.ContainsFunc(p.Addresses, isIPv6)); err != nil {
		return fmt.Errorf("set IPv6 of %s: %w", p.device(), err)
	}
	if err := setAddresses(h, link, p.Addresses); err != nil {
		return err
	}
	if err := h.LinkSetUp(link); err != nil {
		return fmt.Errorf("set %s up: %w", p.device(), err)
	}
	if p.Device == 0 {
		if err := p.addDefaultRoutes(h, link, unix.RT_TABLE_MAIN); err != nil {
			return err
		}
	}
	return p.setTable(h, link)
}

func isIPv6(p netip.Prefix) bool { return p.Addr().Is6() }

// speakIPv6 lets a device of this thread's network namespace have IPv6 addresses
// and send by them, or takes those it has. A kernel without IPv6 lets none.
func speakIPv6(device string, speak bool) error {
	value := "1"
	if speak {
		value = "0"
	}
	err := os.WriteFile("/proc/sys/net/ipv6/conf/"+device+"/disable_ipv6", []byte(value), 0)
	if errors.Is(err, fs.ErrNotExist) && !speak {
		return nil
	}
	return err
}

// setAddresses gives link the addresses of want and no others, in their order.
func setAddresses(h *netlink.Handle, link netlink.Link, want []netip.Prefix) error {
	have, err := addresses(h, link)
	if err != nil {
		return err
	}
	for _, a := range have {
		if slices.Contains(want, a) {
			continue
		}
		err := h.AddrDel(link, &netlink.Addr{IPNet: ipNet(a)})
		if err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) { // gone with the first of its prefix
			return fmt.Errorf("remove address %s: %w", a, err)
		}
	}
	if have, err = addresses(h, link); err != nil {
		return err
	}
	for _, a := range want {
		if slices.Contains(have, a) {
			continue
		}
		// Nobody else has it: whoever gives out addresses has seen to that.
		if err := h.AddrAdd(link, &netlink.Addr{IPNet: ipNet(a), Flags: unix.IFA_F_NODAD}); err != nil {
			return fmt.Errorf("add address %s: %w", a, err)
		}
	}
	return nil
}

// addresses lists the addresses of link, without the link-local one that the
// kernel gives by itself.
func addresses(h *netlink.Handle, link netlink.Link) ([]netip.Prefix, error) {
	all, err := dump(func() ([]netlink.Addr, error) { return h.AddrList(link, netlink.FAMILY_ALL) })
	if err != nil {
		return nil, fmt.Errorf("list addresses of %s: %w", link.Attrs().Name, err)
	}
	var list []netip.Prefix
	for _, a := range all {
		if addr := addrOf(a.IP); !addr.Is6() || !addr.IsLinkLocalUnicast() {
			bits, _ := a.Mask.Size()
			list = append(list, netip.PrefixFrom(addr, bits))
		}
	}
	return list, nil
}

func addrOf(ip net.IP) netip.Addr {
	addr, _ := netip.AddrFromSlice(ip)
	return addr.Unmap()
}

// addDefaultRoutes sends all by p's routers, for each family in which p has an
// address.
func (p Port) addDefaultRoutes(h *netlink.Handle, link netlink.Link, table int) error {
	for _, router := range p.Routers {
		if !slices.ContainsFunc(p.Addresses, func(a netip.Prefix) bool { return a.Addr().Is4() == router.Is4() }) {
			continue
		}
		route := &netlink.Route{LinkIndex: link.Attrs().Index, Table: table, Dst: everything(router), Gw: router.AsSlice()}
		if !p.hasNeighbour(router) {
			route.SetFlag(netlink.FLAG_ONLINK)
		}
		if err := h.RouteReplace(route); err != nil {
			return fmt.Errorf("add default route by %s: %w", router, err)
		}
	}
	return nil
}

// hasNeighbour reports whether p's addresses make a router one, as fe80::1 is
// to every device that speaks IPv6.
func (p Port) hasNeighbour(router netip.Addr) bool {
	if router.Is6() && router.IsLinkLocalUnicast() {
		return true
	}
	return slices.ContainsFunc(p.Addresses, func(a netip.Prefix) bool { return a.Contains(router) })
}

// everything is the prefix of all addresses of a's family.
func everything(a netip.Addr) *net.IPNet {
	if a.Is4() {
		return ipNet(netip.PrefixFrom(netip.IPv4Unspecified(), 0))
	}
	return ipNet(netip.PrefixFrom(netip.IPv6Unspecified(), 0))
}

// firstTable is the routing table of Device 0; those of others follow. The
// number is that of Amazon Linux, and the priority of its rules too.
const firstTable = 10000

func (p Port) table() int { return firstTable + p.Device }

// setTable brings p's own routing table, and the rules that lead to it, to what
// p says.
func (p Port) setTable(h *netlink.Handle, link netlink.Link) error {
	var from []netip.Addr
	if p.OwnTable {
		for _, a := range p.Addresses {
			from = append(from, a.Addr())
			if a.IsSingleIP() {
				continue
			}
			neighbours := &netlink.Route{LinkIndex: link.Attrs().Index, Table: p.table(), Dst: ipNet(a.Masked()), Scope: netlink.SCOPE_LINK}
			if err := h.RouteReplace(neighbours); err != nil {
				return fmt.Errorf("add route to %s: %w", a.Masked(), err)
			}
		}
		if err := p.addDefaultRoutes(h, link, p.table()); err != nil {
			return err
		}
	}
	return setRules(h, p.table(), from)
}

// setRules sends what is sent from the addresses of from, and nothing else, by a
// routing table.
func setRules(h *netlink.Handle, table int, from []netip.Addr) error {
	rules, err := dump(func() ([]netlink.Rule, error) { return h.RuleList(netlink.FAMILY_ALL) })
	if err != nil {
		return fmt.Errorf("list routing rules: %w", err)
	}
	var have []netip.Addr
	for _, r := range rules {
		if r.Table != table || r.Src == nil {
			continue
		}
		addr := addrOf(r.Src.IP)
		if slices.Contains(from, addr) {
			have = append(have, addr)
		} else if err := h.RuleDel(&r); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("remove routing rule of %s: %w", addr, err)
		}
	}
	for _, a := range from {
		if slices.Contains(have, a) {
			continue
		}
		rule := netlink.NewRule()
		rule.Priority, rule.Table, rule.Src = table, table, ipNet(netip.PrefixFrom(a, a.BitLen()))
		if err := h.RuleAdd(rule); err != nil {
			return fmt.Errorf("add routing rule of %s: %w", a, err)
		}
	}
	return nil
}

// configureLoopback sets lo up in h's namespace, with addresses that nobody
// outside the machine reaches.
func configureLoopback(h *netlink.Handle, addresses []netip.Addr) error {
	lo, err := h.LinkByName("lo")
	if err == nil {
		err = h.LinkSetUp(lo)
	}
	if err != nil {
		return fmt.Errorf("set loopback up: %w", err)
	}
	for _, a := range addresses {
		if a.IsLoopback() {
			continue // there already
		}
		addr := &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(a, a.BitLen())), Scope: unix.RT_SCOPE_HOST}
		if err := h.AddrAdd(lo, addr); err != nil {
			return fmt.Errorf("add %s to loopback: %w", a, err)
		}
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
