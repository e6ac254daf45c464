package dataplane

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/cilium/ebpf/ringbuf"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// An Event is a packet that the kernel has dropped and tells of. It does not
// tell of all, see Options.EventsPerSecond; Drops counts all.
type Event struct {
	Src, Dst  netip.AddrPort
	Proto     vpc.Proto
	Reason    policy.Reason
	Rule      vpc.RuleID          // that denies it, "" for the lack of one that allows it
	Interface vpc.InterfaceNumber // that the verdict is about, 0 on the internet side
	Port      policy.Port         // that it came in by
	Bytes     int
}

// An EventReader reads events as they come.
type EventReader struct {
	d      *Dataplane
	reader *ringbuf.Reader
}

// Events returns a reader, of which there may be one.
func (d *Dataplane) Events() (*EventReader, error) {
	r, err := ringbuf.NewReader(d.objects.Events)
	if err != nil {
		return nil, fmt.Errorf("open ring buffer of events: %w", err)
	}
	return &EventReader{d, r}, nil
}

// Read waits for an event. It returns os.ErrClosed after Close.
func (r *EventReader) Read() (Event, error) {
	record, err := r.reader.Read()
	if errors.Is(err, ringbuf.ErrClosed) {
		return Event{}, os.ErrClosed
	}
	if err != nil {
		return Event{}, fmt.Errorf("read event: %w", err)
	}
	var e kernelEvent
	if err := binary.Read(bytes.NewReader(record.RawSample), binary.LittleEndian, &e); err != nil {
		return Event{}, fmt.Errorf("decode event: %w", err)
	}
	return Event{
		Src:   netip.AddrPortFrom(fromAddr(e.Src), swap16(e.Sport)),
		Dst:   netip.AddrPortFrom(fromAddr(e.Dst), swap16(e.Dport)),
		Proto: vpc.Proto(e.Proto), Reason: toReason(kernelReason(e.Reason)), Rule: r.d.ruleName(e.Rule),
		Interface: vpc.InterfaceNumber(e.Number), Port: policy.Port(e.Ifindex), Bytes: int(e.Bytes),
	}, nil
}

// Close ends Read.
func (r *EventReader) Close() error { return r.reader.Close() }

func (d *Dataplane) ruleName(index uint32) vpc.RuleID {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ruleIndexes.rule(index)
}

// A Drop counts packets of one reason that an interface has lost. Interface 0
// stands for ports of which nothing is known.
type Drop struct {
	Interface vpc.InterfaceNumber
	Reason    policy.Reason
	Packets   uint64
	Bytes     uint64
}

// Drops returns all counts since the maps were made.
func (d *Dataplane) Drops() ([]Drop, error) {
	var drops []Drop
	var key kernelDropKey
	var counts []kernelDropCount
	entries := d.objects.Drops.Iterate()
	for entries.Next(&key, &counts) {
		sum := Drop{Interface: vpc.InterfaceNumber(key.Number), Reason: toReason(kernelReason(key.Reason))}
		for _, c := range counts {
			sum.Packets += c.Packets
			sum.Bytes += c.Bytes
		}
		drops = append(drops, sum)
	}
	if err := entries.Err(); err != nil {
		return nil, fmt.Errorf("read drop counters: %w", err)
	}
	return drops, nil
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
