package guest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/crypto/ssh"
)

// Bounds of connections that nobody has logged in by, as those of sshd
// (sshd_config(5), LoginGraceTime and MaxStartups).
const (
	loginGrace  = 2 * time.Minute
	maxStartups = 100
)

// serveSSH lets the machine's users log in, each with the keys of its own, and
// by no other means. Who is launched without a key pair has none.
func (m *machine) serveSSH(l net.Listener) error {
	keys, err := m.hostKeys()
	if err != nil {
		return fmt.Errorf("host keys: %w", err)
	}
	m.tellHostKeys(keys)
	startups := make(chan struct{}, maxStartups)
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		select {
		case startups <- struct{}{}:
			go func() {
				defer c.Close()
				conn, err := m.login(c, keys)
				<-startups
				if err == nil {
					conn.serve()
				}
			}()
		default:
			c.Close()
		}
	}
}

// An sshConn is a connection by which somebody has logged in.
type sshConn struct {
	machine  *machine
	user     *user
	conn     *ssh.ServerConn
	channels <-chan ssh.NewChannel
	requests <-chan *ssh.Request
}

// login does all until somebody is known. An error says that nobody is.
func (m *machine) login(c net.Conn, keys []ssh.Signer) (*sshConn, error) {
	config := &ssh.ServerConfig{
		ServerVersion: "SSH-2.0-ringfence",
		PublicKeyCallback: func(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			return nil, admit(meta.User(), key)
		},
	}
	for _, k := range keys {
		config.AddHostKey(k)
	}
	if err := c.SetDeadline(time.Now().Add(loginGrace)); err != nil {
		return nil, err
	}
	conn, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return nil, err
	}
	if err := c.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	// Only the connection knows who has shown a key: a client may ask about
	// the keys of several users before it does.
	who, err := lookupUser(conn.User())
	if err != nil {
		return nil, err
	}
	return &sshConn{machine: m, user: who, conn: conn, channels: channels, requests: requests}, nil
}

// admit refuses a key that is none of a user's.
func admit(name string, key ssh.PublicKey) error {
	if name != loginUser && name != rootUser {
		return errors.New("nobody logs in by that name")
	}
	u, err := lookupUser(name)
	if err != nil {
		return err
	}
	own, err := u.authorizedKeys()
	if err != nil {
		return err
	}
	for _, k := range own {
		if bytes.Equal(k.Marshal(), key.Marshal()) {
			return nil
		}
	}
	return errors.New("the key is none of the user's")
}

// serve serves the connection's channels until it ends. Whatever a client asks
// of the connection as a whole is refused, which is also how clients learn that
// it is alive.
func (c *sshConn) serve() {
	go ssh.DiscardRequests(c.requests)
	for n := range c.channels {
		switch n.ChannelType() {
		case "session":
			go c.serveSession(n)
		case "direct-tcpip":
			go c.forward(n)
		default:
			_ = n.Reject(ssh.UnknownChannelType, "there is no such channel")
		}
	}
}
