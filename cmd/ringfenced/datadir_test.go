package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestADataDirectoryInUseIsRefusedWithTheHoldersProcess(t *testing.T) {
	first := options{dataDir: t.TempDir()}
	held, err := first.holdData()
	if err != nil {
		t.Fatal(err)
	}
	second := options{dataDir: first.dataDir, ephemeral: true}
	if f, err := second.holdData(); err == nil {
		f.Close()
		t.Fatal("two daemons have one data directory")
	} else if !strings.Contains(err.Error(), "process "+strconv.Itoa(os.Getpid())) {
		t.Errorf("the error %q does not name process %d", err, os.Getpid())
	}

	held.Close()
	f, err := second.holdData()
	if err != nil {
		t.Fatal("a lock outlives its holder:", err)
	}
	f.Close()
}

func TestAnEphemeralDaemonRefusesDataOfOthers(t *testing.T) {
	o := options{name: "t-eph", dataDir: t.TempDir(), ephemeral: true}
	store := filepath.Join(o.dataDir, "store")
	if err := os.Mkdir(store, 0o700); err != nil {
		t.Fatal(err)
	}
	err := o.prepareData(t.Context(), slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "would delete") {
		t.Errorf("error is %v, want that the data would be deleted", err)
	}
	if _, err := os.Stat(store); err != nil {
		t.Error("the data is gone:", err)
	}
}

// One that was killed could not remove anything; the next one does.
func TestWhatAnEphemeralDaemonLeavesIsRemovedByTheNext(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("removing namespaces needs root")
	}
	killed := options{name: "t-eph", dataDir: t.TempDir(), ephemeral: true}
	prepare := func(o options) error {
		return o.prepareData(context.WithoutCancel(t.Context()), slog.New(slog.DiscardHandler))
	}
	if err := prepare(killed); err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(killed.dataDir, "store")
	if err := os.Mkdir(store, 0o700); err != nil {
		t.Fatal(err)
	}

	kept := options{name: "t-kept", dataDir: killed.dataDir}
	if err := prepare(kept); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(store); !os.IsNotExist(err) {
		t.Error("its data is still there:", err)
	}
	if err := os.Mkdir(store, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := prepare(kept); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(store); err != nil {
		t.Error("data of a daemon that keeps it is gone:", err)
	}
}
