package dataplane

import (
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"os"
	"path/filepath"
	"time"

	"github.com/cilium/ebpf"

	"ringfence/internal/policy"
)

// adopt reads what an earlier process has left in pinned maps. Ports go on
// being judged by its slots until they are connected anew.
func (d *Dataplane) adopt() error {
	if err := d.ruleIndexes.adopt(); err != nil {
		return err
	}
	kept := make(map[uint32]bool)
	for _, t := range []*judgeTable{&d.sets, &d.subnets} {
		for i := uint32(1); i < t.in.len(); i++ {
			if j := t.in.at(i); d.keep(j, kept) {
				t.indexes.keep(i)
				t.of[j.Identity] = &judgeSet{index: i, routes: make(map[kernelRouteKey]kernelRoute)}
			}
		}
	}
	if err := d.adoptRoutes(); err != nil {
		return err
	}
	if err := d.keepRanges(kept); err != nil {
		return err
	}
	// What is left of other slots, half written or not yet removed, must not
	// become part of the next slot of the same index.
	return d.sweepClassifiers(kept)
}

// keep leaves alone the slots that judges have, and reports whether anybody is
// judged by them.
func (d *Dataplane) keep(j *kernelJudges, kept map[uint32]bool) bool {
	d.lastVersion = max(d.lastVersion, j.Version)
	if j.Identity == 0 {
		return false
	}
	for _, s := range []uint32{j.Ingress, j.Egress} {
		if s >= firstSlot {
			d.slotIndexes.keep(s)
			kept[s] = true
		}
	}
	return true
}

// adoptRoutes finds the routes of subnets that somebody may be in, and removes
// those of others: they must not become routes of the next subnet of the same
// index.
func (d *Dataplane) adoptRoutes() error {
	byIndex := make(map[uint32]*judgeSet)
	for _, s := range d.subnets.of {
		byIndex[s.index] = s
	}
	return sweepEntries(d.objects.Routes, func(k kernelRouteKey, r *kernelRoute) bool {
		if s := byIndex[swap32(k.Subnet)]; s != nil {
			s.routes[k] = *r
		}
		return d.subnets.indexes.taken[swap32(k.Subnet)]
	})
}

// keepRanges leaves alone what slots have in the arrays of rule numbers, of parts
// and of chunks, and keeps the divisions of large ones.
func (d *Dataplane) keepRanges(kept map[uint32]bool) error {
	var rules, parts, chunks []stretch
	large := make(map[uint32]bool)
	note := func(summary ...uint64) {
		if n := bits.OnesCount64(summary[0]) + bits.OnesCount64(summary[1]); n > 0 {
			chunks = append(chunks, stretch{uint32(summary[2]), n})
		}
	}
	for s := range maps.Clone(kept) {
		var head kernelSlot
		if err := d.objects.Slots.Lookup(&s, &head); err != nil {
			return fmt.Errorf("read slot %d: %w", s, err)
		}
		rules = append(rules, stretch{head.RuleBase, int(head.RuleCount)})
		if head.Flags&uint32(kernelSlotFlagsSLOT_LARGE) != 0 {
			large[s] = true
			kept[head.Division] = true
			d.slotIndexes.keep(head.Division)
			parts = append(parts, stretch{head.PartBase, int(head.PartCount)})
			for i := range head.PartCount {
				note(d.tables.parts.at(head.PartBase + i).Word[:]...)
			}
			for _, v := range []*kernelVector{&head.Any[0], &head.Any[1], &head.Deny} {
				note(v.Word[:]...)
			}
		}
	}
	d.ruleRanges = newRanges(d.tables.ruleNumbers.len(), rules)
	if len(large) > 0 {
		err := each(d.objects.Identities, func(k kernelIdentityKey, v *kernelVector) {
			if large[k.Slot] {
				note(v.Word[:]...)
			}
		})
		if err != nil {
			return err
		}
	}
	d.partRanges = newRanges(d.tables.parts.len(), parts)
	d.chunkRanges = newRanges(d.tables.chunks.len(), chunks)
	return nil
}

// each calls look for all entries of a map.
func each[K, V any](m *ebpf.Map, look func(K, *V)) error {
	var key K
	var value V
	entries := m.Iterate()
	for entries.Next(&key, &value) {
		look(key, &value)
	}
	if err := entries.Err(); err != nil {
		return fmt.Errorf("read map %v: %w", m, err)
	}
	return nil
}

// Sweep removes what an earlier process has left and nobody has claimed since
// Open: ports that were not connected, their addresses, and rules that no port
// is judged by. It is called once everything is connected.
func (d *Dataplane) Sweep() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer d.raiseEpoch()
	for i := uint32(1); i < d.tables.ports.len(); i++ {
		if a := d.attached[policy.Port(i)]; d.tables.ports.at(i).Number != 0 && (a == nil || a.number == 0) {
			d.writePort(policy.Port(i), kernelPort{})
		}
	}
	if err := d.sweepPlaces(); err != nil {
		return err
	}
	for _, t := range []*judgeTable{&d.sets, &d.subnets} {
		d.sweepJudges(t)
		for key, s := range t.of {
			if s.users == 0 {
				d.vacate(t, key)
			}
		}
	}
	if err := d.awaitRetired(); err != nil {
		return err
	}
	if err := errors.Join(d.sweepDrops(), d.sweepPins()); err != nil {
		return err
	}
	return d.sweepSlots()
}

// sweepJudges frees what an earlier process had vacated, but not cleared, when
// it ended. Nobody has been judged by it since.
func (d *Dataplane) sweepJudges(t *judgeTable) {
	live := make(map[uint32]bool)
	for _, s := range t.of {
		live[s.index] = true
	}
	for i := uint32(1); i < t.in.len(); i++ {
		if t.in.at(i).Identity != 0 && !live[i] {
			d.retire(func() error { return d.clear(t, &judgeSet{index: i}) })
		}
	}
}

// sweepPins removes the pinned links of ports that are no more.
func (d *Dataplane) sweepPins() error {
	if d.options.Pins == "" {
		return nil
	}
	pins, err := filepath.Glob(filepath.Join(d.options.Pins, "link-*"))
	if err != nil {
		return err
	}
	for _, pin := range pins {
		var port policy.Port
		if _, err := fmt.Sscanf(filepath.Base(pin), "link-%d-", &port); err != nil {
			return fmt.Errorf("read name of pin %s: %w", pin, err)
		}
		if d.attached[port] == nil {
			if err := os.Remove(pin); err != nil {
				return fmt.Errorf("remove pin: %w", err)
			}
		}
	}
	return nil
}

// Unpin removes all pins: what no link holds is gone then.
func (d *Dataplane) Unpin() error {
	if d.options.Pins == "" {
		return nil
	}
	return RemovePins(d.options.Pins)
}

// RemovePins removes what a dataplane has pinned to a directory.
func RemovePins(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove pins: %w", err)
	}
	return nil
}

func (d *Dataplane) sweepPlaces() error {
	locations, publics := make(map[kernelLocation]bool), make(map[kernelLocation]bool)
	for _, a := range d.attached {
		for at := range a.places.inside {
			locations[at] = true
		}
		for at := range a.places.outside {
			locations[at] = true
		}
		for at := range a.places.publics {
			publics[at] = true
		}
	}
	routes := make(map[kernelRouteKey]bool)
	for _, s := range d.subnets.of {
		for k := range s.routes {
			routes[k] = true
		}
	}
	return errors.Join(
		sweep(d.objects.Routes, func(k kernelRouteKey) bool { return routes[k] }),
		sweep(d.objects.Locations, func(k kernelLocation) bool { return locations[k] }),
		sweep(d.objects.Publics, func(k kernelLocation) bool { return publics[k] }),
	)
}

func (d *Dataplane) sweepSlots() error {
	live := make(map[uint32]bool)
	var rules, parts, chunks []stretch
	for s := range d.slotsInUse() {
		live[s.index] = true
		if s.large {
			live[s.division.number] = true
			parts = append(parts, *s.parts)
		}
		rules = append(rules, *s.numbers)
		chunks = append(chunks, s.chunks...)
		for _, v := range s.identities {
			if s.large {
				chunks = append(chunks, v.chunks)
			}
		}
	}
	d.ruleRanges = newRanges(d.tables.ruleNumbers.len(), rules)
	d.partRanges, d.chunkRanges = newRanges(d.tables.parts.len(), parts), newRanges(d.tables.chunks.len(), chunks)
	for i := range d.slotIndexes.taken {
		if !live[i] {
			d.slotIndexes.give(i, time.Now())
		}
	}
	d.ruleIndexes.sweep()
	return d.sweepClassifiers(live)
}

// sweepClassifiers removes what slots have in maps, but for some slots.
func (d *Dataplane) sweepClassifiers(but map[uint32]bool) error {
	for _, err := range []error{
		sweep(d.objects.Identities, func(k kernelIdentityKey) bool { return but[k.Slot] }),
		sweep(d.objects.Cidrs, func(k kernelCidrKey) bool { return but[swap32(k.Division)] }),
		sweep(d.objects.L4, func(k kernelL4Key) bool { return but[swap32(k.Division)] }),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// sweep deletes the entries of a map whose keys are not to be kept.
func sweep[K any](m *ebpf.Map, keep func(K) bool) error {
	return sweepEntries(m, func(k K, _ *[]byte) bool { return keep(k) })
}

// sweepEntries is sweep by keys and values.
func sweepEntries[K, V any](m *ebpf.Map, keep func(K, *V) bool) error {
	var dead []K
	err := each(m, func(k K, v *V) {
		if !keep(k, v) {
			dead = append(dead, k)
		}
	})
	if err != nil {
		return err
	}
	return deleteAll(m, dead)
}
