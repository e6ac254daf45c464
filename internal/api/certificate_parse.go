package api

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"

	"ringfence/internal/vpc"
)

// parseCertificates checks that the parts of a server certificate are one: that
// the private key is that of the body, and that each certificate of the chain
// has signed the one before it. It returns the certificate of the body.
func parseCertificates(c *vpc.ServerCertificate) (*x509.Certificate, error) {
	body, err := parsePEM(c.Body)
	if err != nil || len(body) != 1 {
		return nil, vpc.Errorf(vpc.MalformedCertificate, "Unable to parse certificate. Please ensure the certificate is in PEM format.")
	}
	if err := checkPrivateKey(c); err != nil {
		return nil, err
	}
	if c.Chain == "" {
		return body[0], nil
	}
	chain, err := parsePEM(c.Chain)
	if err != nil || len(chain) == 0 {
		return nil, vpc.Errorf(vpc.MalformedCertificate, "Unable to parse certificate chain. Please ensure the certificates are in PEM format.")
	}
	below := body[0]
	for _, issuer := range chain {
		if err := below.CheckSignatureFrom(issuer); err != nil {
			return nil, vpc.Errorf(vpc.MalformedCertificate,
				"Unable to validate certificate chain. The certificate chain must start with the immediate signing certificate, followed by any intermediaries in order.")
		}
		below = issuer
	}
	return body[0], nil
}

// parsePEM reads certificates, and nothing but those.
func parsePEM(text string) ([]*x509.Certificate, error) {
	var list []*x509.Certificate
	rest := bytes.TrimSpace([]byte(text))
	for len(rest) > 0 {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil || block.Type != "CERTIFICATE" {
			return nil, errors.New("no certificate in PEM")
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
		rest = bytes.TrimSpace(rest)
	}
	return list, nil
}

// checkPrivateKey refuses a key that is none, is encrypted, or is not that of
// the body.
func checkPrivateKey(c *vpc.ServerCertificate) error {
	block, rest := pem.Decode(bytes.TrimSpace([]byte(c.PrivateKey)))
	if block == nil || len(bytes.TrimSpace(rest)) > 0 || !isPrivateKey(block) {
		return vpc.Errorf(vpc.MalformedCertificate, "Invalid Private Key. It must be unencrypted, and in PEM format.")
	}
	if _, err := tls.X509KeyPair([]byte(c.Body), []byte(c.PrivateKey)); err != nil {
		return vpc.Errorf(vpc.KeyPairMismatch, "Private key does not match certificate.")
	}
	return nil
}

// isPrivateKey reports whether block holds a key in one of the three forms that
// are in use, and not encrypted.
func isPrivateKey(block *pem.Block) bool {
	var err error
	switch {
	case block.Headers["Proc-Type"] != "":
		return false
	case block.Type == "RSA PRIVATE KEY":
		_, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case block.Type == "EC PRIVATE KEY":
		_, err = x509.ParseECPrivateKey(block.Bytes)
	case block.Type == "PRIVATE KEY":
		_, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	default:
		return false
	}
	return err == nil
}
