package vpc

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A policy is read back from the attributes that show it.
func TestNegotiationIsWhatItsAttributesSay(t *testing.T) {
	for _, name := range PredefinedSSLPolicies() {
		n, ok := PredefinedSSLPolicy(name)
		if !ok {
			t.Fatalf("%s is not known", name)
		}
		if diff := cmp.Diff(n, NegotiationOf(n.Attributes())); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		reference := []PolicyAttribute{{"Reference-Security-Policy", name}}
		if diff := cmp.Diff(n, NegotiationOf(reference)); diff != "" {
			t.Errorf("by reference, %s: %s", name, diff)
		}
	}
}

func TestUnavailableNamesWhatOpenSSLHasNot(t *testing.T) {
	for name, want := range map[string][]string{
		DefaultSSLPolicy:                    nil,
		"ELBSecurityPolicy-TLS-1-2-2017-01": nil,
		"ELBSecurityPolicy-2015-05":         {"DES-CBC3-SHA"},
		"ELBSecurityPolicy-2014-01":         {"SSLv3", "DES-CBC3-SHA", "ECDHE-RSA-RC4-SHA", "ECDHE-ECDSA-RC4-SHA", "RC4-SHA"},
	} {
		n, _ := PredefinedSSLPolicy(name)
		if diff := cmp.Diff(want, n.Unavailable()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
