package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Options say where a store is and how durable.
type Options struct {
	Dir string // data directory of the daemon; the store is in Dir/store

	// NoFsync gives up durability for speed, for tests and for a daemon that
	// keeps nothing.
	NoFsync bool

	Log *slog.Logger // nil: silent
}

// A Store keeps nouns. It is safe for concurrent use.
type Store struct {
	engine *engine
	index  *index
	log    *slog.Logger
	lock   *os.File

	// acknowledged is the newest revision that etcd has reported to us. Every
	// write goes through this process, so a reader who waits for it sees
	// whatever anybody has been told is done.
	acknowledged atomic.Int64

	turn  chan struct{} // full while a batch is being committed
	calls chan *call    // to whoever has the turn

	open     context.Context // until Close: a batch is of several callers
	stop     context.CancelFunc
	follower sync.WaitGroup
}

// Open starts the store in opts.Dir, which it makes if need be. A directory
// that another process has open is refused with an *InUseError.
func Open(ctx context.Context, opts Options) (*Store, error) {
	log := opts.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	dir := filepath.Join(opts.Dir, "store")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	engine, err := startEngine(ctx, filepath.Join(dir, "etcd"), opts.NoFsync, log)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	s := &Store{engine: engine, index: newIndex(), log: log, lock: lock, turn: make(chan struct{}, 1), calls: make(chan *call)}
	if err := s.load(ctx); err != nil {
		return nil, errors.Join(err, engine.close(), lock.Close())
	}
	s.start()
	if err := s.sweep(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// start starts what Close ends.
func (s *Store) start() {
	s.open, s.stop = context.WithCancel(context.Background())
	s.follower.Go(func() { s.follow(s.open) })
}

// Close ends the store. It takes ten seconds at the most; whatever has been
// acknowledged is kept, whether it succeeds or not.
func (s *Store) Close() error {
	s.stop()
	s.follower.Wait()
	return errors.Join(s.engine.close(), s.lock.Close())
}

// Revision is the newest revision that has been acknowledged to anybody.
func (s *Store) Revision() int64 { return s.acknowledged.Load() }

// acknowledge remembers that etcd has reported revision.
func (s *Store) acknowledge(revision int64) {
	for {
		known := s.acknowledged.Load()
		if revision <= known || s.acknowledged.CompareAndSwap(known, revision) {
			return
		}
	}
}

// A View reads nouns as they were at one revision.
type View struct {
	Reader
	Revision int64
}

// View returns a consistent snapshot that has every write which was
// acknowledged before the call. It reads memory only.
func (s *Store) View(ctx context.Context) (*View, error) {
	snap, err := s.index.at(ctx, s.Revision())
	if err != nil {
		return nil, err
	}
	return &View{Reader: Reader{snap}, Revision: snap.revision}, nil
}

// load reads all keys into the index.
func (s *Store) load(ctx context.Context) error {
	all, err := s.engine.client.Get(ctx, root, clientv3.WithPrefix())
	if err != nil {
		return fmt.Errorf("load store: %w", err)
	}
	if err := s.index.load(all.Kvs, all.Header.Revision); err != nil {
		return fmt.Errorf("load store: %w", err)
	}
	s.acknowledge(all.Header.Revision)
	return nil
}

// reloadAfter is how long to wait after a watch was lost.
const reloadAfter = 100 * time.Millisecond

// follow keeps the index up to date until ctx is done. When the watch is lost
// or compacted away, it loads everything again.
func (s *Store) follow(ctx context.Context) {
	for {
		err := s.followWatch(ctx)
		for err != nil && ctx.Err() == nil {
			s.log.Error("follow store", "err", err)
			select {
			case <-ctx.Done():
			case <-time.After(reloadAfter):
				err = s.load(ctx)
			}
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// followWatch feeds the index from one watch until it ends.
func (s *Store) followWatch(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	from := s.index.newest().revision + 1
	for resp := range s.engine.client.Watch(ctx, root, clientv3.WithPrefix(), clientv3.WithRev(from)) {
		if err := resp.Err(); err != nil {
			return fmt.Errorf("watch from %d: %w", from, err)
		}
		if len(resp.Events) == 0 {
			continue
		}
		events := make([]event, len(resp.Events))
		for i, ev := range resp.Events {
			events[i] = event{kv: ev.Kv, deleted: ev.Type == clientv3.EventTypeDelete}
		}
		if err := s.index.apply(events, resp.Header.Revision); err != nil {
			return err
		}
	}
	return errors.New("watch ended")
}
