package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// etcd's own limits for a request: --max-txn-ops and --max-request-bytes. The
// second leaves room for the compares and the encoding.
const (
	maxTxnOps   = 128
	maxTxnBytes = 1 << 20
)

// A Tx is one try of a transaction: it reads a snapshot and collects writes.
// It must not be used after its function has returned.
type Tx struct {
	Reader
	snap   snapshot
	reads  map[string]int64 // key → revision of its last write, as read
	writes map[string]any   // key → noun; nil deletes
	busy   bool             // has met a key that an unshown stage holds
}

func newTx(snap snapshot) *Tx {
	tx := &Tx{snap: snap, reads: map[string]int64{}, writes: map[string]any{}}
	tx.Reader = Reader{tx}
	tx.get(epochKey) // every transaction conflicts with Reset
	return tx
}

// Update runs f as a transaction and returns the revision at which its writes
// are durable. f may run several times, and must do nothing but read and write
// tx; when f returns an error nothing is written and Update returns the error.
//
// Whatever f has read is as it was when the writes take effect.
func (s *Store) Update(ctx context.Context, f func(tx *Tx) error) (int64, error) {
	arrival := s.Revision()
	snap := s.index.newest()
	for try := 0; ; try++ {
		tx := newTx(snap)
		err := f(tx)
		var conflict int64 // revision at which to try again; 0: no conflict
		switch {
		case tx.busy:
			conflict = snap.revision + 1 // its stage will be shown or undone
		case err == nil && len(tx.writes) > 0:
			var revision int64
			revision, err = s.commit(ctx, tx)
			s.acknowledge(revision)
			if err == nil {
				return revision, nil
			}
			if errors.Is(err, errConflict) {
				conflict = revision
			}
		case snap.revision < arrival:
			// Whatever f has found out may be out of date: somebody may have
			// been told of a change that f has not seen.
			conflict = arrival
		case err == nil:
			return snap.revision, nil
		}
		if conflict == 0 {
			return 0, err
		}
		if err := backOff(ctx, try); err != nil {
			return 0, err
		}
		if snap, err = s.index.at(ctx, conflict); err != nil {
			return 0, err
		}
	}
}

// backOff waits before try+1: nothing at first, then longer and longer, up to
// 10 ms on average.
func backOff(ctx context.Context, try int) error {
	if try == 0 {
		return nil
	}
	longest := min(20*time.Millisecond, 100*time.Microsecond<<min(try, 10))
	select {
	case <-ctx.Done():
		return fmt.Errorf("retry transaction: %w", ctx.Err())
	case <-time.After(rand.N(longest)):
		return nil
	}
}

// errConflict says that a key was changed since it was read.
var errConflict = errors.New("store: conflict")

// commit writes what tx has collected, or fails with errConflict. The revision
// is the one that etcd has reached.
func (s *Store) commit(ctx context.Context, tx *Tx) (int64, error) {
	ops, err := tx.ops()
	if err != nil {
		return 0, err
	}
	size := 0
	for _, op := range ops {
		size += opSize(op)
	}
	if len(ops) > maxTxnOps || len(tx.reads) > maxTxnOps || size > maxTxnBytes {
		return s.commitStaged(ctx, tx)
	}
	resp, err := s.engine.client.Txn(ctx).If(compares(tx.reads)...).Then(ops...).Commit()
	if err != nil {
		return 0, fmt.Errorf("commit: %w", err)
	}
	if !resp.Succeeded {
		return resp.Header.Revision, errConflict
	}
	return resp.Header.Revision, nil
}

func compares(reads map[string]int64) []clientv3.Cmp {
	cmps := make([]clientv3.Cmp, 0, len(reads))
	for k, mod := range reads {
		cmps = append(cmps, clientv3.Compare(clientv3.ModRevision(k), "=", mod))
	}
	return cmps
}

// ops returns the writes of tx, and the puts of the markers.
func (tx *Tx) ops() ([]clientv3.Op, error) {
	var ops []clientv3.Op
	for _, k := range slices.Sorted(maps.Keys(tx.writes)) {
		op, err := writeOp(k, tx.writes[k])
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	markers, err := tx.markers()
	return append(ops, markers...), err
}

// markers returns the puts of the markers of all collections written to.
func (tx *Tx) markers() ([]clientv3.Op, error) {
	collections := map[string]bool{}
	for k := range tx.writes {
		if isMarked(k) {
			collections[collectionOf(k)] = true
		}
	}
	var ops []clientv3.Op
	for _, c := range slices.Sorted(maps.Keys(collections)) {
		op, err := writeOp(c, struct{}{})
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// writeOp is the put of a noun, or the deletion for nil.
func writeOp(k string, noun any) (clientv3.Op, error) {
	if noun == nil {
		return clientv3.OpDelete(k), nil
	}
	raw, err := encodeNoun(noun)
	if err != nil {
		return clientv3.Op{}, err
	}
	value, err := encodeRecord(record{Noun: raw})
	return clientv3.OpPut(k, value), err
}

// get reads a key for the compare, and sees the transaction's own writes.
func (tx *Tx) get(k string) any {
	if noun, ok := tx.writes[k]; ok {
		return noun
	}
	e := tx.snap.entry(k)
	tx.reads[k] = e.mod
	tx.busy = tx.busy || e.stage != ""
	return e.noun
}

// peek reads a key without a compare: for what may as well be out of date.
func (tx *Tx) peek(k string) any {
	if noun, ok := tx.writes[k]; ok {
		return noun
	}
	return tx.snap.get(k)
}

// put writes noun, which is not nil and must not be changed any more.
func (tx *Tx) put(k string, noun any) {
	tx.get(k)
	tx.writes[k] = noun
}

// remove deletes a key. One that does not exist is no error.
func (tx *Tx) remove(k string) {
	if tx.get(k) != nil {
		tx.writes[k] = nil
	}
}

// scan reads a marked collection for the compare, and sees the transaction's
// own writes.
func (tx *Tx) scan(collection string, f func(k string, noun any) bool) {
	tx.reads[collection] = tx.snap.entry(collection).mod
	nouns := map[string]any{}
	for k, noun := range tx.writes {
		if strings.HasPrefix(k, collection) {
			nouns[k] = noun
		}
	}
	if len(nouns) == 0 {
		tx.snap.scan(collection, f)
		return
	}
	tx.snap.scan(collection, func(k string, noun any) bool {
		if _, written := nouns[k]; !written {
			nouns[k] = noun
		}
		return true
	})
	for _, k := range slices.Sorted(maps.Keys(nouns)) {
		if nouns[k] != nil && !f(k, nouns[k]) {
			return
		}
	}
}
