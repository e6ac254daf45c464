package names

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"github.com/miekg/dns"
)

// A Server answers DNS questions from outside at an address of the host.
type Server struct {
	packets     net.PacketConn
	connections net.Listener
	resolver    *Resolver
	log         *slog.Logger
}

// Listen opens address, HOST:PORT, for UDP and TCP. Port 0 is one that is free
// for both.
func Listen(ctx context.Context, address string, r *Resolver, log *slog.Logger) (*Server, error) {
	var config net.ListenConfig
	connections, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for DNS: %w", err)
	}
	packets, err := config.ListenPacket(ctx, "udp", connections.Addr().String())
	if err != nil {
		connections.Close()
		return nil, fmt.Errorf("listen for DNS: %w", err)
	}
	return &Server{packets: packets, connections: connections, resolver: r, log: log}, nil
}

// Addr is the address that s listens at.
func (s *Server) Addr() net.Addr { return s.connections.Addr() }

// Run answers until ctx is done.
func (s *Server) Run(ctx context.Context) error {
	udp := &dns.Server{PacketConn: s.packets, Handler: s.handler("udp")}
	tcp := &dns.Server{Listener: s.connections, Handler: s.handler("tcp")}
	// Closing the sockets ends both, also when they have not begun yet.
	stop := context.AfterFunc(ctx, func() {
		s.packets.Close()
		s.connections.Close()
	})
	defer stop()
	var wg sync.WaitGroup
	var udpErr, tcpErr error
	wg.Go(func() { udpErr = udp.ActivateAndServe() })
	wg.Go(func() { tcpErr = tcp.ActivateAndServe() })
	wg.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("serve DNS: %w", errors.Join(udpErr, tcpErr))
}

func (s *Server) handler(network string) dns.Handler {
	return dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		reply := s.resolver.reply(View{}, network, q)
		if reply == nil {
			return
		}
		if err := w.WriteMsg(reply); err != nil {
			s.log.Debug("answer DNS query", "from", w.RemoteAddr(), "err", err)
		}
	})
}
