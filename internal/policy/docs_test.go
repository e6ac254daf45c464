package policy_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"

	"ringfence/internal/policy"
)

// TestReasonsAreDocumented holds docs/packet.md to say of every reason what it
// means and what to do, and of none that there is not.
func TestReasonsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/packet.md")
	if err != nil {
		t.Fatal(err)
	}
	undocumented := make(map[string]bool)
	for _, r := range policy.Reasons() {
		undocumented[r.String()] = true
	}
	row := regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| [A-Z].*\\. \\| [A-Z].* \\|$")
	for _, m := range row.FindAllSubmatch(page, -1) {
		name := string(m[1])
		if !undocumented[name] {
			t.Errorf("docs/packet.md has a row for %q, which is no reason or has two rows", name)
		}
		delete(undocumented, name)
	}
	for _, name := range slices.Sorted(maps.Keys(undocumented)) {
		t.Errorf("docs/packet.md does not say what %q means and what to do", name)
	}
}
