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
	before map[string]any   // writes of the transactions before it in its batch
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

// updateAlone is Update for a transaction that cannot be part of a batch. It runs
// again when something that it has read was changed meanwhile.
func (s *Store) updateAlone(ctx context.Context, f func(tx *Tx) error) (int64, error) {
	least := s.Revision()
	for try := 0; ; try++ {
		if ctx.Err() != nil {
			return 0, fmt.Errorf("begin transaction: %w", ctx.Err())
		}
		snap, err := s.index.at(ctx, least)
		if err != nil {
			return 0, err
		}
		tx := newTx(snap)
		err = f(tx)
		switch {
		case tx.busy:
			least = snap.revision + 1 // its stage will be shown or undone
		case err != nil:
			return 0, err
		case len(tx.writes) == 0:
			return snap.revision, nil
		default:
			revision, err := s.commit(context.WithoutCancel(ctx), tx) // nobody leaves one in the middle
			if !errors.Is(err, errConflict) {
				return revision, err
			}
			least = revision
		}
		if err := backOff(ctx, try); err != nil {
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
		revision, err := s.commitStaged(ctx, tx)
		s.acknowledge(revision)
		return revision, err
	}
	return s.commitOps(ctx, tx.reads, ops)
}

// commitOps does all of ops, by their keys, if nothing of reads has changed. No
// ops are done at revision 0.
func (s *Store) commitOps(ctx context.Context, reads map[string]int64, ops map[string]clientv3.Op) (int64, error) {
	if len(ops) == 0 {
		return 0, nil
	}
	resp, err := s.try(ctx, reads, inOrder(ops))
	if err != nil {
		return 0, fmt.Errorf("commit: %w", err)
	}
	s.acknowledge(resp.Header.Revision)
	if !resp.Succeeded {
		return resp.Header.Revision, errConflict
	}
	return resp.Header.Revision, nil
}

// try does all of ops if nothing of reads has changed, which the response says.
func (s *Store) try(ctx context.Context, reads map[string]int64, ops []clientv3.Op) (*clientv3.TxnResponse, error) {
	return s.engine.client.Txn(ctx).If(compares(reads)...).Then(ops...).Commit()
}

// inOrder returns ops by rising key.
func inOrder(ops map[string]clientv3.Op) []clientv3.Op {
	list := make([]clientv3.Op, 0, len(ops))
	for _, k := range slices.Sorted(maps.Keys(ops)) {
		list = append(list, ops[k])
	}
	return list
}

func compares(reads map[string]int64) []clientv3.Cmp {
	cmps := make([]clientv3.Cmp, 0, len(reads))
	for k, mod := range reads {
		cmps = append(cmps, clientv3.Compare(clientv3.ModRevision(k), "=", mod))
	}
	return cmps
}

// ops returns the writes of tx and the puts of the markers, by key.
func (tx *Tx) ops() (map[string]clientv3.Op, error) {
	ops, err := tx.markers()
	if err != nil {
		return nil, err
	}
	for k, noun := range tx.writes {
		if ops[k], err = writeOp(k, noun); err != nil {
			return nil, err
		}
	}
	return ops, nil
}

// markers returns the puts of the markers of all collections written to.
func (tx *Tx) markers() (map[string]clientv3.Op, error) {
	ops := map[string]clientv3.Op{}
	for k := range tx.writes {
		if !isMarked(k) {
			continue
		}
		marker := markerOf(k)
		if _, done := ops[marker]; done {
			continue
		}
		var err error
		if ops[marker], err = writeOp(marker, struct{}{}); err != nil {
			return nil, err
		}
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

// written returns what the transaction, or one before it in its batch, writes to
// a key.
func (tx *Tx) written(k string) (noun any, ok bool) {
	if noun, ok = tx.writes[k]; !ok {
		noun, ok = tx.before[k]
	}
	return noun, ok
}

// writtenIn returns what is written to the keys of a collection.
func (tx *Tx) writtenIn(collection string) map[string]any {
	nouns := map[string]any{}
	for _, writes := range []map[string]any{tx.before, tx.writes} {
		for k, noun := range writes {
			if strings.HasPrefix(k, collection) {
				nouns[k] = noun
			}
		}
	}
	return nouns
}

// get reads a key for the compare, and sees what is written.
func (tx *Tx) get(k string) any {
	if noun, ok := tx.written(k); ok {
		return noun
	}
	e := tx.snap.entry(k)
	tx.reads[k] = e.mod
	tx.busy = tx.busy || e.isBusy()
	return e.noun
}

// peek reads a key without a compare: for what may as well be out of date.
func (tx *Tx) peek(k string) any {
	if noun, ok := tx.written(k); ok {
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

// readMarker reads the marker of a collection for the compare.
func (tx *Tx) readMarker(collection string) {
	marker := markerOf(collection)
	tx.reads[marker] = tx.snap.entry(marker).mod
}

// scan reads a marked collection for the compare, and sees what is written.
func (tx *Tx) scan(collection string, f func(k string, noun any) bool) {
	tx.readMarker(collection)
	nouns := tx.writtenIn(collection)
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

// count reads how many nouns a collection has that is its own marker, for the
// compare.
func (tx *Tx) count(collection string) int {
	tx.readMarker(collection)
	return tx.peekCount(collection)
}

// peekCount is count without a compare.
func (tx *Tx) peekCount(collection string) int {
	n := tx.snap.count(collection)
	for k, noun := range tx.writtenIn(collection) {
		n += change{noun: noun, was: tx.snap.get(k)}.growth()
	}
	return n
}
