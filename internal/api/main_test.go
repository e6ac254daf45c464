package api_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"testing"

	"ringfence/internal/server"
	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// world is a server as callers meet it: HTTP with signatures in front, a store
// behind. All tests share one and begin by resetting it.
type world struct {
	store  *store.Store
	server *server.Server
	http   *httptest.Server
}

var shared world

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "ringfence-api-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	shared.store, err = store.Open(ctx, store.Options{Dir: dir, NoFsync: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer shared.store.Close()
	shared.server, err = server.New(ctx, shared.store, server.Options{TestAPI: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	shared.http = httptest.NewServer(shared.server.Handler())
	defer shared.http.Close()
	return m.Run()
}

// albert is the account of the EC2 User Guide 2012's examples, in EC2-Classic.
const albert vpc.AccountID = "111122223333"

// carol is an account of today, whose calls are about its default VPC.
const carol vpc.AccountID = "123456789012"

// fresh resets the shared world.
func fresh(t testing.TB) *world {
	t.Helper()
	resp, err := shared.http.Client().Post(shared.http.URL+"/_ringfence/reset", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Fatalf("reset answers %s", resp.Status)
	}
	return &shared
}

// account returns an account, which is made if need be: carol's and dave's in
// VPC, all others in EC2-Classic.
func (w *world) account(t testing.TB, id vpc.AccountID) *vpc.Account {
	t.Helper()
	v, err := w.store.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if a := v.Account(id); a != nil {
		return a
	}
	a := &vpc.Account{ID: id, Platform: vpc.PlatformClassic, Era: vpc.Era2012, AccessKey: "AKIA" + string(id), SecretKey: "secret of " + string(id)}
	if id == carol || id == dave {
		a.Platform, a.Era = vpc.PlatformVPC, vpc.EraModern
	}
	if _, err := w.store.Update(t.Context(), func(tx *store.Tx) error {
		tx.PutAccount(a)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return a
}
