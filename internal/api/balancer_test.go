package api_test

import (
	"testing"

	"ringfence/internal/awsquery"
	"ringfence/internal/vpc"
)

// elb is an account's client of ELB.
func (w *world) elb(t testing.TB, id vpc.AccountID) *caller {
	c := w.caller(t, id)
	c.service, c.version = awsquery.ELB, "2012-06-01"
	return c
}
