package guest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
)

// hostKeyTypes are those of the keys that a machine shows: clients of 2012 know
// the first.
var hostKeyTypes = []struct {
	name string // as OpenSSH writes it
	bits int
	make func() (crypto.Signer, error)
}{
	{"ecdsa", 256, func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }},
	{"ed25519", 256, func() (crypto.Signer, error) {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}},
}

// hostKeys are the machine's own: they stay the same for as long as it exists.
func (m *machine) hostKeys() ([]ssh.Signer, error) {
	var keys []ssh.Signer
	for _, t := range hostKeyTypes {
		key, err := hostKey(filepath.Join(m.spec.RunDir, "ssh_host_"+t.name+"_key"), t.make)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// hostKey reads the key at path, or makes one when there is none.
func hostKey(path string, make func() (crypto.Signer, error)) (ssh.Signer, error) {
	text, err := os.ReadFile(path)
	if err == nil {
		return ssh.ParsePrivateKey(text)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := make()
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		return nil, err
	}
	// Renamed into place: a boot that is cut short leaves no half key.
	if err := os.WriteFile(path+".new", pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(key)
}

// tellHostKeys writes the keys to the console in cloud-init's words, which
// scripts look for before they trust an instance.
func (m *machine) tellHostKeys(keys []ssh.Signer) {
	const rule = "ec2: #############################################################\n"
	var text strings.Builder
	text.WriteString(rule + "ec2: -----BEGIN SSH HOST KEY FINGERPRINTS-----\n")
	for i, k := range keys {
		t := hostKeyTypes[i]
		fmt.Fprintf(&text, "ec2: %d %s root@%s (%s)\n", t.bits, ssh.FingerprintSHA256(k.PublicKey()), m.spec.Hostname, strings.ToUpper(t.name))
	}
	text.WriteString("ec2: -----END SSH HOST KEY FINGERPRINTS-----\n" + rule + "-----BEGIN SSH HOST KEY KEYS-----\n")
	for _, k := range keys {
		fmt.Fprintf(&text, "%s root@%s\n", strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k.PublicKey()))), m.spec.Hostname)
	}
	text.WriteString("-----END SSH HOST KEY KEYS-----\n")
	if _, err := m.console.WriteString(text.String()); err != nil {
		m.log.Error("tell host keys", "err", err)
	}
}
