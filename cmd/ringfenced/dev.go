package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"os"
	"sync"
	"syscall"

	"ringfence/internal/admin"
	"ringfence/internal/agent"
	"ringfence/internal/lock"
	"ringfence/internal/policy"
	"ringfence/internal/server"
	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// dev runs everything in this process until ctx is done.
func dev(ctx context.Context, o options, stdout, stderr *os.File) (err error) {
	level := slog.LevelInfo
	if o.verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	agentOptions, apiOptions, err := o.parse()
	if err != nil {
		return err
	}
	if err := needRoot(); err != nil {
		return err
	}
	name, err := lockName(o.name)
	if err != nil {
		return err
	}
	defer name.Close()
	if o.ephemeral {
		defer func() { err = errors.Join(err, lock.Remove(name)) }()
	}
	data, err := o.holdData()
	if err != nil {
		return err
	}
	defer data.Close()
	if err := o.prepareData(ctx, log); err != nil {
		return err
	}
	if o.ephemeral {
		defer func() { err = errors.Join(err, o.removeData(), os.Remove(data.Name())) }()
	}
	listener, err := listen(o.listen)
	if err != nil {
		return err
	}
	defer listener.Close()

	st, err := store.Open(ctx, store.Options{Dir: o.dataDir, NoFsync: o.ephemeral, Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()

	endpoint := "http://" + listener.Addr().String()
	var host *agent.Agent // set before the first call is answered
	apiOptions.Console = func(_ context.Context, id vpc.InstanceID) (vpc.Console, error) { return host.Console(id) }
	srv, err := server.New(ctx, st, server.Options{
		API: apiOptions, DataDir: o.dataDir, Endpoint: endpoint, TestAPI: o.testAPI, Log: log,
		Hooks: server.Hooks{
			Outside: func(ctx context.Context, in admin.OutsideRequest) (*admin.Outside, error) {
				return host.Outside(ctx, in)
			},
			Explain: func(ctx context.Context, in admin.ExplainRequest) (*admin.Explanation, error) {
				return host.Explain(ctx, in)
			},
			Connections: func(ctx context.Context, in admin.ConnectionsRequest, yield func(*admin.Connection) error) error {
				return host.Connections(ctx, in, yield)
			},
			Watch: func(ctx context.Context, in admin.WatchRequest) (iter.Seq[*admin.Verdict], error) {
				return host.Watch(ctx, in)
			},
			Exec:  func(ctx context.Context, id vpc.InstanceID) (*admin.Exec, error) { return host.Exec(ctx, id) },
			Ready: func() bool { return host.IsReady() },
		},
	})
	if err != nil {
		return err
	}
	feed := srv.Subscribe("local")
	defer feed.Close()
	agentOptions.Host, agentOptions.DataDir, agentOptions.Log = "local", o.dataDir, log
	if host, err = agent.New(agentOptions, feed, srv.Report); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, host.Close()) }()
	srv.ShowMetrics(host)
	if o.ephemeral {
		defer func() { err = errors.Join(err, host.Clean(context.WithoutCancel(ctx))) }()
	}
	return run(ctx, srv, host, listener, func() { fmt.Fprintln(stdout, "ready", endpoint) })
}

// run runs server and agent until ctx is done or one of them fails.
func run(ctx context.Context, srv *server.Server, host *agent.Agent, listener net.Listener, ready func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var failures [2]error
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cancel()
		failures[0] = srv.Run(ctx, listener)
	})
	wg.Go(func() {
		defer cancel()
		failures[1] = host.Run(ctx)
	})
	select {
	case <-host.Ready():
		ready()
	case <-ctx.Done():
	}
	wg.Wait()
	return errors.Join(failures[:]...)
}

func listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("the address %s is taken: end who has it, or choose another with --listen", address)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return l, nil
}

func parseRevocation(s string) (policy.Revocation, error) {
	switch s {
	case "aws":
		return policy.RevokeAWS, nil
	case "strict":
		return policy.RevokeStrict, nil
	}
	return 0, fmt.Errorf("--revoke %q is neither aws nor strict", s)
}

// catalogue is that of the built-in images and of the file that was named.
func (o *options) catalogue() (*vpc.Catalogue, error) {
	c := vpc.NewCatalogue()
	if o.images == "" {
		return c, nil
	}
	f, err := os.Open(o.images)
	if err != nil {
		return nil, fmt.Errorf("--images: %w", err)
	}
	defer f.Close()
	if err := c.Add(f); err != nil {
		return nil, fmt.Errorf("--images %s: %w", o.images, err)
	}
	return c, nil
}
