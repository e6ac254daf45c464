package fabric

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"ringfence/internal/fabric/guest"
	"ringfence/internal/fabric/initproto"
)

// A state is what the machine's directory says about it: written before
// anything is made, and again once the init has a process, so that whatever
// moment a daemon ends in, the next one finds all that there is to remove.
type state struct {
	Kind       guest.Kind
	Generation int
	Ports      []Port
	Init       processID // PID 0 before there is one
}

func (f *Fabric) statePath(id string) string {
	return filepath.Join(initproto.MachineDir(f.dataDir, id), "state.json")
}

func (f *Fabric) writeState(id string, s state) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode state: %w", err)
	}
	path := f.statePath(id)
	if err := os.WriteFile(path+".new", text, 0o644); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	return nil
}

// readState returns the zero state for a machine that has none.
func (f *Fabric) readState(id string) (state, error) {
	var s state
	text, err := os.ReadFile(f.statePath(id))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read state: %w", err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("read state of %s: %w", id, err)
	}
	return s, nil
}
