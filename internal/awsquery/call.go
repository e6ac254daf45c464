package awsquery

import (
	"net/http"
	"net/url"
	"sort"
	"strings"
	"unicode/utf8"

	"ringfence/internal/vpc"
)

// A Call is a parsed request. Its parameters have not been checked against any
// action, and its signature has not been verified.
type Call struct {
	Action  string
	Version string // an API version, which is a date; "" when not given
	Params  Params // what is left for the action

	auth Params // what the signature needs: see authParams
}

// Params are the parameters of a call by name, such as IpPermissions.1.FromPort.
type Params map[string]string

// Encode returns p as application/x-www-form-urlencoded, sorted by name.
func (p Params) Encode() string {
	var b strings.Builder
	for i, name := range p.names() {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(escape(name) + "=" + escape(p[name]))
	}
	return b.String()
}

func (p Params) names() []string {
	names := make([]string, 0, len(p))
	for name := range p {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// ParseCall reads the parameters of r from its query string and, for POST, from
// body as a form. The type of the content is not looked at: old tools send
// none. A name that is given twice is an error, since the two ends could not
// agree on which one counts.
func ParseCall(r *http.Request, body []byte) (*Call, error) {
	c := &Call{Params: Params{}, auth: Params{}}
	if err := c.add(r.URL.RawQuery); err != nil {
		return nil, err
	}
	if r.Method == http.MethodPost {
		if err := c.add(string(body)); err != nil {
			return nil, err
		}
	}
	c.Action, c.Version = c.auth["Action"], c.auth["Version"]
	return c, nil
}

// add parses one form into c.
func (c *Call) add(form string) error {
	pairs, err := parseForm(form)
	if err != nil {
		return err
	}
	for _, p := range pairs {
		into := c.Params
		if isAuthParam(p.name) || p.name == "Action" || p.name == "Version" {
			into = c.auth
		}
		if _, twice := into[p.name]; twice {
			return vpc.Errorf(vpc.MalformedQueryString, "The parameter %s is given more than once", p.name)
		}
		into[p.name] = p.value
	}
	return nil
}

// isAuthParam reports whether a parameter belongs to the signature and not to
// the action (AWS General Reference, "Signature Version 2 signing process" and
// "Authenticating requests: using query parameters").
func isAuthParam(name string) bool {
	switch name {
	case "AWSAccessKeyId", "Signature", "SignatureMethod", "SignatureVersion",
		"Timestamp", "Expires", "SecurityToken",
		paramAlgorithm, paramCredential, paramSignature, headerDate, headerToken, headerHash,
		"X-Amz-Expires", "X-Amz-SignedHeaders":
		return true
	}
	return false
}

// A pair is a parameter as it stands in a form.
type pair struct{ name, value string }

// maxParams bounds the memory of a call whose signature is not known to be
// right yet. It is more than a call can use: a list has MaxListLength values.
const maxParams = 20_000

// parseForm splits a form into its decoded pairs, in their order.
func parseForm(form string) ([]pair, error) {
	if strings.Count(form, "&") >= maxParams {
		return nil, vpc.Errorf(vpc.MalformedQueryString, "The request has more than %d parameters", maxParams)
	}
	var pairs []pair
	for part := range strings.SplitSeq(form, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		n, err1 := url.QueryUnescape(name)
		v, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			return nil, vpc.Errorf(vpc.MalformedQueryString, "The query string contains a syntax error: %.100q", part)
		}
		if !utf8.ValidString(n) || !utf8.ValidString(v) {
			return nil, vpc.Errorf(vpc.MalformedQueryString, "The parameter %.100q is not in UTF-8", part)
		}
		pairs = append(pairs, pair{n, v})
	}
	return pairs, nil
}

// escape is the encoding of RFC 3986 that signatures are made of: all but
// unreserved characters become %XX, a space too.
func escape(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9',
			c == '-', c == '_', c == '.', c == '~':
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}
