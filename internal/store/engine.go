package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
)

const (
	startTimeout = 30 * time.Second
	closeTimeout = 10 * time.Second

	// memberName never reaches a network: the one member talks to itself.
	memberName = "ringfence"

	// quotaBytes bounds the database, etcd's own default for it.
	quotaBytes = 2 << 30

	// compactAfter is how long old revisions are kept for etcd's watches.
	compactAfter = "10m"

	// catchUpEntries is how many entries of the log stay in memory for members
	// that are behind, of which there are none; etcd takes 0 for its default.
	catchUpEntries = 100

	// A lone member has nobody to lose an election to, so short ticks only
	// make its start fast.
	tickMillis, electionMillis = 20, 100
)

// An engine is the embedded etcd and a client in the same process. It listens
// on nothing.
type engine struct {
	etcd   *embed.Etcd
	client *clientv3.Client
}

func startEngine(ctx context.Context, dir string, noFsync bool, log *slog.Logger) (*engine, error) {
	cfg := embed.NewConfig()
	cfg.Name = memberName
	cfg.Dir = dir
	cfg.UnsafeNoFsync = noFsync
	cfg.QuotaBackendBytes = quotaBytes
	cfg.AutoCompactionMode = embed.CompactorModePeriodic
	cfg.AutoCompactionRetention = compactAfter
	cfg.SnapshotCatchUpEntries = catchUpEntries
	cfg.TickMs, cfg.ElectionMs = tickMillis, electionMillis
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zapTo(log))

	// A member needs an address to be known by, though it never opens it.
	peer := url.URL{Scheme: "http", Host: "127.0.0.1:1"}
	cfg.ListenPeerUrls, cfg.ListenClientUrls = nil, nil
	cfg.AdvertisePeerUrls, cfg.AdvertiseClientUrls = []url.URL{peer}, []url.URL{peer}
	cfg.InitialCluster = cfg.InitialClusterFromName(memberName)

	etcd, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, fmt.Errorf("start etcd: %w", err)
	}
	timeout := time.NewTimer(startTimeout)
	defer timeout.Stop()
	select {
	case <-etcd.Server.ReadyNotify():
		return &engine{etcd: etcd, client: v3client.New(etcd.Server)}, nil
	case err = <-etcd.Err():
	case <-timeout.C:
		err = fmt.Errorf("not ready after %v", startTimeout)
	case <-ctx.Done():
		err = ctx.Err()
	}
	etcd.Close()
	return nil, fmt.Errorf("start etcd: %w", err)
}

// close ends the client, then etcd. It waits for closeTimeout at the most:
// what was acknowledged is on the disk already.
func (e *engine) close() error {
	err := e.client.Close()
	if errors.Is(err, context.Canceled) { // what a client without connections says
		err = nil
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		e.etcd.Close()
	}()
	select {
	case <-closed:
	case <-time.After(closeTimeout):
		err = errors.Join(err, fmt.Errorf("etcd has not ended after %v", closeTimeout))
	}
	if err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}
