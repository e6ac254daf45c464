package api

import (
	"crypto/rand"
	"encoding/hex"
	"strings"

	"ringfence/internal/vpc"
)

// Ids have 8 hexadecimal digits, those made since 2016 have 17 (EC2 User Guide,
// "Resource IDs"). Both are accepted everywhere.
const shortID, longID = 8, 17

// idLength is how many digits the ids of an era have.
func idLength(era vpc.Era) int {
	if era == vpc.Era2012 {
		return shortID
	}
	return longID
}

// newID returns an id that nobody can guess: prefix, a hyphen, and digits.
func newID(prefix string, era vpc.Era) string { return prefix + "-" + randomHex(idLength(era)) }

// newIDUnless returns an id that is not taken.
func newIDUnless[ID ~string](prefix string, era vpc.Era, taken func(ID) bool) ID {
	for {
		if id := ID(newID(prefix, era)); !taken(id) {
			return id
		}
	}
}

// newRuleID returns an id for a rule. Those came after 2012 and are always long.
func newRuleID() vpc.RuleID { return vpc.RuleID("sgr-" + randomHex(longID)) }

func randomHex(digits int) string {
	b := make([]byte, (digits+1)/2)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)[:digits]
}

// isID reports whether id is prefix, a hyphen, and 8 or 17 hexadecimal digits.
func isID(prefix, id string) bool {
	digits, ok := strings.CutPrefix(id, prefix+"-")
	if !ok || len(digits) != shortID && len(digits) != longID {
		return false
	}
	return strings.Trim(digits, "0123456789abcdef") == ""
}

// checkID refuses an id that cannot be one, as EC2 words it.
func checkID(code vpc.Code, prefix, id string) error {
	if !isID(prefix, id) {
		return vpc.Errorf(code, "Invalid id: %q (expecting \"%s-...\")", id, prefix)
	}
	return nil
}
