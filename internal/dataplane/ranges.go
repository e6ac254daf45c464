package dataplane

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// ranges hands out stretches of an array.
type ranges struct {
	gaps []gap // that nobody has, in order, none beside another
}

// A stretch is what has been taken.
type stretch struct {
	base   uint32
	length int
}

// A gap is from next to before end.
type gap struct{ next, end uint32 }

// newRanges hands out all of an array but what is taken already.
func newRanges(limit uint32, taken []stretch) *ranges {
	r := &ranges{}
	next := uint32(0)
	for _, s := range slices.SortedFunc(slices.Values(taken), func(a, b stretch) int { return cmp.Compare(a.base, b.base) }) {
		if s.length > 0 && s.base > next {
			r.gaps = append(r.gaps, gap{next, s.base})
		}
		if s.length > 0 {
			next = max(next, s.base+uint32(s.length))
		}
	}
	if next < limit {
		r.gaps = append(r.gaps, gap{next, limit})
	}
	return r
}

var errNoRoom = errors.New("no room")

// take returns where a stretch of some length begins, the first that is there, or
// errNoRoom. One without a length is anywhere.
func (r *ranges) take(length int) (uint32, error) {
	if length == 0 {
		return 0, nil
	}
	i := slices.IndexFunc(r.gaps, func(g gap) bool { return int(g.end-g.next) >= length })
	if i < 0 {
		return 0, fmt.Errorf("%w for %d more in a row", errNoRoom, length)
	}
	base := r.gaps[i].next
	if r.gaps[i].next += uint32(length); r.gaps[i].next == r.gaps[i].end {
		r.gaps = slices.Delete(r.gaps, i, i+1)
	}
	return base, nil
}

// give returns what take gave for the same length.
func (r *ranges) give(base uint32, length int) {
	if length == 0 {
		return
	}
	back := gap{base, base + uint32(length)}
	from, _ := slices.BinarySearchFunc(r.gaps, base, func(g gap, base uint32) int { return cmp.Compare(g.next, base) })
	to := from
	if from > 0 && r.gaps[from-1].end == back.next {
		from--
		back.next = r.gaps[from].next
	}
	if to < len(r.gaps) && r.gaps[to].next == back.end {
		back.end = r.gaps[to].end
		to++
	}
	r.gaps = slices.Replace(r.gaps, from, to, back)
}
