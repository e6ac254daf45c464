package vpc

import (
	"slices"
	"testing"
)

// Each predefined policy says yes or no to each attribute once, and names no
// cipher or protocol that there is not.
func TestPredefinedTLSPoliciesAreWhole(t *testing.T) {
	names := TLSPolicyAttributes()
	if sorted := slices.Compact(slices.Sorted(slices.Values(names))); len(sorted) != len(names) {
		t.Errorf("%d attributes, %d different ones", len(names), len(sorted))
	}
	for _, d := range predefinedTLS {
		on := 0
		for _, a := range PredefinedTLSPolicy(d.name).Attributes {
			if a.Value == "true" && a.Name != ServerCipherOrder {
				on++
			}
		}
		named := slices.Concat(d.ciphers...)
		slices.Sort(named)
		if want := len(d.protocols) + len(slices.Compact(named)); on != want {
			t.Errorf("%s enables %d protocols and ciphers, and defines %d", d.name, on, want)
		}
	}
	if PredefinedTLSPolicy("ELBSecurityPolicy-2999-01") != nil {
		t.Error("a policy of the future is known")
	}
}
