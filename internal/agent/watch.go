package agent

import (
	"context"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"ringfence/internal/admin"
	"ringfence/internal/dataplane"
	"ringfence/internal/vpc"
)

const (
	// watchBuffer is how many events a watcher may be behind.
	watchBuffer = 4096

	// watchRefresh is how often watchers are told of what was lost, and whether the
	// interfaces of an instance have changed.
	watchRefresh = 200 * time.Millisecond
)

// watchers are all who watch. The zero value has none.
type watchers struct {
	mu  sync.Mutex // held while the kernel is told whom they watch
	all map[*watcher]bool
}

// A watcher is told what becomes of the packets of an instance or an interface.
type watcher struct {
	party  string
	drops  bool // and of nothing else
	events chan watchedEvent

	interfaces atomic.Pointer[map[vpc.InterfaceNumber]vpc.InterfaceID] // of party
	missed     atomic.Uint64                                           // since it was last told
	kernelLost uint64                                                  // as of when it was last told
}

// A watchedEvent is one that a watcher is told of, with the interface that it is
// about for him.
type watchedEvent struct {
	dataplane.Event
	number vpc.InterfaceNumber
	id     vpc.InterfaceID
}

// Watch returns the verdicts about the packets of an instance or an interface, as
// they come, until ctx is done or the instance is gone.
func (a *Agent) Watch(ctx context.Context, in admin.WatchRequest) (iter.Seq[*admin.Verdict], error) {
	w := &watcher{party: in.Party, drops: in.Drops, events: make(chan watchedEvent, watchBuffer)}
	if a.interfacesOf(w.party) == nil {
		return nil, unknownHost(in.Party)
	}
	var err error
	if w.kernelLost, err = a.dataplane.Lost(); err != nil {
		return nil, err
	}
	a.watchers.mu.Lock()
	defer a.watchers.mu.Unlock()
	if a.watchers.all == nil {
		a.watchers.all = make(map[*watcher]bool)
	}
	a.watchers.all[w] = true
	if err := a.watchInterfaces(); err != nil {
		delete(a.watchers.all, w)
		return nil, err
	}
	return func(yield func(*admin.Verdict) bool) {
		defer a.endWatch(w)
		a.tellVerdicts(ctx, w, yield)
	}, nil
}

// interfacesOf are the interfaces of an instance, or the one interface, of an id;
// nil when there is neither.
func (a *Agent) interfacesOf(party string) map[vpc.InterfaceNumber]vpc.InterfaceID {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := []*vpc.NetworkInterface{a.nouns.interfaces[vpc.InterfaceID(party)]}
	if i := a.nouns.instances[vpc.InstanceID(party)]; i != nil {
		list = a.nouns.interfacesOf(i.ID)
	} else if list[0] == nil {
		return nil
	}
	ids := make(map[vpc.InterfaceNumber]vpc.InterfaceID)
	for _, n := range list {
		ids[n.Number] = n.ID
	}
	return ids
}

// watchInterfaces has the kernel tell of the interfaces that are watched now.
// a.watchers.mu is held.
func (a *Agent) watchInterfaces() error {
	numbers := make(map[vpc.InterfaceNumber]bool)
	for w := range a.watchers.all {
		ids := a.interfacesOf(w.party)
		w.interfaces.Store(&ids)
		for n := range ids {
			numbers[n] = true
		}
	}
	return a.dataplane.Watch(slices.Collect(maps.Keys(numbers)))
}

func (a *Agent) endWatch(w *watcher) {
	a.watchers.mu.Lock()
	defer a.watchers.mu.Unlock()
	delete(a.watchers.all, w)
	if err := a.watchInterfaces(); err != nil {
		a.log.Error("end a watch", "party", w.party, "err", err)
	}
}

// tellVerdicts tells w until ctx is done, yield returns false, or nothing is left that is
// watched.
func (a *Agent) tellVerdicts(ctx context.Context, w *watcher, yield func(*admin.Verdict) bool) {
	tick := time.NewTicker(watchRefresh)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-w.events:
			if !yield(a.verdict(&e)) {
				return
			}
		case <-tick.C:
			if lost := a.lostTo(w); lost > 0 && !yield(&admin.Verdict{Lost: lost}) {
				return
			}
			if !a.refreshWatch(w) {
				return
			}
		}
	}
}

// refreshWatch looks whether w's interfaces are others now. It returns false when
// whom w watches is gone.
func (a *Agent) refreshWatch(w *watcher) bool {
	ids := a.interfacesOf(w.party)
	if maps.Equal(ids, *w.interfaces.Load()) {
		return ids != nil
	}
	a.watchers.mu.Lock()
	defer a.watchers.mu.Unlock()
	if err := a.watchInterfaces(); err != nil {
		a.log.Error("watch interfaces", "party", w.party, "err", err)
	}
	return ids != nil
}

// lostTo returns how many events w was not told of since it was last asked. What
// the kernel had no room for counts for all who watch.
func (a *Agent) lostTo(w *watcher) uint64 {
	lost := w.missed.Swap(0)
	total, err := a.dataplane.Lost()
	if err != nil {
		a.log.Error("count lost events", "err", err)
		return lost
	}
	lost += total - w.kernelLost
	w.kernelLost = total
	return lost
}

// hand gives an event to those who watch one of its ends. Nobody is waited for.
func (ws *watchers) hand(e *dataplane.Event) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for w := range ws.all {
		told, watched := w.concerned(e)
		if !watched || w.drops && e.Reason.Accepts() {
			continue
		}
		select {
		case w.events <- told:
		default:
			w.missed.Add(1)
		}
	}
}

// concerned reports whether an event is about a watched interface. A packet between
// two of them is told as its sender's.
func (w *watcher) concerned(e *dataplane.Event) (watchedEvent, bool) {
	interfaces := *w.interfaces.Load()
	for _, n := range []vpc.InterfaceNumber{e.Sender.Interface, e.Receiver.Interface, e.Interface} {
		if id, ok := interfaces[n]; ok {
			return watchedEvent{*e, n, id}, true
		}
	}
	return watchedEvent{}, false
}

// verdict says what became of a packet, as the watched interface sees it.
func (a *Agent) verdict(e *watchedEvent) *admin.Verdict {
	v := &admin.Verdict{
		Time: e.At, Direction: "out", Verdict: verdictWord(e.Reason.Accepts()), Reason: e.Reason.String(), Bytes: e.Bytes,
		Source: addressText(e.Proto, e.Src), Destination: addressText(e.Proto, e.Dst), Rule: e.Rule, Interface: e.id,
	}
	if v.Source != "" {
		v.Proto = e.Proto.String()
	}
	own := e.Sender
	if e.Sender.Interface != e.number && e.Receiver.Interface == e.number {
		v.Direction, own = "in", e.Receiver
	}
	switch {
	case e.Reason.Accepts():
		v.Rule = own.Rule
	case e.Interface != e.number:
		v.DecidedAt = a.interfaceID(e.Interface)
	}
	return v
}

func (a *Agent) interfaceID(number vpc.InterfaceNumber) vpc.InterfaceID {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := a.host.InterfaceNumbered(number); n != nil {
		return n.ID
	}
	return ""
}

// addressText is "" for a packet that was dropped before its addresses were read.
func addressText(proto vpc.Proto, at netip.AddrPort) string {
	addr := at.Addr()
	switch {
	case !addr.IsValid() || addr.IsUnspecified():
		return ""
	case !proto.HasPorts():
		return addr.String()
	}
	return at.String()
}
