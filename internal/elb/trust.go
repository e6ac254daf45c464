package elb

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// shownWait bounds how long an instance may take to show its certificate.
const shownWait = 2 * time.Second

// trusted are the certificates of instances behind l that show one of its public
// keys, as HAProxy reads them. HAProxy trusts certificates and no keys, so the
// instances are asked for theirs; those that show another, or none, get no
// requests.
func (l Listener) trusted(ctx context.Context, targets []Target) (string, error) {
	certificates := make([][]byte, len(targets))
	var asking sync.WaitGroup
	for i, t := range targets {
		asking.Go(func() {
			shown := shownCertificate(ctx, netip.AddrPortFrom(t.Address, l.InstancePort))
			if shown != nil && l.hasKey(shown.RawSubjectPublicKeyInfo) {
				certificates[i] = shown.Raw
			}
		})
	}
	asking.Wait()
	nobody, err := nobodysCertificate() // HAProxy takes no empty file
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, der := range append(certificates, nobody) {
		if der == nil {
			continue
		}
		if err := pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
			return "", err
		}
	}
	return text.String(), nil
}

// shownCertificate is what whoever is there shows, nil for nothing.
func shownCertificate(ctx context.Context, at netip.AddrPort) *x509.Certificate {
	ctx, cancel := context.WithTimeout(ctx, shownWait)
	defer cancel()
	d := tls.Dialer{Config: anyCertificate}
	c, err := d.DialContext(ctx, "tcp", at.String())
	if err != nil {
		return nil
	}
	defer c.Close()
	return c.(*tls.Conn).ConnectionState().PeerCertificates[0]
}

func (l Listener) hasKey(der []byte) bool {
	for _, text := range l.PublicKeys {
		if key, err := decodeKey(text); err == nil && bytes.Equal(key, der) {
			return true
		}
	}
	return false
}

// nobodysCertificate is one whose key is thrown away.
func nobodysCertificate() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	return x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
}

// authenticate has c trust those instances that show the right keys now.
func (s *Spec) authenticate(ctx context.Context, c *configuration) (err error) {
	for _, l := range s.Listeners {
		if l.authenticates() && err == nil {
			c.files[l.trustFile()], err = l.trusted(ctx, s.Targets)
		}
	}
	return err
}

// authenticates reports whether instances behind l must show a key.
func (l Listener) authenticates() bool { return len(l.PublicKeys) > 0 && l.InstanceProtocol.IsSecure() }
