package test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestSDKs runs the tests that speak by SDKs of AWS against a daemon: those of
// the module test/sdk by aws-sdk-go-v2, and those in test/js by
// @aws-sdk/client-ec2.
func TestSDKs(t *testing.T) {
	d := start(t)
	t.Run("Go", func(t *testing.T) {
		d.sdk(t, "sdk", "go", "test", "-count=1", "-timeout=300s", "./...")
	})
	t.Run("JavaScript", func(t *testing.T) {
		out, err := exec.Command("node", "--version").Output()
		if version := strings.TrimSpace(string(out)); err != nil || version < "v20" || len(version) < len("v20.0.0") {
			t.Skipf("needs Node.js 20 or newer, found %q (%v)", version, err)
		}
		d.sdk(t, "js", "npm", "ci", "--no-audit", "--no-fund")
		d.sdk(t, "js", "node", "--test")
	})
}

// sdk runs a command in a directory beside this one, with the host's
// environment and what ringfence env prints.
func (d *daemon) sdk(t *testing.T, dir string, args ...string) {
	t.Helper()
	c := exec.Command("bash", append([]string{"-c", `eval "$(ringfence env)"; "$@"`, "bash"}, args...)...)
	c.Dir = dir
	c.Env = append(os.Environ(), "RINGFENCE_DATA_DIR="+d.dataDir, "PATH="+binaries.dir+":"+os.Getenv("PATH"))
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%q: %v\n%s", args, err, out)
	}
}
