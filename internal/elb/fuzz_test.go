package elb

import (
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"ringfence/internal/vpc"
)

// Whatever clients choose, the configuration says what the Spec says and nothing
// else: it has the lines of one with harmless choices, and HAProxy takes it. The
// certificate's text is part of it, with what may stand around its parts.
func FuzzConfiguration(f *testing.F) {
	for _, s := range []string{"JSESSIONID", "a b", "a\nglobal", "x) -m found } # ", "a'b", `a"b`, "a\\", "%[env(HOME)]", "$HOME", "${HOME}", "", "é", "a,b", "a}"} {
		f.Add(s, "AES128-SHA", "i-0a", "")
		f.Add("APP", s, "i-0a", s)
		f.Add("APP", "AES128-SHA", s, "-----BEGIN X-----\n"+s+"\n-----END X-----\n")
	}
	path := haproxy(f)
	cert := certificate(f)
	dir := f.TempDir()
	spec := func(cookie, cipher, instance, around string) *Spec {
		return &Spec{
			Listeners: []Listener{{
				Protocol: vpc.ListenHTTPS, Port: 443, InstanceProtocol: vpc.ListenHTTP, InstancePort: 80, Certificate: around + "\n" + cert + around,
				Negotiation: vpc.Negotiation{Protocols: []string{"TLSv1.2"}, Ciphers: []string{"AES256-SHA", cipher}}, Cookie: &Cookie{Application: cookie},
			}},
			Targets:     []Target{{vpc.InstanceID(instance), netip.MustParseAddr("10.0.0.4")}},
			IdleTimeout: 60, Desync: cookie, AccessLog: vpc.AccessLog{Enabled: true, Bucket: cookie, Prefix: instance},
		}
	}
	harmless, err := spec("APP", "AES128-SHA", "i-0a", "").render(dir, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, cookie, cipher, instance, around string) {
		c, err := spec(cookie, cipher, instance, around).render(dir, nil)
		if err != nil {
			return
		}
		lines := func(text string) (first []string) {
			for line := range strings.Lines(text) {
				words := strings.Fields(line)
				first = append(first, strings.Join(words[:min(1, len(words))], ""))
			}
			return first
		}
		without := func(list []string, desync string) []string { // has a line of its own
			if desync != "monitor" && desync != "strictest" {
				return list
			}
			return nil
		}
		got, want := without(lines(c.text), cookie), without(lines(harmless.text), cookie)
		if cookie != "" && strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("has other lines than a harmless one:\n%s", c.text)
		}
		for name, text := range c.files {
			if err := os.WriteFile(dir+"/"+name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		check := exec.CommandContext(t.Context(), path, "-c", "-f", "/dev/stdin")
		check.Stdin = strings.NewReader(c.text)
		if out, err := check.CombinedOutput(); err != nil && !strings.Contains(string(out), "unable to set SSL cipher list") {
			t.Fatalf("HAProxy refuses it: %v\n%s\n%s", err, out, c.text)
		}
	})
}
