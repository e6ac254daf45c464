package test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestGoSDK runs the module test/sdk, which speaks by aws-sdk-go-v2.
func TestGoSDK(t *testing.T) {
	start(t).sdk("sdk", "go", "test", "-count=1", "-timeout=300s", "./...")
}

// TestJavaScriptSDK runs test/js, which speaks by the clients of @aws-sdk.
func TestJavaScriptSDK(t *testing.T) {
	out, err := exec.Command("node", "--version").Output()
	if version := strings.TrimSpace(string(out)); err != nil || version < "v20" || len(version) < len("v20.0.0") {
		t.Skipf("needs Node.js 20 or newer, found %q (%v)", version, err)
	}
	d := start(t)
	d.sdk("js", "npm", "ci", "--no-audit", "--no-fund")
	d.sdk("js", "node", "--test")
}

// sdk runs a command in a directory beside this one, with the host's
// environment and what ringfence env prints.
func (d *daemon) sdk(dir string, args ...string) {
	d.t.Helper()
	c := exec.Command("bash", append([]string{"-c", `eval "$(ringfence env)"; "$@"`, "bash"}, args...)...)
	c.Dir = dir
	c.Env = append(os.Environ(), "RINGFENCE_DATA_DIR="+d.dataDir, "PATH="+binaries.dir+":"+os.Getenv("PATH"))
	if out, err := c.CombinedOutput(); err != nil {
		d.t.Errorf("%q: %v\n%s", args, err, out)
	}
}
