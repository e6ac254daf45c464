package awsquery

import (
	"net/http"
	"time"

	"ringfence/internal/vpc"
)

// ClockSkew is how far a caller's clock may be from ours (AWS General
// Reference, "Signing AWS API requests").
const ClockSkew = 15 * time.Minute

// A Signer is who has signed a call, and for where.
type Signer struct {
	AccessKey string

	// Region and Service are from the credential scope; both are "" for
	// signature version 2, which has none.
	Region  string
	Service Service
}

// Secrets returns the secret key of an access key. ok is false when there is no
// such access key.
type Secrets func(accessKey string) (secret string, ok bool)

// Verify checks the signature of a call: version 4 in the Authorization header
// or in the query string, or version 2. body is the whole body of r, and c what
// ParseCall has made of the two. The error is a *vpc.Error.
//
// A signature says nothing about who may do what, nor whether the region and the
// service are the ones that the call is for.
func Verify(r *http.Request, body []byte, c *Call, secrets Secrets, now time.Time) (Signer, error) {
	switch {
	case r.Header.Get("Authorization") != "":
		return verifyHeader(r, body, secrets, now)
	case c.auth["X-Amz-Signature"] != "" || c.auth["X-Amz-Algorithm"] != "":
		return verifyPresigned(r, body, secrets, now)
	case c.auth["Signature"] != "" || c.auth["AWSAccessKeyId"] != "":
		return verifyV2(r, c, secrets, now)
	}
	return Signer{}, vpc.Errorf(vpc.MissingAuthenticationToken, "Request is missing Authentication Token")
}

// errUnknownKey is what a caller with an access key that does not exist is
// told. EC2 has a code of its own for it.
func errUnknownKey(s Service) error {
	if s == EC2 || s == "" {
		return vpc.Errorf(vpc.AuthFailure, "AWS was not able to validate the provided access credentials")
	}
	return vpc.Errorf(vpc.InvalidClientTokenID, "The security token included in the request is invalid.")
}

func errMismatch() error {
	return vpc.Errorf(vpc.SignatureDoesNotMatch, "The request signature we calculated does not match the signature you provided. "+
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
}

func errIncomplete(format string, args ...any) error {
	return vpc.Errorf(vpc.AuthFailure, format, args...)
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
