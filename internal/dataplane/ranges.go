package dataplane

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// ranges hands out stretches of an array. Their lengths are rounded up to
// powers of two, so that one which is given back fits whoever comes next.
type ranges struct {
	gaps []gap        // that nothing has been taken from yet
	free [33][]uint32 // given back, by the power of two
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
	taken = slices.SortedFunc(slices.Values(taken), func(a, b stretch) int { return cmp.Compare(a.base, b.base) })
	r := &ranges{}
	next := uint32(0)
	for _, s := range taken {
		if s.base > next {
			r.gaps = append(r.gaps, gap{next, s.base})
		}
		_, size := class(s.length)
		next = max(next, s.base+size)
	}
	if next < limit {
		r.gaps = append(r.gaps, gap{next, limit})
	}
	return r
}

// class is the power of two of a length, and what it stands for.
func class(length int) (power int, size uint32) {
	if length <= 1 {
		return 0, 1
	}
	power = bits.Len32(uint32(length - 1))
	return power, 1 << power
}

var errNoRoom = errors.New("no room")

// take returns where a stretch of at least length begins, or errNoRoom.
func (r *ranges) take(length int) (uint32, error) {
	power, size := class(length)
	if free := r.free[power]; len(free) > 0 {
		r.free[power] = free[:len(free)-1]
		return free[len(free)-1], nil
	}
	for i := range r.gaps {
		if g := &r.gaps[i]; g.end-g.next >= size {
			g.next += size
			return g.next - size, nil
		}
	}
	return 0, fmt.Errorf("%w for %d more in a row", errNoRoom, length)
}

// give returns what take gave for the same length.
func (r *ranges) give(base uint32, length int) {
	power, _ := class(length)
	r.free[power] = append(r.free[power], base)
}
