package elb

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"ringfence/internal/vpc"
)

// A probe checks instances.
type probe vpc.HealthTarget

// anyCertificate shakes hands with whoever is there: health checks look at no
// certificate, and take old versions too.
var anyCertificate = &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10}

// run makes one check, until ctx is done. It succeeds if the error is nil.
func (p probe) run(ctx context.Context, addr netip.Addr) error {
	to := netip.AddrPortFrom(addr, p.Port).String()
	switch p.Protocol {
	case vpc.ListenHTTP, vpc.ListenHTTPS:
		return p.get(ctx, to)
	case vpc.ListenSSL:
		d := tls.Dialer{Config: anyCertificate}
		return closed(d.DialContext(ctx, "tcp", to))
	default:
		var d net.Dialer
		return closed(d.DialContext(ctx, "tcp", to))
	}
}

// closed closes a connection that only had to come to be.
func closed(c net.Conn, err error) error {
	if err != nil {
		return err
	}
	return c.Close()
}

// get asks for the page. Only the status 200 is a success, and the body is not
// read.
func (p probe) get(ctx context.Context, to string) error {
	transport := &http.Transport{TLSClientConfig: anyCertificate, DisableKeepAlives: true, DisableCompression: true}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.ToLower(string(p.Protocol))+"://"+to+p.Path, nil)
	if err != nil {
		return err
	}
	r.Header.Set("User-Agent", "ELB-HealthChecker/1.0")
	w, err := transport.RoundTrip(r) // follows no redirections
	if err != nil {
		return err
	}
	w.Body.Close()
	if w.StatusCode != http.StatusOK {
		return fmt.Errorf("HTTP status %d", w.StatusCode)
	}
	return nil
}

// A tracker makes a state of the results of checks. An instance that was never
// in service is so with its first success; one that was needs
// HealthyThreshold of them.
type tracker struct {
	state     vpc.HealthState
	served    bool // has been healthy
	successes int  // in a row
	failures  int  // in a row
}

// inService reports whether the instance gets requests.
func (t *tracker) inService() bool { return t.state == vpc.HealthHealthy }

// note takes the result of a check.
func (t *tracker) note(success bool, check vpc.HealthCheck) {
	if success {
		t.successes, t.failures = t.successes+1, 0
	} else {
		t.successes, t.failures = 0, t.failures+1
	}
	switch {
	case t.state == vpc.HealthHealthy:
		if t.failures >= check.UnhealthyThreshold {
			t.state = vpc.HealthFailed
		}
	case success && (!t.served || t.successes >= check.HealthyThreshold):
		t.state, t.served = vpc.HealthHealthy, true
	case success:
		t.state = vpc.HealthRising
	case t.state == vpc.HealthRising || t.failures >= check.UnhealthyThreshold:
		t.state = vpc.HealthFailed
	}
}

// watch checks an address at once and then every interval, and tells of each
// result, until ctx is done.
func watch(ctx context.Context, p probe, check vpc.HealthCheck, addr netip.Addr, tell func(error)) {
	tick := time.NewTicker(time.Duration(check.Interval) * time.Second)
	defer tick.Stop()
	for {
		bounded, cancel := context.WithTimeout(ctx, time.Duration(check.Timeout)*time.Second)
		err := p.run(bounded, addr)
		cancel()
		if ctx.Err() != nil {
			return
		}
		tell(err)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
