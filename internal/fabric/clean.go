package fabric

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// Clean ends what daemons of this name and data directory have left on the
// host: machines with their processes and control groups, links, the dataplane
// namespace. Machines' files stay. What belongs to another name is not touched.
func Clean(ctx context.Context, name, dataDir string, log *slog.Logger) error {
	_, nsErr := os.Stat(namespacePath(name))
	_, dirErr := os.Stat(dataDir)
	if errors.Is(nsErr, fs.ErrNotExist) && errors.Is(dirErr, fs.ErrNotExist) {
		return nil
	}
	f, err := Open(Config{Name: name, DataDir: dataDir, Log: log})
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Clean(ctx)
}

// Clean ends all that is in f, and f itself: only Close may be called then.
func (f *Fabric) Clean(ctx context.Context) error {
	entries, err := os.ReadDir(filepath.Join(f.dataDir, "instances"))
	if err != nil {
		return fmt.Errorf("list machines: %w", err)
	}
	var ids []string
	for _, e := range entries {
		if _, err := f.readState(e.Name()); err != nil {
			// Its processes are found by their control group.
			f.log.Warn("forget machine with unreadable state", "machine", e.Name(), "err", err)
			if err := os.Remove(f.statePath(e.Name())); err != nil {
				return err
			}
		}
		ids = append(ids, e.Name())
	}
	if err := f.Stop(ctx, ids...); err != nil {
		return fmt.Errorf("end machines: %w", err)
	}
	if err := f.RemoveHostLink(); err != nil {
		return err
	}
	if err := f.removePortsBut(nil); err != nil {
		return err
	}
	if err := removeNamed(namespacePath(f.name)); err != nil {
		return fmt.Errorf("remove dataplane namespace: %w", err)
	}
	return f.groups.remove("")
}
