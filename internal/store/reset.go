package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"

	"ringfence/internal/vpc"
)

// Reset deletes everything but the accounts in keep, in one transaction.
// Counters go on: a number means one thing for ever.
func (s *Store) Reset(ctx context.Context, keep []vpc.AccountID) (int64, error) {
	snap, err := s.index.at(ctx, s.Revision())
	if err != nil {
		return 0, err
	}
	kept := []span{{counterPrefix, clientv3.GetPrefixRangeEnd(counterPrefix)}, one(epochKey)}
	for _, id := range keep {
		a, ok := snap.get(accountKey(id)).(*vpc.Account)
		if !ok {
			return 0, fmt.Errorf("reset: there is no account %s to keep", id)
		}
		kept = append(kept, one(accountKey(id)), one(accessKeyKey(a.AccessKey)))
	}
	slices.SortFunc(kept, func(a, b span) int { return strings.Compare(a.from, b.from) })

	epoch, err := writeOp(epochKey, struct{}{})
	if err != nil {
		return 0, err
	}
	ops := []clientv3.Op{epoch}
	from := root
	for _, k := range kept {
		ops = append(ops, clientv3.OpDelete(from, clientv3.WithRange(k.from)))
		from = k.end
	}
	ops = append(ops, clientv3.OpDelete(from, clientv3.WithRange(clientv3.GetPrefixRangeEnd(root))))
	if len(ops) > maxTxnOps {
		return 0, fmt.Errorf("reset: %d accounts are too many to keep", len(keep))
	}
	resp, err := s.engine.client.Txn(ctx).Then(ops...).Commit()
	if err != nil {
		return 0, fmt.Errorf("reset: %w", err)
	}
	s.acknowledge(resp.Header.Revision)
	return resp.Header.Revision, nil
}

// A span is the keys from from up to, but not including, end.
type span struct{ from, end string }

func one(k string) span { return span{k, k + "\x00"} }
