package fabric

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A HostLink makes the host itself a host on the internet side.
type HostLink struct {
	Port   Port           // its one address is the host's there, IPv4
	Routes []netip.Prefix // reached through it
}

// A RouteOverlapError says that a route of the host's own already leads where
// a host link would.
type RouteOverlapError struct {
	Wanted   netip.Prefix
	Existing netip.Prefix
	Device   string // of the existing route
}

func (e *RouteOverlapError) Error() string {
	return fmt.Sprintf("the host already has a route to %s through %s, which overlaps %s", e.Existing, e.Device, e.Wanted)
}

// hostLinkName is the device of a host link on the host's side.
func (f *Fabric) hostLinkName() string { return f.name + "0" }

// AddHostLink makes l, with its port down. It changes nothing and returns a
// *RouteOverlapError when a route of the host is in the way. A link that an
// earlier daemon has left is taken over as it is when its port has l's name and
// index, and made anew otherwise.
func (f *Fabric) AddHostLink(l HostLink) error {
	h, err := netlink.NewHandleAt(f.hostNS, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("add host link: %w", err)
	}
	defer h.Close()
	if err := f.checkRoutes(h, l); err != nil {
		return err
	}
	ports, err := f.Ports()
	if err != nil {
		return err
	}
	_, err = h.LinkByName(f.hostLinkName())
	there := err == nil
	if !there && !isNoLink(err) {
		return fmt.Errorf("add host link: %w", err)
	}
	if !there || !hasPort(ports, l.Port) {
		if err := f.RemoveHostLink(); err != nil {
			return err
		}
		if err := f.addPort(l.Port, f.hostNS, f.hostLinkName()); err != nil {
			return err
		}
	}
	if err := f.configureHostLink(h, l); err != nil {
		return fmt.Errorf("add host link: %w", err)
	}
	return nil
}

// configureHostLink gives the host's end its address and routes; those that are
// there already stay.
func (f *Fabric) configureHostLink(h *netlink.Handle, l HostLink) error {
	// The host would greet its new neighbours over IPv6, which has none there.
	if err := speakIPv6(f.hostLinkName(), false); err != nil {
		return err
	}
	link, err := h.LinkByName(f.hostLinkName())
	if err != nil {
		return err
	}
	address := l.Port.Addresses[0]
	if err := h.AddrReplace(link, &netlink.Addr{IPNet: ipNet(address)}); err != nil {
		return fmt.Errorf("add address %s: %w", address, err)
	}
	if err := h.LinkSetUp(link); err != nil {
		return err
	}
	for _, r := range l.Routes {
		route := &netlink.Route{
			LinkIndex: link.Attrs().Index,
			Dst:       ipNet(r),
			Scope:     netlink.SCOPE_LINK,
			Src:       address.Addr().AsSlice(),
		}
		if err := h.RouteReplace(route); err != nil {
			return fmt.Errorf("add route to %s: %w", r, err)
		}
	}
	return nil
}

// checkRoutes returns a *RouteOverlapError when a route in the main table,
// other than a default route or the link's own, overlaps one that l wants.
func (f *Fabric) checkRoutes(h *netlink.Handle, l HostLink) error {
	links, err := listLinks(h)
	if err != nil {
		return fmt.Errorf("list links: %w", err)
	}
	names := map[int]string{}
	for _, link := range links {
		names[link.Attrs().Index] = link.Attrs().Name
	}
	routes, err := h.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return fmt.Errorf("list routes: %w", err)
	}
	for _, route := range routes {
		if route.Dst == nil || names[route.LinkIndex] == f.hostLinkName() {
			continue
		}
		addr, ok := netip.AddrFromSlice(route.Dst.IP.To4())
		ones, _ := route.Dst.Mask.Size()
		if !ok || ones == 0 {
			continue
		}
		existing := netip.PrefixFrom(addr, ones)
		for _, wanted := range l.Routes {
			if existing.Overlaps(wanted) {
				return &RouteOverlapError{Wanted: wanted, Existing: existing, Device: names[route.LinkIndex]}
			}
		}
	}
	return nil
}

// RemoveHostLink removes the host link and with it its routes. One that is not
// there is no error.
func (f *Fabric) RemoveHostLink() error {
	h, err := netlink.NewHandleAt(f.hostNS, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("remove host link: %w", err)
	}
	defer h.Close()
	return removeLink(h, f.hostLinkName())
}
