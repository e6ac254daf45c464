package fabric

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// removals gathers ports that several goroutines want removed. The kernel takes
// some 60 ms to remove a port that has a program, one after the other, and half
// of that for each of several that go at once.
type removals struct {
	mu   sync.Mutex
	next *removal // not begun; nil when nobody waits for one

	removing sync.Mutex    // held by who removes
	group    atomic.Uint32 // number of the last group of links to be removed together
}

// A removal is of ports that go at once.
type removal struct {
	names []string // not changed once it is not next any more
	done  bool     // guarded by removals.removing, as err is
	err   error
}

// join returns the removal in which names will go.
func (r *removals) join(names []string) *removal {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == nil {
		r.next = new(removal)
	}
	r.next.names = append(r.next.names, names...)
	return r.next
}

// begin lets nobody join m any more.
func (r *removals) begin(m *removal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == m {
		r.next = nil
	}
}

// RemovePorts removes both ends of ports, all at once, with those that others
// want removed at the same time. One that is not there is no error.
func (f *Fabric) RemovePorts(names ...string) error {
	if len(names) == 0 {
		return nil
	}
	m := f.removals.join(names)
	f.removals.removing.Lock()
	defer f.removals.removing.Unlock()
	if !m.done { // by another who has joined
		f.removals.begin(m)
		m.err, m.done = f.removeAtOnce(m.names), true
	}
	return m.err
}

func (f *Fabric) removeAtOnce(names []string) error {
	if len(names) == 1 {
		return removeLink(f.dataplane, names[0])
	}
	group := f.removals.group.Add(1)
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
