package server

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ringfence/internal/admin"
	"ringfence/internal/api"
	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// Options say what a server does beside answering the API.
type Options struct {
	API api.Options

	// DataDir is where the socket for administration and the credentials file
	// are. "" for neither.
	DataDir string

	// Endpoint is the URL of the API, as Status tells it.
	Endpoint string

	// TestAPI allows POST /_ringfence/reset to whoever reaches the port.
	TestAPI bool

	Hooks Hooks
	Log   *slog.Logger // nil: silent
}

// Hooks are what an agent in the same process can do for the ringfence
// command. A nil function answers that it is not available.
type Hooks struct {
	Outside func(context.Context, admin.OutsideRequest) (*admin.Outside, error)
	Explain func(context.Context, admin.ExplainRequest) (*admin.Explanation, error)
	Exec    func(context.Context, vpc.InstanceID) (*admin.Exec, error)

	// Connections calls yield for each, and ends with its error if it has one.
	Connections func(_ context.Context, _ admin.ConnectionsRequest, yield func(*admin.Connection) error) error

	// Watch returns what comes until its context is done. From then on that it
	// returns, nothing is missed; the sequence is to be read, once.
	Watch func(context.Context, admin.WatchRequest) (iter.Seq[*admin.Verdict], error)

	// Ready reports whether packets are judged. nil: they are.
	Ready func() bool
}

// A Server answers the API, the ringfence command and the agents.
type Server struct {
	opts    Options
	store   *store.Store
	api     *api.API
	log     *slog.Logger
	metrics *metrics
	agents  agents

	credentials sync.Mutex // held while the credentials file is written
}

// New returns a server on a store, with the built-in accounts made.
func New(ctx context.Context, st *store.Store, opts Options) (*Server, error) {
	log := opts.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	a, err := api.New(st, opts.API)
	if err != nil {
		return nil, fmt.Errorf("make API: %w", err)
	}
	s := &Server{opts: opts, store: st, api: a, log: log}
	s.agents.applied, s.agents.proxies = map[string]int64{}, map[string]vpc.ProxyEngine{}
	s.metrics = newMetrics(st.Revision, s.agents.enforced)
	for _, b := range builtinAccounts {
		if _, err := a.EnsureAccount(ctx, b.id, b.platform, b.era); err != nil {
			return nil, err
		}
	}
	if opts.DataDir != "" {
		if err := s.writeCredentials(ctx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// ShowMetrics shows an agent's metrics on /metrics beside the server's own. It
// is called before Run, and once.
func (s *Server) ShowMetrics(c prometheus.Collector) { s.metrics.registry.MustRegister(c) }

// Time limits of a connection. A caller that sends slower than this is cut.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 2 * time.Minute
	shutdownTimeout   = 5 * time.Second
	maxHeaderBytes    = 256 << 10 // of a GET, the parameters too
)

// forgetEvery is how often old terminated instances are looked for.
const forgetEvery = time.Minute

// Run answers on listener, and on the socket in the data directory, until ctx
// is done or one of them fails. Calls under way are finished first.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	failures := make(chan error, 2) // one for each that can fail
	run := func(f func() error) {
		wg.Go(func() {
			defer cancel()
			failures <- f()
		})
	}
	if s.opts.DataDir != "" {
		socket, err := listenAdmin(s.opts.DataDir)
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		run(func() error { return s.serve(ctx, socket, s.adminHandler(ctx)) })
	}
	run(func() error { return s.serve(ctx, listener, s.Handler()) })
	wg.Go(func() { s.forget(ctx) })
	wg.Wait()
	close(failures)
	var err error
	for failure := range failures {
		err = errors.Join(err, failure)
	}
	return err
}

// serve answers on a listener until ctx is done.
func (s *Server) serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	h := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		if err := h.Shutdown(grace); err != nil {
			s.log.Warn("cut calls under way", "err", err)
			h.Close()
		}
	})
	err := h.Serve(listener)
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", listener.Addr(), err)
	}
	wg.Wait()
	return nil
}

// forget removes old terminated instances from time to time.
func (s *Server) forget(ctx context.Context) {
	tick := time.NewTicker(forgetEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.api.Forget(ctx); err != nil && ctx.Err() == nil {
				s.log.Error("forget terminated instances", "err", err)
			}
		}
	}
}

// listenAdmin opens the socket for administration, for our own user only. One
// that an earlier daemon has left is replaced: the store's lock says that it
// is dead.
func listenAdmin(dataDir string) (net.Listener, error) {
	path := admin.SocketPath(dataDir)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("listen for administration: %w", err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen for administration: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("listen for administration: %w", err), listener.Close())
	}
	return listener, nil
}
