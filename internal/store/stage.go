package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// A transaction that is too large for one request is staged:
//
//  1. stage/<id> is put, not shown;
//  2. every key is put with what it holds in Noun, what it shall hold in Next,
//     and the id of the stage: nobody sees a difference, but other
//     transactions that read such a key wait;
//  3. one transaction compares all reads that are not staged keys, puts the
//     markers, and stage/<id> as shown: from this revision on everybody sees
//     the Nexts;
//  4. the keys are settled: put as plain records, or deleted.
//
// When something is overtaken before 3 the keys are put back. A process that
// dies anywhere leaves what Open sweeps: a stage not shown is put back, one
// that is shown is settled. So is a stage of which etcd does not say in time how
// far it has come.

// A stage is a staged transaction while it is being written.
type stage struct {
	store *Store
	id    string
	mod   int64 // of stage/<id>
	keys  []stagedKey
}

// A stagedKey is a key that the stage holds.
type stagedKey struct {
	key       string
	mod       int64 // as staged; before that as read
	was, next any
}

// revisions are those of keys, for a compare.
func revisions(keys []stagedKey) map[string]int64 {
	mods := make(map[string]int64, len(keys))
	for _, k := range keys {
		mods[k.key] = k.mod
	}
	return mods
}

// commitStaged is commit by a stage.
func (s *Store) commitStaged(ctx context.Context, tx *Tx) (int64, error) {
	st := &stage{store: s, id: rand.Text()}
	keys, reads := tx.staged()
	markers, err := tx.markers()
	if err != nil {
		return 0, err
	}
	if len(markers) >= maxTxnOps {
		return 0, fmt.Errorf("commit: %d collections are more than one transaction can mark", len(markers))
	}
	revision, err := st.write(ctx, keys)
	if err == nil {
		revision, err = st.show(ctx, reads, markers)
	}
	switch {
	case errors.Is(err, errConflict):
		undone, undoErr := st.finish(ctx, false)
		return max(revision, undone), errors.Join(err, undoErr)
	case err != nil:
		return st.resolve(ctx, err)
	}
	if _, err := st.finish(ctx, true); err != nil {
		// Everybody sees the writes already; the next start settles them.
		s.log.Error("settle stage", "stage", st.id, "err", err)
	}
	return revision, nil
}

// staged returns the keys that a stage of tx has to hold, and the reads that are
// left to compare.
func (tx *Tx) staged() (keys []stagedKey, reads map[string]int64) {
	reads = maps.Clone(tx.reads)
	for _, k := range slices.Sorted(maps.Keys(tx.writes)) {
		keys = append(keys, stagedKey{key: k, mod: reads[k], was: tx.snap.get(k), next: tx.writes[k]})
		delete(reads, k)
	}
	// The last transaction has room for so many compares; the other reads are
	// held by staging them too, as they are.
	for _, k := range slices.Sorted(maps.Keys(reads)) {
		if len(reads) < maxTxnOps {
			break
		}
		keys = append(keys, stagedKey{key: k, mod: reads[k], was: tx.snap.get(k), next: tx.snap.get(k)})
		delete(reads, k)
	}
	return keys, reads
}

// write is steps 1 and 2.
func (st *stage) write(ctx context.Context, keys []stagedKey) (int64, error) {
	marker, err := st.marker(false)
	if err != nil {
		return 0, err
	}
	resp, err := st.store.engine.client.Do(ctx, marker)
	if err != nil {
		return 0, fmt.Errorf("stage: %w", err)
	}
	st.mod = resp.Put().Header.Revision
	ops := make([]clientv3.Op, len(keys))
	for i, k := range keys {
		if ops[i], err = st.stageOp(k); err != nil {
			return 0, err
		}
	}
	for from, to := range batches(ops) {
		resp, err := st.store.try(ctx, revisions(keys[from:to]), ops[from:to])
		if err != nil {
			return 0, fmt.Errorf("stage: %w", err)
		}
		if !resp.Succeeded {
			return resp.Header.Revision, errConflict
		}
		for _, k := range keys[from:to] {
			k.mod = resp.Header.Revision
			st.keys = append(st.keys, k)
		}
	}
	return st.mod, nil
}

// batches cuts ops into pieces that each fit into one request.
func batches(ops []clientv3.Op) iter.Seq2[int, int] {
	return func(yield func(from, to int) bool) {
		for from := 0; from < len(ops); {
			to, size := from, 0
			for to < len(ops) && to-from < maxTxnOps && (to == from || size+opSize(ops[to]) <= maxTxnBytes) {
				size += opSize(ops[to])
				to++
			}
			if !yield(from, to) {
				return
			}
			from = to
		}
	}
}

func opSize(op clientv3.Op) int { return len(op.KeyBytes()) + len(op.ValueBytes()) }

// show is step 3.
func (st *stage) show(ctx context.Context, reads map[string]int64, markers map[string]clientv3.Op) (int64, error) {
	marker, err := st.marker(true)
	if err != nil {
		return 0, err
	}
	reads[stageKey(st.id)] = st.mod
	resp, err := st.store.try(ctx, reads, append(inOrder(markers), marker))
	if err != nil {
		return 0, fmt.Errorf("show stage: %w", err)
	}
	if !resp.Succeeded {
		return resp.Header.Revision, errConflict
	}
	st.mod = resp.Header.Revision
	return st.mod, nil
}

// finish gives the keys back, as they shall be if forward, else as they were,
// and forgets the stage. A key that somebody else has written meanwhile is
// left alone: that is possible once the stage is shown.
func (st *stage) finish(ctx context.Context, forward bool) (revision int64, err error) {
	ops := make([]clientv3.Op, len(st.keys))
	for i, k := range st.keys {
		noun := k.was
		if forward {
			noun = k.next
		}
		if ops[i], err = writeOp(k.key, noun); err != nil {
			return 0, err
		}
	}
	for from, to := range batches(ops) {
		resp, err := st.store.try(ctx, revisions(st.keys[from:to]), ops[from:to])
		if err != nil {
			return 0, fmt.Errorf("finish stage: %w", err)
		}
		if resp.Succeeded {
			continue
		}
		for i := from; i < to; i++ {
			if _, err := st.store.try(ctx, revisions(st.keys[i:i+1]), ops[i:i+1]); err != nil {
				return 0, fmt.Errorf("finish stage: %w", err)
			}
		}
	}
	resp, err := st.store.engine.client.Delete(ctx, stageKey(st.id))
	if err != nil {
		return 0, fmt.Errorf("finish stage: %w", err)
	}
	st.store.acknowledge(resp.Header.Revision)
	return resp.Header.Revision, nil
}

func (st *stage) marker(shown bool) (clientv3.Op, error) {
	return writeOp(stageKey(st.id), &stageRecord{Shown: shown, Created: time.Now().UTC()})
}

func (st *stage) stageOp(k stagedKey) (clientv3.Op, error) {
	was, err := encodeNoun(k.was)
	if err != nil {
		return clientv3.Op{}, err
	}
	next, err := encodeNoun(k.next)
	if err != nil {
		return clientv3.Op{}, err
	}
	value, err := encodeRecord(record{Noun: was, Stage: st.id, Next: next})
	return clientv3.OpPut(k.key, value), err
}
