package store

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"go.etcd.io/etcd/api/v3/mvccpb"
)

// logLength is how many changes are kept for watchers at the least; twice as
// many at the most, so that cutting the log is rare. A watcher that has fallen
// further behind starts again with everything.
const logLength = 1 << 15

// A change is what one revision has done to one key.
type change struct {
	revision int64
	key      string
	noun     any // nil: gone
	was      any // nil: new
}

// An index is the store in memory, at the newest revision that has arrived.
// One goroutine feeds it; everyone reads it.
type index struct {
	mu       sync.Mutex
	current  snapshot
	log      []change
	floor    int64         // the log has every change after this revision
	advanced chan struct{} // closed when current is replaced

	// Of the feeding goroutine alone.
	tree   *tree
	staged map[string][]string // keys that each unshown stage holds
}

func newIndex() *index {
	return &index{advanced: make(chan struct{}), current: snapshot{tree: newTree()}}
}

// load replaces everything by the keys of one revision.
func (x *index) load(kvs []*mvccpb.KeyValue, revision int64) error {
	x.tree, x.staged = newTree(), map[string][]string{}
	for _, kv := range kvs {
		if _, err := x.put(kv); err != nil {
			return err
		}
	}
	// A stage's own key may come before the keys that it holds.
	for id := range x.staged {
		if s, ok := x.entry(stageKey(id)).noun.(*stageRecord); ok && s.Shown {
			x.show(id)
		}
	}
	x.publish(revision, nil, true)
	return nil
}

// apply takes the events of one or more whole revisions, in order.
func (x *index) apply(events []event, revision int64) error {
	var changes []change
	for _, ev := range events {
		var done []change
		if ev.deleted {
			done = x.remove(string(ev.kv.Key))
		} else {
			var err error
			if done, err = x.put(ev.kv); err != nil {
				return err
			}
		}
		for i := range done {
			done[i].revision = ev.kv.ModRevision
		}
		changes = append(changes, done...)
	}
	x.publish(revision, changes, false)
	return nil
}

// An event is a write to one key.
type event struct {
	kv      *mvccpb.KeyValue
	deleted bool
}

func (x *index) entry(k string) *entry { return snapshot{tree: x.tree}.entry(k) }

func (x *index) put(kv *mvccpb.KeyValue) ([]change, error) {
	k := string(kv.Key)
	r, err := decodeRecord(k, kv.Value)
	if err != nil {
		return nil, err
	}
	was := x.entry(k)
	e := &entry{key: k, mod: kv.ModRevision, members: was.members}
	if e.noun, err = decodeNoun(k, r.Noun); err != nil {
		return nil, err
	}
	if r.Stage != "" {
		e.hold = &hold{stage: r.Stage}
		if e.hold.next, err = decodeNoun(k, r.Next); err != nil {
			return nil, err
		}
		x.staged[r.Stage] = append(x.staged[r.Stage], k)
	}
	if e.hold != nil || was.hold != nil { // a stage holds the key, is settled or undone
		e.noun = keep(was.noun, e.noun)
	}
	x.tree.ReplaceOrInsert(e)
	if s, ok := e.noun.(*stageRecord); ok && s.Shown {
		return x.show(k[len(stagePrefix):]), nil
	}
	if e.noun == was.noun {
		return nil, nil
	}
	return []change{x.counted(change{key: k, noun: e.noun, was: was.noun})}, nil
}

// keep returns was if noun says the same, so that what has not changed is not
// told to watchers.
func keep(was, noun any) any {
	if reflect.DeepEqual(was, noun) {
		return was
	}
	return noun
}

func (x *index) remove(k string) []change {
	was := x.entry(k)
	if was.members > 0 { // a marker that goes before those it stands for
		x.tree.ReplaceOrInsert(&entry{key: k, members: was.members})
	} else {
		x.tree.Delete(was)
	}
	if id, ok := strings.CutPrefix(k, stagePrefix); ok {
		delete(x.staged, id)
	}
	if was.noun == nil {
		return nil
	}
	return []change{x.counted(change{key: k, was: was.noun})}
}

// show makes what a stage has written visible, all of it at once.
func (x *index) show(id string) []change {
	var changes []change
	for _, k := range x.staged[id] {
		e := x.entry(k)
		if e.hold == nil || e.hold.stage != id {
			continue
		}
		next := e.hold.next
		x.tree.ReplaceOrInsert(&entry{key: k, mod: e.mod, noun: next, hold: &hold{stage: id, shown: true}, members: e.members})
		changes = append(changes, x.counted(change{key: k, noun: next, was: e.noun}))
	}
	delete(x.staged, id)
	return changes
}

// growth is by how many nouns the collection has grown.
func (c change) growth() int {
	switch {
	case c.noun != nil && c.was == nil:
		return 1
	case c.noun == nil && c.was != nil:
		return -1
	}
	return 0
}

// counted returns c, and keeps the number of nouns of the collection that it is
// about.
func (x *index) counted(c change) change {
	if c.growth() == 0 || !isMarked(c.key) {
		return c
	}
	marker := *x.entry(markerOf(c.key))
	marker.members += c.growth()
	if marker.mod == 0 && marker.members == 0 {
		x.tree.Delete(&marker)
	} else {
		x.tree.ReplaceOrInsert(&marker)
	}
	return c
}

// publish lets readers see the tree as it is now.
func (x *index) publish(revision int64, changes []change, whole bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.current = snapshot{revision: revision, tree: x.tree.Clone()}
	x.log = append(x.log, changes...)
	if whole {
		x.log, x.floor = nil, revision
	}
	if over := len(x.log) - logLength; over > logLength {
		// A revision is dropped whole, or a watcher would miss a part of it.
		for over < len(x.log) && x.log[over].revision == x.log[over-1].revision {
			over++
		}
		x.floor = x.log[over-1].revision
		x.log = append([]change(nil), x.log[over:]...)
	}
	close(x.advanced)
	x.advanced = make(chan struct{})
}

// newest returns the newest snapshot there is, without waiting.
func (x *index) newest() snapshot {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.current
}

// at waits until the index has reached revision.
func (x *index) at(ctx context.Context, revision int64) (snapshot, error) {
	for {
		x.mu.Lock()
		s, advanced := x.current, x.advanced
		x.mu.Unlock()
		if s.revision >= revision {
			return s, nil
		}
		select {
		case <-advanced:
		case <-ctx.Done():
			return snapshot{}, fmt.Errorf("wait for revision %d: %w", revision, ctx.Err())
		}
	}
}

// since waits for changes after revision and returns them with the snapshot
// that they lead to. It returns complete = false when the log does not reach
// back that far.
func (x *index) since(ctx context.Context, revision int64) (s snapshot, changes []change, complete bool, err error) {
	for {
		x.mu.Lock()
		s, advanced := x.current, x.advanced
		if s.revision != revision {
			complete = x.floor <= revision && revision <= s.revision
			if complete {
				changes = after(x.log, revision)
			}
			x.mu.Unlock()
			return s, changes, complete, nil
		}
		x.mu.Unlock()
		select {
		case <-advanced:
		case <-ctx.Done():
			return snapshot{}, nil, false, ctx.Err()
		}
	}
}

// after returns the part of log after revision. The log is only appended to
// and cut off, so the part stays as it is.
func after(log []change, revision int64) []change {
	i := len(log)
	for i > 0 && log[i-1].revision > revision {
		i--
	}
	return log[i:len(log):len(log)]
}
