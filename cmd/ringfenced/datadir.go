package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"ringfence/internal/agent"
	"ringfence/internal/lock"
)

// Files in the data directory itself.
const (
	lockFile = "lock" // held by the daemon whose directory it is

	// ephemeralMark says that all in the directory may go, and contains the
	// name of the daemon that has made it. One that was killed leaves it.
	ephemeralMark = "ephemeral"
)

// holdData makes the data directory and takes it for this process until the
// file is closed.
func (o *options) holdData() (*os.File, error) {
	var err error
	if o.dataDir, err = filepath.Abs(o.dataDir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.dataDir, 0o755); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	f, err := lock.Acquire(filepath.Join(o.dataDir, lockFile))
	if held, ok := errors.AsType[*lock.HeldError](err); ok {
		return nil, fmt.Errorf("the data directory %s is in use by process %d: choose another --data-dir, or end it", o.dataDir, held.PID)
	}
	return f, err
}

// prepareData makes the data directory, which is held, ready to be used: what
// an ephemeral daemon that was killed has left in it and on the host is
// removed, and other data is not for a daemon that keeps nothing.
func (o *options) prepareData(ctx context.Context, log *slog.Logger) error {
	mark := filepath.Join(o.dataDir, ephemeralMark)
	name, err := os.ReadFile(mark)
	switch {
	case err == nil:
		if err := o.removeLeftovers(ctx, strings.TrimSpace(string(name)), log); err != nil {
			return fmt.Errorf("remove what an ephemeral daemon has left: %w", err)
		}
	case !errors.Is(err, os.ErrNotExist):
		return err
	}
	if !o.ephemeral {
		return nil
	}
	switch _, err := os.Stat(filepath.Join(o.dataDir, "store")); {
	case err == nil:
		return fmt.Errorf("%s has data that --ephemeral would delete: choose another --data-dir", o.dataDir)
	case !errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("look for data: %w", err)
	}
	return os.WriteFile(mark, []byte(o.name+"\n"), 0o600)
}

// removeLeftovers removes what an ephemeral daemon of that name has left. Ours
// is held already.
func (o *options) removeLeftovers(ctx context.Context, name string, log *slog.Logger) error {
	if name != o.name {
		held, err := lockName(name)
		if err != nil {
			return err
		}
		defer held.Close()
	}
	if err := agent.Clean(ctx, name, o.dataDir, log); err != nil {
		return err
	}
	return o.removeData()
}

// removeData removes what a daemon that keeps nothing has written, but for the
// lock.
func (o *options) removeData() error {
	var errs []error
	for _, name := range []string{"store", "credentials", "instances", "init", "buckets", "ringfenced.sock", ephemeralMark} {
		errs = append(errs, os.RemoveAll(filepath.Join(o.dataDir, name)))
	}
	return errors.Join(errs...)
}
