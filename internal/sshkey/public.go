package sshkey

import (
	"crypto"
	"crypto/ed25519"
	"crypto/md5" // EC2's fingerprint, which protects nothing
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// ErrFormat says that a text is no public key that EC2 takes.
var ErrFormat = errors.New("no RSA or ED25519 public key")

// importedBits are the sizes of RSA keys that EC2 takes (EC2 User Guide,
// "Create a key pair using a third-party tool").
var importedBits = []int{1024, 2048, 4096}

// A Public is the half of a key pair that everybody may know.
type Public struct {
	Type string // RSA or ED25519
	key  crypto.PublicKey
	wire ssh.PublicKey
}

func newPublic(key crypto.PublicKey) (Public, error) {
	p := Public{key: key}
	switch key := key.(type) {
	case *rsa.PublicKey:
		p.Type = RSA
		if !slices.Contains(importedBits, key.N.BitLen()) {
			return p, fmt.Errorf("%w: RSA with %d bits", ErrFormat, key.N.BitLen())
		}
	case ed25519.PublicKey:
		p.Type = ED25519
	default:
		return p, fmt.Errorf("%w: %T", ErrFormat, key)
	}
	var err error
	if p.wire, err = ssh.NewPublicKey(key); err != nil {
		return p, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return p, nil
}

// Parse reads a public key in any of the forms that EC2 takes: a line as of
// OpenSSH's authorized_keys, RFC 4716, PEM, and DER in base64. What is none of
// them is ErrFormat.
func Parse(text []byte) (Public, error) {
	key, err := parse(text)
	if err != nil {
		return Public{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return newPublic(key)
}

func parse(text []byte) (crypto.PublicKey, error) {
	if block, _ := pem.Decode(text); block != nil {
		if block.Type == "RSA PUBLIC KEY" {
			return x509.ParsePKCS1PublicKey(block.Bytes)
		}
		return x509.ParsePKIXPublicKey(block.Bytes)
	}
	if body, ok := bodyOfRFC4716(string(text)); ok {
		wire, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			return nil, err
		}
		return cryptoKey(ssh.ParsePublicKey(wire))
	}
	if der, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text))); err == nil {
		return x509.ParsePKIXPublicKey(der)
	}
	line, _, options, _, err := ssh.ParseAuthorizedKey(text)
	if len(options) > 0 {
		return nil, errors.New("a key with options")
	}
	return cryptoKey(line, err)
}

func cryptoKey(key ssh.PublicKey, err error) (crypto.PublicKey, error) {
	if err != nil {
		return nil, err
	}
	known, ok := key.(ssh.CryptoPublicKey)
	if !ok {
		return nil, fmt.Errorf("a key of type %s", key.Type())
	}
	return known.CryptoPublicKey(), nil
}

// bodyOfRFC4716 returns what is between the markers and behind the headers of a
// key file (RFC 4716 §3). A header goes on in the next line after a backslash.
func bodyOfRFC4716(text string) (string, bool) {
	const begin, end = "---- BEGIN SSH2 PUBLIC KEY ----", "---- END SSH2 PUBLIC KEY ----"
	_, rest, begun := strings.Cut(text, begin)
	inside, _, ended := strings.Cut(rest, end)
	if !begun || !ended {
		return "", false
	}
	var body strings.Builder
	header := false
	for line := range strings.Lines(inside) {
		line = strings.TrimSpace(line)
		if header || strings.Contains(line, ":") {
			header = strings.HasSuffix(line, `\`)
			continue
		}
		body.WriteString(line)
	}
	return body.String(), true
}

// AuthorizedKey is the key as a line of OpenSSH's authorized_keys, without the
// line's end.
func (p Public) AuthorizedKey(comment string) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(p.wire))) + " " + comment
}

// Fingerprint is what EC2 calls a key that was imported: for RSA the MD5 digest
// of the public key in DER, for ED25519 the SHA-256 digest that OpenSSH has too.
func (p Public) Fingerprint() (string, error) {
	if p.Type == ED25519 {
		sum := sha256.Sum256(p.wire.Marshal())
		return base64.StdEncoding.EncodeToString(sum[:]), nil
	}
	der, err := x509.MarshalPKIXPublicKey(p.key)
	if err != nil {
		return "", fmt.Errorf("encode key: %w", err)
	}
	sum := md5.Sum(der)
	return colons(sum[:]), nil
}

// colons is a digest in hexadecimal digits, byte by byte.
func colons(digest []byte) string {
	bytes := make([]string, len(digest))
	for i, b := range digest {
		bytes[i] = hex.EncodeToString([]byte{b})
	}
	return strings.Join(bytes, ":")
}
