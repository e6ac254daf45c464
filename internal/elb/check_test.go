package elb

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ringfence/internal/vpc"
)

// An instance is out of service until its first success, which is enough; later
// the thresholds count.
func TestThresholds(t *testing.T) {
	check := vpc.HealthCheck{UnhealthyThreshold: 2, HealthyThreshold: 3}
	for _, tt := range []struct{ results, want string }{
		{"+", "healthy"},
		{"-", "unchecked"},
		{"--", "failed"},
		{"--+", "healthy"},
		{"-+-", "healthy"},
		{"+--", "failed"},
		{"+-+-", "healthy"},
		{"+--+", "rising"},
		{"+--++", "rising"},
		{"+--+++", "healthy"},
		{"+--++-", "failed"},
		{"+--++-++", "rising"},
	} {
		tr := tracker{state: vpc.HealthUnchecked}
		for _, r := range tt.results {
			tr.note(r == '+', check)
		}
		if string(tr.state) != tt.want {
			t.Errorf("after %s it is %s, want %s", tt.results, tr.state, tt.want)
		}
	}
}

// addrPort is where a server listens.
func addrPort(addr net.Addr) netip.AddrPort { return netip.MustParseAddrPort(addr.String()) }

func TestProbes(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.UserAgent() != "ELB-HealthChecker/1.0" || r.Method != http.MethodGet {
			w.WriteHeader(http.StatusTeapot)
		}
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/", http.StatusFound)
		case "/created":
			w.WriteHeader(http.StatusCreated)
		case "/slow":
			<-r.Context().Done()
		}
	})
	plain, secure := httptest.NewServer(page), httptest.NewUnstartedServer(page)
	defer plain.Close()
	secure.TLS = &tls.Config{MaxVersion: tls.VersionTLS10, MinVersion: tls.VersionTLS10}
	secure.StartTLS()
	defer secure.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for _, tt := range []struct {
		target string
		at     net.Addr
		want   string // in the error
	}{
		{"TCP:%d", plain.Listener.Addr(), ""},
		{"TCP:%d", closed.Addr(), "refused"},
		{"SSL:%d", secure.Listener.Addr(), ""},
		{"SSL:%d", plain.Listener.Addr(), "TLS handshake"},
		{"HTTP:%d/", plain.Listener.Addr(), ""},
		{"HTTP:%d/moved", plain.Listener.Addr(), "status 302"},
		{"HTTP:%d/created", plain.Listener.Addr(), "status 201"},
		{"HTTP:%d/slow", plain.Listener.Addr(), "deadline"},
		{"HTTPS:%d/", secure.Listener.Addr(), ""},
		{"HTTPS:%d/", plain.Listener.Addr(), "does not look like a TLS handshake"},
	} {
		at := addrPort(tt.at)
		target, err := vpc.ParseHealthTarget(fmt.Sprintf(tt.target, at.Port()))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		err = probe(target).run(ctx, at.Addr())
		cancel()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.target, err, tt.want)
		}
	}
}
