package policy_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"ringfence/internal/policy"
)

// TestReasonsAreDocumented holds docs/packet.md to say of every reason what it
// means and what to do, in the order of their numbers.
func TestReasonsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/packet.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	row := regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| [A-Z].*\\. \\| [A-Z].*\\. \\|$")
	for _, m := range row.FindAllSubmatch(page, -1) {
		documented = append(documented, string(m[1]))
	}
	var reasons []string
	for _, r := range policy.Reasons() {
		reasons = append(reasons, r.String())
	}
	if !slices.Equal(documented, reasons) {
		t.Errorf("docs/packet.md has rows for\n%v\nand the reasons are\n%v", documented, reasons)
	}
}
