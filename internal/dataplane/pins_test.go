package dataplane_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ringfence/internal/dataplane"
)

// TestOtherSize opens pins of a table of another size: the daemon must not
// throw away what is enforced by itself, and says what to do.
func TestOtherSize(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to load BPF programs")
	}
	root := t.TempDir()
	if err := dataplane.MountPins(root); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(root, 0); err != nil {
			t.Error(err)
		}
	})
	pins := filepath.Join(root, "test")
	d, err := dataplane.Open(dataplane.Options{Pins: pins, MaxFlows: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = dataplane.Open(dataplane.Options{Pins: pins, MaxFlows: 2000})
	if err == nil || !strings.Contains(err.Error(), "run ringfenced clean first") {
		t.Errorf("Open says %v", err)
	}
}
