package guest

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"path/filepath"
	"time"

	"ringfence/internal/fabric/initproto"
)

// serveMetadata passes requests for instance metadata on to the agent, which
// knows whose they are by the socket they come through. While there is no
// agent the answer is 503.
func (m *machine) serveMetadata(l net.Listener) {
	socket := filepath.Join(m.spec.RunDir, initproto.MetadataSocket)
	server := &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(m.log.Handler(), slog.LevelDebug),
		Handler: &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.Out.URL.Scheme, r.Out.URL.Host = "http", MetadataAddr.String()
				// The agent refuses tokens to those who come through a proxy.
				if from, ok := r.In.Header["X-Forwarded-For"]; ok {
					r.Out.Header["X-Forwarded-For"] = from
				}
			},
			Transport: &http.Transport{
				DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
					return initproto.Dial(ctx, socket)
				},
				DisableCompression:    true,
				MaxIdleConns:          2,
				IdleConnTimeout:       10 * time.Second,
				ResponseHeaderTimeout: agentTimeout,
			},
			ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
				http.Error(w, "instance metadata is not available now", http.StatusServiceUnavailable)
			},
		},
	}
	m.log.Error("serve metadata", "err", server.Serve(l))
}
