package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"ringfence/internal/awsquery"
)

// apiVersion is the version of the EC2 API that the tools speak.
const apiVersion = "2016-11-15"

// maxAnswer bounds an answer of the API, in bytes.
const maxAnswer = 256 << 20

// An apiClient calls the actions of one service at one endpoint.
type apiClient struct {
	http     *http.Client
	suite    *suite
	endpoint *url.URL
	region   string
	key      awsquery.Key
	token    string // of a session; "" for none
	timeout  time.Duration
	now      func() time.Time

	// trace gets the requests and the answers; nil for none. When it is also to
	// get headers and parameters, debug is set.
	trace io.Writer
	debug bool
}

// call makes one call. in and out are structs with aws tags; out may be nil.
func (c *apiClient) call(ctx context.Context, action string, in, out any) error {
	body, err := c.send(ctx, action, awsquery.Encode(c.suite.service, in))
	if err != nil {
		return err
	}
	_, err = awsquery.DecodeResponse(c.suite.service, action, body, out)
	return err
}

// ask makes one call and returns its answer as it is.
func (c *apiClient) ask(ctx context.Context, action string, params awsquery.Params) (*awsquery.Element, error) {
	body, err := c.send(ctx, action, params)
	if err != nil {
		return nil, err
	}
	answer, _, err := awsquery.ParseResponse(c.suite.service, action, body)
	return answer, err
}

// send makes one call and returns what is answered with status 200.
func (c *apiClient) send(ctx context.Context, action string, params awsquery.Params) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()

	params["Action"], params["Version"] = action, c.suite.version
	form := params.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint.String(), strings.NewReader(form))
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", action, err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("User-Agent", "ringfence")
	if c.token != "" {
		r.Header.Set("X-Amz-Security-Token", c.token)
	}
	c.traceRequest(r, form)
	awsquery.Sign(r, []byte(form), c.key, c.region, c.suite.service, c.now())

	w, err := c.http.Do(r)
	if err != nil {
		return nil, c.unreachable(err)
	}
	defer w.Body.Close()
	body, err := io.ReadAll(io.LimitReader(w.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read answer to %s: %w", action, err)
	}
	c.traceResponse(w, body)
	if w.StatusCode != http.StatusOK {
		return nil, awsquery.DecodeError(w.StatusCode, body)
	}
	return body, nil
}

// unreachable says what to do about an endpoint that cannot be spoken to.
func (c *apiClient) unreachable(err error) error {
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
		return fmt.Errorf("nothing answers at %s (%w): start a daemon with: sudo ringfenced dev, or set %s", c.endpoint, e.Err, c.suite.urlVariable)
	}
	return fmt.Errorf("call %s: %w", c.endpoint, err)
}

// traceRequest shows a request before it is signed, so no signature is shown.
func (c *apiClient) traceRequest(r *http.Request, form string) {
	if c.trace == nil {
		return
	}
	fmt.Fprintf(c.trace, "%s %s\n", r.Method, r.URL)
	if c.debug {
		// An error of the trace is not the call's.
		_ = r.Header.Write(c.trace)
	}
	fmt.Fprintf(c.trace, "%s\n", form)
}

func (c *apiClient) traceResponse(w *http.Response, body []byte) {
	if c.trace == nil {
		return
	}
	fmt.Fprintf(c.trace, "%s\n", w.Status)
	if c.debug {
		_ = w.Header.Write(c.trace)
	}
	fmt.Fprintf(c.trace, "%s\n", strings.TrimRight(string(body), "\n"))
}
