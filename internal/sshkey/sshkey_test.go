package sshkey

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Every form of one key is that key. The fingerprint is what these say:
//
//	openssl rsa -in key -pubout -outform DER | openssl md5 -c
//	ssh-keygen -l -f key.pub
func TestOneKeyInEveryForm(t *testing.T) {
	const rsaKey = "53:98:2c:4a:be:60:6d:ca:94:71:74:90:15:b7:f1:7d"
	for name, want := range map[string]string{
		"rsa.openssh": rsaKey, "rsa.rfc4716": rsaKey, "rsa.pem": rsaKey, "rsa.pkcs1": rsaKey, "rsa.der64": rsaKey,
		"ed25519.openssh": "nFBxwsvQXjM8qArbZaCuTbm9ZCrnHZd1UmbC1jvGpk8=",
	} {
		key, err := Parse(read(t, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := key.Fingerprint(); got != want || err != nil {
			t.Errorf("%s has the fingerprint %s (%v), want %s", name, got, err, want)
		}
		line := string(read(t, key.Type+".openssh"))
		if got := key.AuthorizedKey("mary@example.com"); got != strings.TrimSpace(line) {
			t.Errorf("%s is the line\n%s, want\n%s", name, got, line)
		}
	}
}

func TestWhatIsNoKeyOfOurs(t *testing.T) {
	for what, text := range map[string]string{
		"another type":          string(read(t, "ecdsa.openssh")),
		"another size":          string(read(t, "rsa3072.openssh")),
		"a private key":         string(read(t, "private.pem")),
		"a key with options":    "no-pty " + string(read(t, "ed25519.openssh")),
		"nothing":               "",
		"words":                 "file://key.pub",
		"base64 of no key":      "AAAA",
		"RFC 4716 with nothing": "---- BEGIN SSH2 PUBLIC KEY ----\n---- END SSH2 PUBLIC KEY ----\n",
		"an unended RFC 4716":   "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n",
	} {
		if _, err := Parse([]byte(text)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v, want %v", what, err, ErrFormat)
		}
	}
}

// The fingerprint is what this says:
//
//	openssl pkcs8 -in key -topk8 -nocrypt -outform DER | openssl sha1 -c
func TestFingerprintOfAKeyMadeHere(t *testing.T) {
	block, _ := pem.Decode(read(t, "private.pem"))
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Private{Public: Public{Type: RSA}, key: key}.Fingerprint()
	if want := "4e:78:cd:b9:bb:f9:a7:6d:62:d9:73:ff:a7:a8:67:6c:bb:ad:e5:27"; got != want || err != nil {
		t.Errorf("got %s (%v), want %s", got, err, want)
	}
}

// OpenSSH finds in a private key made here the public key told with it.
func TestOpenSSHReadsWhatIsMade(t *testing.T) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skipf("needs OpenSSH's client: %v", err)
	}
	for _, keyType := range []string{RSA, ED25519} {
		key, err := Generate(keyType)
		if err != nil {
			t.Fatal(err)
		}
		text, err := key.PEM()
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("ssh-keygen", "-y", "-f", file).CombinedOutput()
		if want := key.AuthorizedKey(""); err != nil || strings.TrimSpace(string(out)) != strings.TrimSpace(want) {
			t.Errorf("%s: ssh-keygen says %q (%v), want %q", keyType, out, err, want)
		}
	}
	if _, err := Generate("dsa"); err == nil {
		t.Error("a key of type dsa was made")
	}
}
