package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// resolveTimeout bounds how long resolve waits for etcd.
const resolveTimeout = 10 * time.Second

// resolve ends a stage that failed without an answer: what was asked for last may
// be done or not. It returns the revision at which the stage was shown, or else
// the failure. If etcd does not answer now either, the next start sweeps.
func (st *stage) resolve(ctx context.Context, failure error) (int64, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resolveTimeout)
	defer cancel()
	revision, err := st.fence(ctx)
	if err == nil {
		err = st.store.endStages(ctx, map[string]bool{st.id: revision > 0})
	}
	if revision == 0 || err != nil {
		return 0, errors.Join(failure, err)
	}
	return revision, nil
}

// fence keeps a stage from being shown by what is still on its way, and returns
// the revision at which it was shown before, 0 if it was not.
func (st *stage) fence(ctx context.Context) (int64, error) {
	marker, err := st.marker(false)
	if err != nil {
		return 0, err
	}
	k := stageKey(st.id)
	resp, err := st.store.engine.client.Txn(ctx).If(compares(map[string]int64{k: st.mod})...).Then(marker).Else(clientv3.OpGet(k)).Commit()
	if err != nil {
		return 0, fmt.Errorf("fence stage: %w", err)
	}
	if resp.Succeeded {
		return 0, nil
	}
	for _, kv := range resp.Responses[0].GetResponseRange().Kvs {
		r, err := decodeRecord(k, kv.Value)
		if err != nil {
			return 0, fmt.Errorf("fence stage: %w", err)
		}
		noun, err := decodeNoun(k, r.Noun)
		if err != nil {
			return 0, fmt.Errorf("fence stage: %w", err)
		}
		if noun.(*stageRecord).Shown {
			return kv.ModRevision, nil
		}
	}
	return 0, nil
}

// sweep ends the stages that an earlier process has left.
func (s *Store) sweep(ctx context.Context) error {
	left := map[string]bool{}
	s.index.newest().scan(stagePrefix, func(k string, noun any) bool {
		left[k[len(stagePrefix):]] = noun.(*stageRecord).Shown
		return true
	})
	if len(left) == 0 {
		return nil
	}
	return s.endStages(ctx, left)
}

// endStages looks up what stages hold, by their ids, and settles those that are
// shown and undoes the others.
func (s *Store) endStages(ctx context.Context, shown map[string]bool) error {
	all, err := s.engine.client.Get(ctx, root, clientv3.WithPrefix())
	if err != nil {
		return fmt.Errorf("sweep stages: %w", err)
	}
	held := map[string][]stagedKey{}
	for _, kv := range all.Kvs {
		r, err := decodeRecord(string(kv.Key), kv.Value)
		if err != nil {
			return fmt.Errorf("sweep stages: %w", err)
		}
		if _, ok := shown[r.Stage]; !ok {
			continue
		}
		k := stagedKey{key: string(kv.Key), mod: kv.ModRevision}
		if k.was, err = decodeNoun(k.key, r.Noun); err != nil {
			return fmt.Errorf("sweep stages: %w", err)
		}
		if k.next, err = decodeNoun(k.key, r.Next); err != nil {
			return fmt.Errorf("sweep stages: %w", err)
		}
		held[r.Stage] = append(held[r.Stage], k)
	}
	for id, forward := range shown {
		st := &stage{store: s, id: id, keys: held[id]}
		s.log.Info("sweep stage", "stage", id, "keys", len(st.keys), "shown", forward)
		if _, err := st.finish(ctx, forward); err != nil {
			return err
		}
	}
	return nil
}
