package dataplane

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"
	"unsafe"

	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// An Event is a packet that the kernel tells of: one that it has dropped, and of
// interfaces that are watched also one that no flow covered and that it has
// admitted. It does not tell of all drops, see Options.EventsPerSecond and Watch;
// Drops counts all.
type Event struct {
	At        time.Time
	Src, Dst  netip.AddrPort // as rules see them
	Proto     vpc.Proto
	Reason    policy.Reason
	Rule      vpc.RuleID          // that decides, "" for the lack of one that allows it
	Interface vpc.InterfaceNumber // that the verdict is about, 0 on the internet side
	Port      policy.Port         // that it came in by; 0: not told
	Bytes     int

	Sender, Receiver EventEnd
}

// An EventEnd is one end of a packet that the kernel tells of.
type EventEnd struct {
	Interface vpc.InterfaceNumber // 0 on the internet side, and for a drop before the end is known
	Rule      vpc.RuleID          // that has admitted it there
}

// gatherFor is how long events gather before they are read together: the kernel
// wakes the reader only for an event that finds nothing unread before it, and a
// wake costs more than the event.
const gatherFor = 10 * time.Millisecond

// An EventReader reads events as they come, gatherFor late at the most.
type EventReader struct {
	d       *Dataplane
	reader  *ringbuf.Reader
	record  ringbuf.Record
	drained bool      // nothing was unread after the last event
	boot    time.Time // when the kernel's clock began, as seen since nothing was unread
}

// Events returns a reader, of which there may be one.
func (d *Dataplane) Events() (*EventReader, error) {
	r, err := ringbuf.NewReader(d.objects.Events)
	if err != nil {
		return nil, fmt.Errorf("open ring buffer of events: %w", err)
	}
	return &EventReader{d: d, reader: r, drained: true}, nil
}

// Read waits for an event. It returns os.ErrClosed after Close. One goroutine may
// read.
func (r *EventReader) Read() (Event, error) {
	var e kernelEvent
	size := int(unsafe.Sizeof(e))
	r.record.RawSample = r.record.RawSample[:0]
	for len(r.record.RawSample) < size { // events of an earlier daemon may be shorter
		if err := r.readRecord(); err != nil {
			return Event{}, err
		}
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&e)), size), r.record.RawSample)

	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	ruleName := r.d.ruleIndexes.rule
	return Event{
		At:    r.boot.Add(time.Duration(e.At)),
		Src:   netip.AddrPortFrom(fromAddr(e.Src), swap16(e.Sport)),
		Dst:   netip.AddrPortFrom(fromAddr(e.Dst), swap16(e.Dport)),
		Proto: vpc.Proto(e.Proto), Reason: toReason(kernelReason(e.Reason)), Rule: ruleName(e.Rule),
		Interface: vpc.InterfaceNumber(e.Number), Port: policy.Port(e.Ifindex), Bytes: int(e.Bytes),
		Sender:   EventEnd{vpc.InterfaceNumber(e.End[0].Number), ruleName(e.End[0].Rule)},
		Receiver: EventEnd{vpc.InterfaceNumber(e.End[1].Number), ruleName(e.End[1].Rule)},
	}, nil
}

// readRecord waits for the next record. Where it is the first after a wait, the
// clocks are read for all that follow it without one.
func (r *EventReader) readRecord() error {
	waits := r.drained
	if waits {
		time.Sleep(gatherFor)
	}
	err := r.reader.ReadInto(&r.record)
	if errors.Is(err, ringbuf.ErrClosed) {
		return os.ErrClosed
	}
	if err != nil {
		return fmt.Errorf("read event: %w", err)
	}
	r.drained = r.record.Remaining == 0
	if !waits {
		return nil
	}
	var sinceBoot unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &sinceBoot); err != nil {
		return fmt.Errorf("read clock: %w", err)
	}
	r.boot = time.Now().Add(-time.Duration(sinceBoot.Nano()))
	return nil
}

// Close ends Read.
func (r *EventReader) Close() error { return r.reader.Close() }

// Watch has the kernel tell of all drops and all openings of interfaces, and of
// no others: what was watched before is no longer.
func (d *Dataplane) Watch(interfaces []vpc.InterfaceNumber) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	wanted := make(map[uint32]bool, len(interfaces))
	for _, n := range interfaces {
		wanted[uint32(n)] = true
		if err := d.objects.Watched.Put(uint32(n), uint8(1)); err != nil {
			return fmt.Errorf("watch interface %d: %w", n, err)
		}
	}
	var number uint32
	var one uint8
	var gone []uint32
	entries := d.objects.Watched.Iterate()
	for entries.Next(&number, &one) {
		if !wanted[number] {
			gone = append(gone, number)
		}
	}
	if err := entries.Err(); err != nil {
		return fmt.Errorf("list watched interfaces: %w", err)
	}
	for _, number := range gone {
		if err := d.objects.Watched.Delete(number); err != nil {
			return fmt.Errorf("no longer watch interface %d: %w", number, err)
		}
	}
	d.tables.control.at(0).Watched = uint32(len(wanted))
	return nil
}

// Lost returns how many events of watched interfaces have found no room since
// the maps were made.
func (d *Dataplane) Lost() (uint64, error) {
	var counts []uint64
	if err := d.objects.Lost.Lookup(uint32(0), &counts); err != nil {
		return 0, fmt.Errorf("read count of lost events: %w", err)
	}
	var sum uint64
	for _, n := range counts {
		sum += n
	}
	return sum, nil
}

// Hits returns how many packets that no flow covered a rule has admitted, of
// every rule that is in force.
func (d *Dataplane) Hits() (map[vpc.RuleID]uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	hits := make(map[vpc.RuleID]uint64)
	for id, used := range d.ruleIndexes.byID {
		if used.slots == 0 {
			continue
		}
		var counts []uint64
		if err := d.objects.Hits.Lookup(&used.index, &counts); err != nil {
			return nil, fmt.Errorf("read hits of rule %s: %w", id, err)
		}
		for _, n := range counts {
			hits[id] += n
		}
	}
	return hits, nil
}
