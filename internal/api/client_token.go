package api

import (
	"time"

	"ringfence/internal/store"
)

// doneBefore returns what the call of an action with the same client token has
// done (EC2 API reference, "Ensuring idempotency"); nil without a token, and
// for the first call with one.
func (r *request) doneBefore(tx *store.Tx, action, token string) (*store.Token, error) {
	if token == "" {
		return nil, nil
	}
	done := tx.Token(r.Region, r.Account.ID, action, token)
	if done != nil && done.Fingerprint != fingerprint(r.params) {
		return nil, errOtherParameters()
	}
	return done, nil
}

// remember keeps what this call has done for others with its client token, if
// it has one. done says of which action and what.
func (r *request) remember(tx *store.Tx, token string, done store.Token) {
	if token == "" {
		return
	}
	done.Fingerprint, done.Created = fingerprint(r.params), time.Now().UTC()
	tx.PutToken(r.Region, r.Account.ID, token, &done)
}
