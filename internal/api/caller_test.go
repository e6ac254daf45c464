package api_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringfence/internal/awsquery"
	"ringfence/internal/vpc"
)

// A caller is one account's client.
type caller struct {
	t       testing.TB
	world   *world
	account vpc.AccountID
	key     awsquery.Key
	region  string
	service awsquery.Service
	version string

	sign func(*caller, awsquery.Params) *http.Request // nil: version 4, by POST
}

func (w *world) caller(t testing.TB, id vpc.AccountID) *caller {
	return w.callerWith(t, w.account(t, id))
}

func (w *world) callerWith(t testing.TB, a *vpc.Account) *caller {
	return &caller{t: t, world: w, account: a.ID, key: awsquery.Key{Access: a.AccessKey, Secret: a.SecretKey},
		region: "us-east-1", service: awsquery.EC2, version: "2016-11-15"}
}

// call sends one signed call and returns the answer as it is. Parameters are
// Name=Value.
func (c *caller) call(action string, params ...string) (status int, body string) {
	c.t.Helper()
	all := awsquery.Params{"Action": action, "Version": c.version}
	for _, p := range params {
		name, value, _ := strings.Cut(p, "=")
		all[name] = value
	}
	sign := c.sign
	if sign == nil {
		sign = (*caller).signVersion4
	}
	return c.do(sign(c, all))
}

// signVersion4 is a call by POST, signed with version 4.
func (c *caller) signVersion4(params awsquery.Params) *http.Request {
	form := params.Encode()
	r, err := http.NewRequest(http.MethodPost, c.world.http.URL+"/", strings.NewReader(form))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	awsquery.Sign(r, []byte(form), c.key, c.region, c.service, time.Now())
	return r
}

// do sends a request and returns the answer as it is.
func (c *caller) do(r *http.Request) (status int, body string) {
	c.t.Helper()
	resp, err := c.world.http.Client().Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// ok is a call that must succeed.
func (c *caller) ok(action string, params ...string) string {
	c.t.Helper()
	status, body := c.call(action, params...)
	if status != http.StatusOK {
		c.t.Fatalf("%s %q: %d\n%s", action, params, status, body)
	}
	return body
}

// code is the error code of a call, "" when it succeeds.
func (c *caller) code(action string, params ...string) vpc.Code {
	c.t.Helper()
	status, body := c.call(action, params...)
	if status == http.StatusOK {
		return ""
	}
	return vpc.CodeOf(awsquery.DecodeError(status, []byte(body)))
}

// text returns the text of the first element of a name in an answer.
func text(body, element string) string {
	_, rest, _ := strings.Cut(body, "<"+element+">")
	value, _, _ := strings.Cut(rest, "</"+element+">")
	return value
}
