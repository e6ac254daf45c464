package elb

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringfence/internal/vpc"
)

// What the proxies do is compared in one place, this host's loopback: a node as
// it is run for a load balancer, HAProxy with a configuration written by hand
// that passes requests on with the same headers, and the reverse proxy of Go's
// library.
var proxies = []struct {
	name  string
	start func(b *testing.B, instance string) (address string)
}{
	{"node", startNode},
	{"haproxy", startByHand},
	{"go", startGo},
}

func startNode(b *testing.B, instance string) string {
	bed := newBed(b)
	at := addrPort(tcpAddr(b, instance))
	bed.back = at.Port()
	bed.apply(bed.spec(Target{"i-01", at.Addr()}), vpc.HealthHealthy)
	return fmt.Sprintf("127.0.0.1:%d", bed.front)
}

func tcpAddr(b *testing.B, address string) net.Addr {
	b.Helper()
	addr, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	return addr
}

func startByHand(b *testing.B, instance string) string {
	address := fmt.Sprintf("127.0.0.1:%d", freePort(b))
	path := filepath.Join(b.TempDir(), "haproxy.cfg")
	config := fmt.Sprintf(`global
	nbthread 1
	tune.bufsize %d
defaults
	mode http
	timeout connect 10s
	timeout client 60s
	timeout server 60s
frontend front
	bind %s
	option forwardfor
	http-request set-header X-Forwarded-Proto http
	http-request set-header X-Forwarded-Port 80
	default_backend back
backend back
	balance leastconn
	server one %s
`, maxHeaders, address, instance)
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(haproxy(b), "-f", path)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
			return address
		}
		if time.Now().After(deadline) {
			b.Fatal(err)
		}
	}
}

func startGo(b *testing.B, instance string) string {
	to := &url.URL{Scheme: "http", Host: instance}
	s := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.SetXForwarded()
	}})
	b.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// startInstance answers every request with so many bytes, and reads no more of
// it than where it ends.
func startInstance(b *testing.B, size int) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	answer := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size))
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for r := bufio.NewReader(c); ; {
					line, err := r.ReadSlice('\n')
					if err != nil {
						return
					}
					if len(line) > 2 {
						continue
					}
					if _, err := c.Write(answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// request asks over a connection, and reads the answer.
func request(c net.Conn, r *bufio.Reader, size int) error {
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: bench\r\n\r\n"); err != nil {
		return err
	}
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == 2 {
			_, err := r.Discard(size)
			return err
		}
	}
}

// eachProxy runs a load against every proxy, over so many connections at once.
func eachProxy(b *testing.B, size, connections int, load func(address string, requests int) error) {
	for _, p := range proxies {
		b.Run(p.name, func(b *testing.B) {
			address := p.start(b, startInstance(b, size))
			ended := make(chan error, connections)
			b.ResetTimer()
			for i := range connections {
				go func() { ended <- load(address, (b.N+i)/connections) }()
			}
			for range connections {
				if err := <-ended; err != nil {
					b.Error(err)
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "/s")
			b.SetBytes(int64(size))
		})
	}
}

// keptLoad asks again and again over one connection.
func keptLoad(size int) func(string, int) error {
	return func(address string, requests int) error {
		c, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", address)
		if err != nil {
			return err
		}
		defer c.Close()
		r := bufio.NewReaderSize(c, 64<<10)
		for range requests {
			if err := request(c, r, size); err != nil {
				return err
			}
		}
		return nil
	}
}

func BenchmarkRequests(b *testing.B) { eachProxy(b, 100, 8, keptLoad(100)) }

func BenchmarkBulk(b *testing.B) { eachProxy(b, 1<<20, 4, keptLoad(1<<20)) }

func BenchmarkConnections(b *testing.B) {
	eachProxy(b, 100, 8, func(address string, requests int) error {
		for range requests {
			if err := keptLoad(100)(address, 1); err != nil {
				return err
			}
		}
		return nil
	})
}
