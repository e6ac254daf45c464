package vpc

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUnavailableNamesWhatOpenSSLHasNot(t *testing.T) {
	for name, want := range map[string][]string{
		DefaultTLSPolicy:                    nil,
		"ELBSecurityPolicy-TLS-1-2-2017-01": nil,
		"ELBSecurityPolicy-2015-05":         {"DES-CBC3-SHA"},
		"ELBSecurityPolicy-2014-01": {
			"SSLv3", "EDH-RSA-DES-CBC3-SHA", "DES-CBC3-SHA", "ECDHE-RSA-RC4-SHA", "RC4-SHA", "ECDHE-ECDSA-RC4-SHA",
		},
	} {
		n := NegotiationOf(PredefinedTLSPolicy(name).Attributes)
		if diff := cmp.Diff(want, n.Unavailable()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	holed := Negotiation{Protocols: []string{"TLSv1", "TLSv1.2"}}
	if diff := cmp.Diff([]string{"TLSv1 and TLSv1.2 without TLSv1.1"}, holed.Unavailable()); diff != "" {
		t.Error(diff)
	}
}
