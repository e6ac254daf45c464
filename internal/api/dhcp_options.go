package api

import (
	"crypto/sha256"
	"encoding/hex"
)

// dhcpOptions is the id of the only set of DHCP options that an account has in a
// region. It is made of what it belongs to, as nothing else is known of it.
func (r *request) dhcpOptions() string {
	sum := sha256.Sum256([]byte(string(r.Region) + "/" + string(r.Account.ID)))
	return "dopt-" + hex.EncodeToString(sum[:])[:idLength(r.Account.Era)]
}
