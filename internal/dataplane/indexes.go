package dataplane

import (
	"fmt"
	"time"
)

// An allocator hands out indexes. One that is given back is not handed out
// again before its rest is over, so that whoever still holds it in the kernel
// is done with it.
type allocator struct {
	what    string
	rest    time.Duration
	hurries bool // cuts the rest short rather than refuse
	limit   uint32
	next    uint32
	taken   map[uint32]bool
	until   map[uint32]time.Time // when the rest of an index is over
	queue   []restingIndex       // in that order; valid iff until says so
}

type restingIndex struct {
	index uint32
	until time.Time
}

func newAllocator(what string, first, limit uint32, rest time.Duration) *allocator {
	return &allocator{what: what, rest: rest, limit: limit, next: first, taken: make(map[uint32]bool), until: make(map[uint32]time.Time)}
}

// take returns a free index.
func (a *allocator) take(now time.Time) (uint32, error) {
	a.dropStale()
	if len(a.queue) > 0 && a.queue[0].until.Before(now) {
		return a.wake(), nil
	}
	for ; a.next < a.limit; a.next++ {
		if _, rests := a.until[a.next]; !rests && !a.taken[a.next] {
			a.taken[a.next] = true
			a.next++
			return a.next - 1, nil
		}
	}
	if a.hurries && len(a.queue) > 0 {
		return a.wake(), nil
	}
	return 0, fmt.Errorf("all %d %s are in use", a.limit, a.what)
}

// dropStale drops what is at the head of the queue and was kept, or prolonged,
// since then.
func (a *allocator) dropStale() {
	for len(a.queue) > 0 && !a.until[a.queue[0].index].Equal(a.queue[0].until) {
		a.queue = a.queue[1:]
	}
}

// wake takes the index that has rested longest.
func (a *allocator) wake() uint32 {
	i := a.queue[0].index
	a.queue = a.queue[1:]
	a.keep(i)
	return i
}

// keep takes an index that is known to be in use, or that rests.
func (a *allocator) keep(i uint32) {
	delete(a.until, i)
	a.taken[i] = true
}

// prolong lets an index that rests do so for longer: somebody still holds it.
func (a *allocator) prolong(i uint32, now time.Time) {
	if until, rests := a.until[i]; rests && until.Sub(now) < a.rest/2 {
		a.until[i] = now.Add(a.rest)
		a.queue = append(a.queue, restingIndex{i, a.until[i]})
		a.dropStale()
	}
}

// give returns an index.
func (a *allocator) give(i uint32, now time.Time) {
	if a.taken[i] {
		delete(a.taken, i)
		a.until[i] = now.Add(a.rest)
		a.queue = append(a.queue, restingIndex{i, a.until[i]})
	}
}
