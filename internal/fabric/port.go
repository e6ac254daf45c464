package fabric

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// A Port is a pair of Ethernet devices: one in the dataplane namespace, where
// packets are judged, and one in a machine or the host.
type Port struct {
	Name  string // of the device in the dataplane namespace; ≤ 15 bytes, unique there
	Index int    // of that device; > 0, unique there

	// What the other device has. A machine calls it eth0 for Device 0.
	Device int
	MAC    [6]byte

	// Addresses are IPv4 and IPv6. One whose prefix is not all of its bits makes
	// the others of the prefix neighbours; the first of a prefix is the one that
	// programs send from. A device without IPv6 addresses speaks no IPv6.
	Addresses []netip.Prefix

	// Routers are the neighbours to which all else is sent, at most one for
	// IPv4 and one for IPv6, which need not be in any prefix. A machine's
	// default routes are those of its Device 0.
	Routers []netip.Addr

	// OwnTable makes everything sent from Addresses leave by this device, also
	// where the routes of another one are nearer: so that replies leave by the
	// interface that was asked.
	OwnTable bool

	MTU int // in bytes; 0 is 1500
}

// device is the name of p's device in a machine.
func (p Port) device() string { return fmt.Sprintf("eth%d", p.Device) }

// PortState is what the dataplane namespace knows of a port.
type PortState struct {
	Name  string
	Index int
	Up    bool
}

const (
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

// SetPortUp lets packets through a port, and returns when they pass; the programs
// that judge them must be attached by then.
func (f *Fabric) SetPortUp(name string) error {
	link, err := f.dataplane.LinkByName(name)
	if err == nil && link.Attrs().Flags&net.FlagUp != 0 {
		return nil
	}
	if err == nil {
		err = f.dataplane.LinkSetUp(link)
	}
	if err == nil {
		err = f.awaitCarrier(name)
	}
	if err != nil {
		return fmt.Errorf("set port %s up: %w", name, err)
	}
	return nil
}

// carrierWait is how long a port may take to find out that its other end is up,
// unless somebody in the machine has set that down.
const carrierWait = time.Second

// awaitCarrier returns when the kernel uses a port that was set up: a worker of
// its own begins that, and what is sent before is lost.
func (f *Fabric) awaitCarrier(name string) error {
	for deadline := time.Now().Add(carrierWait); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		link, err := f.dataplane.LinkByName(name)
		if err != nil || link.Attrs().OperState == netlink.OperUp {
			return err
		}
	}
	return nil
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

// listLinks lists the links of h's namespace, all as of one moment.
func listLinks(h *netlink.Handle) ([]netlink.Link, error) { return dump(h.LinkList) }

// dumpTries is how often a list is asked for that changes while it is read.
const dumpTries = 10

// dump lists what is in the kernel as of one moment.
func dump[T any](list func() ([]T, error)) (all []T, err error) {
	for range dumpTries {
		if all, err = list(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return all, err
}
