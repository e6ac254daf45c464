package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestADaemonThatDoesNotBecomeReadySaysWhyAndLeavesNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	binary := filepath.Join(t.TempDir(), "ringfenced")
	if err := os.WriteFile(binary, []byte("#!/bin/sh\necho a daemon runs already >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	d, err := Start(t.Context(), binary, "test")
	if err == nil || !strings.Contains(err.Error(), "a daemon runs already") {
		t.Errorf("the daemon is %+v, %v, want the error that it printed", d, err)
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) != 0 {
		t.Errorf("it leaves %v, %v", left, err)
	}
}
