package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringfence/internal/awsquery"
	"ringfence/internal/vpc"
)

// A keyPair is a certificate and its private key, in PEM.
type keyPair struct {
	body, key   string
	certificate *x509.Certificate
	private     *ecdsa.PrivateKey
}

// newKeyPair returns a certificate that has signed itself.
func newKeyPair(t testing.TB, name string) keyPair { return newSignedPair(t, name, nil) }

// newSignedPair returns a certificate that issuer has signed, or it itself for nil.
func newSignedPair(t testing.TB, name string, issuer *keyPair) keyPair {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name + ".example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	parent, signer := template, private
	if issuer != nil {
		parent, signer = issuer.certificate, issuer.private
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, private.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return keyPair{
		body: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		key:  string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: key})), certificate: certificate, private: private,
	}
}

// iam is albert's client of IAM.
func (w *world) iam(t testing.TB) *caller {
	c := w.caller(t, albert)
	c.service, c.version = awsquery.IAM, "2010-05-08"
	return c
}

func TestUploadServerCertificate(t *testing.T) {
	c := fresh(t).iam(t)
	root := newKeyPair(t, "root")
	middle := newSignedPair(t, "middle", &root)
	leaf, other := newSignedPair(t, "shop", &middle), newKeyPair(t, "other")
	tests := []struct {
		does             string
		name             string
		body, chain, key string
		want             vpc.Code
	}{
		{"key and certificate are one", "alone", leaf.body, "", leaf.key, ""},
		{"with its chain", "chained", leaf.body, middle.body + root.body, leaf.key, ""},
		{"the name is taken", "alone", leaf.body, "", leaf.key, vpc.EntityAlreadyExists},
		{"the name is taken in another case", "ALONE", leaf.body, "", leaf.key, vpc.EntityAlreadyExists},
		{"a key of another certificate", "x", leaf.body, "", other.key, vpc.KeyPairMismatch},
		{"no certificate", "x", "hello", "", leaf.key, vpc.MalformedCertificate},
		{"a key where the certificate should be", "x", leaf.key, "", leaf.key, vpc.MalformedCertificate},
		{"two certificates where one should be", "x", leaf.body + middle.body, "", leaf.key, vpc.MalformedCertificate},
		{"no key", "x", leaf.body, "", "hello", vpc.MalformedCertificate},
		{"an encrypted key", "x", leaf.body, "", strings.Replace(leaf.key, "\n", "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1), vpc.MalformedCertificate},
		{"the chain of another", "x", leaf.body, other.body, leaf.key, vpc.MalformedCertificate},
		{"a chain in the wrong order", "x", leaf.body, root.body + middle.body, leaf.key, vpc.MalformedCertificate},
		{"a name with a space", "a b", leaf.body, "", leaf.key, vpc.ValidationError},
		{"no name", "", leaf.body, "", leaf.key, vpc.ValidationError},
	}
	for _, tt := range tests {
		got := c.code("UploadServerCertificate", "ServerCertificateName="+tt.name, "CertificateBody="+tt.body, "CertificateChain="+tt.chain, "PrivateKey="+tt.key)
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.does, got, tt.want)
		}
	}
	got := c.ok("GetServerCertificate", "ServerCertificateName=chained")
	if !strings.Contains(got, "arn:aws:iam::111122223333:server-certificate/chained") || strings.Contains(got, "PRIVATE") ||
		!strings.Contains(got, "-----END CERTIFICATE-----</CertificateBody>") {
		t.Errorf("certificate %s", got)
	}
}

// A certificate that a listener shows stays, whatever its name.
func TestACertificateInUseIsKept(t *testing.T) {
	w := fresh(t)
	c := w.iam(t)
	pair := newKeyPair(t, "shop")
	arn := text(c.ok("UploadServerCertificate", "ServerCertificateName=shop", "Path=/eu/", "CertificateBody="+pair.body, "PrivateKey="+pair.key), "Arn")
	if want := "arn:aws:iam::111122223333:server-certificate/eu/shop"; arn != want {
		t.Fatalf("ARN %s, want %s", arn, want)
	}
	elb := w.elb(t, albert)
	elb.ok("CreateLoadBalancer", "LoadBalancerName=front", "AvailabilityZones.member.1=us-east-1a", "Listeners.member.1.Protocol=HTTPS",
		"Listeners.member.1.LoadBalancerPort=443", "Listeners.member.1.InstancePort=80", "Listeners.member.1.SSLCertificateId="+arn)
	status, body := c.call("DeleteServerCertificate", "ServerCertificateName=shop")
	if status != http.StatusConflict || !strings.Contains(body, "<Code>DeleteConflict</Code>") || !strings.Contains(body, "front in us-east-1") {
		t.Errorf("deletion: %d %s", status, body)
	}
	if got := c.code("UpdateServerCertificate", "ServerCertificateName=shop", "NewServerCertificateName=store"); got != vpc.DeleteConflict {
		t.Errorf("another name: %q", got)
	}
	elb.ok("DeleteLoadBalancer", "LoadBalancerName=front")
	c.ok("UpdateServerCertificate", "ServerCertificateName=shop", "NewServerCertificateName=store", "NewPath=/")
	c.ok("DeleteServerCertificate", "ServerCertificateName=store")
	if status, _ := c.call("DeleteServerCertificate", "ServerCertificateName=store"); status != http.StatusNotFound {
		t.Errorf("second deletion: %d", status)
	}
}

// Tags of a certificate are told apart by their keys, in any case, and counted in
// characters.
func TestTagsOfACertificate(t *testing.T) {
	c := fresh(t).iam(t)
	pair := newKeyPair(t, "shop")
	c.ok("UploadServerCertificate", "ServerCertificateName=shop", "CertificateBody="+pair.body, "PrivateKey="+pair.key, "Tags.member.1.Key=Stack", "Tags.member.1.Value=test")
	const name = "ServerCertificateName=shop"
	for _, tt := range []struct {
		does, key, value string
		want             vpc.Code
	}{
		{"a key in another case replaces it", "stack", "production", ""},
		{"128 letters of two bytes", strings.Repeat("ü", 128), strings.Repeat("ü", 256), ""},
		{"129 letters", strings.Repeat("ü", 129), "", vpc.ValidationError},
		{"a value of 257 letters", "k", strings.Repeat("v", 257), vpc.ValidationError},
		{"a key of AWS's", "AWS:k", "", vpc.ValidationError},
		{"a character that is none of a tag's", "a#b", "", vpc.ValidationError},
	} {
		if got := c.code("TagServerCertificate", name, "Tags.member.1.Key="+tt.key, "Tags.member.1.Value="+tt.value); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.does, got, tt.want)
		}
	}
	if got := c.code("TagServerCertificate", name, "Tags.member.1.Key=k", "Tags.member.2.Key=K"); got != vpc.InvalidInput {
		t.Errorf("one key twice: %q", got)
	}
	first := c.ok("ListServerCertificateTags", name, "MaxItems=1")
	if text(first, "Key") != "stack" || text(first, "Value") != "production" || text(first, "IsTruncated") != "true" {
		t.Errorf("first page %s", first)
	}
	second := c.ok("ListServerCertificateTags", name, "MaxItems=1", "Marker="+text(first, "Marker"))
	if text(second, "Key") != strings.Repeat("ü", 128) || text(second, "IsTruncated") != "false" {
		t.Errorf("second page %s", second)
	}
	c.ok("UntagServerCertificate", name, "TagKeys.member.1=STACK")
	if got := c.ok("GetServerCertificate", name); strings.Contains(got, "stack") || !strings.Contains(got, "ü") {
		t.Errorf("without one tag %s", got)
	}
}
