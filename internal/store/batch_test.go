package store

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"ringfence/internal/vpc"
)

// waitingCalls are calls that wait for a batch at the same time.
func waitingCalls(fs ...func(tx *Tx) error) []*call {
	var calls []*call
	for _, f := range fs {
		calls = append(calls, &call{f: f, done: make(chan struct{})})
	}
	return calls
}

// puts returns a transaction that makes a group.
func puts(region vpc.Region, id string) func(tx *Tx) error {
	return func(tx *Tx) error { tx.PutGroup(group(region, id)); return nil }
}

// deletes returns a transaction that deletes a group.
func deletes(region vpc.Region, id vpc.GroupID) func(tx *Tx) error {
	return func(tx *Tx) error { tx.DeleteGroup(tx.Group(region, id)); return nil }
}

// Each transaction of a batch has what those before it write, and all of them
// take effect at one revision.
func TestABatchIsARowOfTransactions(t *testing.T) {
	region := regionOf(t)
	var seen []int
	count := func(f func(tx *Tx) error) func(tx *Tx) error {
		return func(tx *Tx) error {
			seen = append(seen, tx.CountGroups(region, albert, vpc.ClassicNetwork), len(tx.Groups(region, albert)))
			return f(tx)
		}
	}
	fail := func(*Tx) error { return errTaken }
	calls := waitingCalls(
		count(puts(region, "sg-1")), count(puts(region, "sg-2")), count(fail), count(deletes(region, "sg-1")), count(puts(region, "sg-1")),
		count(deletes(region, "sg-2")),
	)
	if rest := shared.commitBatch(t.Context(), calls); len(rest) > 0 {
		t.Errorf("%d calls are left", len(rest))
	}
	if want := []int{0, 0, 1, 1, 2, 2, 2, 2, 1, 1, 2, 2}; !slices.Equal(seen, want) {
		t.Errorf("they have counted %d, want %d", seen, want)
	}
	for i, c := range calls {
		switch <-c.done; {
		case i == 2 && !errors.Is(c.err, errTaken):
			t.Errorf("call %d: %v", i, c.err)
		case i != 2 && (c.err != nil || c.revision != calls[0].revision):
			t.Errorf("call %d: %v, at %d, the first at %d", i, c.err, c.revision, calls[0].revision)
		}
	}
	v := view(t, shared)
	if groups := v.Groups(region, albert); len(groups) != 1 || groups[0].ID != "sg-1" || v.CountGroups(region, albert, vpc.ClassicNetwork) != 1 {
		t.Errorf("groups %v, counted %d", groups, v.CountGroups(region, albert, vpc.ClassicNetwork))
	}
}

// A transaction that does not fit into a batch any more begins the next one; one
// that fits into none is left alone.
func TestABatchHasItsSize(t *testing.T) {
	region := regionOf(t)
	several := func(tx *Tx) error {
		for i := range 30 { // two operations for each rule, at the most
			tx.PutGroup(group(region, fmt.Sprintf("sg-%d-%d", tx.CountGroups(region, albert, vpc.ClassicNetwork), i)))
		}
		return nil
	}
	calls := waitingCalls(several, several, func(tx *Tx) error { putMany(tx, region); return nil }, puts(region, "sg-last"))
	calls = shared.commitBatch(t.Context(), calls)
	if len(calls) != 3 {
		t.Fatalf("%d calls are left, want 3", len(calls))
	}
	if calls = shared.commitBatch(t.Context(), calls); len(calls) != 2 {
		t.Fatalf("%d calls are left, want 2", len(calls))
	}
	large := calls[0]
	if calls = shared.commitBatch(t.Context(), calls); len(calls) != 0 {
		t.Errorf("%d calls are left, want none", len(calls))
	}
	if <-large.done; !large.alone {
		t.Error("a transaction of many operations has become part of a batch")
	}
	if n := len(view(t, shared).Groups(region, albert)); n != 61 {
		t.Errorf("%d groups, want 61", n)
	}
}

// A batch that was overtaken is run again as a whole.
func TestAnOvertakenBatchRunsAgain(t *testing.T) {
	region := regionOf(t)
	tries := 0
	calls := waitingCalls(
		puts(region, "sg-1"),
		func(tx *Tx) error {
			n := tx.CountGroups(region, albert, vpc.ClassicNetwork)
			if tries++; tries == 1 {
				alone(t, shared, puts(region, "sg-other"))
			}
			return puts(region, fmt.Sprintf("sg-behind-%d", n))(tx)
		},
	)
	shared.commitBatch(t.Context(), calls)
	if v := view(t, shared); tries != 2 || v.Group(region, "sg-behind-2") == nil || len(v.Groups(region, albert)) != 3 {
		t.Errorf("%d tries, groups %v", tries, v.Groups(region, albert))
	}
}

// A panic is for whoever has brought it.
func TestAPanicInABatch(t *testing.T) {
	region := regionOf(t)
	caught := func() (what any) {
		defer func() { what = recover() }()
		_, err := shared.Update(t.Context(), func(tx *Tx) error {
			tx.PutGroup(group(region, "sg-1"))
			panic("of a call")
		})
		t.Errorf("Update has returned %v", err)
		return nil
	}()
	if caught != "of a call" {
		t.Errorf("caught %v", caught)
	}
	update(t, shared, puts(region, "sg-2"))
	if n := len(view(t, shared).Groups(region, albert)); n != 1 {
		t.Errorf("%d groups, want that of the other call", n)
	}
}

// Many make and delete groups up to a quota, in batches and alone: at no revision
// are there more, and in the end the quota is to be had in full.
func TestAQuotaHoldsAtItsEdge(t *testing.T) {
	const quota, clients, each = 3, 8, 40
	region := regionOf(t)
	add := func(id string) func(tx *Tx) error {
		return func(tx *Tx) error {
			if tx.CountGroups(region, albert, vpc.ClassicNetwork) >= quota {
				return errTaken
			}
			return puts(region, id)(tx)
		}
	}
	update(t, shared, puts(region, "sg-begin"))
	watcher := shared.Watch()
	var wg sync.WaitGroup
	wg.Go(func() { watchMost(t, watcher, region, quota) })
	var makers sync.WaitGroup
	for client := range clients {
		do := shared.Update
		if client%4 == 0 {
			do = shared.updateAlone
		}
		makers.Go(func() {
			for i := range each {
				id := fmt.Sprintf("sg-%d-%d", client, i)
				_, err := do(t.Context(), add(id))
				if err == nil {
					_, err = do(t.Context(), deletes(region, vpc.GroupID(id)))
				}
				if err != nil && !errors.Is(err, errTaken) {
					t.Error(err)
				}
			}
		})
	}
	makers.Wait()
	update(t, shared, add("sg-second"))
	update(t, shared, add("sg-end"))
	if _, err := shared.Update(t.Context(), add("sg-fourth")); !errors.Is(err, errTaken) {
		t.Errorf("one more than the quota: %v", err)
	}
	wg.Wait()
	compareWithEtcd(t, shared)
}

// watchMost checks that a region never has more groups than most, until sg-end
// is there.
func watchMost(t *testing.T, w *Watcher, region vpc.Region, most int) {
	there := map[vpc.GroupID]bool{}
	for !there["sg-end"] {
		f, err := w.Next(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		for _, g := range f.Groups {
			if g.Region == region {
				there[g.ID] = true
			}
		}
		for _, id := range f.GoneGroups {
			delete(there, id)
		}
		if len(there) > most {
			t.Errorf("%d groups at %d", len(there), f.Revision)
		}
	}
}
