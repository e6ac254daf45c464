package vpc

import "time"

// A KeyPair lets its owner log in to the instances that are launched with it.
// The private half is the owner's alone: it is told once, and not kept.
type KeyPair struct {
	ID          KeyPairID
	Account     AccountID
	Region      Region
	Name        string // the account's only one in the region
	Type        string // rsa or ed25519
	Fingerprint string
	PublicKey   string // a line of authorized_keys (sshd(8)), with Name as its comment
	Created     time.Time
	Tags        []Tag
}
