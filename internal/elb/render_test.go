package elb

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"flag"
	"math/big"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ringfence/internal/vpc"
)

var rewrite = flag.Bool("rewrite", false, "write what comes out as what is wanted")

// certificate makes a self-signed certificate for localhost, PEM with its key.
func certificate(t testing.TB) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

// fullSpec has a listener of each kind, and all that can be said of one.
func fullSpec(t testing.TB) *Spec {
	modern := vpc.NegotiationOf(vpc.PredefinedTLSPolicy(vpc.DefaultTLSPolicy).Attributes)
	cert := certificate(t)
	return &Spec{
		Account: "111122223333", Region: "us-east-1", Name: "front", Address: netip.MustParseAddr("10.254.0.9"),
		Listeners: []Listener{
			{Protocol: vpc.ListenTCP, Port: 25, InstanceProtocol: vpc.ListenTCP, InstancePort: 2525, ProxyProtocol: true},
			{Protocol: vpc.ListenHTTP, Port: 80, InstanceProtocol: vpc.ListenHTTP, InstancePort: 8080, Cookie: &Cookie{}},
			{Protocol: vpc.ListenHTTPS, Port: 443, InstanceProtocol: vpc.ListenHTTPS, InstancePort: 8443, Certificate: cert, Negotiation: modern, Cookie: &Cookie{Seconds: 60}},
			{Protocol: vpc.ListenSSL, Port: 465, InstanceProtocol: vpc.ListenTCP, InstancePort: 2525, Certificate: cert,
				Negotiation: vpc.Negotiation{Protocols: []string{"TLSv1.2"}, Ciphers: []string{"AES128-SHA", "AES256-SHA"}}},
			{Protocol: vpc.ListenHTTP, Port: 8000, InstanceProtocol: vpc.ListenHTTP, InstancePort: 8000, Cookie: &Cookie{Application: "JSESSIONID"}},
		},
		Targets: []Target{
			{"i-0a", netip.MustParseAddr("10.254.0.4")}, {"i-0b", netip.MustParseAddr("10.254.0.5")},
		},
		HealthCheck: vpc.HealthCheck{Target: "TCP:80", Interval: 30, Timeout: 5, UnhealthyThreshold: 2, HealthyThreshold: 10},
		IdleTimeout: 60, Desync: "defensive",
	}
}

// haproxy is the path of the program, which these tests need.
func haproxy(t testing.TB) string {
	t.Helper()
	e, err := FindEngine(t.Context())
	if err != nil {
		t.Skip(err)
	}
	return e.Path
}

// accepts asks HAProxy itself.
func accepts(t testing.TB, c *configuration, dir string) {
	t.Helper()
	path := haproxy(t)
	for name, text := range c.files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), path, "-c", "-f", "/dev/stdin")
	cmd.Stdin = strings.NewReader(c.text)
	if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "WARNING") {
		t.Fatalf("HAProxy refuses it: %v\n%s\n%s", err, out, c.text)
	}
}

func TestConfigurationIsAsWanted(t *testing.T) {
	spec := fullSpec(t)
	c, err := spec.render("/run/balancer", map[vpc.InstanceID]bool{"i-0b": true})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "haproxy.cfg")
	if *rewrite {
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), c.text); diff != "" {
		t.Error(diff)
	}
}

func TestHAProxyTakesEveryConfiguration(t *testing.T) {
	for _, change := range []func(*Spec){
		func(*Spec) {},
		func(s *Spec) { s.Targets = nil },
		func(s *Spec) { s.Listeners = nil },
		func(s *Spec) { s.AccessLog = vpc.AccessLog{Enabled: true, Bucket: "logs", EmitInterval: 5} },
		func(s *Spec) { s.Desync = "monitor" },
		func(s *Spec) { s.Desync = "strictest" },
		func(s *Spec) { s.Listeners[2].Negotiation.ServerOrder = false },
		func(s *Spec) { s.Listeners[2].Negotiation.Protocols = []string{"TLSv1"} },
		func(s *Spec) { s.Listeners[2].Negotiation.Ciphers = []string{"DHE-RSA-AES128-SHA", "CAMELLIA128-SHA"} },
	} {
		dir := t.TempDir()
		spec := fullSpec(t)
		change(spec)
		c, err := spec.render(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		accepts(t, c, dir)
	}
}
