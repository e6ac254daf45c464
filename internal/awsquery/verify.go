package awsquery

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"ringfence/internal/vpc"
)

// ClockSkew is how far a caller's clock may be from ours (AWS General
// Reference, "Signing AWS API requests").
const ClockSkew = 15 * time.Minute

// A Signer is who has signed a call, and for where.
type Signer struct {
	AccessKey string

	// Region is from the credential scope; "" for signature version 2, which has
	// none, and for a scope that says none.
	Region string
}

// Secrets returns the secret key of an access key. token is what goes with the
// keys of a session, "" for others. ok is false when there is no such access
// key, or not with that token.
type Secrets func(accessKey, token string) (secret string, ok bool)

// A Received is a call as it has come, with all that its signature covers.
type Received struct {
	Request *http.Request
	Body    []byte // the whole
	Call    *Call  // what ParseCall has made of the two

	// Service is whom the call is for. It decides the codes of the errors only.
	Service Service
}

// Verify checks the signature of a call: version 4 in the Authorization header
// or in the query string, or version 2. The error is a *vpc.Error.
//
// A signature says nothing about who may do what, nor whether the region and the
// service are the ones that the call is for.
func (c Received) Verify(secrets Secrets, now time.Time) (Signer, error) {
	auth := c.Call.auth
	switch {
	case c.Request.Header.Get("Authorization") != "":
		return c.verifyHeader(secrets, now)
	case auth[paramSignature] != "" || auth[paramAlgorithm] != "":
		return c.verifyPresigned(secrets, now)
	case auth["Signature"] != "" || auth["AWSAccessKeyId"] != "":
		return c.verifyV2(secrets, now)
	}
	return Signer{}, vpc.Errorf(vpc.MissingAuthenticationToken, "Request is missing Authentication Token")
}

// secret returns the secret of an access key, or the error that there is none.
func (c Received) secret(accessKey string, secrets Secrets) (string, error) {
	token := cmp.Or(c.Request.Header.Get(headerToken), c.Call.auth[headerToken], c.Call.auth["SecurityToken"])
	if secret, ok := secrets(accessKey, token); ok {
		return secret, nil
	}
	return "", c.errUnknownKey()
}

// ClaimedService is the service that a call's signature says it is for, before
// it has been verified; "" when it does not say.
func ClaimedService(r *http.Request, c *Call) Service {
	credential := c.auth[paramCredential]
	if header := r.Header.Get("Authorization"); header != "" {
		credential = authorizationParts(header)["Credential"]
	}
	if parts := strings.Split(credential, "/"); len(parts) == 5 && Service(parts[3]).Valid() {
		return Service(parts[3])
	}
	return ""
}

// errUnknownKey is what a caller with an access key that does not exist is
// told. EC2 has a code of its own for it.
func (c Received) errUnknownKey() error {
	if c.Service == EC2 {
		return vpc.Errorf(vpc.AuthFailure, "AWS was not able to validate the provided access credentials")
	}
	return vpc.Errorf(vpc.InvalidClientTokenID, "The security token included in the request is invalid.")
}

func errMismatch() error {
	return vpc.Errorf(vpc.SignatureDoesNotMatch, "The request signature we calculated does not match the signature you provided. "+
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
}

// errIncomplete is for a signature that lacks a part, or has one of a wrong
// form. EC2 does not have the code of the other services.
func (c Received) errIncomplete(format string, args ...any) error {
	if c.Service == EC2 {
		return vpc.Errorf(vpc.AuthFailure, format, args...)
	}
	return vpc.Errorf(vpc.IncompleteSignature, format, args...)
}

// checkWindow refuses a signature outside its time: signed must not lie more
// than ClockSkew ahead, nor end before now.
func checkWindow(signed, end, now time.Time) error {
	switch {
	case signed.After(now.Add(ClockSkew)):
		return vpc.Errorf(vpc.RequestExpired, "Request is not yet valid: it is signed for %s and it is now %s.",
			signed.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	case now.After(end):
		return vpc.Errorf(vpc.RequestExpired, "Request has expired: its time ended at %s and it is now %s.",
			end.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return nil
}
