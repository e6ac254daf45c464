package dataplane

import (
	"fmt"
	"time"

	"ringfence/internal/policy"
)

// A division is how the tries divide addresses and ports for a large slot, and
// for those that take its place one after another: each entry is a part, by
// whose number each slot has its own vector. So a change of rules writes vectors
// to memory, and to the tries only blocks and ports that are new.
//
// No slot sees it change. An entry that comes means to slots that are there what
// the entry around it does; one that a later slot has no rules of its own about
// stays, and means the same to that slot.
type division struct {
	number uint32 // in the keys of the tries
	room   int    // for how many parts
	used   int    // so many have numbers
	torn   bool   // an entry may be missing
	l4     partition[kernelL4Key]
	cidrs  partition[kernelCidrKey]
	slots  map[*slot]bool // not yet removed
}

// spareParts are for entries that come later: one for so many that are there.
// Twice as many may be there that the newest slot has no rules of its own about.
const spareParts = 8

// newDivision is for a slot with so many entries, and those that take its place.
func (d *Dataplane) newDivision(entries int) (*division, error) {
	number, err := d.slotIndexes.take(time.Now())
	if err != nil {
		return nil, err
	}
	return &division{
		number: number,
		room:   entries + entries/spareParts,
		l4:     partition[kernelL4Key]{d.objects.L4, make(map[kernelL4Key]uint32)},
		cidrs:  partition[kernelCidrKey]{d.objects.Cidrs, make(map[kernelCidrKey]uint32)},
		slots:  make(map[*slot]bool),
	}, nil
}

// divide gives a large slot the division of the slot whose place it is to take,
// or a new one if there is none that fits.
func (d *Dataplane) divide(s, before *slot, l4 []entry[kernelL4Key], cidrs []entry[kernelCidrKey]) error {
	if before != nil && before.division != nil && before.division.fits(l4, cidrs) {
		s.division = before.division
		return nil
	}
	v, err := d.newDivision(len(l4) + len(cidrs))
	s.division = v
	return err
}

// fits reports whether there is room for what is missing, and not too much else.
func (v *division) fits(l4 []entry[kernelL4Key], cidrs []entry[kernelCidrKey]) bool {
	entries := len(l4) + len(cidrs)
	parts := v.used + v.l4.missing(l4) + v.cidrs.missing(cidrs)
	return !v.torn && parts <= v.room && parts-entries <= 2*entries/spareParts
}

// writeParts writes what a large slot has about the parts of its division.
func (d *Dataplane) writeParts(s, before *slot) error {
	l4, cidrs := withRoots(s.classifier)
	if err := d.divide(s, before, l4, cidrs); err != nil {
		return err
	}
	v := s.division
	for _, err := range []error{extend(d, v, &v.l4, l4), extend(d, v, &v.cidrs, cidrs)} {
		if err != nil {
			v.torn = true
			return err
		}
	}
	summaries, chunks := make([]kernelSummary, v.room), make([]kernelVector, 0, v.room)
	for _, err := range []error{fill(v, &v.l4, l4, summaries, &chunks), fill(v, &v.cidrs, cidrs, summaries, &chunks)} {
		if err != nil {
			return err
		}
	}
	return d.putParts(s, summaries, chunks)
}

// withRoots are the entries of a large slot. Something is around each of them
// but the roots: all protocols, and all addresses of each family.
func withRoots(c *policy.Classifier) ([]entry[kernelL4Key], []entry[kernelCidrKey]) {
	l4, cidrs := l4Entries(c), cidrEntries(c)
	if len(l4) == 0 || c.L4[0].Prefix.Exact {
		l4 = append(l4, entry[kernelL4Key]{toL4Key(policy.L4Prefix{}), nil})
	}
	return l4, append(cidrs, everybody(c)...)
}

// putParts gives a slot its summaries, and the chunks that they are of.
func (d *Dataplane) putParts(s *slot, summaries []kernelSummary, chunks []kernelVector) error {
	base, err := d.putChunks(chunks)
	if err != nil {
		return err
	}
	s.chunks = append(s.chunks, stretch{base, len(chunks)})
	first, err := d.partRanges.take(len(summaries))
	if err != nil {
		return fmt.Errorf("parts of addresses and ports: %w", err)
	}
	s.parts = &stretch{first, len(summaries)}
	for i, summary := range summaries {
		summary.Word[2] += uint64(base)
		*d.part(s, uint32(i)) = summary
	}
	s.division.slots[s] = true
	return nil
}

// part is what a slot has about a part of its division.
func (d *Dataplane) part(s *slot, part uint32) *kernelSummary {
	return d.tables.parts.at(s.parts.base + part)
}

// leave removes a slot from its division, and the division with its last slot.
func (d *Dataplane) leave(s *slot) error {
	v := s.division
	delete(v.slots, s)
	if len(v.slots) > 0 {
		return nil
	}
	if err := v.l4.drop(v.number); err != nil {
		return err
	}
	if err := v.cidrs.drop(v.number); err != nil {
		return err
	}
	d.slotIndexes.give(v.number, time.Now())
	s.division = nil
	return nil
}
