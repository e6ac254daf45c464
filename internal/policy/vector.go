package policy

import "math/bits"

// A Vector is a set of rules of a classifier: bit i stands for rule i.
type Vector []uint64

func newVector(rules int) Vector { return make(Vector, (rules+63)/64) }

// Set puts rule i into v.
func (v Vector) Set(i int) { v[i/64] |= 1 << (i % 64) }

// Has reports whether rule i is in v.
func (v Vector) Has(i int) bool { return i/64 < len(v) && v[i/64]>>(i%64)&1 != 0 }

// Empty reports whether no rule is in v.
func (v Vector) Empty() bool {
	for _, w := range v {
		if w != 0 {
			return false
		}
	}
	return true
}

// or puts all rules of o into v.
func (v Vector) or(o Vector) {
	for i, w := range o {
		v[i] |= w
	}
}

func (v Vector) equal(o Vector) bool {
	for i := range v {
		if v[i] != o[i] {
			return false
		}
	}
	return true
}

// firstOfAnd is the lowest rule that is in a or b, and in c; -1 if none is.
func firstOfAnd(a, b, c Vector) int {
	for i, w := range c {
		var either uint64
		if a != nil {
			either |= a[i]
		}
		if b != nil {
			either |= b[i]
		}
		if w &= either; w != 0 {
			return i*64 + bits.TrailingZeros64(w)
		}
	}
	return -1
}
