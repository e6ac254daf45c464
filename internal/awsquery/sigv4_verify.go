package awsquery

import (
	"crypto/subtle"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/vpc"
)

// An authorization is what a request says about its signature, in a header or
// in its query string.
type authorization struct {
	accessKey string
	scope     scope
	headers   []string // signed, in small letters and sorted
	signature string
}

// String is the value of the Authorization header.
func (a authorization) String() string {
	return algorithm4 + " Credential=" + a.accessKey + "/" + a.scope.String() +
		", SignedHeaders=" + strings.Join(a.headers, ";") + ", Signature=" + a.signature
}

// maxLifetime bounds X-Amz-Expires (AWS General Reference, "Authenticating
// requests: using query parameters").
const maxLifetime = 7 * 24 * time.Hour

// verifyHeader verifies the Authorization header.
func (c Received) verifyHeader(secrets Secrets, now time.Time) (Signer, error) {
	header := c.Request.Header.Get("Authorization")
	if algorithm, _, _ := strings.Cut(header, " "); algorithm != algorithm4 {
		return Signer{}, c.errIncomplete("Authorization header has the algorithm %q; %s is supported.", algorithm, algorithm4)
	}
	parts := authorizationParts(header)
	a, err := c.newAuthorization(parts["Credential"], parts["SignedHeaders"], parts["Signature"])
	if err != nil {
		return Signer{}, err
	}
	at, signed, err := c.signingTime()
	if err != nil {
		return Signer{}, err
	}
	if err := checkWindow(signed, signed.Add(ClockSkew), now); err != nil {
		return Signer{}, err
	}
	return c.verifyV4(a, at, secrets)
}

// authorizationParts are the parts of an Authorization header by their names.
func authorizationParts(header string) map[string]string {
	_, rest, _ := strings.Cut(header, " ")
	parts := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		parts[name] = value
	}
	return parts
}

// verifyPresigned verifies a signature in the query string.
func (c Received) verifyPresigned(secrets Secrets, now time.Time) (Signer, error) {
	parts := c.Call.auth
	if parts[paramAlgorithm] != algorithm4 {
		return Signer{}, c.errIncomplete("X-Amz-Algorithm is %q; %s is supported.", parts[paramAlgorithm], algorithm4)
	}
	a, err := c.newAuthorization(parts[paramCredential], parts["X-Amz-SignedHeaders"], parts[paramSignature])
	if err != nil {
		return Signer{}, err
	}
	at := parts[headerDate]
	signed, err := time.Parse(timeLayout4, at)
	if err != nil {
		return Signer{}, c.errIncomplete("X-Amz-Date must be a time such as 20120501T120000Z, not %q.", at)
	}
	seconds, err := strconv.ParseInt(parts["X-Amz-Expires"], 10, 32)
	lifetime := time.Duration(seconds) * time.Second
	if err != nil || lifetime <= 0 || lifetime > maxLifetime {
		return Signer{}, c.errIncomplete("X-Amz-Expires must be a number of seconds from 1 to 604800, not %q.", parts["X-Amz-Expires"])
	}
	if err := checkWindow(signed, signed.Add(lifetime), now); err != nil {
		return Signer{}, err
	}
	return c.verifyV4(a, at, secrets)
}

// newAuthorization parses the three parts of an authorization. The error
// says which part is at fault.
func (c Received) newAuthorization(credential, signedHeaders, signature string) (*authorization, error) {
	if credential == "" || signedHeaders == "" || signature == "" {
		return nil, c.errIncomplete("Authorization must have the parts Credential, SignedHeaders and Signature.")
	}
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || slices.Contains(parts, "") || parts[4] != terminator4 {
		return nil, c.errIncomplete("Credential must be KEY/DATE/REGION/SERVICE/%s.", terminator4)
	}
	headers := strings.Split(strings.ToLower(signedHeaders), ";")
	if !slices.Contains(headers, "host") {
		return nil, c.errIncomplete("'Host' must be a signed header.")
	}
	if !slices.IsSorted(headers) {
		return nil, c.errIncomplete("SignedHeaders must be sorted.")
	}
	return &authorization{
		accessKey: parts[0],
		scope:     scope{date: parts[1], region: parts[2], service: parts[3]},
		headers:   headers,
		signature: signature,
	}, nil
}

// verifyV4 compares a's signature with the one that the call should have. at is
// the time of the signature in timeLayout4; its window has been checked.
func (c Received) verifyV4(a *authorization, at string, secrets Secrets) (Signer, error) {
	if a.scope.date != at[:len("20060102")] {
		return Signer{}, c.errIncomplete("Date in Credential scope (%s) does not match the date of the request (%s).", a.scope.date, at)
	}
	toHost := c.scopedToHost(a)
	if !Service(a.scope.service).Valid() && !toHost {
		return Signer{}, c.errIncomplete("Credential should be scoped to one of the services ec2, elasticloadbalancing, sts and iam, not %q.", a.scope.service)
	}
	bodyHash := hashHex(c.Body)
	switch declared := c.Request.Header.Get(headerHash); declared {
	case "", bodyHash:
	case unsignedBody:
		// Only S3 takes it; here it would leave the call itself unsigned.
		return Signer{}, c.errIncomplete("%s is not supported: the body must be signed.", unsignedBody)
	default:
		return Signer{}, vpc.Errorf(vpc.SignatureDoesNotMatch, "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	secret, err := c.secret(a.accessKey, secrets)
	if err != nil {
		return Signer{}, err
	}
	want := signature4(c.Request, a.headers, bodyHash, at, a.scope, secret)
	if subtle.ConstantTimeCompare([]byte(want), []byte(a.signature)) != 1 {
		return Signer{}, errMismatch()
	}
	if toHost {
		return Signer{AccessKey: a.accessKey}, nil
	}
	return Signer{AccessKey: a.accessKey, Region: a.scope.region}, nil
}

// scopedToHost reports whether a's scope is made of the name of the endpoint's
// host, as boto 2 does with whatever it is: of 127.0.0.1 the service 127. Such a
// scope says neither the service nor the region.
func (c Received) scopedToHost(a *authorization) bool {
	name, _, _ := strings.Cut(host(c.Request), ":")
	label, _, _ := strings.Cut(name, ".")
	return a.scope.service == label && !Service(label).Valid()
}

// signingTime returns the time at which a request with an Authorization header
// says that it was signed, also as it stands in the string to sign.
func (c Received) signingTime() (at string, signed time.Time, err error) {
	if at = c.Request.Header.Get(headerDate); at != "" {
		signed, err = time.Parse(timeLayout4, at)
		if err != nil {
			return "", time.Time{}, c.errIncomplete("X-Amz-Date must be a time such as 20120501T120000Z, not %q.", at)
		}
		return at, signed, nil
	}
	signed, err = http.ParseTime(c.Request.Header.Get("Date"))
	if err != nil {
		return "", time.Time{}, c.errIncomplete("The request must have a valid 'Date' or 'X-Amz-Date' header.")
	}
	return signed.UTC().Format(timeLayout4), signed, nil
}
