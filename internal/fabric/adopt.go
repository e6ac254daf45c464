package fabric

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"ringfence/internal/fabric/guest"
	"ringfence/internal/fabric/initproto"
)

// An Adopted machine was booted by an earlier daemon and runs on.
type Adopted struct {
	ID         string
	Kind       guest.Kind
	Generation int
	Ports      []Port // those that are there; the first is
	PID        int    // of its init
}

// pingWait is how long an init may take to answer. It does nothing else, but the
// host may be busy, and a machine that is not waited for is ended.
const pingWait = 10 * time.Second

// Adopt finds the machines that run on from an earlier daemon: those whose init
// answers and whose first port is there. What is left of others, and every port that
// belongs to none, is ended as Stop does, so the caller can boot them anew. keep
// names ports that are no machine's, such as a host link's.
func (f *Fabric) Adopt(ctx context.Context, keep ...string) ([]Adopted, error) {
	entries, err := os.ReadDir(filepath.Join(f.dataDir, "instances"))
	if err != nil {
		return nil, fmt.Errorf("list machines: %w", err)
	}
	ports, err := f.Ports()
	if err != nil {
		return nil, err
	}
	found := make([]*Adopted, len(entries))
	err = each(len(entries), func(i int) error {
		var err error
		if found[i], err = f.ask(ctx, entries[i].Name(), ports); err != nil {
			return fmt.Errorf("adopt %s: %w", entries[i].Name(), err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	keep = slices.Clone(keep) // the caller's
	var adopted []Adopted
	var others []string
	for i, a := range found {
		if a == nil {
			others = append(others, entries[i].Name())
			continue
		}
		adopted = append(adopted, *a)
		for _, p := range a.Ports {
			keep = append(keep, p.Name)
		}
	}
	if err := f.Stop(ctx, others...); err != nil {
		return nil, err
	}
	return adopted, f.removePortsBut(keep)
}

// ask returns the machine called id if it runs as its state says, nil if not.
func (f *Fabric) ask(ctx context.Context, id string, ports []PortState) (*Adopted, error) {
	s, err := f.readState(id)
	if err != nil {
		// Nothing is known, so there is nothing to adopt: its processes are
		// found by their control group, and its port is nobody's.
		f.log.Warn("forget machine with unreadable state", "machine", id, "err", err)
		return nil, os.Remove(f.statePath(id))
	}
	if s.Init.PID == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, pingWait)
	defer cancel()
	hello, err := initproto.Ping(ctx, initproto.SocketPath(f.dataDir, id))
	if err != nil || hello.PID != s.Init.PID || hello.Generation != s.Generation || len(s.Ports) == 0 || !hasPort(ports, s.Ports[0]) {
		f.log.Info("machine does not run on and is ended", "machine", id, "err", err)
		return nil, nil
	}
	there := func(p Port) bool { return hasPort(ports, p) }
	if missing := slices.DeleteFunc(slices.Clone(s.Ports), there); len(missing) > 0 {
		s.Ports = slices.DeleteFunc(s.Ports, func(p Port) bool { return !there(p) })
		if err := f.writeState(id, s); err != nil {
			return nil, err
		}
	}
	return &Adopted{ID: id, Kind: s.Kind, Generation: s.Generation, Ports: s.Ports, PID: s.Init.PID}, nil
}

func hasPort(ports []PortState, p Port) bool {
	return slices.ContainsFunc(ports, func(there PortState) bool {
		return there.Name == p.Name && there.Index == p.Index
	})
}

// removePortsBut removes every port that is not in keep.
func (f *Fabric) removePortsBut(keep []string) error {
	ports, err := f.Ports()
	if err != nil {
		return err
	}
	var names []string
	for _, p := range ports {
		if !slices.Contains(keep, p.Name) {
			names = append(names, p.Name)
		}
	}
	return f.RemovePorts(names...)
}
