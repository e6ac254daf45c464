package server

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"ringfence/internal/awsquery"
	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// shared is the one store of this package's tests.
var shared *store.Store

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "ringfence-server-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	shared, err = store.Open(context.Background(), store.Options{Dir: dir, NoFsync: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer shared.Close()
	return m.Run()
}

// newServer returns a server on the shared store.
func newServer(t *testing.T, opts Options) *Server {
	t.Helper()
	s, err := New(t.Context(), shared, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const albert vpc.AccountID = "111122223333"

func keyOf(t *testing.T, id vpc.AccountID) awsquery.Key {
	t.Helper()
	v, err := shared.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a := v.Account(id)
	return awsquery.Key{Access: a.AccessKey, Secret: a.SecretKey}
}

// signedPost is a call by albert, signed for a service and a region.
func signedPost(t *testing.T, service awsquery.Service, region, form string) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8773/", strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	awsquery.Sign(r, []byte(form), keyOf(t, albert), region, service, time.Now())
	return r
}

// do has a server's handler answer r.
func do(s *Server, r *http.Request) (status int, body string) {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}
