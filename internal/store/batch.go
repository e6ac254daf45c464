package store

import (
	"context"
	"errors"
	"fmt"
	"maps"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Transactions that wait at the same time are committed as one: a batch. Each
// runs on top of those before it, so they do not conflict with each other, and
// all of them pay for one entry in etcd's log. Whoever comes while no batch is on
// its way to the disk has the turn, and takes along all who wait.
//
// What a transaction was told, an error included, is as true as its batch: it
// is answered when that is committed. One that does not fit, or that meets a
// key of an unshown stage, is left to updateAlone.

// maxBatch bounds how many transactions are run before any is answered.
const maxBatch = 64

// A call is one Update on its way through a batch.
type call struct {
	f    func(*Tx) error
	done chan struct{} // closed when the outcome is set
	outcome
}

// An outcome is what a call has come to.
type outcome struct {
	revision int64
	err      error
	alone    bool // has to be run by itself
	panicked any  // what f has panicked with
}

// Update runs f as a transaction and returns the revision at which its writes
// are durable. f may run several times, and on the goroutine of another Update.
// It must do nothing but read and write tx; when it returns an error nothing is
// written and Update returns the error.
//
// Whatever f has read is as it was when the writes take effect. When ctx is done
// while the commit is on its way, that is waited for.
func (s *Store) Update(ctx context.Context, f func(tx *Tx) error) (int64, error) {
	if ctx.Err() != nil {
		return 0, fmt.Errorf("begin transaction: %w", ctx.Err())
	}
	c := &call{f: f, done: make(chan struct{})}
	select {
	case s.turn <- struct{}{}:
		s.lead(c)
	case s.calls <- c: // to the one who has the turn
	case <-ctx.Done():
		return 0, fmt.Errorf("begin transaction: %w", ctx.Err())
	}
	<-c.done
	switch {
	case c.panicked != nil:
		panic(c.panicked)
	case c.alone:
		return s.updateAlone(ctx, f)
	}
	return c.revision, c.err
}

// lead commits c and the calls that wait, and gives the turn back when all of them
// are answered.
func (s *Store) lead(c *call) {
	defer func() { <-s.turn }()
	calls := []*call{c}
	for taken := true; taken && len(calls) < maxBatch; {
		select {
		case other := <-s.calls:
			calls = append(calls, other)
		default:
			taken = false
		}
	}
	for len(calls) > 0 {
		calls = s.commitBatch(s.open, calls)
	}
}

// commitBatch commits as many of the calls as fit into one transaction of etcd,
// answers them, and returns the others.
func (s *Store) commitBatch(ctx context.Context, calls []*call) []*call {
	least := s.Revision() // everybody who waits may have been told of it
	for {
		snap, err := s.index.at(ctx, least)
		if err != nil {
			answer(calls, 0, err)
			return nil
		}
		b := &batch{snap: snap}
		n := b.fill(calls)
		revision, err := s.commitOps(ctx, b.reads, b.ops)
		if errors.Is(err, errConflict) { // with updateAlone, or with Reset
			least = revision
			continue
		}
		answer(calls[:n], max(revision, snap.revision), err)
		return calls[n:]
	}
}

// answer ends calls: each with its own error or that of the commit, or with the
// revision.
func answer(calls []*call, revision int64, err error) {
	for _, c := range calls {
		switch {
		case err != nil:
			c.err = err
		case c.err == nil:
			c.revision = revision
		}
		close(c.done)
	}
}

// A batch is what several transactions have read and written together.
type batch struct {
	snap   snapshot
	reads  map[string]int64
	writes map[string]any
	ops    map[string]clientv3.Op // by key, those of markers included
	size   int                    // of ops, in bytes
}

// fill runs calls in their order until one does not fit, and returns how many it
// has run: one at the least.
func (b *batch) fill(calls []*call) int {
	for i, c := range calls {
		tx := newTx(b.snap)
		tx.before = b.writes
		c.run(tx)
		switch fits := b.add(tx, c); {
		case fits:
		case i == 0:
			c.alone = true
		default:
			return i
		}
	}
	return len(calls)
}

// run runs the function of a call, which may have been run before.
func (c *call) run(tx *Tx) {
	c.outcome = outcome{}
	defer func() { c.panicked = recover() }()
	c.err = c.f(tx)
	c.alone = tx.busy
}

// add adds what a call has done, and reports whether it fits. Of a call that
// writes nothing only the reads count, and these only because it may have read
// what those before it write.
func (b *batch) add(tx *Tx, c *call) bool {
	if c.alone || c.panicked != nil {
		return true
	}
	var ops map[string]clientv3.Op
	if c.err == nil {
		ops, c.err = tx.ops()
	}
	if len(ops)+len(b.ops) == 0 {
		return true
	}
	size := b.size
	for k, op := range ops {
		if was, ok := b.ops[k]; ok {
			size -= opSize(was)
		}
		size += opSize(op)
	}
	if unionSize(b.ops, ops) > maxTxnOps || unionSize(b.reads, tx.reads) > maxTxnOps || size > maxTxnBytes {
		return false
	}
	b.size = size
	if len(b.ops) == 0 { // most batches are one call: it needs no copy
		b.reads, b.writes, b.ops = tx.reads, tx.writes, ops
		return true
	}
	maps.Copy(b.reads, tx.reads)
	maps.Copy(b.ops, ops)
	if c.err == nil {
		maps.Copy(b.writes, tx.writes)
	}
	return true
}

// unionSize is how many keys are in a or in b.
func unionSize[V any](a, b map[string]V) int {
	n := len(a)
	for k := range b {
		if _, ok := a[k]; !ok {
			n++
		}
	}
	return n
}
