package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"ringfence/internal/vpc"
)

const many = 300 // groups, of four keys each

func putMany(tx *Tx, region vpc.Region) {
	for i := range many {
		tx.PutGroup(group(region, fmt.Sprintf("sg-%03d", i)))
	}
}

// Whoever looks sees all of a large transaction or nothing.
func TestALargeTransactionAppearsAtOnce(t *testing.T) {
	region := regionOf(t)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			if n := len(view(t, shared).Groups(region, albert)); n != 0 && n != many {
				t.Errorf("a view has %d of %d groups", n, many)
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	var fed []int
	watcher := shared.Watch()
	wg.Go(func() {
		for seen := 0; seen < many; {
			f, err := watcher.Next(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			n := 0
			for _, g := range f.Groups {
				if g.Region == region {
					n++
				}
			}
			fed, seen = append(fed, n), seen+n
		}
	})
	revision := update(t, shared, func(tx *Tx) error { putMany(tx, region); return nil })
	if v := view(t, shared); v.Revision < revision || len(v.Groups(region, albert)) != many {
		t.Error("the groups are not there after Update")
	}
	close(done)
	wg.Wait()
	for _, n := range fed {
		if n != 0 && n != many {
			t.Errorf("a feed has %d groups", n)
		}
	}
	if staged := stagesLeft(t, shared); staged != 0 {
		t.Errorf("%d stages left", staged)
	}

	update(t, shared, func(tx *Tx) error {
		for _, g := range tx.Groups(region, albert) {
			tx.DeleteGroup(g)
		}
		return nil
	})
	if n := len(view(t, shared).Groups(region, albert)); n != 0 {
		t.Errorf("%d groups after deletion", n)
	}
}

func stagesLeft(t *testing.T, s *Store) int {
	t.Helper()
	n := 0
	view(t, s).src.scan(stagePrefix, func(string, any) bool { n++; return true })
	return n
}

// A large transaction whose reads were overtaken runs again, and a small one
// that meets its keys waits for it.
func TestLargeAndSmallTransactionsConflict(t *testing.T) {
	region := regionOf(t)
	var wg sync.WaitGroup
	var big, small int
	wg.Go(func() {
		for range 5 {
			if _, err := shared.Update(t.Context(), func(tx *Tx) error {
				big = len(tx.Groups(region, albert)) / (many + 1)
				for i := range many {
					tx.PutGroup(group(region, fmt.Sprintf("sg-big-%d-%03d", big, i)))
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Go(func() {
		for range 50 {
			if _, err := shared.Update(t.Context(), func(tx *Tx) error {
				small = len(tx.Groups(region, albert))
				tx.PutGroup(group(region, fmt.Sprintf("sg-small-%d", small)))
				return nil
			}); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	groups := view(t, shared).Groups(region, albert)
	smalls := 0
	for _, g := range groups {
		if len(g.ID) < len("sg-big-0-000") || g.ID[3] == 's' {
			smalls++
		}
	}
	// Each small one has counted all that were there, so no two have one id.
	if smalls != 50 {
		t.Errorf("%d of 50 small transactions have left a group", smalls)
	}
	if stagesLeft(t, shared) != 0 {
		t.Error("stages left")
	}
}

func TestAnOvertakenLargeTransactionLeavesNothing(t *testing.T) {
	region := regionOf(t)
	tx := newTx(shared.index.newest())
	tx.Groups(region, albert)
	putMany(tx, region)
	update(t, shared, func(tx *Tx) error { tx.PutGroup(group(region, "sg-other")); return nil })
	if _, err := shared.commit(t.Context(), tx); !errors.Is(err, errConflict) {
		t.Fatalf("err = %v, want a conflict", err)
	}
	if n := len(view(t, shared).Groups(region, albert)); n != 1 {
		t.Errorf("%d groups, want the other one only", n)
	}
	if stagesLeft(t, shared) != 0 {
		t.Error("stages left")
	}
}

// A transaction may be large by its bytes too: 100 nouns of 40 kB.
func TestATransactionOfManyBytes(t *testing.T) {
	region := regionOf(t)
	for _, text := range []string{"a", "b"} { // made, then changed: the stage holds both
		update(t, shared, func(tx *Tx) error {
			for i := range 100 {
				g := group(region, fmt.Sprintf("sg-%03d", i))
				g.Description = strings.Repeat(text, 40_000)
				tx.PutGroup(g)
			}
			return nil
		})
		for _, g := range view(t, shared).Groups(region, albert) {
			if g.Description[0] != text[0] {
				t.Errorf("%s begins with %q, want %q", g.ID, g.Description[:1], text)
			}
		}
	}
	if stagesLeft(t, shared) != 0 {
		t.Error("stages left")
	}
	compareWithEtcd(t, shared)
}

// Reads that do not fit into the last transaction hold too.
func TestATransactionOfManyReads(t *testing.T) {
	region := regionOf(t)
	update(t, shared, func(tx *Tx) error { putMany(tx, region); return nil })
	tries := 0
	update(t, shared, func(tx *Tx) error {
		tries++
		for i := range many {
			tx.Group(region, vpc.GroupID(fmt.Sprintf("sg-%03d", i)))
		}
		if tries == 1 {
			alone(t, shared, func(tx *Tx) error { tx.PutGroup(group(region, "sg-250")); return nil })
		}
		tx.PutGroup(group(region, "sg-new"))
		return nil
	})
	if tries < 2 { // more when the index is late
		t.Errorf("%d tries, want another one", tries)
	}
	if n := len(view(t, shared).Groups(region, albert)); n != many+1 {
		t.Errorf("%d groups", n)
	}
	compareWithEtcd(t, shared)
}

// An instance may be in 500 groups (EC2 User Guide 2012), and whoever has asked
// meanwhile who is in one of them asks again.
func TestAnInstanceOfManyGroups(t *testing.T) {
	region := regionOf(t)
	update(t, shared, func(tx *Tx) error { putMany(tx, region); return nil })
	i := &vpc.Instance{ID: "i-1", Account: albert, Region: region, State: vpc.Running}
	for n := range many {
		i.Groups = append(i.Groups, vpc.GroupID(fmt.Sprintf("sg-%03d", n)))
	}
	tries, users := 0, 0
	update(t, shared, func(tx *Tx) error {
		tries++
		g := tx.Group(region, "sg-250")
		users = len(tx.Users(g))
		if tries == 1 {
			alone(t, shared, func(tx *Tx) error { tx.PutInstance(i); return nil })
		}
		tx.PutGroup(group(region, "sg-new"))
		return nil
	})
	if tries < 2 || users != 1 { // more tries when the index is late
		t.Errorf("%d users of the group in try %d, want one in another than the first", users, tries)
	}
	compareWithEtcd(t, shared)
}

// Instances of the same 300 groups end at the same time, and none waits for another.
func TestMembersLeaveManyGroupsAtOnce(t *testing.T) {
	region := regionOf(t)
	update(t, shared, func(tx *Tx) error { putMany(tx, region); return nil })
	var members []*vpc.NetworkInterface
	for i := range 3 {
		n := &vpc.NetworkInterface{ID: vpc.InterfaceID(fmt.Sprintf("eni-%d", i)), Account: albert, Region: region, Network: vpc.ClassicNetwork}
		for g := range many {
			n.Groups = append(n.Groups, vpc.GroupID(fmt.Sprintf("sg-%03d", g)))
		}
		update(t, shared, func(tx *Tx) error { tx.PutInterface(n); return nil })
		members = append(members, n)
	}
	v := view(t, shared)
	var txs []*Tx
	for _, n := range members {
		tx := newTx(v.src.(snapshot))
		tx.DeleteInterface(n)
		txs = append(txs, tx)
	}
	for i, tx := range txs {
		if _, err := shared.commit(t.Context(), tx); err != nil {
			t.Errorf("member %d: %v", i, err)
		}
	}
	v = view(t, shared)
	if users := len(v.Users(v.Group(region, "sg-250"))); users != 0 {
		t.Errorf("%d users are left", users)
	}
	compareWithEtcd(t, shared)
}

// A process that dies in the middle of a large transaction leaves it to the
// next start, which undoes or finishes it.
func TestSweep(t *testing.T) {
	for _, shown := range []bool{false, true} {
		t.Run(fmt.Sprintf("shown=%v", shown), func(t *testing.T) {
			dir := t.TempDir()
			s := openIn(t, dir)
			update(t, s, func(tx *Tx) error {
				g := group("r", "sg-000")
				g.Description = "before"
				tx.PutGroup(g)
				tx.PutGroup(group("r", "sg-gone"))
				return nil
			})
			view(t, s)
			if err := abandonStage(t.Context(), s, shown); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}

			s = openIn(t, dir)
			defer s.Close()
			v := view(t, s)
			wantGroups, want := 2, "before"
			if shown {
				wantGroups, want = many, "a group"
			}
			if n := len(v.Groups("r", albert)); n != wantGroups {
				t.Errorf("%d groups, want %d", n, wantGroups)
			}
			if got := v.Group("r", "sg-000").Description; got != want {
				t.Errorf("description %q, want %q", got, want)
			}
			if gone := v.Group("r", "sg-gone") == nil; gone != shown {
				t.Errorf("deleted: %v, want %v", gone, shown)
			}
			if stagesLeft(t, s) != 0 {
				t.Error("stages left")
			}
			compareWithEtcd(t, s)
		})
	}
}

// abandonStage does what commitStaged does, up to a step, and then no more.
func abandonStage(ctx context.Context, s *Store, shown bool) error {
	tx := newTx(s.index.newest())
	putMany(tx, "r")
	tx.DeleteGroup(group("r", "sg-gone"))
	st := &stage{store: s, id: "abandoned"}
	keys, reads := tx.staged()
	if _, err := st.write(ctx, keys); err != nil || !shown {
		return err
	}
	revision, err := st.show(ctx, reads, nil)
	s.acknowledge(revision)
	return err
}
