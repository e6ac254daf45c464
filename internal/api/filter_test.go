package api

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"
)

func TestMatchWildcard(t *testing.T) {
	for _, tt := range []struct {
		pattern, s string
		want       bool
	}{
		{"web", "web", true},
		{"web", "Web", false},
		{"", "", true},
		{"*", "", true},
		{"?", "", false},
		{"w*b", "web", true},
		{"w*b*", "wbxb", true},
		{"*eb?", "web1", true},
		{`web\*`, "web*", true},
		{`web\*`, "webs", false},
		{`web\?`, "web?", true},
		{`a\\b`, `a\b`, true},
		{`a\`, `a\`, true}, // nothing to take the meaning from
		{"é?", "éx", true},
	} {
		if got := pattern(tt.pattern).matches(tt.s); got != tt.want {
			t.Errorf("%q matches %q: %v, want %v", tt.pattern, tt.s, got, tt.want)
		}
	}
}

// The matcher does what a regular expression made of the pattern does.
func TestMatchWildcardIsItsRegexp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.StringMatching(`[ab*?\\]{0,8}`).Draw(t, "pattern")
		s := rapid.StringMatching(`[ab*?\\]{0,8}`).Draw(t, "s")
		expression := "^"
		for i := 0; i < len(drawn); i++ {
			switch c := drawn[i]; {
			case c == '\\' && i+1 < len(drawn):
				i++
				expression += regexp.QuoteMeta(drawn[i : i+1])
			case c == '*':
				expression += "(?s:.*)"
			case c == '?':
				expression += "(?s:.)"
			default:
				expression += regexp.QuoteMeta(string(c))
			}
		}
		if want := regexp.MustCompile(expression + "$").MatchString(s); pattern(drawn).matches(s) != want {
			t.Fatalf("%q matches %q: want %v", drawn, s, want)
		}
	})
}
