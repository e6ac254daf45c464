package policy

import "math/bits"

// A Vector is a set of rules of a classifier: bit i stands for rule i.
type Vector []uint64

func newVector(rules int) Vector { return make(Vector, words(rules)) }

// words is how many words a vector has.
func words(rules int) int { return (rules + 63) / 64 }

// A maker makes vectors for the same rules, more at a time than one: a classifier
// has about as many vectors as rules.
type maker struct {
	rules int
	made  Vector // and not yet handed out
}

// none returns an empty vector.
func (m *maker) none() Vector {
	const most, few = 64, 8
	n := words(m.rules)
	if len(m.made) == 0 {
		m.made = make(Vector, min(most, m.rules+few)*n)
	}
	v := m.made[:n:n]
	m.made = m.made[n:]
	return v
}

// copyOf returns a vector of the same rules as v.
func (m *maker) copyOf(v Vector) Vector {
	w := m.none()
	copy(w, v)
	return w
}

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
