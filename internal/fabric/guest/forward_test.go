package guest

import (
	"crypto/ed25519"
	"crypto/rand"
	"net"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// Nothing is left of a forwarded connection whose client is gone, although the
// other end keeps it open.
func TestForwardEndsWithItsClient(t *testing.T) {
	far, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		if c, err := far.Accept(); err == nil {
			accepted <- c
		}
	}()
	client, channels := sshPair(t)
	forwarded := make(chan struct{})
	go func() {
		defer close(forwarded)
		(&sshConn{}).forward(<-channels)
	}()
	if _, err := client.Dial("tcp", far.Addr().String()); err != nil {
		t.Fatal(err)
	}
	defer (<-accepted).Close()
	client.Close()
	select {
	case <-forwarded:
	case <-time.After(20 * time.Second):
		t.Error("a client is gone, and its connection goes on")
	}
}

// sshPair connects a client to a server, of which it returns the channels that
// the client opens.
func sshPair(t *testing.T) (*ssh.Client, <-chan ssh.NewChannel) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	channels := make(chan ssh.NewChannel)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		config := &ssh.ServerConfig{NoClientAuth: true}
		config.AddHostKey(signer)
		_, opened, requests, err := ssh.NewServerConn(c, config)
		if err != nil {
			return
		}
		go ssh.DiscardRequests(requests)
		for n := range opened {
			channels <- n
		}
	}()
	client, err := ssh.Dial("tcp", l.Addr().String(), &ssh.ClientConfig{HostKeyCallback: ssh.FixedHostKey(signer.PublicKey()), Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return client, channels
}
