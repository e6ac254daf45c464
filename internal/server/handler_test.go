package server

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ringfence/internal/awsquery"
	"ringfence/internal/vpc"
)

// Whatever is wrong with a request, the answer is an error in AWS's form.
func TestRefusals(t *testing.T) {
	s := newServer(t, Options{})
	const describe = "Action=DescribeSecurityGroups&Version=2012-05-01"
	unsigned := func(method, path, body string) *http.Request {
		return httptest.NewRequest(method, "http://127.0.0.1:8773"+path, strings.NewReader(body))
	}
	changed := func(change func(*http.Request)) *http.Request {
		r := signedPost(t, awsquery.EC2, "us-east-1", describe)
		change(r)
		return r
	}
	tests := []struct {
		name   string
		r      *http.Request
		status int
		code   vpc.Code
	}{
		{"not signed", unsigned("GET", "/?"+describe, ""), 403, vpc.MissingAuthenticationToken},
		{"another method", unsigned("PUT", "/?"+describe, ""), 400, vpc.UnsupportedOperation},
		{"another path", unsigned("GET", "/favicon.ico", ""), 404, vpc.InvalidAction},
		{"a path with dots", unsigned("GET", "/a/../b", ""), 404, vpc.InvalidAction},
		{"a path with slashes", unsigned("GET", "//metrics", ""), 404, vpc.InvalidAction},
		{"a bad query", unsigned("GET", "/?Action=%zz", ""), 400, vpc.MalformedQueryString},
		{"a parameter twice", unsigned("GET", "/?A=1&A=2", ""), 400, vpc.MalformedQueryString},
		{"a parameter that is not in UTF-8", unsigned("GET", "/?Action=%ff", ""), 400, vpc.MalformedQueryString},
		{"JSON", changed(func(r *http.Request) { r.Header.Set("Content-Type", "application/x-amz-json-1.1") }), 400, vpc.UnsupportedOperation},
		{"SOAP", changed(func(r *http.Request) { r.Header.Set("Content-Type", "text/xml; charset=utf-8") }), 400, vpc.UnsupportedOperation},
		{"files", changed(func(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data; boundary=x") }), 400, vpc.UnsupportedOperation},
		{"the keys of a session", changed(func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "t") }), 401, vpc.AuthFailure},
		{"a body too large", unsigned("POST", "/", "A="+strings.Repeat("x", maxBody)), 413, vpc.MalformedQueryString},
		{"another body than was signed", changed(func(r *http.Request) {
			r.Body = http.NoBody
		}), 403, vpc.SignatureDoesNotMatch},
		{"an unknown key", changed(func(r *http.Request) {
			awsquery.Sign(r, []byte(describe), awsquery.Key{Access: "AKIANOBODY", Secret: "x"}, "us-east-1", awsquery.EC2, time.Now())
		}), 401, vpc.AuthFailure},
		{"a signature of yesterday", changed(func(r *http.Request) {
			awsquery.Sign(r, []byte(describe), keyOf(t, albert), "us-east-1", awsquery.EC2, time.Now().Add(-24*time.Hour))
		}), 400, vpc.RequestExpired},
		{"another service", signedPost(t, "s3", "us-east-1", describe), 401, vpc.AuthFailure},
		{"no region", signedPost(t, awsquery.EC2, "mars", describe), 400, vpc.InvalidParameterValue},
		{"no action", signedPost(t, awsquery.EC2, "us-east-1", "Version=2012-05-01"), 400, vpc.MissingAction},
		{"no version", signedPost(t, awsquery.EC2, "us-east-1", "Action=DescribeRegions"), 400, vpc.MissingParameter},
		{"an action of another service", signedPost(t, awsquery.STS, "us-east-1", describe), 400, vpc.InvalidAction},
		{"a service without actions yet", signedPost(t, awsquery.ELB, "us-east-1", describe), 400, vpc.InvalidAction},
		{"reset, which is not enabled", unsigned("POST", "/_ringfence/reset", ""), 404, vpc.InvalidAction},
	}
	for _, tt := range tests {
		status, body := do(s, tt.r)
		err := awsquery.DecodeError(status, []byte(body))
		if status != tt.status || vpc.CodeOf(err) != tt.code {
			t.Errorf("%s: %d %v, want %d %s", tt.name, status, err, tt.status, tt.code)
		}
	}
}

// A signature that is wrong does not hide which service the call is for: the
// error has its code and its form.
func TestRefusedSignaturesInTheServicesForm(t *testing.T) {
	s := newServer(t, Options{})
	r := signedPost(t, awsquery.STS, "us-east-1", "Action=GetCallerIdentity&Version=2011-06-15")
	r.Header.Set("X-Amz-Date", "today")
	status, body := do(s, r)
	if status != 400 || !strings.Contains(body, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>IncompleteSignature</Code>`) {
		t.Errorf("%d %s", status, body)
	}
}

// A client that sends ten million bytes before it looks for an answer gets one,
// wherever it sends them.
func TestWhoeverSendsTooMuchIsTold(t *testing.T) {
	server := httptest.NewServer(newServer(t, Options{}).Handler())
	defer server.Close()
	for path, want := range map[string]int{"/": http.StatusRequestEntityTooLarge, "/favicon.ico": http.StatusNotFound} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		const size = 10_000_000
		if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: ec2\r\nContent-Length: %d\r\n\r\n%s", path, size, strings.Repeat("x", size)); err != nil {
			t.Fatalf("send to %s: %v", path, err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("answer of %s: %v", path, err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s: got %s, want %d", path, answer.Status, want)
		}
	}
}

// What a call takes of memory has a bound, whatever is in its form and whoever
// sends it: its signature is looked at late.
func TestTheMemoryOfACallIsBounded(t *testing.T) {
	s := newServer(t, Options{})
	const most = 64 << 20 // bytes, allocated in sum
	const start = "Action=DescribeSecurityGroups&Version=2012-05-01&"
	fill := func(piece func(i int) string) string {
		var form strings.Builder
		form.WriteString(start)
		for i := 0; form.Len() < maxBody-100; i++ {
			form.WriteString(piece(i))
		}
		return form.String()
	}
	forms := map[string]string{
		"nothing between ampersands": fill(func(int) string { return "&" }),
		"many short names":           fill(func(i int) string { return strconv.FormatInt(int64(i), 36) + "&" }),
		"a long list":                fill(func(i int) string { return fmt.Sprintf("GroupName.%d=x&", i+1) }),
		"many names with many steps": fill(func(i int) string { return fmt.Sprintf("%d%s=&", i, strings.Repeat(".a", 16)) }),
		"one name with many steps":   fill(func(int) string { return "." }),
		"one long value":             fill(func(int) string { return "x" }),
		"escapes":                    fill(func(int) string { return "%41" }),
		"a long filter":              start + "Filter.1.Name=description&Filter.1.Value.1=" + strings.Repeat("*a", maxBody/2-100),
	}
	for name, form := range forms {
		for _, r := range []*http.Request{
			httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8773/", strings.NewReader(form)),
			signedPost(t, awsquery.EC2, "us-east-1", form),
		} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			status, _ := do(s, r)
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > most || status >= 500 {
				t.Errorf("%s: %d, %d MiB", name, status, took>>20)
			}
		}
	}
}

func TestAPanicIsAnInternalError(t *testing.T) {
	var log bytes.Buffer
	s := newServer(t, Options{Log: slog.New(slog.NewJSONHandler(&log, nil))})
	s.api = nil // whoever uses it panics
	status, body := do(s, signedPost(t, awsquery.EC2, "us-east-1", "Action=DescribeInstances&Version=2012-05-01"))
	if status != 500 || !strings.Contains(body, "<Code>InternalError</Code>") || strings.Contains(body, "nil pointer") {
		t.Errorf("%d %s", status, body)
	}
	if !strings.Contains(log.String(), "nil pointer") {
		t.Error("the log does not say what happened")
	}
}

// A GET is as good as a POST; a region is in the signature, or in the path for
// signatures of version 2.
func TestRegions(t *testing.T) {
	s := newServer(t, Options{})
	const zones = "Action=DescribeAvailabilityZones&Version=2012-05-01"
	get := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8773/?"+zones, nil)
	awsquery.Sign(get, nil, keyOf(t, albert), "sa-east-1", awsquery.EC2, time.Now())
	tests := []struct {
		name string
		r    *http.Request
		zone string
	}{
		{"POST with version 4", signedPost(t, awsquery.EC2, "eu-west-1", zones), "eu-west-1a"},
		{"GET with version 4", get, "sa-east-1a"},
		{"version 2", signedV2(t, "/", "DescribeAvailabilityZones", "2012-05-01"), "us-east-1a"},
		{"version 2 with a path", signedV2(t, "/us-west-2/", "DescribeAvailabilityZones", "2012-05-01"), "us-west-2a"},
	}
	for _, tt := range tests {
		if status, body := do(s, tt.r); status != 200 || !strings.Contains(body, "<zoneName>"+tt.zone+"<") {
			t.Errorf("%s: %d %s", tt.name, status, body)
		}
	}
	if status, body := do(s, signedV2(t, "/", "GetCallerIdentity", "2011-06-15")); status != 200 || !strings.Contains(body, string(albert)) {
		t.Errorf("STS with version 2: %d %s", status, body)
	}
}

// signedV2 is a GET as the tools of 2012 sign it (AWS General Reference,
// "Signature Version 2 signing process").
func signedV2(t *testing.T, path, action, version string) *http.Request {
	t.Helper()
	k := keyOf(t, albert)
	params := url.Values{"Action": {action}, "Version": {version}, "AWSAccessKeyId": {k.Access}, "SignatureVersion": {"2"},
		"SignatureMethod": {"HmacSHA256"}, "Timestamp": {time.Now().UTC().Format("2006-01-02T15:04:05Z")}}
	h := hmac.New(sha256.New, []byte(k.Secret))
	h.Write([]byte("GET\n127.0.0.1:8773\n" + path + "\n" + params.Encode()))
	params.Set("Signature", base64.StdEncoding.EncodeToString(h.Sum(nil)))
	return httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8773"+path+"?"+params.Encode(), nil)
}

// Each call leaves one line in the log, with the request id that the caller
// has been told.
func TestOneLinePerCall(t *testing.T) {
	var log bytes.Buffer
	s := newServer(t, Options{Log: slog.New(slog.NewJSONHandler(&log, nil))})
	for _, tt := range []struct{ form, code string }{
		{"Action=DescribeSecurityGroups&Version=2012-05-01", ""},
		{"Action=DescribeSecurityGroups&Version=2012-05-01&GroupName.1=none", "InvalidGroup.NotFound"},
		{"Action=Dance&Version=2012-05-01", "InvalidAction"},
	} {
		log.Reset()
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, signedPost(t, awsquery.EC2, "us-east-1", tt.form))
		var line map[string]any
		if err := json.Unmarshal(log.Bytes(), &line); err != nil {
			t.Fatalf("%s: %v in %s", tt.form, err, &log)
		}
		if line["code"] != tt.code || line["account"] != string(albert) || line["region"] != "us-east-1" {
			t.Errorf("%s: %v", tt.form, line)
		}
		id := w.Header().Get("X-Amzn-RequestId")
		if line["request"] != id || !strings.Contains(w.Body.String(), id) || !regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(id) {
			t.Errorf("request ids: %v, %q, %s", line["request"], id, w.Body)
		}
		for _, key := range []string{"action", "version", "status", "duration", "revision", "remote", "service"} {
			if _, ok := line[key]; !ok {
				t.Errorf("%s: no %s in %v", tt.form, key, line)
			}
		}
	}
}

func TestMetrics(t *testing.T) {
	s := newServer(t, Options{})
	do(s, signedPost(t, awsquery.EC2, "us-east-1", "Action=DescribeRegions&Version=2012-05-01"))
	do(s, signedPost(t, awsquery.EC2, "us-east-1", "Action=Dance&Version=2012-05-01"))
	status, body := do(s, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	lines := strings.Split(body, "\n")
	for _, want := range []string{
		`ringfence_api_calls_total{action="DescribeRegions",code="",service="ec2"} 1`,
		`ringfence_api_calls_total{action="unknown",code="InvalidAction",service="ec2"} 1`,
		`ringfence_api_call_duration_seconds_count{action="DescribeRegions",service="ec2"} 1`,
		`ringfence_enforced_revision 0`,
	} {
		if status != 200 || !slices.Contains(lines, want) {
			t.Errorf("%d, no line %s", status, want)
		}
	}
}

func TestHealth(t *testing.T) {
	ready := false
	s := newServer(t, Options{Hooks: Hooks{Ready: func() bool { return ready }}})
	for _, want := range []int{503, 200} {
		if status, body := do(s, httptest.NewRequest(http.MethodGet, "/healthz", nil)); status != want {
			t.Errorf("ready %v: %d %s", ready, status, body)
		}
		ready = true
	}
}
