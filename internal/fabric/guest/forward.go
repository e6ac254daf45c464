package guest

import (
	"io"
	"net"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"
)

// forwardTimeout bounds how long a connection may take to open for a client.
const forwardTimeout = 30 * time.Second

// forward opens a connection from the machine for a client, and carries between
// the two (RFC 4254 §7.2).
func (c *sshConn) forward(n ssh.NewChannel) {
	var to struct {
		Host   string
		Port   uint32
		Origin string
		From   uint32
	}
	if ssh.Unmarshal(n.ExtraData(), &to) != nil || to.Port > 0xffff {
		_ = n.Reject(ssh.ConnectionFailed, "the request cannot be read")
		return
	}
	dialed, err := net.DialTimeout("tcp", net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port))), forwardTimeout)
	if err != nil {
		_ = n.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	far := dialed.(*net.TCPConn)
	defer far.Close()
	near, requests, err := n.Accept()
	if err != nil {
		return
	}
	defer near.Close()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.Copy(far, near)
		_ = far.CloseWrite()
	}()
	go func() {
		ssh.DiscardRequests(requests) // until the client is gone
		<-sent
		far.Close() // which may wait for ever, and now has nobody to tell
	}()
	_, _ = io.Copy(near, far)
	_ = near.CloseWrite()
	<-sent
}
