package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"testing"

	"ringfence/internal/vpc"
)

// shared is the one store of this package's tests. Each test has a region of
// its own in it, except those that must open or reset one.
var shared *Store

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerDirEnv); dir != "" {
		writeUntilKilled(dir)
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "ringfence-store-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	shared, err = Open(context.Background(), Options{Dir: dir, NoFsync: true, Log: log})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer shared.Close()
	return m.Run()
}

const albert vpc.AccountID = "111122223333"

func openIn(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{Dir: dir, NoFsync: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// regionOf returns a region that no other test, and no other run of t, has.
func regionOf(t *testing.T) vpc.Region { return vpc.Region(t.Name() + rand.Text()) }

func group(r vpc.Region, id string) *vpc.SecurityGroup {
	return &vpc.SecurityGroup{ID: vpc.GroupID(id), Account: albert, Region: r,
		Network: vpc.ClassicNetwork, Name: "name of " + id, Description: "a group"}
}

func update(t *testing.T, s *Store, f func(tx *Tx) error) int64 {
	t.Helper()
	revision, err := s.Update(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return revision
}

// alone is update besides the batches, also while one of them runs.
func alone(t *testing.T, s *Store, f func(tx *Tx) error) {
	t.Helper()
	if _, err := s.updateAlone(t.Context(), f); err != nil {
		t.Error(err)
	}
}

func view(t *testing.T, s *Store) *View {
	t.Helper()
	v, err := s.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}
