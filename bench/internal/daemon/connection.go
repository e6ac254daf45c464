package daemon

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"ringfence/internal/awsquery"
)

// A Connection makes calls one after another. Whoever calls reads and writes the
// socket himself: what an http.Client hands from goroutine to goroutine meanwhile
// would take longer than some answers. It is not safe for concurrent use.
type Connection struct {
	caller
	host   string
	open   func(ctx context.Context, network, address string) (net.Conn, error)
	socket net.Conn // nil: the next call opens one
	reader *bufio.Reader
}

// Patience bounds how long a connection waits until it is open, and then for each
// answer.
const Patience = 30 * time.Second

// Connect returns a connection to an endpoint, which the first call opens.
func Connect(endpoint string, key awsquery.Key) (*Connection, error) {
	at, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	connection := &Connection{caller: caller{endpoint, key}, host: at.Host}
	dialer := &net.Dialer{Timeout: Patience}
	switch at.Scheme {
	case "http":
		connection.open = dialer.DialContext
	case "https":
		connection.open = (&tls.Dialer{NetDialer: dialer}).DialContext
	default:
		return nil, fmt.Errorf("the endpoint %s is not of the form http://HOST:PORT or https://HOST:PORT", endpoint)
	}
	if at.Port() == "" {
		connection.host = net.JoinHostPort(at.Hostname(), at.Scheme)
	}
	return connection, nil
}

// Call makes one call, as Client.Call does. After an error, and where the endpoint
// ends a connection with each answer, the next call opens a new one.
func (c *Connection) Call(ctx context.Context, action string, params []string, out any) (err error) {
	r, err := c.request(ctx, action, params)
	if err != nil {
		return err
	}
	if c.socket == nil {
		if c.socket, err = c.open(ctx, "tcp", c.host); err != nil {
			return err
		}
		c.reader = bufio.NewReader(c.socket)
	}
	socket := c.socket
	if err := socket.SetDeadline(time.Now().Add(Patience)); err != nil {
		return errors.Join(err, c.Close())
	}
	defer context.AfterFunc(ctx, func() { _ = socket.SetDeadline(time.Unix(1, 0)) })() // ends what waits
	status, answer, last, err := c.exchange(r)
	if err != nil || last {
		err = errors.Join(err, c.Close())
	}
	if err != nil {
		return err
	}
	return read(action, status, answer, out)
}

// exchange sends r and returns the answer, and whether it is the last on this
// connection.
func (c *Connection) exchange(r *http.Request) (status int, answer []byte, last bool, err error) {
	if err := r.Write(c.socket); err != nil {
		return 0, nil, true, err
	}
	w, err := http.ReadResponse(c.reader, r)
	if err != nil {
		return 0, nil, true, err
	}
	defer w.Body.Close()
	answer, err = io.ReadAll(w.Body)
	return w.StatusCode, answer, w.Close, err
}

// Close ends the connection, if there is one at the moment.
func (c *Connection) Close() error {
	if c.socket == nil {
		return nil
	}
	socket := c.socket
	c.socket = nil
	return socket.Close()
}
