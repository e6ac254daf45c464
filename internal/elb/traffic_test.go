package elb

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ringfence/internal/vpc"
)

// dial opens a connection to the node's listener.
func (b *bed) dial() net.Conn {
	b.t.Helper()
	c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", b.front), patience)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		b.t.Fatal(err)
	}
	return c
}

// raw sends bytes and returns the first line that comes back, "" for none.
func (b *bed) raw(text string) string {
	b.t.Helper()
	c := b.dial()
	if _, err := io.WriteString(c, text); err != nil {
		b.t.Fatal(err)
	}
	line, _ := bufio.NewReader(c).ReadString('\n')
	return strings.TrimSpace(line)
}

// What is not HTTP, or would be read in two ways, is not passed on; slow and
// silent clients are not waited for longer than the idle timeout.
func TestBadRequests(t *testing.T) {
	b := newBed(t)
	one, _ := b.instance(1, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slow":
			<-r.Context().Done()
		case "/broken":
			c, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_, _ = io.WriteString(c, "this is not HTTP\r\n\r\n")
				c.Close()
			}
		}
	})
	spec := b.spec(one)
	spec.IdleTimeout = 2
	b.apply(spec, vpc.HealthHealthy)
	for _, tt := range []struct{ request, want string }{
		{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK"},
		{"nonsense\r\n\r\n", "HTTP/1.1 400 Bad request"},
		{"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400 Bad request"},
		{strings.Repeat("M", 127) + " / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK"},
		{strings.Repeat("M", 128) + " / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405 Method Not Allowed"},
		{"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 400 Bad request"},
		{"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n", "HTTP/1.1 400 Bad request"},
		{"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 70_000) + "\r\n\r\n", "HTTP/1.1 400 Bad request"},
		{"GET / HTTP/1.1\r\nHost", "HTTP/1.1 408 Request Time-out"},
		{"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 504 Gateway Time-out"},
		{"GET /broken HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 502 Bad Gateway"},
	} {
		if got := b.raw(tt.request); got != tt.want {
			t.Errorf("%.40q: %q, want %q", tt.request, got, tt.want)
		}
	}
}

// tcpInstance starts a server on 127.0.1.N that says what it is sent first, and
// then echoes.
func (b *bed) tcpInstance(n byte) Target {
	b.t.Helper()
	target := Target{vpc.InstanceID(fmt.Sprintf("i-%08x", n)), netip.AddrFrom4([4]byte{127, 0, 1, n})}
	l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", target.Address, b.back))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	return target
}

// Bytes pass a TCP listener as they are, after a line of who sends them if the
// instance is to know. A connection to a deregistered instance goes on as long
// as draining lets it, and is cut at once without draining.
func TestTCP(t *testing.T) {
	b := newBed(t)
	one := b.tcpInstance(1)
	spec := b.spec(one)
	spec.Listeners[0].Protocol, spec.Listeners[0].InstanceProtocol = vpc.ListenTCP, vpc.ListenTCP
	spec.Listeners[0].ProxyProtocol = true
	b.apply(spec, vpc.HealthHealthy)
	c := b.dial()
	lines := bufio.NewReader(c)
	exchange := func(send, want string) {
		t.Helper()
		if _, err := io.WriteString(c, send); err != nil {
			t.Fatal(err)
		}
		if line, err := lines.ReadString('\n'); err != nil || line != want {
			t.Fatalf("%q comes back as %q (%v), want %q", send, line, err, want)
		}
	}
	exchange("GET / HTTP/1.1\r\n", fmt.Sprintf("PROXY TCP4 127.0.0.1 127.0.0.1 %d %d\r\n", addrPort(c.LocalAddr()).Port(), b.front))
	exchange("", "GET / HTTP/1.1\r\n")

	empty := *spec
	empty.Targets, empty.DrainingTimeout = nil, 3600
	b.apply(&empty)
	b.await(one.Instance, vpc.HealthDraining)
	exchange("still there\n", "still there\n")
	c.Close()
	b.await(one.Instance, "")

	b.apply(spec, vpc.HealthHealthy)
	c = b.dial()
	lines = bufio.NewReader(c)
	exchange("hello\n", fmt.Sprintf("PROXY TCP4 127.0.0.1 127.0.0.1 %d %d\r\n", addrPort(c.LocalAddr()).Port(), b.front))
	exchange("", "hello\n")
	empty.DrainingTimeout = 0
	b.apply(&empty)
	if n, err := io.Copy(io.Discard, lines); n > 0 || os.IsTimeout(err) {
		t.Errorf("after deregistration %d bytes come, then %v", n, err)
	}
}

// Clients and instances speak TLS: as the policy says, and with instances that
// show the right key.
func TestTLS(t *testing.T) {
	b := newBed(t)
	one, server := b.secureInstance(1)
	spec := b.spec(one)
	spec.Listeners[0] = Listener{
		Protocol: vpc.ListenHTTPS, Port: b.front, InstanceProtocol: vpc.ListenHTTPS, InstancePort: b.back, Certificate: certificate(t),
		Negotiation: vpc.Negotiation{Protocols: []string{"TLSv1.1", "TLSv1.2"}, Ciphers: []string{"ECDHE-ECDSA-AES256-SHA", "ECDHE-ECDSA-AES128-SHA"}, ServerOrder: true},
	}
	b.apply(spec, vpc.HealthHealthy)
	get := func(config *tls.Config) (int, string, error) {
		config.InsecureSkipVerify = true
		client := &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
		w, err := client.Get(fmt.Sprintf("https://127.0.0.1:%d/", b.front))
		if err != nil {
			return 0, "", err
		}
		defer w.Body.Close()
		return w.StatusCode, tls.CipherSuiteName(w.TLS.CipherSuite), nil
	}
	for version, accepted := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: true, tls.VersionTLS12: true, tls.VersionTLS13: false} {
		_, suite, err := get(&tls.Config{MinVersion: version, MaxVersion: version})
		if (err == nil) != accepted || accepted && suite != "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA" {
			t.Errorf("%s: %s, %v", tls.VersionName(version), suite, err)
		}
	}
	key := base64.StdEncoding.EncodeToString(server.Certificate().RawSubjectPublicKeyInfo)
	block, _ := pem.Decode([]byte(certificate(t)))
	other, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		keys []string
		want int
	}{
		{[]string{key}, http.StatusOK},
		{[]string{base64.StdEncoding.EncodeToString(other.RawSubjectPublicKeyInfo)}, http.StatusServiceUnavailable},
		{[]string{base64.StdEncoding.EncodeToString(other.RawSubjectPublicKeyInfo), key}, http.StatusOK},
	} {
		next := *spec
		next.Listeners = []Listener{spec.Listeners[0]}
		next.Listeners[0].PublicKeys = tt.keys
		b.apply(&next, vpc.HealthHealthy)
		if status, _, err := get(&tls.Config{}); err != nil || status != tt.want {
			t.Errorf("with keys %.50q: status %d (%v), want %d", tt.keys, status, err, tt.want)
		}
	}
}

var logLine = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z front 127\.0\.0\.1:\d+ 127\.0\.1\.1:\d+ 0\.\d{6} 0\.\d{6} 0\.\d{6} 200 200 \d+ \d+ ` +
	`"GET http://127\.0\.0\.1:\d+/a\?b=c HTTP/1\.1" "an \\"agent\\"" - -\n$`)

// The node publishes what it has logged when it is told to log elsewhere.
func TestAccessLog(t *testing.T) {
	b := newBed(t)
	one, _ := b.instance(1, nil)
	spec := b.spec(one)
	spec.AccessLog = vpc.AccessLog{Enabled: true, Bucket: "logs", Prefix: "of/front", EmitInterval: 5}
	b.apply(spec, vpc.HealthHealthy)
	b.get(once, "/a?b=c", "User-Agent", `an "agent"`)
	written := func(suffix string) []string {
		files, err := filepath.Glob(filepath.Join(b.logs, "logs/of/front/AWSLogs/111122223333/elasticloadbalancing/us-east-1/*/*/*/111122223333_elasticloadbalancing_us-east-1_front_*"+suffix))
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	for deadline := time.Now().Add(patience); len(written(".log.part")) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing is logged")
		}
	}
	spec.AccessLog.Enabled = false
	b.apply(spec)
	files := written(".log")
	if len(files) != 1 {
		t.Fatalf("published are %v", files)
	}
	text, err := os.ReadFile(files[0])
	if err != nil || !logLine.Match(text) {
		t.Errorf("logged is %q (%v)", text, err)
	}
}

// Counters outlive a change.
func TestCounters(t *testing.T) {
	b := newBed(t)
	one, _ := b.instance(1, nil)
	spec := b.spec(one)
	b.apply(spec)
	b.apply(b.spec())
	b.get(once, "/")
	b.apply(spec, vpc.HealthHealthy)
	b.get(once, "/")
	b.get(once, "/")
	c, err := b.node.Counters(t.Context())
	if err != nil || c.RequestCount != 3 || c.HTTPCodeELB5XX != 1 || c.HTTPCodeBackend2XX != 2 || c.HealthyHosts != 1 {
		t.Errorf("counted %+v (%v)", c, err)
	}
}
