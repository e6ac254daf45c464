package sshkey

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" // EC2's fingerprint, which protects nothing
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"golang.org/x/crypto/ssh"
)

// The types of keys, as the EC2 API names them.
const (
	RSA     = "rsa"
	ED25519 = "ed25519"
)

// rsaBits is the size of the RSA keys that EC2 makes (EC2 API reference,
// CreateKeyPair).
const rsaBits = 2048

// A Private is a key pair whose private half is known.
type Private struct {
	Public
	key crypto.Signer
}

// Generate makes a key of a type.
func Generate(keyType string) (Private, error) {
	var key crypto.Signer
	var err error
	switch keyType {
	case RSA:
		key, err = rsa.GenerateKey(rand.Reader, rsaBits)
	case ED25519:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		err = fmt.Errorf("no key is of type %q", keyType)
	}
	if err != nil {
		return Private{}, fmt.Errorf("make key: %w", err)
	}
	public, err := newPublic(key.Public())
	return Private{Public: public, key: key}, err
}

// PEM is the private key as OpenSSH reads it: PKCS #1 for RSA, OpenSSH's own
// format for what PKCS #1 cannot hold.
func (p Private) PEM() (string, error) {
	if key, ok := p.key.(*rsa.PrivateKey); ok {
		block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
		return string(pem.EncodeToMemory(block)), nil
	}
	block, err := ssh.MarshalPrivateKey(p.key, "")
	if err != nil {
		return "", fmt.Errorf("encode key: %w", err)
	}
	return string(pem.EncodeToMemory(block)), nil
}

// Fingerprint is what EC2 calls a key that it has made: for RSA the SHA-1 digest
// of the private key in DER (PKCS #8).
func (p Private) Fingerprint() (string, error) {
	if p.Type != RSA {
		return p.Public.Fingerprint()
	}
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return "", fmt.Errorf("encode key: %w", err)
	}
	sum := sha1.Sum(der)
	return colons(sum[:]), nil
}
