package fabric

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"ringfence/internal/fabric/guest"
	"ringfence/internal/fabric/initproto"
)

// An Adopted machine was booted by an earlier daemon and runs on.
type Adopted struct {
	ID         string
	Kind       guest.Kind
	Generation int
	Port       Port
	PID        int // of its init
}

// pingWait is how long an init may take to answer. It does nothing but answer.
const pingWait = 2 * time.Second

// adoptAtOnce is how many machines are asked at the same time.
const adoptAtOnce = 32

// Adopt finds the machines that run on from an earlier daemon: those whose init
// answers and whose port is there. What is left of others, and every port that
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
	known := map[string]bool{} // ports that stay
	for _, name := range keep {
		known[name] = true
	}

	var (
		wg    sync.WaitGroup
		slots = make(chan struct{}, adoptAtOnce)
		found = make([]*Adopted, len(entries)) // one each, so nothing is shared
		errs  = make([]error, len(entries))
	)
	for i, e := range entries {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			found[i], errs[i] = f.adopt(ctx, e.Name(), ports)
		})
	}
	wg.Wait()

	var adopted []Adopted
	for i, a := range found {
		if errs[i] != nil {
			return nil, fmt.Errorf("adopt %s: %w", entries[i].Name(), errs[i])
		}
		if a != nil {
			adopted = append(adopted, *a)
			known[a.Port.Name] = true
		}
	}
	for _, p := range ports {
		if !known[p.Name] {
			if err := f.RemovePort(p.Name); err != nil {
				return nil, err
			}
		}
	}
	return adopted, nil
}

// adopt returns the machine called id if it runs as its state says, and stops
// it otherwise.
func (f *Fabric) adopt(ctx context.Context, id string, ports []PortState) (*Adopted, error) {
	s, err := f.readState(id)
	if err != nil {
		// Nothing is known, so there is nothing to adopt. Its port goes as
		// one that belongs to no machine.
		f.log.Warn("forget machine with unreadable state", "machine", id, "err", err)
		return nil, os.Remove(f.statePath(id))
	}
	asked, cancel := context.WithTimeout(ctx, pingWait)
	defer cancel()
	hello, err := initproto.Ping(asked, initproto.SocketPath(f.dataDir, id))
	if err == nil && hello.PID == s.Init.PID && hello.Generation == s.Generation && hasPort(ports, s.Port) {
		return &Adopted{ID: id, Kind: s.Kind, Generation: s.Generation, Port: s.Port, PID: s.Init.PID}, nil
	}
	if s.Init.PID != 0 {
		f.log.Info("machine does not answer and is ended", "machine", id, "err", err)
	}
	return nil, f.Stop(ctx, id)
}

func hasPort(ports []PortState, p Port) bool {
	for _, there := range ports {
		if there.Name == p.Name && there.Index == p.Index {
			return true
		}
	}
	return false
}
