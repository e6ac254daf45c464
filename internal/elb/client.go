package elb

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// A Client speaks to a node's process.
type Client struct{ http *http.Client }

// NewClient returns a client of the node that dial reaches.
func NewClient(dial func(context.Context) (net.Conn, error)) *Client {
	return &Client{&http.Client{Transport: &http.Transport{
		DialContext:     func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		MaxIdleConns:    2,
		IdleConnTimeout: time.Minute,
	}}}
}

// Close lets go of the connections that nobody uses.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Apply makes the node what spec says, and returns when it is.
func (c *Client) Apply(ctx context.Context, spec *Spec) error {
	return c.call(ctx, http.MethodPut, specPath, spec, nil)
}

// Health waits until the node's health is not what it was at a serial number,
// or a while. A serial number that the node has not had, such as −1, waits for
// nothing.
func (c *Client) Health(ctx context.Context, after int64) (h Health, err error) {
	err = c.call(ctx, http.MethodGet, fmt.Sprintf("%s?after=%d", healthPath, after), nil, &h)
	return h, err
}

// Counters asks what the node has counted.
func (c *Client) Counters(ctx context.Context) (counters Counters, err error) {
	err = c.call(ctx, http.MethodGet, countersPath, nil, &counters)
	return counters, err
}

func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://node"+path, body)
	if err != nil {
		return err
	}
	w, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("ask node: %w", err)
	}
	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	if err != nil {
		return fmt.Errorf("ask node: %w", err)
	}
	if w.StatusCode != http.StatusOK {
		return fmt.Errorf("node: %s", strings.TrimSpace(string(text)))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}
