package store

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"ringfence/internal/vpc"
)

func TestCountersNeverGiveANumberTwice(t *testing.T) {
	const clients, each = 8, 20
	var mu sync.Mutex
	var got []uint64
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for range each {
				var n uint64
				if _, err := shared.Update(t.Context(), func(tx *Tx) error {
					n = tx.Take(InterfaceNumbers, 2)
					return nil
				}); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				got = append(got, n, n+1)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.Sort(got)
	if n := len(slices.Compact(got)); n != 2*clients*each {
		t.Errorf("%d different numbers, want %d", n, 2*clients*each)
	}
}

var errTaken = errors.New("taken")

func TestOneOfManyTakesAName(t *testing.T) {
	region := regionOf(t)
	var wins atomic.Int32
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			_, err := shared.Update(t.Context(), func(tx *Tx) error {
				if tx.GroupNamed(region, albert, vpc.ClassicNetwork, "web") != nil {
					return errTaken
				}
				g := group(region, fmt.Sprintf("sg-%d", i))
				g.Name = "web"
				tx.PutGroup(g)
				return nil
			})
			switch {
			case err == nil:
				wins.Add(1)
			case !errors.Is(err, errTaken):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if wins.Load() != 1 {
		t.Errorf("%d transactions have taken the name", wins.Load())
	}
	if n := len(view(t, shared).Groups(region, albert)); n != 1 {
		t.Errorf("%d groups", n)
	}
}

// A transaction that has counted a collection conflicts with one that adds to
// it, removes from it or changes it.
func TestScanConflicts(t *testing.T) {
	region := regionOf(t)
	update(t, shared, func(tx *Tx) error {
		tx.PutGroup(group(region, "sg-1"))
		return nil
	})
	for _, other := range []struct {
		name string
		do   func(tx *Tx)
	}{
		{"adds", func(tx *Tx) { tx.PutGroup(group(region, "sg-2")) }},
		{"changes", func(tx *Tx) { tx.PutGroup(group(region, "sg-1")) }},
		{"removes", func(tx *Tx) { tx.DeleteGroup(tx.Group(region, "sg-1")) }},
	} {
		tries := 0
		update(t, shared, func(tx *Tx) error {
			tx.Groups(region, albert)
			if tries++; tries == 1 {
				alone(t, shared, func(tx *Tx) error { other.do(tx); return nil })
			}
			tx.PutCursor(region, "classic", netip.MustParseAddr("10.254.0.4"))
			return nil
		})
		if tries != 2 {
			t.Errorf("%s: %d tries, want 2", other.name, tries)
		}
	}
}

func TestAViewHasWhatWasAcknowledged(t *testing.T) {
	region := regionOf(t)
	for i := range 200 {
		id := fmt.Sprintf("sg-%d", i)
		revision := update(t, shared, func(tx *Tx) error {
			tx.PutGroup(group(region, id))
			return nil
		})
		v := view(t, shared)
		if v.Revision < revision || v.Group(region, vpc.GroupID(id)) == nil {
			t.Fatalf("view at %d does not have %s of revision %d", v.Revision, id, revision)
		}
	}
}

func TestAFailedTransactionWritesNothing(t *testing.T) {
	region := regionOf(t)
	before := shared.Revision()
	_, err := shared.Update(t.Context(), func(tx *Tx) error {
		tx.PutGroup(group(region, "sg-1"))
		return errTaken
	})
	if !errors.Is(err, errTaken) {
		t.Errorf("err = %v", err)
	}
	if shared.Revision() != before {
		t.Error("something was written")
	}
}

func TestUpdateEndsWithItsContext(t *testing.T) {
	region := regionOf(t)
	put := func(tx *Tx) error { tx.PutGroup(group(region, "sg-1")); return nil }
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, do := range map[string]func(context.Context, func(*Tx) error) (int64, error){
		"in a batch": shared.Update, "alone": shared.updateAlone,
	} {
		if _, err := do(over, put); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: err = %v", name, err)
		}
	}
	if n := len(view(t, shared).Groups(region, albert)); n != 0 {
		t.Errorf("%d groups", n)
	}
}

func TestInternIsBySet(t *testing.T) {
	var ab, ba, a, none vpc.Identity
	update(t, shared, func(tx *Tx) error {
		ab = tx.Intern([]vpc.GroupID{"sg-a", "sg-b"})
		ba = tx.Intern([]vpc.GroupID{"sg-b", "sg-a", "sg-b"})
		a = tx.Intern([]vpc.GroupID{"sg-a"})
		none = tx.Intern(nil)
		return nil
	})
	if ab != ba || ab == a || none != 0 || a == 0 {
		t.Errorf("ab %d, ba %d, a %d, none %d", ab, ba, a, none)
	}
}

func TestAnInterfaceHoldsAddressesAndGroups(t *testing.T) {
	region := regionOf(t)
	private, public := netip.MustParseAddr("10.254.0.4"), netip.MustParseAddr("203.0.113.5")
	n := &vpc.NetworkInterface{ID: "eni-1", Account: albert, Region: region, Network: vpc.ClassicNetwork,
		Groups: []vpc.GroupID{"sg-1"}, Addresses: []netip.Addr{private},
		Public: map[netip.Addr]netip.Addr{private: public}, Instance: "i-1"}
	taken := func() (ip, pub bool, users int) {
		update(t, shared, func(tx *Tx) error {
			ip = tx.AddressTaken(region, vpc.ClassicNetwork, private)
			pub = tx.PublicAddressTaken(public)
			return nil
		})
		v := view(t, shared)
		return ip, pub, len(v.Users(v.Group(region, "sg-1")))
	}
	update(t, shared, func(tx *Tx) error {
		tx.PutGroup(group(region, "sg-1"))
		tx.PutInterface(n)
		return nil
	})
	if ip, pub, users := taken(); !ip || !pub || users != 1 {
		t.Errorf("after put: private %v, public %v, users %d", ip, pub, users)
	}
	update(t, shared, func(tx *Tx) error {
		tx.DeleteInterface(n)
		return nil
	})
	if ip, pub, users := taken(); ip || pub || users != 0 {
		t.Errorf("after delete: private %v, public %v, users %d", ip, pub, users)
	}
}
