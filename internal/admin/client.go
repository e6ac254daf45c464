package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"ringfence/internal/vpc"
)

// ErrNoDaemon says that nobody listens on the socket.
var ErrNoDaemon = errors.New("no daemon answers")

// maxAnswer bounds an answer, in bytes.
const maxAnswer = 64 << 20

// A Client speaks to the daemon of one data directory.
type Client struct {
	socket string
	http   *http.Client
}

// NewClient returns a client of the daemon that listens on socket. It connects
// with each call.
func NewClient(socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		c, err := d.DialContext(ctx, "unix", socket)
		if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			return nil, errors.Join(ErrNoDaemon, err)
		}
		return c, err
	}
	return &Client{socket: socket, http: &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}
}

// Socket is the path that c connects to.
func (c *Client) Socket() string { return c.socket }

// Status asks how far the daemon and its agents are.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	return call[Status](ctx, c, http.MethodGet, StatusPath, nil)
}

// Accounts lists all accounts.
func (c *Client) Accounts(ctx context.Context) ([]Account, error) {
	list, err := call[[]Account](ctx, c, http.MethodGet, AccountsPath, nil)
	if err != nil {
		return nil, err
	}
	return *list, nil
}

// Doctor asks what most likely does not work as it was meant.
func (c *Client) Doctor(ctx context.Context) ([]Finding, error) {
	list, err := call[[]Finding](ctx, c, http.MethodGet, DoctorPath, nil)
	if err != nil {
		return nil, err
	}
	return *list, nil
}

// CreateAccount makes an account and its credentials.
func (c *Client) CreateAccount(ctx context.Context, a NewAccount) (*Account, error) {
	return call[Account](ctx, c, http.MethodPost, AccountsPath, a)
}

// RotateKeys gives an account new keys; its old ones are good for nothing then.
func (c *Client) RotateKeys(ctx context.Context, id vpc.AccountID) (*Account, error) {
	return call[Account](ctx, c, http.MethodPost, KeysPath(id), nil)
}

// Outside returns a host on the internet side. It is made when it is not there.
func (c *Client) Outside(ctx context.Context, r OutsideRequest) (*Outside, error) {
	return call[Outside](ctx, c, http.MethodPost, OutsidePath, r)
}

// Explain asks what would become of a packet.
func (c *Client) Explain(ctx context.Context, r ExplainRequest) (*Explanation, error) {
	return call[Explanation](ctx, c, http.MethodPost, ExplainPath, r)
}

// Exec asks where an instance's init listens.
func (c *Client) Exec(ctx context.Context, id vpc.InstanceID) (*Exec, error) {
	return call[Exec](ctx, c, http.MethodGet, ExecPath(id), nil)
}

// call makes one call. Its error is as of send.
func call[Answer any](ctx context.Context, c *Client, method, path string, question any) (*Answer, error) {
	body, err := c.send(ctx, method, path, question)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	answer := new(Answer)
	if err := json.NewDecoder(io.LimitReader(body, maxAnswer)).Decode(answer); err != nil {
		return nil, fmt.Errorf("read daemon's answer: %w", err)
	}
	return answer, nil
}

// send sends a question and returns the answer, to be read and closed. The
// error is a *vpc.Error when the daemon says that the caller is at fault, and
// wraps ErrNoDaemon when there is none.
func (c *Client) send(ctx context.Context, method, path string, question any) (io.ReadCloser, error) {
	var body []byte
	if question != nil {
		var err error
		if body, err = json.Marshal(question); err != nil {
			return nil, fmt.Errorf("encode question: %w", err)
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://ringfenced"+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask daemon: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	w, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask daemon: %w", err)
	}
	if w.StatusCode < http.StatusBadRequest {
		return w.Body, nil
	}
	defer w.Body.Close()
	var f Failure
	if err := json.NewDecoder(io.LimitReader(w.Body, maxAnswer)).Decode(&f); err != nil || f.Code == "" {
		return nil, fmt.Errorf("daemon answers HTTP status %d to %s %s", w.StatusCode, method, path)
	}
	return nil, &vpc.Error{Code: f.Code, Message: f.Message}
}
