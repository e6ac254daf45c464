package elb

import (
	"os"
	"path/filepath"
	"testing"
)

// HAProxy can put what it likes into its directory: nothing outside is written to.
func TestNoLinkLeadsOutOfTheProxysDirectory(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("as it was"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &proxy{dir: t.TempDir()}
	if err := p.writeFile(configName, "first"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(p.dir, configName+".part")); err != nil {
		t.Fatal(err)
	}
	if err := p.writeFile(configName, "second"); err == nil {
		t.Error("a link out of the directory was followed")
	}
	for path, want := range map[string]string{outside: "as it was", filepath.Join(p.dir, configName): "first"} {
		if got, err := os.ReadFile(path); string(got) != want || err != nil {
			t.Errorf("%s has %q (%v), want %q", path, got, err, want)
		}
	}
}
