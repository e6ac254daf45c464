package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"ringfence/internal/elb"
	"ringfence/internal/vpc"
)

// A proxy passes requests on to the instances, with X-Forwarded headers. It
// listens for each of them on the instance's port and an offset.
type proxy struct {
	name   string
	offset uint16
	start  func(ctx context.Context, dir string) (end func(), err error)
}

const (
	byHand       = "by hand"
	nodeOffset   = 1000
	byHandOffset = 2000
	goOffset     = 3000
)

var proxies = []proxy{
	{byHand, byHandOffset, startByHand},
	{"node", nodeOffset, startNode},
	{"go", goOffset, startGo},
}

func (p proxy) address(m measure) string {
	return netip.AddrPortFrom(loopback, m.port+p.offset).String()
}

// start starts a program, which ends with this one. end stops it and waits.
func start(ctx context.Context, program string, args ...string) (end func(), err error) {
	c := exec.CommandContext(ctx, program, args...)
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := c.Start(); err != nil {
		return nil, err
	}
	return func() {
		_ = c.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = c.Wait()
	}, nil
}

// startNode starts a node as a load balancer's machine runs it, and returns
// when its instance is in service.
func startNode(ctx context.Context, dir string) (end func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(dir, elb.SocketName)
	end, err = start(ctx, self, "node", socket, filepath.Join(dir, "node"), filepath.Join(dir, "buckets"))
	if err != nil {
		return nil, err
	}
	if err := await(ctx, "unix", socket); err != nil {
		return end, err
	}
	client := elb.NewClient(func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "unix", socket) })
	defer client.Close()
	spec := nodeSpec()
	if err := client.Apply(ctx, spec); err != nil {
		return end, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for h := (elb.Health{Serial: -1}); ctx.Err() == nil; {
		if h, err = client.Health(ctx, h.Serial); err != nil {
			return end, err
		}
		if h.Instances[spec.Targets[0].Instance] == vpc.HealthHealthy {
			return end, nil
		}
	}
	return end, ctx.Err()
}

// nodeSpec has what a load balancer is created with.
func nodeSpec() *elb.Spec {
	s := &elb.Spec{
		Account: "111122223333", Region: "us-east-1", Name: "bench", Address: loopback,
		Targets:     []elb.Target{{Instance: "i-00000001", Address: loopback}},
		HealthCheck: vpc.HealthCheck{Target: fmt.Sprintf("TCP:%d", smallPort), Interval: 30, Timeout: 5, UnhealthyThreshold: 2, HealthyThreshold: 10},
		IdleTimeout: 60, Desync: "defensive",
	}
	for _, port := range []uint16{smallPort, largePort} {
		s.Listeners = append(s.Listeners, elb.Listener{Protocol: vpc.ListenHTTP, Port: port + nodeOffset, InstanceProtocol: vpc.ListenHTTP, InstancePort: port})
	}
	return s
}

// startByHand starts HAProxy with what somebody would write who wants requests
// passed on with the same headers, and as long ones, as a node does.
func startByHand(ctx context.Context, dir string) (end func(), err error) {
	config := `global
	nbthread 1
	tune.bufsize 65536
defaults
	mode http
	timeout connect 10s
	timeout client 60s
	timeout server 60s
`
	for _, port := range []int{smallPort, largePort} {
		config += fmt.Sprintf(`frontend front-%[1]d
	bind 127.0.0.1:%[1]d
	option forwardfor
	http-request set-header X-Forwarded-Proto http
	http-request set-header X-Forwarded-Port 80
	default_backend back-%[1]d
backend back-%[1]d
	balance leastconn
	server one 127.0.0.1:%[2]d
`, port+byHandOffset, port)
	}
	path := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		return nil, err
	}
	engine, err := elb.FindEngine(ctx)
	if err != nil {
		return nil, err
	}
	return startListening(ctx, byHandOffset, engine.Path, "-f", path)
}

// startListening starts a program, and returns when it listens for the last
// instance.
func startListening(ctx context.Context, offset uint16, program string, args ...string) (end func(), err error) {
	end, err = start(ctx, program, args...)
	if err != nil {
		return nil, err
	}
	return end, await(ctx, "tcp", netip.AddrPortFrom(loopback, largePort+offset).String())
}

// startGo starts this program as a reverse proxy. It may use all processors, and
// the others use one.
func startGo(ctx context.Context, _ string) (end func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	small, large := strconv.Itoa(smallPort), strconv.Itoa(largePort)
	return startListening(ctx, goOffset, self, "go", small, large)
}

// serveGo passes requests on to instances of two ports, on two ports.
func serveGo(ports ...string) error {
	failed := make(chan error, len(ports))
	for _, text := range ports {
		port, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return err
		}
		to := &url.URL{Scheme: "http", Host: netip.AddrPortFrom(loopback, uint16(port)).String()}
		handler := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.SetXForwarded()
		}}
		server := &http.Server{
			Addr: netip.AddrPortFrom(loopback, uint16(port)+goOffset).String(), Handler: handler, ReadHeaderTimeout: time.Minute,
		}
		go func() { failed <- server.ListenAndServe() }()
	}
	return <-failed
}

// await waits until somebody listens.
func await(ctx context.Context, network, address string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}
