package awsquery

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"net/http"
	"slices"
	"strings"
	"time"
)

// verifyV2 verifies signature version 2, which the tools of 2012 use (AWS
// General Reference, "Signature Version 2 signing process").
func verifyV2(r *http.Request, c *Call, secrets Secrets, now time.Time) (Signer, error) {
	accessKey, signature := c.auth["AWSAccessKeyId"], c.auth["Signature"]
	if accessKey == "" {
		return Signer{}, missing("", "AWSAccessKeyId")
	}
	if signature == "" {
		return Signer{}, missing("", "Signature")
	}
	if v := c.auth["SignatureVersion"]; v != "2" {
		return Signer{}, errIncomplete("SignatureVersion must be 2, or the request be signed with version 4, not %q.", v)
	}
	var newHash func() hash.Hash
	switch method := c.auth["SignatureMethod"]; method {
	case "HmacSHA256":
		newHash = sha256.New
	case "HmacSHA1":
		newHash = sha1.New
	default:
		return Signer{}, errIncomplete("SignatureMethod must be HmacSHA256 or HmacSHA1, not %q.", method)
	}
	if err := checkTime2(c, now); err != nil {
		return Signer{}, err
	}
	secret, ok := secrets(accessKey)
	if !ok {
		return Signer{}, errUnknownKey("")
	}
	h := hmac.New(newHash, []byte(secret))
	h.Write([]byte(stringToSign2(r, c)))
	want := base64.StdEncoding.EncodeToString(h.Sum(nil))
	if subtle.ConstantTimeCompare([]byte(want), []byte(signature)) != 1 {
		return Signer{}, errMismatch()
	}
	return Signer{AccessKey: accessKey}, nil
}

// checkTime2 checks Expires, the end of a signature's life, or Timestamp, its
// beginning. A call has one of the two.
func checkTime2(c *Call, now time.Time) error {
	name := "Timestamp"
	if c.auth["Expires"] != "" {
		name = "Expires"
	}
	if c.auth[name] == "" {
		return missing("", "Timestamp or Expires")
	}
	t, err := parseTime(c.auth[name])
	if err != nil {
		return errIncomplete("%s must be a time such as 2012-05-01T12:00:00Z, not %q.", name, c.auth[name])
	}
	if name == "Expires" {
		return checkWindow(now, t, now)
	}
	return checkWindow(t, t.Add(ClockSkew), now)
}

// stringToSign2 joins the method, the host, the path, and all parameters but
// the signature, sorted by their bytes.
func stringToSign2(r *http.Request, c *Call) string {
	var parts []string
	for _, params := range []Params{c.Params, c.auth} {
		for name, value := range params {
			if name != "Signature" {
				parts = append(parts, escape(name)+"="+escape(value))
			}
		}
	}
	slices.SortFunc(parts, comparePairs)
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	return r.Method + "\n" + strings.ToLower(host(r)) + "\n" + path + "\n" + strings.Join(parts, "&")
}
