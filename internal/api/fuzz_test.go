package api_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/internal/api"
	"ringfence/internal/awsquery"
	"ringfence/internal/vpc"
)

// checkAnswer returns what is wrong with an answer: it is XML, and a success or
// the caller's fault. No fault of ours is one, but for a pool that is empty.
func checkAnswer(status int, body string) error {
	d := xml.NewDecoder(strings.NewReader(body))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("answer is no XML: %w", err)
		}
	}
	if status == http.StatusOK {
		return nil
	}
	code := vpc.CodeOf(awsquery.DecodeError(status, []byte(body)))
	if code == vpc.InternalError || status >= http.StatusInternalServerError && code != vpc.InsufficientAddressCapacity {
		return fmt.Errorf("HTTP status %d, %s", status, code)
	}
	return nil
}

// oddValues are of every kind that parameters have, and of none.
var oddValues = []string{
	"", "web", "default", "none", "allow", "sg-843f59ed", "ami-eca54085", "tcp", "icmp", "-1", "0", "1", "2", "5", "32766", "65535", "65536",
	"9223372036854775807", "99999999999999999999", "1e3", "0.0.0.0/0", "10.0.0.1/8", "10.0.7.0/24", "::/0", "2001:db8::/56", "1.2.3.4", "::1",
	"203.0.113.5", "111122223333", "amazon-elb", "amazon-elb-sg", "true", "false", "group-name", "instance-state-name", "tag:", "tag:k", "*", "?", "\\",
	"[", "IyE=", "!", "security-group", "instance", "vpc", "\x00", "é", "世界", "us-east-1", "us-east-1a", "2012-05-01T00:00:00Z",
	"HTTP", "https", "TCP:80", "HTTP:80/x", "internal", "policy", "SSLNegotiationPolicyType", "Reference-Security-Policy", "ELBSecurityPolicy-2016-08",
	"PublicKeyPolicyType", "PublicKey", "LBCookieStickinessPolicyType", "CookieExpirationPeriod", "elb.http.desyncmitigationmode",
	"sg-", "i-0000000", "eni-zzzzzzzz", "vpc-00000000", strings.Repeat("x", 300), strings.Repeat("10.0.0.0/8,", 50),
}

// indexes are those of lists, and what stands where one should.
var indexes = []string{"1", "1", "1", "2", "3", "7", "1000", "999999999", "9999999999", "0", "01", "-1", "x", ""}

// drawName draws the name of a parameter: mostly one of the action's.
func drawName(rt *rapid.T, own, all []string) string {
	from := all
	if len(own) > 0 && rapid.IntRange(0, 9).Draw(rt, "whose") > 0 {
		from = own
	}
	name := rapid.SampledFrom(from).Draw(rt, "name")
	name = anyIndex.ReplaceAllStringFunc(name, func(string) string { return "." + rapid.SampledFrom(indexes).Draw(rt, "index") })
	switch rapid.IntRange(0, 30).Draw(rt, "fault") {
	case 0:
		name += ".member.1"
	case 1:
		name = strings.ToLower(name)
	case 2:
		name += strings.Repeat(".1", rapid.IntRange(1, 40).Draw(rt, "depth"))
	case 3:
		name = strings.TrimSuffix(name, ".1")
	}
	return name
}

// Whatever is asked of whatever action in whatever version, the answer is a
// success or the caller's fault.
func TestNoCallIsAnInternalError(t *testing.T) {
	w := fresh(t)
	known := api.Parameters()
	actions := slices.Sorted(maps.Keys(known))
	var all []string
	for _, action := range actions {
		all = append(all, known[action].All...)
	}
	all = append(all, "Colour", ".", "", "..", "Filter", "IpPermissions", "Action.1", strings.Repeat("A", 500))
	callers := []*caller{w.caller(t, albert), w.caller(t, carol)}
	values := slices.Clone(oddValues)
	for _, c := range callers {
		values = slices.AppendSeq(values, maps.Values(c.makeNouns()))
	}
	rapid.Check(t, func(rt *rapid.T) {
		c := rapid.SampledFrom(callers).Draw(rt, "caller")
		for range 8 {
			action := rapid.SampledFrom(actions).Draw(rt, "action")
			params := map[string]string{}
			for range rapid.IntRange(0, 9).Draw(rt, "parameters") {
				params[drawName(rt, known[action].All, all)] = rapid.SampledFrom(values).Draw(rt, "value")
			}
			for _, name := range known[action].Required {
				params[name] = rapid.SampledFrom(values).Draw(rt, "required")
			}
			var pairs []string
			for name, value := range params {
				pairs = append(pairs, name+"="+value)
			}
			c.service, c.version = known[action].Service, known[action].Version
			if c.service == awsquery.EC2 {
				c.version = rapid.SampledFrom([]string{"2016-11-15", "2016-11-15", "2012-05-01", "2011-02-28", "2008-02-01"}).Draw(rt, "version")
			}
			if status, body := c.call(action, pairs...); checkAnswer(status, body) != nil {
				rt.Fatalf("%s %q: %v\n%s", action, pairs, checkAnswer(status, body), body)
			}
		}
	})
}

// FuzzForm sends forms of any bytes, signed, as the query string of a GET or as
// the body of a POST. It begins with the calls of the scripts.
func FuzzForm(f *testing.F) {
	addScripts(f)
	for _, form := range []string{
		"Action=DescribeRegions&Version=2012-05-01&Action=DescribeRegions", "Action=%zz", "Action=\xff&Version=\xff", "%", "=", "&&&", "a;b",
		"Action=DescribeSecurityGroups&Version=2012-05-01&GroupName.1=a&GroupName.01=b&GroupName.3=c&GroupName.2147483648=d&GroupName=e",
		"Action=DescribeSecurityGroups&Version=2012-05-01&Filter.1.Name=group-name&Filter.1.Value.1=" + strings.Repeat("*a", 2000),
		"Action=DescribeSecurityGroups&Version=2012-05-01&" + strings.Repeat("A.", 3000) + "=1",
	} {
		f.Add(true, form)
		f.Add(false, form)
	}
	w := fresh(f)
	c := w.caller(f, albert)
	handler := w.server.Handler()
	f.Fuzz(func(t *testing.T, get bool, form string) {
		target := url.URL{Scheme: "http", Host: "127.0.0.1:8773", Path: "/"}
		r := &http.Request{Method: http.MethodPost, URL: &target, Host: target.Host, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(form))}
		body := []byte(form)
		if get {
			target.RawQuery, body = form, nil
			r.Method, r.Body = http.MethodGet, http.NoBody
		}
		awsquery.Sign(r, body, c.key, c.region, c.service, time.Now())
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		if err := checkAnswer(answer.Code, answer.Body.String()); err != nil {
			t.Errorf("%v\n%s", err, answer.Body)
		}
	})
}

// addScripts adds the calls of the scripts to a corpus.
func addScripts(f *testing.F) {
	f.Helper()
	scripts, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range scripts {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			words := split(strings.TrimSpace(line))
			if len(words) == 0 || words[0] == "" || words[0][0] < 'A' || words[0][0] > 'Z' {
				continue
			}
			params := awsquery.Params{"Action": words[0], "Version": "2016-11-15"}
			for _, word := range words[1:] {
				name, value, _ := strings.Cut(word, "=")
				params[name] = value
			}
			f.Add(false, params.Encode())
		}
	}
}
