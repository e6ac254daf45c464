package fabric

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"ringfence/internal/fabric/initproto"
)

// shutdownWait is how long an init may take to end its programs before it is
// killed with them.
const shutdownWait = 3 * time.Second

// Shutdown asks a machine's programs to end, and then ends the machine as Stop
// does.
func (f *Fabric) Shutdown(ctx context.Context, id string) error {
	asked, cancel := context.WithTimeout(ctx, shutdownWait)
	defer cancel()
	if err := initproto.Shutdown(asked, initproto.SocketPath(f.dataDir, id)); err != nil {
		f.log.Info("machine does not shut down and is killed", "machine", id, "err", err)
	}
	return f.Stop(ctx, id)
}

// Stop ends machines: their processes, ports, namespaces and control groups.
// Their files stay, for the next boot. A machine that is not there is no error.
//
// To end several machines, name them all: the kernel is faster then.
func (f *Fabric) Stop(ctx context.Context, ids ...string) error {
	states := make([]state, len(ids))
	var ports []string
	for i, id := range ids {
		var err error
		if states[i], err = f.readState(id); err != nil {
			return err
		}
		for _, p := range states[i].Ports {
			ports = append(ports, p.Name)
		}
	}
	if err := f.RemovePorts(ports...); err != nil {
		return err
	}
	return each(len(ids), func(i int) error {
		if err := states[i].Init.kill(ctx); err != nil {
			return err
		}
		if err := f.groups.remove(ids[i]); err != nil {
			return err
		}
		if err := os.Remove(f.statePath(ids[i])); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("forget state: %w", err)
		}
		return nil
	})
}

// Remove ends machines as Stop does and throws their files away. A machine that
// is not there is no error.
func (f *Fabric) Remove(ctx context.Context, ids ...string) error {
	for _, id := range ids {
		if !validID.MatchString(id) {
			return fmt.Errorf("%q is no id for a machine", id)
		}
	}
	if err := f.Stop(ctx, ids...); err != nil {
		return err
	}
	return each(len(ids), func(i int) error {
		if err := os.RemoveAll(initproto.MachineDir(f.dataDir, ids[i])); err != nil {
			return fmt.Errorf("remove files of %s: %w", ids[i], err)
		}
		return nil
	})
}

// Wait returns when the machine's init has ended, for whatever reason: at once
// when it is not running.
func (f *Fabric) Wait(ctx context.Context, id string) error {
	s, err := f.readState(id)
	if err != nil {
		return err
	}
	return s.Init.await(ctx)
}

// Console returns the last output of a machine's programs, at most 64 KB of it,
// and when it came; nothing for a machine that never ran.
func (f *Fabric) Console(id string) (text []byte, at time.Time, err error) {
	const keep = 64 << 10 // EC2 API reference, GetConsoleOutput
	file, err := os.Open(f.consolePath(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, at, nil
	}
	if err != nil {
		return nil, at, fmt.Errorf("read console: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, at, fmt.Errorf("read console: %w", err)
	}
	text, err = io.ReadAll(io.NewSectionReader(file, max(0, info.Size()-keep), keep))
	if err != nil {
		return nil, at, fmt.Errorf("read console: %w", err)
	}
	return text, info.ModTime(), nil
}
