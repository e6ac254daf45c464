package dataplane

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// An index is never had twice, nor handed out before its rest is over, unless
// its allocator hurries.
func TestAllocator(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit, rest = 8, time.Second
		a := newAllocator("things", 1, limit, rest)
		a.hurries = rapid.Bool().Draw(t, "hurries")
		now := time.Now()
		taken, given := make(map[uint32]bool), make(map[uint32]time.Time)
		for range 50 {
			now = now.Add(time.Duration(rapid.IntRange(0, 700).Draw(t, "ms")) * time.Millisecond)
			i := uint32(rapid.IntRange(1, limit-1).Draw(t, "index"))
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0, 1:
				i, err := a.take(now)
				if err != nil {
					if len(taken) == limit-1 || !a.hurries {
						continue
					}
					t.Fatalf("%v, but taken are only %v", err, taken)
				}
				if at, ok := given[i]; taken[i] || i < 1 || i >= limit || ok && !a.hurries && now.Sub(at) < rest {
					t.Fatalf("takes %d, given %v ago, while %v are taken", i, now.Sub(at), taken)
				}
				taken[i] = true
			case 2:
				if taken[i] {
					a.give(i, now)
					delete(taken, i)
					given[i] = now
				}
			case 3:
				a.keep(i)
				taken[i] = true
			case 4:
				a.prolong(i, now)
				if at, ok := given[i]; ok && !taken[i] && now.Sub(at) > rest/2 {
					given[i] = now
				}
			}
		}
	})
}

// Stretches never overlap, nor reach beyond the array, even where some were
// taken before; there is room wherever nobody has anything, and at last for all in
// one piece.
func TestRanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit = 256
		var held []stretch
		for base := uint32(0); base < limit/2; base += 32 {
			held = append(held, stretch{base, rapid.IntRange(0, 32).Draw(t, "before")})
		}
		r := newRanges(limit, held)
		for range 40 {
			if len(held) > 0 && rapid.Bool().Draw(t, "give") {
				i := rapid.IntRange(0, len(held)-1).Draw(t, "which")
				r.give(held[i].base, held[i].length)
				held = append(held[:i], held[i+1:]...)
				continue
			}
			length := rapid.IntRange(0, 40).Draw(t, "length")
			base, err := r.take(length)
			if room := longestFree(t, limit, held); (err == nil) != (length <= room) {
				t.Fatalf("%d in a row: %v, and nobody has %d", length, err, room)
			}
			if err == nil {
				held = append(held, stretch{base, length})
				longestFree(t, limit, held)
			}
		}
		for _, h := range held {
			r.give(h.base, h.length)
		}
		if base, err := r.take(limit); base != 0 || err != nil {
			t.Errorf("when all is given back, all of it is at %d: %v", base, err)
		}
	})
}

// longestFree is how many in a row nobody has. It fails where two have one.
func longestFree(t *rapid.T, limit int, held []stretch) int {
	taken := make([]bool, limit)
	for _, h := range held {
		for i := range h.length {
			at := int(h.base) + i
			if at >= limit || taken[at] {
				t.Fatalf("%+v overlaps another, or reaches beyond %d", h, limit)
			}
			taken[at] = true
		}
	}
	longest, row := 0, 0
	for _, is := range taken {
		if row++; is {
			row = 0
		}
		longest = max(longest, row)
	}
	return longest
}
