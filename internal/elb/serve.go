package elb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Paths of what a node answers on its socket, as JSON over HTTP.
const (
	specPath     = "/spec"     // PUT a Spec: answered when it is in force
	healthPath   = "/health"   // GET Health; ?after=SERIAL waits for another one
	countersPath = "/counters" // GET Counters
)

// SocketName is the socket on which a node answers the agent, in the directory
// that its machine shares with the host.
const SocketName = "balancer.sock"

// healthWait is how long a question after a change of health waits for one. It
// is asked again then.
const healthWait = 30 * time.Second

// Main is the program balancer of a node's machine: it runs the node until it
// is told to end. Its arguments are the path of its socket, its own directory,
// and that of the buckets. Its result is the exit status.
func Main(args []string) int {
	if len(args) != 3 {
		fmt.Fprintln(os.Stderr, "balancer is started by ringfenced only")
		return 2
	}
	debug.SetGCPercent(40) // a node is small, mostly asleep, and one of many
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := run(ctx, args[0], args[1], args[2], log); err != nil {
		log.Error("balancer", "err", err)
		return 1
	}
	return 0
}

func run(ctx context.Context, socket, dir, buckets string, log *slog.Logger) error {
	engine, err := FindEngine(ctx)
	if err != nil {
		return err
	}
	n, err := NewNode(engine, dir, buckets, log)
	if err != nil {
		return err
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a node that was here before
		return err
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	return n.Serve(ctx, l)
}

// Serve runs the node, and answers on l, until ctx is done.
func (n *Node) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := &http.Server{
		Handler: n.handler(), ReadHeaderTimeout: time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	var wg sync.WaitGroup
	var failure error
	wg.Go(func() {
		defer cancel()
		failure = server.Serve(l)
	})
	err := n.Run(ctx)
	cancel()
	server.Close()
	wg.Wait()
	if !errors.Is(failure, http.ErrServerClosed) {
		err = errors.Join(err, failure)
	}
	return err
}

func (n *Node) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT "+specPath, func(w http.ResponseWriter, r *http.Request) {
		var spec Spec
		err := json.NewDecoder(r.Body).Decode(&spec)
		if err == nil {
			err = n.Apply(r.Context(), &spec)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET "+healthPath, func(w http.ResponseWriter, r *http.Request) {
		after, err := strconv.ParseInt(r.FormValue("after"), 10, 64)
		if err != nil {
			after = -1 // whatever it is
		}
		ctx, cancel := context.WithTimeout(r.Context(), healthWait)
		defer cancel()
		answer(w, n.Health(ctx, after))
	})
	mux.HandleFunc("GET "+countersPath, func(w http.ResponseWriter, r *http.Request) {
		c, err := n.Counters(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		answer(w, c)
	})
	return mux
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // whoever asked may have left
}
