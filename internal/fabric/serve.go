package fabric

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"ringfence/internal/fabric/initproto"
)

// Handlers answer one machine's questions.
type Handlers struct {
	// Metadata answers requests to 169.254.169.254; nil for a machine without.
	Metadata http.Handler

	// DNS answers a DNS message that came over network, udp or tcp. An empty
	// answer means that the question deserves none.
	DNS func(ctx context.Context, network string, query []byte) []byte
}

// ServeMachine answers the questions of a machine until ctx is done. Only that
// machine's init can ask here, so whose question it is needs no proof.
func (f *Fabric) ServeMachine(ctx context.Context, id string, h Handlers) error {
	dir := initproto.RunDir(f.dataDir, id)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("serve %s: %w", id, err)
	}
	queries, err := initproto.Listen(filepath.Join(dir, initproto.DNSSocket))
	if err != nil {
		return fmt.Errorf("serve DNS of %s: %w", id, err)
	}
	requests, err := initproto.Listen(filepath.Join(dir, initproto.MetadataSocket))
	if err != nil {
		queries.Close()
		return fmt.Errorf("serve metadata of %s: %w", id, err)
	}
	metadata := h.Metadata
	if metadata == nil {
		metadata = http.NotFoundHandler()
	}
	server := &http.Server{
		Handler:           metadata,
		ReadHeaderTimeout: askTimeout,
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(f.log.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() {
		server.Close()
		queries.Close()
	})
	defer stop()

	var wg sync.WaitGroup
	var dnsErr, httpErr error
	wg.Go(func() { dnsErr = serveDNS(ctx, queries, h.DNS) })
	wg.Go(func() { httpErr = server.Serve(requests) })
	wg.Wait()
	if ctx.Err() != nil {
		return nil // closed by stop
	}
	return fmt.Errorf("serve %s: %w", id, errors.Join(dnsErr, httpErr))
}

// askTimeout bounds how long an init may take to say what it wants to know.
const askTimeout = 5 * time.Second

// serveDNS answers on l until it is closed, and returns when all who ask have
// been answered.
func serveDNS(ctx context.Context, l *net.UnixListener, answer func(context.Context, string, []byte) []byte) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		wg.Go(func() {
			defer c.Close()
			for c.SetDeadline(time.Now().Add(askTimeout)) == nil {
				q, err := initproto.ReadQuery(c)
				if err != nil {
					return // the init is done, or gone
				}
				if initproto.WriteAnswer(c, answer(ctx, q.Network, q.Message)) != nil {
					return
				}
			}
		})
	}
}
