package awsquery

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"slices"
	"strings"
	"time"

	"ringfence/internal/vpc"
)

// verifyV2 verifies signature version 2, which the tools of 2012 use (AWS
// General Reference, "Signature Version 2 signing process").
func (c Received) verifyV2(secrets Secrets, now time.Time) (Signer, error) {
	auth := c.Call.auth
	accessKey, signature := auth["AWSAccessKeyId"], auth["Signature"]
	if accessKey == "" {
		return Signer{}, missing("", "AWSAccessKeyId")
	}
	if signature == "" {
		return Signer{}, missing("", "Signature")
	}
	if v := auth["SignatureVersion"]; v != "2" {
		return Signer{}, c.errIncomplete("SignatureVersion must be 2, or the request be signed with version 4, not %q.", v)
	}
	var newHash func() hash.Hash
	switch method := auth["SignatureMethod"]; method {
	case "HmacSHA256":
		newHash = sha256.New
	case "HmacSHA1":
		newHash = sha1.New
	default:
		return Signer{}, c.errIncomplete("SignatureMethod must be HmacSHA256 or HmacSHA1, not %q.", method)
	}
	if err := c.checkTime2(now); err != nil {
		return Signer{}, err
	}
	secret, err := c.secret(accessKey, secrets)
	if err != nil {
		return Signer{}, err
	}
	for _, host := range signedHosts2(host(c.Request)) {
		h := hmac.New(newHash, []byte(secret))
		h.Write([]byte(c.stringToSign2(host)))
		want := base64.StdEncoding.EncodeToString(h.Sum(nil))
		if subtle.ConstantTimeCompare([]byte(want), []byte(signature)) == 1 {
			return Signer{AccessKey: accessKey}, nil
		}
	}
	return Signer{}, errMismatch()
}

// signedHosts2 are the forms in which a caller may have signed the host: as it
// stands in the header, or without its port. Amazon's endpoints have the usual
// port, so clients have never had to agree.
func signedHosts2(header string) []string {
	hosts := []string{strings.ToLower(header)}
	if port := strings.LastIndexByte(hosts[0], ':'); port > strings.IndexByte(hosts[0], ']') {
		hosts = append(hosts, hosts[0][:port])
	}
	return hosts
}

// checkTime2 checks Expires, the end of a signature's life, or Timestamp, its
// beginning. A call has one of the two.
func (c Received) checkTime2(now time.Time) error {
	auth, name := c.Call.auth, "Timestamp"
	if auth["Expires"] != "" {
		name = "Expires"
	}
	switch {
	case auth[name] == "":
		return missing("", "Timestamp or Expires")
	case name == "Expires" && auth["Timestamp"] != "":
		return vpc.Errorf(vpc.InvalidParameterCombination, "The parameter Timestamp cannot be used with the parameter Expires")
	}
	t, err := parseTime(auth[name])
	if err != nil {
		return c.errIncomplete("%s must be a time such as 2012-05-01T12:00:00Z, not %q.", name, auth[name])
	}
	if name == "Expires" {
		return checkWindow(now, t, now)
	}
	return checkWindow(t, t.Add(ClockSkew), now)
}

// stringToSign2 joins the method, the host, the path, and all parameters but
// the signature, sorted by their bytes.
func (c Received) stringToSign2(host string) string {
	var parts []string
	for _, params := range []Params{c.Call.Params, c.Call.auth} {
		for name, value := range params {
			if name != "Signature" {
				parts = append(parts, escape(name)+"="+escape(value))
			}
		}
	}
	slices.SortFunc(parts, comparePairs)
	path := c.Request.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	return c.Request.Method + "\n" + host + "\n" + path + "\n" + strings.Join(parts, "&")
}
