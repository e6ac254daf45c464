package guest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	"ringfence/internal/fabric/initproto"
)

// Bounds of the resolver: how long the agent may take, how long a connection
// may be idle (RFC 7766 §6.2.3 leaves it to the server), and how many
// questions are under way at once. One too many is not answered, and is asked
// again by whoever wants to know.
const (
	agentTimeout = 2 * time.Second
	dnsIdle      = 10 * time.Second
	maxQueries   = 64
)

// listenUDP listens at at, and lets a program of the machine that asks for it
// (SO_REUSEADDR) listen on every address at the same port.
func listenUDP(at netip.AddrPort) (*net.UDPConn, error) {
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var set error
		err := c.Control(func(fd uintptr) {
			set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
		})
		return errors.Join(err, set)
	}}
	c, err := config.ListenPacket(context.Background(), "udp4", at.String())
	if err != nil {
		return nil, err
	}
	return c.(*net.UDPConn), nil
}

func (m *machine) serveDNSPackets(packets *net.UDPConn, slots chan struct{}) {
	buf := make([]byte, 65535)
	for {
		n, from, err := packets.ReadFromUDPAddrPort(buf)
		if err != nil {
			m.log.Error("receive DNS query", "err", err)
			return
		}
		query := append([]byte(nil), buf[:n]...)
		select {
		case slots <- struct{}{}:
			go func() {
				defer func() { <-slots }()
				if answer := m.resolve("udp", query); answer != nil {
					_, _ = packets.WriteToUDPAddrPort(answer, from) // lost packets are asked again
				}
			}()
		default:
		}
	}
}

func (m *machine) serveDNSConnections(l *net.TCPListener, slots chan struct{}) {
	for {
		c, err := l.Accept()
		if err != nil {
			m.log.Error("accept DNS connection", "err", err)
			return
		}
		select {
		case slots <- struct{}{}:
			go func() {
				defer func() { <-slots }()
				defer c.Close()
				m.serveDNSConnection(c)
			}()
		default:
			c.Close()
		}
	}
}

func (m *machine) serveDNSConnection(c net.Conn) {
	for {
		if err := c.SetDeadline(time.Now().Add(dnsIdle)); err != nil {
			return
		}
		query, err := initproto.ReadAnswer(c)
		if err != nil {
			return
		}
		answer := m.resolve("tcp", query)
		if answer == nil || initproto.WriteAnswer(c, answer) != nil {
			return
		}
	}
}

// resolve asks the agent. While there is none the answer is SERVFAIL; nil means
// that query deserves no answer.
func (m *machine) resolve(network string, query []byte) []byte {
	answer, err := m.askAgent(initproto.Query{Network: network, Message: query})
	if err != nil {
		return serverFailure(query)
	}
	if len(answer) == 0 {
		return nil
	}
	return answer
}

func (m *machine) askAgent(q initproto.Query) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), agentTimeout)
	defer cancel()
	c, err := initproto.Dial(ctx, filepath.Join(m.spec.RunDir, initproto.DNSSocket))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(agentTimeout)); err != nil {
		return nil, err
	}
	if err := initproto.WriteQuery(c, q); err != nil {
		return nil, err
	}
	answer, err := initproto.ReadAnswer(c)
	if err == io.EOF {
		return nil, io.ErrUnexpectedEOF
	}
	return answer, err
}

// serverFailure answers query with SERVFAIL (RFC 1035 §4.1.1), nil when query
// is no question.
func serverFailure(query []byte) []byte {
	var p dnsmessage.Parser
	header, err := p.Start(query)
	if err != nil || header.Response {
		return nil
	}
	question, err := p.Question()
	if err != nil {
		return nil
	}
	answer := dnsmessage.Message{
		Header: dnsmessage.Header{
			ID: header.ID, OpCode: header.OpCode, RecursionDesired: header.RecursionDesired,
			Response: true, RecursionAvailable: true, RCode: dnsmessage.RCodeServerFailure,
		},
		Questions: []dnsmessage.Question{question},
	}
	text, err := answer.Pack()
	if err != nil {
		return nil
	}
	return text
}
