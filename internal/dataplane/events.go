package dataplane

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

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
	drained bool // nothing was unread after the last event
}

// Events returns a reader, of which there may be one.
func (d *Dataplane) Events() (*EventReader, error) {
	r, err := ringbuf.NewReader(d.objects.Events)
	if err != nil {
		return nil, fmt.Errorf("open ring buffer of events: %w", err)
	}
	return &EventReader{d: d, reader: r}, nil
}

// Read waits for an event. It returns os.ErrClosed after Close. One goroutine may
// read.
func (r *EventReader) Read() (Event, error) {
	var e kernelEvent
	var record ringbuf.Record
	for len(record.RawSample) < binary.Size(e) { // events of an earlier daemon may be shorter
		if r.drained {
			time.Sleep(gatherFor)
		}
		err := r.reader.ReadInto(&record)
		if errors.Is(err, ringbuf.ErrClosed) {
			return Event{}, os.ErrClosed
		}
		if err != nil {
			return Event{}, fmt.Errorf("read event: %w", err)
		}
		r.drained = record.Remaining == 0
	}
	if _, err := binary.Decode(record.RawSample, binary.LittleEndian, &e); err != nil {
		return Event{}, fmt.Errorf("decode event: %w", err)
	}
	at, err := timeOf(e.At)
	if err != nil {
		return Event{}, err
	}
	return Event{
		At:    at,
		Src:   netip.AddrPortFrom(fromAddr(e.Src), swap16(e.Sport)),
		Dst:   netip.AddrPortFrom(fromAddr(e.Dst), swap16(e.Dport)),
		Proto: vpc.Proto(e.Proto), Reason: toReason(kernelReason(e.Reason)), Rule: r.d.ruleName(e.Rule),
		Interface: vpc.InterfaceNumber(e.Number), Port: policy.Port(e.Ifindex), Bytes: int(e.Bytes),
		Sender:   EventEnd{vpc.InterfaceNumber(e.End[0].Number), r.d.ruleName(e.End[0].Rule)},
		Receiver: EventEnd{vpc.InterfaceNumber(e.End[1].Number), r.d.ruleName(e.End[1].Rule)},
	}, nil
}

// timeOf turns nanoseconds of the kernel's monotonic clock into a time.
func timeOf(ns uint64) (time.Time, error) {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return time.Time{}, fmt.Errorf("read clock: %w", err)
	}
	return time.Now().Add(time.Duration(int64(ns) - now.Nano())), nil
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

func (d *Dataplane) ruleName(index uint32) vpc.RuleID {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ruleIndexes.rule(index)
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
