package elb

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ringfence/internal/vpc"
)

// How long TestChangesLoseNoRequest takes.
var (
	requests = flag.Int64("requests", 10_000, "requests to send while the node changes")
	changes  = flag.Int("changes", 10, "changes of the node meanwhile")
)

// patience bounds what must come.
const patience = 30 * time.Second

// A bed has a node on this host, behind which are servers on loopback
// addresses.
type bed struct {
	t           testing.TB
	node        *Client
	dir         string
	logs        string
	front, back uint16
}

func newBed(t testing.TB) *bed {
	t.Helper()
	haproxy(t)
	engine, err := FindEngine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "elb") // HAProxy must reach it, and a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	b := &bed{t: t, dir: filepath.Join(dir, "haproxy"), logs: filepath.Join(dir, "buckets"), front: freePort(t), back: freePort(t)}
	n, err := NewNode(engine, b.dir, b.logs, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, SocketName)
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	b.node = NewClient(func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	})
	t.Cleanup(b.node.Close)
	return b
}

// freePort is a port that nobody listens on.
func freePort(t testing.TB) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return addrPort(l.Addr()).Port()
}

// instance starts a web server on 127.0.1.N. It says who it is, and what it is
// asked.
func (b *bed) instance(n byte, handler http.HandlerFunc) (Target, *httptest.Server) {
	b.t.Helper()
	target := Target{vpc.InstanceID(fmt.Sprintf("i-%08x", n)), netip.AddrFrom4([4]byte{127, 0, 1, n})}
	if handler == nil {
		handler = func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s for=%s proto=%s port=%s", target.Instance, strings.Join(r.Header["X-Forwarded-For"], "|"),
				r.Header.Get("X-Forwarded-Proto"), r.Header.Get("X-Forwarded-Port"))
		}
	}
	l, err := net.Listen("tcp", netip.AddrPortFrom(target.Address, b.back).String())
	if err != nil {
		b.t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: handler}}
	s.Start()
	b.t.Cleanup(s.Close)
	return target, s
}

// spec has one HTTP listener.
func (b *bed) spec(targets ...Target) *Spec {
	return &Spec{
		Account: "111122223333", Region: "us-east-1", Name: "front", Address: netip.MustParseAddr("127.0.0.1"),
		Listeners:   []Listener{{Protocol: vpc.ListenHTTP, Port: b.front, InstanceProtocol: vpc.ListenHTTP, InstancePort: b.back}},
		Targets:     targets,
		HealthCheck: vpc.HealthCheck{Target: fmt.Sprintf("TCP:%d", b.back), Interval: 1, Timeout: 1, UnhealthyThreshold: 2, HealthyThreshold: 2},
		IdleTimeout: 60, Desync: "defensive",
	}
}

// apply makes the node what spec says and waits until instances have a state.
func (b *bed) apply(spec *Spec, states ...vpc.HealthState) {
	b.t.Helper()
	if err := b.node.Apply(b.t.Context(), spec); err != nil {
		b.t.Fatal(err)
	}
	for i, state := range states {
		b.await(spec.Targets[i].Instance, state)
	}
}

// await waits until an instance has a state; "" is not to be known.
func (b *bed) await(id vpc.InstanceID, state vpc.HealthState) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	for h := (Health{Serial: -1}); ; {
		var err error
		if h, err = b.node.Health(ctx, h.Serial); err != nil {
			b.t.Fatalf("%s does not become %q: %v", id, state, err)
		}
		if h.Instances[id] == state {
			return
		}
	}
}

// get asks the node for a page.
func (b *bed) get(client *http.Client, path string, headers ...string) (status int, body string, header http.Header) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", b.front, path), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w, err := client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return w.StatusCode, string(text), w.Header
}

// once is a client that connects with each request.
var once = &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}

func TestRequestsGoToHealthyInstances(t *testing.T) {
	b := newBed(t)
	b.apply(b.spec())
	if status, _, _ := b.get(once, "/"); status != http.StatusServiceUnavailable {
		t.Errorf("without instances the status is %d", status)
	}
	one, server := b.instance(1, nil)
	two, _ := b.instance(2, nil)
	b.apply(b.spec(one, two), vpc.HealthHealthy, vpc.HealthHealthy)
	seen := make(map[string]bool)
	for range 10 {
		_, body, _ := b.get(once, "/")
		seen[strings.Fields(body)[0]] = true
	}
	if len(seen) != 2 {
		t.Errorf("served by %v", seen)
	}
	server.Close()
	b.await(one.Instance, vpc.HealthFailed)
	for range 10 {
		if status, body, _ := b.get(once, "/"); status != http.StatusOK || !strings.HasPrefix(body, string(two.Instance)) {
			t.Errorf("with one instance failed: %d %s", status, body)
		}
	}
	b.apply(b.spec(one))
	b.await(two.Instance, "")
	if status, _, _ := b.get(once, "/"); status != http.StatusServiceUnavailable {
		t.Errorf("with no healthy instance the status is %d", status)
	}
}

func TestHeadersSayWhoTheClientIs(t *testing.T) {
	b := newBed(t)
	one, _ := b.instance(1, nil)
	b.apply(b.spec(one), vpc.HealthHealthy)
	for _, tt := range []struct {
		headers []string
		want    string
	}{
		{nil, "127.0.0.1"},
		{[]string{"X-Forwarded-For", "203.0.113.7"}, "203.0.113.7, 127.0.0.1"},
		{[]string{"X-Forwarded-For", "203.0.113.7, 10.0.0.1"}, "203.0.113.7, 10.0.0.1, 127.0.0.1"},
		{[]string{"X-Forwarded-For", "203.0.113.7", "X-Forwarded-For", "10.0.0.1"}, "203.0.113.7|10.0.0.1|127.0.0.1"},
		{[]string{"X-Forwarded-Proto", "https", "X-Forwarded-Port", "1"}, "127.0.0.1"},
	} {
		want := fmt.Sprintf("%s for=%s proto=http port=%d", one.Instance, tt.want, b.front)
		if _, body, _ := b.get(once, "/", tt.headers...); body != want {
			t.Errorf("%v\n got %s\nwant %s", tt.headers, body, want)
		}
	}
}

// A client's cookie leads to the same instance, until that one fails.
func TestStickiness(t *testing.T) {
	b := newBed(t)
	setsOwn := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" {
			http.SetCookie(w, &http.Cookie{Name: "APP", Value: "1"})
		}
		fmt.Fprint(w, r.Context().Value(http.LocalAddrContextKey))
	}
	one, first := b.instance(1, setsOwn)
	two, second := b.instance(2, setsOwn)
	for _, cookie := range []*Cookie{{}, {Seconds: 60}, {Application: "APP"}} {
		spec := b.spec(one, two)
		spec.Listeners[0].Cookie = cookie
		b.apply(spec, vpc.HealthHealthy, vpc.HealthHealthy)
		path := "/"
		if cookie.Application != "" {
			if _, _, header := b.get(once, "/"); len(header["Set-Cookie"]) > 0 {
				t.Errorf("%+v: %v comes without the application's cookie", cookie, header["Set-Cookie"])
			}
			path = "/login"
		}
		_, where, header := b.get(once, path)
		set := make(map[string]string) // name=value and attributes, by name
		for _, c := range header["Set-Cookie"] {
			name, _, _ := strings.Cut(c, "=")
			set[name] = c
			if age := strings.Contains(c, "Max-Age=60"); age != (cookie.Seconds == 60) {
				t.Errorf("%+v: cookie %q", cookie, c)
			}
		}
		if cors := set["AWSELBCORS"]; !strings.Contains(cors, "Secure") || !strings.Contains(cors, "SameSite=None") {
			t.Errorf("%+v: the cookie for other sites' pages is %q", cookie, cors)
		}
		for _, name := range []string{"AWSELB", "AWSELBCORS"} { // a browser may send either
			value, _, _ := strings.Cut(set[name], ";")
			for range 10 {
				if _, again, header := b.get(once, "/", "Cookie", "APP=1; "+value); again != where || len(header["Set-Cookie"]) > 0 {
					t.Errorf("%+v: %s led from %s to %s, which sets %q", cookie, name, where, again, header["Set-Cookie"])
				}
			}
		}
	}
	spec := b.spec(one, two)
	spec.Listeners[0].Cookie = &Cookie{}
	b.apply(spec, vpc.HealthHealthy, vpc.HealthHealthy)
	_, where, header := b.get(once, "/")
	gone, server := one, first
	if strings.HasPrefix(where, two.Address.String()) {
		gone, server = two, second
	}
	server.Close()
	b.await(gone.Instance, vpc.HealthFailed)
	value, _, _ := strings.Cut(header.Get("Set-Cookie"), ";")
	status, again, header := b.get(once, "/", "Cookie", value)
	if status != http.StatusOK || again == where || header.Get("Set-Cookie") == "" {
		t.Errorf("bound to one that fails: %d from %s, new cookie %q", status, again, header.Get("Set-Cookie"))
	}
}

// While the node is changed again and again, no request fails: over connections
// that are kept and over new ones.
func TestChangesLoseNoRequest(t *testing.T) {
	b := newBed(t)
	one, _ := b.instance(1, nil)
	two, _ := b.instance(2, nil)
	b.apply(b.spec(one, two), vpc.HealthHealthy, vpc.HealthHealthy)
	var sent, failed atomic.Int64
	var clients sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	done := make(chan struct{})
	for i := range 8 {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: i%4 == 0}}
		clients.Go(func() {
			defer client.CloseIdleConnections()
			for {
				n := sent.Add(1)
				if err := page(ctx, client, b.front); err != nil {
					failed.Add(1)
					t.Errorf("request %d: %v", n, err)
					return
				}
				select {
				case <-done:
					if n >= *requests {
						return
					}
				case <-ctx.Done():
					return
				default:
				}
			}
		})
	}
	for i := range *changes {
		spec := b.spec(one, two)
		switch i % 5 {
		case 0:
			spec.IdleTimeout = 61
		case 1:
			spec.Listeners[0].Cookie = &Cookie{}
		case 2:
			spec.Targets = spec.Targets[:1]
			spec.DrainingTimeout = 10
		case 3:
			spec.Listeners = append(spec.Listeners, Listener{Protocol: vpc.ListenTCP, Port: freePort(t), InstanceProtocol: vpc.ListenTCP, InstancePort: b.back})
		}
		b.apply(spec)
		if len(spec.Targets) == 2 {
			b.await(two.Instance, vpc.HealthHealthy)
		}
	}
	close(done)
	clients.Wait()
	t.Logf("%d requests, %d changes, %d failed", sent.Load(), *changes, failed.Load())
}

func page(ctx context.Context, client *http.Client, port uint16) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/", port), nil)
	if err != nil {
		return err
	}
	w, err := client.Do(r)
	if err != nil {
		return err
	}
	defer w.Body.Close()
	if _, err := io.Copy(io.Discard, w.Body); err != nil {
		return err
	}
	if w.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", w.StatusCode)
	}
	return nil
}

// secureInstance is instance with TLS.
func (b *bed) secureInstance(n byte) (Target, *httptest.Server) {
	b.t.Helper()
	target := Target{vpc.InstanceID(fmt.Sprintf("i-%08x", n)), netip.AddrFrom4([4]byte{127, 0, 1, n})}
	l, err := net.Listen("tcp", netip.AddrPortFrom(target.Address, b.back).String())
	if err != nil {
		b.t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}}
	s.StartTLS()
	b.t.Cleanup(s.Close)
	return target, s
}
