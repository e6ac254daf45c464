package awsquery

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// A Key is a pair of keys that calls are signed with.
type Key struct{ Access, Secret string }

// Sign adds a version 4 signature of r, which has body as its body, to its
// headers. It covers the host, the content type and every header of Amazon's.
// now is the time of the caller's clock.
func Sign(r *http.Request, body []byte, k Key, region string, s Service, now time.Time) {
	now = now.UTC()
	at := now.Format(timeLayout4)
	r.Header.Set(headerDate, at)
	signed := []string{"host"}
	for name := range r.Header {
		name = strings.ToLower(name)
		if name == "content-type" || strings.HasPrefix(name, "x-amz-") {
			signed = append(signed, name)
		}
	}
	slices.Sort(signed)
	in := scope{date: now.Format(dateLayout4), region: region, service: string(s)}
	r.Header.Set("Authorization", authorization{
		accessKey: k.Access,
		scope:     in,
		headers:   signed,
		signature: signature4(r, signed, hashHex(body), at, in, k.Secret),
	}.String())
}
