package admin

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringfence/internal/vpc"
)

// serve answers on a socket with handler until the test ends.
func serve(t *testing.T, handler http.Handler) *Client {
	t.Helper()
	// t.TempDir is longer than a socket's path may be.
	dir, err := os.MkdirTemp("", "admin")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	listener, err := net.Listen("unix", SocketPath(dir))
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler}}
	server.Start()
	t.Cleanup(server.Close)
	return NewClient(SocketPath(dir))
}

func TestClientAsksAndReads(t *testing.T) {
	mux := http.NewServeMux()
	reply := func(w http.ResponseWriter, v any) {
		if err := json.NewEncoder(w).Encode(v); err != nil {
			t.Error(err)
		}
	}
	mux.HandleFunc("GET "+StatusPath, func(w http.ResponseWriter, r *http.Request) {
		reply(w, Status{Revision: 7, Agents: []Agent{{Host: "one", Applied: 6}}})
	})
	mux.HandleFunc("GET "+AccountsPath, func(w http.ResponseWriter, r *http.Request) {
		reply(w, []Account{{ID: "111122223333"}})
	})
	mux.HandleFunc("POST "+AccountsPath, func(w http.ResponseWriter, r *http.Request) {
		var in NewAccount
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		reply(w, Account{ID: in.ID, Platform: in.Platform})
	})
	mux.HandleFunc("GET "+ExecPattern, func(w http.ResponseWriter, r *http.Request) {
		reply(w, Exec{Init: "init of " + r.PathValue("id")})
	})
	mux.HandleFunc("POST "+OutsidePath, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		reply(w, Failure{vpc.InvalidParameterValue, "no such address"})
	})
	mux.HandleFunc("POST "+ExplainPath, func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "broken", http.StatusInternalServerError)
	})
	c := serve(t, mux)
	ctx := t.Context()

	status, err := c.Status(ctx)
	if diff := cmp.Diff(&Status{Revision: 7, Agents: []Agent{{Host: "one", Applied: 6}}}, status); err != nil || diff != "" {
		t.Errorf("status: error %v, difference %s", err, diff)
	}
	if list, err := c.Accounts(ctx); err != nil || len(list) != 1 || list[0].ID != "111122223333" {
		t.Errorf("accounts: %v, error %v", list, err)
	}
	if a, err := c.CreateAccount(ctx, NewAccount{ID: "1", Platform: vpc.PlatformClassic}); err != nil || *a != (Account{ID: "1", Platform: "classic"}) {
		t.Errorf("new account: %v, error %v", a, err)
	}
	if e, err := c.Exec(ctx, "i-1/../x"); err != nil || e.Init != "init of i-1/../x" {
		t.Errorf("exec: %v, error %v", e, err)
	}
	if _, err := c.Outside(ctx, OutsideRequest{}); vpc.CodeOf(err) != vpc.InvalidParameterValue {
		t.Errorf("a caller's fault is %v", err)
	}
	if _, err := c.Explain(ctx, ExplainRequest{}); err == nil || !strings.Contains(err.Error(), "HTTP status 500") {
		t.Errorf("a daemon's fault is %v", err)
	}
}

// An answer that is broken off is no end of the list.
func TestConnectionsBrokenOff(t *testing.T) {
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewEncoder(w).Encode(Connection{Proto: "tcp"}); err != nil {
			t.Error(err)
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		panic(http.ErrAbortHandler)
	}))
	var got []string
	err := c.Connections(t.Context(), ConnectionsRequest{}, func(c *Connection) error {
		got = append(got, c.Proto)
		return nil
	})
	if err == nil || len(got) != 1 {
		t.Errorf("got %v, error %v", got, err)
	}
}

func TestNoDaemon(t *testing.T) {
	_, err := NewClient(filepath.Join(t.TempDir(), "none")).Status(t.Context())
	if !errors.Is(err, ErrNoDaemon) {
		t.Errorf("got %v", err)
	}
}
