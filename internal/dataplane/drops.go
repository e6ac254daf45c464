package dataplane

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// A Drop counts packets of one reason that an interface has lost. Interface 0
// stands for ports of which nothing is known, and for interfaces that are gone.
type Drop struct {
	Interface vpc.InterfaceNumber
	Reason    policy.Reason
	Packets   uint64
	Bytes     uint64
}

// Drops returns all counts since the maps were made.
func (d *Dataplane) Drops() ([]Drop, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
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

// sumUpDrops adds what a number that nobody has any more has lost to the counts of
// interface 0: otherwise there would be no room for those of new ones one day.
// Programs, which count nothing else there but UNKNOWN_PORT, are done with the
// number.
func (d *Dataplane) sumUpDrops(number uint32) error {
	for _, a := range d.attached {
		if a.number == number {
			return nil // it has come back
		}
	}
	for _, r := range policy.Reasons() {
		if err := d.sumUpDrop(kernelDropKey{Number: number, Reason: uint32(r)}); err != nil {
			return err
		}
	}
	return nil
}

func (d *Dataplane) sumUpDrop(key kernelDropKey) error {
	gone := kernelDropKey{Reason: key.Reason}
	var counts, sum []kernelDropCount
	switch err := d.objects.Drops.Lookup(&key, &counts); {
	case errors.Is(err, ebpf.ErrKeyNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("read drop counter %+v: %w", key, err)
	}
	switch err := d.objects.Drops.Lookup(&gone, &sum); {
	case errors.Is(err, ebpf.ErrKeyNotExist):
		sum = make([]kernelDropCount, len(counts))
	case err != nil:
		return fmt.Errorf("read drop counter %+v: %w", gone, err)
	}
	for i, c := range counts {
		sum[i].Packets += c.Packets
		sum[i].Bytes += c.Bytes
	}
	if err := deleteAll(d.objects.Drops, []kernelDropKey{key}); err != nil {
		return err
	}
	if err := d.objects.Drops.Put(&gone, sum); err != nil {
		return fmt.Errorf("put drop counter %+v: %w", gone, err)
	}
	return nil
}

// sweepDrops sums up the counts of all numbers that nobody has.
func (d *Dataplane) sweepDrops() error {
	numbers := make(map[uint32]bool)
	err := each(d.objects.Drops, func(k kernelDropKey, _ *[]kernelDropCount) {
		if k.Number != 0 {
			numbers[k.Number] = true
		}
	})
	if err != nil {
		return err
	}
	for number := range numbers {
		if err := d.sumUpDrops(number); err != nil {
			return err
		}
	}
	return nil
}
