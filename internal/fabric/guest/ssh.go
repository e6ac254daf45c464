package guest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/gliderlabs/ssh"
	gossh "golang.org/x/crypto/ssh"
)

// serveSSH is an SSH server with the instance's own host key. Nobody can log
// in: an instance has no key pair.
func (m *machine) serveSSH(l net.Listener) error {
	key, err := hostKey(filepath.Join(m.spec.RunDir, "ssh_host_ed25519_key"))
	if err != nil {
		return fmt.Errorf("host key: %w", err)
	}
	server := &ssh.Server{
		Version:          "ringfence",
		HostSigners:      []ssh.Signer{key},
		PublicKeyHandler: func(ssh.Context, ssh.PublicKey) bool { return false },
		MaxTimeout:       2 * time.Minute, // nobody has reason to stay
	}
	return server.Serve(l)
}

// hostKey reads the key at path, or makes one when there is none: it stays the
// same for as long as the instance exists.
func hostKey(path string) (gossh.Signer, error) {
	text, err := os.ReadFile(path)
	if err == nil {
		return gossh.ParsePrivateKey(text)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := gossh.MarshalPrivateKey(key, "")
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
	return gossh.NewSignerFromKey(key)
}
