package fabric

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// A Port is a pair of Ethernet devices: one in the dataplane namespace, where
// packets are judged, and one in a machine or the host.
type Port struct {
	Name  string // of the device in the dataplane namespace; ≤ 15 bytes, unique there
	Index int    // of that device; > 0, unique there

	// What the other device has. An Address whose prefix is not all of its
	// bits makes the others of the prefix neighbours.
	MAC     [6]byte
	Address netip.Prefix
	Gateway netip.Addr // of the default route, a neighbour; not valid: every address is one
	MTU     int        // in bytes; 0 is 1500
}

// PortState is what the dataplane namespace knows of a port.
type PortState struct {
	Name  string
	Index int
	Up    bool
}

const (
	innerName  = "eth0"
	defaultMTU = 1500
	maxLink    = unix.IFNAMSIZ - 1 // bytes in a device's name
)

// addPort makes p, both ends down, with the inner one in the namespace inner
// under the given name. The kernel's offloads stay as they are by default:
// segmentation on, so packets cross at up to 64 KB, and GRO off, since there
// is nothing to merge.
func (f *Fabric) addPort(p Port, inner netns.NsHandle, name string) error {
	if len(p.Name) > maxLink || p.Name == "" || p.Index <= 0 {
		return fmt.Errorf("port %q with index %d: want a name of 1 to %d bytes and an index > 0", p.Name, p.Index, maxLink)
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.Index, attrs.MTU = p.Name, p.Index, cmp.Or(p.MTU, defaultMTU)
	// One queue: a veth takes no lock to send, and its queues serve only XDP
	// and GRO.
	attrs.NumTxQueues, attrs.NumRxQueues = 1, 1
	pair := netlink.NewVeth(attrs)
	pair.PeerName = name
	pair.PeerNamespace = netlink.NsFd(inner)
	pair.PeerHardwareAddr = p.MAC[:]
	if err := f.dataplane.LinkAdd(pair); err != nil {
		return fmt.Errorf("add port %s: %w", p.Name, err)
	}
	return nil
}

// SetPortUp lets packets through a port; the programs that judge them must be
// attached by then.
func (f *Fabric) SetPortUp(name string) error {
	link, err := f.dataplane.LinkByName(name)
	if err == nil {
		err = f.dataplane.LinkSetUp(link)
	}
	if err != nil {
		return fmt.Errorf("set port %s up: %w", name, err)
	}
	return nil
}

// SetPortDown stops all packets of a port.
func (f *Fabric) SetPortDown(name string) error {
	link, err := f.dataplane.LinkByName(name)
	if err == nil {
		err = f.dataplane.LinkSetDown(link)
	}
	if err != nil {
		return fmt.Errorf("set port %s down: %w", name, err)
	}
	return nil
}

// RemovePorts removes both ends of ports, all at once. One that is not there is
// no error.
func (f *Fabric) RemovePorts(names ...string) error {
	if len(names) == 0 {
		return nil
	}
	if len(names) == 1 {
		return removeLink(f.dataplane, names[0])
	}
	group := f.lastGroup.Add(1)
	for _, name := range names {
		link, err := f.dataplane.LinkByName(name)
		if err == nil {
			err = f.dataplane.LinkSetGroup(link, int(group))
		}
		if err != nil && !isNoLink(err) && !errors.Is(err, unix.ENODEV) {
			return fmt.Errorf("remove port %s: %w", name, err)
		}
	}
	return f.InDataplane(func() error {
		request := nl.NewNetlinkRequest(unix.RTM_DELLINK, unix.NLM_F_ACK)
		request.AddData(nl.NewIfInfomsg(unix.AF_UNSPEC))
		request.AddData(nl.NewRtAttr(unix.IFLA_GROUP, nl.Uint32Attr(group)))
		_, err := request.Execute(unix.NETLINK_ROUTE, 0)
		if err != nil && !errors.Is(err, unix.ENODEV) { // none of them was there
			return fmt.Errorf("remove %d ports: %w", len(names), err)
		}
		return nil
	})
}

func removeLink(h *netlink.Handle, name string) error {
	link, err := h.LinkByName(name)
	if isNoLink(err) {
		return nil
	}
	if err == nil {
		err = h.LinkDel(link)
	}
	if err != nil && !errors.Is(err, unix.ENODEV) { // gone meanwhile, with its machine
		return fmt.Errorf("remove link %s: %w", name, err)
	}
	return nil
}

func isNoLink(err error) bool {
	_, ok := errors.AsType[netlink.LinkNotFoundError](err)
	return ok
}

// Ports lists the ports that there are.
func (f *Fabric) Ports() ([]PortState, error) {
	links, err := listLinks(f.dataplane)
	if err != nil {
		return nil, fmt.Errorf("list ports: %w", err)
	}
	var ports []PortState
	for _, l := range links {
		if a := l.Attrs(); l.Type() == "veth" {
			ports = append(ports, PortState{Name: a.Name, Index: a.Index, Up: a.Flags&net.FlagUp != 0})
		}
	}
	return ports, nil
}

// dumpTries is how often a list is asked for that changes while it is read.
const dumpTries = 10

// listLinks lists the links of h's namespace, all as of one moment.
func listLinks(h *netlink.Handle) (links []netlink.Link, err error) {
	for range dumpTries {
		if links, err = h.LinkList(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return links, err
}

// configure sets the inner end of p, called name, up in h's namespace, with
// its address and its way out.
func configure(h *netlink.Handle, p Port, name string) error {
	link, err := h.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find %s: %w", name, err)
	}
	if err := h.AddrAdd(link, &netlink.Addr{IPNet: ipNet(p.Address)}); err != nil {
		return fmt.Errorf("add address %s: %w", p.Address, err)
	}
	if err := h.LinkSetUp(link); err != nil {
		return fmt.Errorf("set %s up: %w", name, err)
	}
	route := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: ipNet(netip.PrefixFrom(netip.IPv4Unspecified(), 0))}
	if p.Gateway.IsValid() {
		route.Gw = p.Gateway.AsSlice()
		if !p.Address.Contains(p.Gateway) {
			route.SetFlag(netlink.FLAG_ONLINK)
		}
	} else {
		route.Scope = netlink.SCOPE_LINK
	}
	if err := h.RouteAdd(route); err != nil {
		return fmt.Errorf("add default route: %w", err)
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
