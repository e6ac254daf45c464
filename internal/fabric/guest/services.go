package guest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strconv"
	"time"

	"ringfence/internal/fabric/initproto"
)

// listen opens every socket of the machine, and serves them until the process
// ends. When it returns, all of them accept.
func (m *machine) listen() error {
	commands, err := initproto.Listen(filepath.Join(m.spec.RunDir, initproto.InitSocket))
	if err != nil {
		return fmt.Errorf("listen on exec socket: %w", err)
	}
	go m.serveExec(commands)
	if err := m.listenLoopback(); err != nil {
		return err
	}
	for _, s := range m.spec.Services {
		if err := m.startService(s); err != nil {
			return fmt.Errorf("start %s on port %d: %w", s.Kind, s.Port, err)
		}
	}
	return nil
}

// listenLoopback serves DNS and metadata, which the agent answers, at addresses
// that only this machine reaches: no rule is between them, as in EC2.
func (m *machine) listenLoopback() error {
	var addrs []netip.AddrPort
	for _, a := range m.spec.Resolvers {
		addrs = append(addrs, netip.AddrPortFrom(a, 53))
	}
	resolvers := len(addrs)
	if m.spec.Metadata {
		addrs = append(addrs, netip.AddrPortFrom(MetadataAddr, 80))
	}
	listeners, err := m.listenTCP(addrs)
	if err != nil {
		return fmt.Errorf("listen on loopback: %w", err)
	}
	slots := make(chan struct{}, maxQueries)
	for i, l := range listeners[:resolvers] {
		packets, err := listenUDP(addrs[i])
		if err != nil {
			return fmt.Errorf("listen for DNS: %w", err)
		}
		go m.serveDNSPackets(packets, slots)
		go m.serveDNSConnections(l, slots)
	}
	for _, l := range listeners[resolvers:] {
		go m.serveMetadata(l)
	}
	if !m.spec.Metadata {
		return nil
	}
	questions, err := listenUDP(netip.AddrPortFrom(TimeAddr, 123))
	if err != nil {
		return fmt.Errorf("listen for NTP: %w", err)
	}
	go func() { _, _ = io.Copy(io.Discard, questions) }()
	return nil
}

func (m *machine) startService(s Service) error {
	serve := map[string]func(net.Listener) error{
		"ssh":  m.serveSSH,
		"http": m.serveHTTP,
		"tcp":  m.serveTCP,
	}[s.Kind]
	if serve == nil {
		return fmt.Errorf("unknown kind of service")
	}
	// A connection may idle for as long as its flow is known: like servers of
	// the host's, those here send nothing for two hours (tcp(7)).
	config := net.ListenConfig{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 2 * time.Hour, Interval: 75 * time.Second, Count: 9}}
	l, err := config.Listen(context.Background(), "tcp", net.JoinHostPort("", strconv.Itoa(int(s.Port)))) // IPv4, and IPv6 where there is any
	if err != nil {
		return err
	}
	go func() {
		if err := serve(l); err != nil {
			m.log.Error("serve", "service", s.Kind, "port", s.Port, "err", err)
		}
	}()
	return nil
}

// serveHTTP answers every path with who is here and who asks.
func (m *machine) serveHTTP(l net.Listener) error {
	server := &http.Server{
		ReadHeaderTimeout: time.Minute,
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(m.log.Handler(), slog.LevelDebug),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			peer, _, err := net.SplitHostPort(r.RemoteAddr)
			if err != nil {
				peer = r.RemoteAddr
			}
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			fmt.Fprintf(w, "instance %s\naddress %s\npeer %s\n", m.spec.Machine, m.spec.Address, peer)
		}),
	}
	return server.Serve(l)
}

// serveTCP greets whoever connects, and waits for them to leave.
func (m *machine) serveTCP(l net.Listener) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			if _, err := fmt.Fprintf(c, "%s\r\n", m.spec.Machine); err == nil {
				_, _ = io.Copy(io.Discard, c)
			}
		}()
	}
}
