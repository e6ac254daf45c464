package store

import (
	"context"
	"errors"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// A caller who leaves while his large transaction is committed does not stop it
// in the middle.
func TestNobodyLeavesATransactionInTheMiddle(t *testing.T) {
	region := regionOf(t)
	ctx, leave := context.WithCancel(t.Context())
	runs := 0
	_, err := shared.Update(ctx, func(tx *Tx) error {
		putMany(tx, region)
		if runs++; runs == 2 { // by itself: it fits into no batch
			leave()
		}
		return nil
	})
	if err != nil || ctx.Err() == nil {
		t.Fatalf("after %d runs: %v", runs, err)
	}
	if n := len(view(t, shared).Groups(region, albert)); n != many {
		t.Errorf("%d groups, want %d", n, many)
	}
}

// errNoAnswer is what a mute etcd says.
var errNoAnswer = errors.New("no answer")

// A muteEtcd gives no answer to one write of many, which it does or not.
type muteEtcd struct {
	clientv3.KV
	after int // writes that are answered before
	does  bool
}

// mutes reports whether it is the turn of the write without an answer.
func (m *muteEtcd) mutes() bool {
	m.after--
	return m.after == -1
}

func (m *muteEtcd) Do(ctx context.Context, op clientv3.Op) (clientv3.OpResponse, error) {
	if !m.mutes() {
		return m.KV.Do(ctx, op)
	}
	if m.does {
		if _, err := m.KV.Do(ctx, op); err != nil {
			return clientv3.OpResponse{}, err
		}
	}
	return clientv3.OpResponse{}, errNoAnswer
}

func (m *muteEtcd) Txn(ctx context.Context) clientv3.Txn { return &muteTxn{m.KV.Txn(ctx), m} }

// A muteTxn is a transaction of a muteEtcd.
type muteTxn struct {
	clientv3.Txn
	etcd *muteEtcd
}

func (x *muteTxn) If(cs ...clientv3.Cmp) clientv3.Txn   { x.Txn.If(cs...); return x }
func (x *muteTxn) Then(ops ...clientv3.Op) clientv3.Txn { x.Txn.Then(ops...); return x }
func (x *muteTxn) Else(ops ...clientv3.Op) clientv3.Txn { x.Txn.Else(ops...); return x }

func (x *muteTxn) Commit() (*clientv3.TxnResponse, error) {
	if !x.etcd.mutes() {
		return x.Txn.Commit()
	}
	if x.etcd.does {
		if _, err := x.Txn.Commit(); err != nil {
			return nil, err
		}
	}
	return nil, errNoAnswer
}

// Whichever step of a large transaction etcd does not answer, the transaction is
// done if it says so and not done if it fails, and holds no key.
func TestALargeTransactionWithoutAnswers(t *testing.T) {
	for _, does := range []bool{false, true} {
		dir := t.TempDir()
		s := openIn(t, dir)
		etcd := &muteEtcd{KV: s.engine.client.KV, does: does}
		s.engine.client.KV = etcd
		failures, steps := 0, 0
		for asked := true; asked; steps++ {
			tx := newTx(view(t, s).src.(snapshot))
			putMany(tx, "r")
			etcd.after = steps
			revision, err := s.commit(t.Context(), tx)
			s.acknowledge(revision)
			asked, etcd.after = etcd.after < 0, -1
			want := many
			if err != nil {
				failures, want = failures+1, 0
			}
			if n := len(view(t, s).Groups("r", albert)); n != want || err != nil && !errors.Is(err, errNoAnswer) {
				t.Fatalf("without the answer to write %d there are %d groups: %v", steps, n, err)
			}
			update(t, s, func(tx *Tx) error { // waits for keys that are held
				putMany(tx, "r")
				for _, g := range tx.Groups("r", albert) {
					tx.DeleteGroup(g)
				}
				return nil
			})
		}
		if failures < 5 || steps < failures+5 {
			t.Errorf("%d of %d steps have failed: too few of both", failures, steps)
		}
		compareWithEtcd(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openIn(t, dir)
		if n := stagesLeft(t, s); n != 0 {
			t.Errorf("%d stages are left after a start", n)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
