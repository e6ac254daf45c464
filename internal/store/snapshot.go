package store

import (
	"strings"

	"k8s.io/utils/third_party/forked/golang/btree"
)

// An entry is a key as readers of one revision see it. Entries are never
// changed, only replaced.
type entry struct {
	key  string
	mod  int64 // revision of the last write to the key in etcd
	noun any   // nil: there is nothing to see

	hold    *hold // nil: no staged transaction holds the key
	members int   // of a marked collection's marker: how many nouns it has
}

// A hold is what a staged transaction does to a key, from its staging to the next
// write to the key.
type hold struct {
	stage string
	next  any // takes the noun's place when the stage is shown
	shown bool
}

// isBusy reports whether the noun may soon be another one.
func (e *entry) isBusy() bool { return e.hold != nil && !e.hold.shown }

type tree = btree.BTree[*entry]

// treeDegree is the branching of the index; 32 is what etcd's own index uses.
const treeDegree = 32

func newTree() *tree {
	return btree.New(treeDegree, func(a, b *entry) bool { return a.key < b.key })
}

// A snapshot is every key at one revision. It is immutable.
type snapshot struct {
	revision int64
	tree     *tree
}

// entry returns the entry of k, one without a noun and a revision for a key
// that does not exist.
func (s snapshot) entry(k string) *entry {
	if e, ok := s.tree.Get(&entry{key: k}); ok {
		return e
	}
	return &entry{key: k}
}

func (s snapshot) get(k string) any { return s.entry(k).noun }

// count returns how many nouns a collection has that is its own marker.
func (s snapshot) count(collection string) int { return s.entry(collection).members }

// scan calls f for each noun of a collection, in the order of the keys, until
// f returns false. The collection ends in a slash.
func (s snapshot) scan(collection string, f func(k string, noun any) bool) {
	s.tree.AscendGreaterOrEqual(&entry{key: collection}, func(e *entry) bool {
		if !strings.HasPrefix(e.key, collection) {
			return false
		}
		if e.noun == nil || e.key == collection {
			return true
		}
		return f(e.key, e.noun)
	})
}
