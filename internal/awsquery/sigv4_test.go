package awsquery

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Vectors of AWS: "Signature Version 4 test suite" (service "service"), and the
// ListUsers example of the General Reference (service iam).
func TestSignature4OfAWS(t *testing.T) {
	tests := []struct {
		method, url, service string
		headers              http.Header
		signed               string
		body                 string
		want                 string
	}{
		{"GET", "https://example.amazonaws.com/", "service", http.Header{}, "host;x-amz-date", "",
			"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"GET", "https://example.amazonaws.com/?Param2=value2&Param1=value1", "service", http.Header{}, "host;x-amz-date", "",
			"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{"POST", "https://example.amazonaws.com/", "service", http.Header{}, "host;x-amz-date", "",
			"5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{"POST", "https://example.amazonaws.com/", "service",
			http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, "content-type;host;x-amz-date", "Param1=value1",
			"ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
		{"GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", "iam",
			http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}, "content-type;host;x-amz-date", "",
			"5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"},
	}
	for _, tt := range tests {
		r := httptest.NewRequest(tt.method, tt.url, nil)
		r.Header = tt.headers
		r.Header.Set("X-Amz-Date", "20150830T123600Z")
		got := signature4(r, strings.Split(tt.signed, ";"), hashHex([]byte(tt.body)), "20150830T123600Z",
			scope{"20150830", "us-east-1", tt.service}, exampleSecret)
		if got != tt.want {
			t.Errorf("%s %s: got %s, want %s", tt.method, tt.url, got, tt.want)
		}
	}
}

func TestCanonicalForms(t *testing.T) {
	for in, want := range map[string]string{
		"":                 "/",
		"/":                "/",
		"//":               "/",
		"/eu-west-1/":      "/eu-west-1/",
		"/eu-west-1/../x/": "/x/",
		"/./a":             "/a",
		"/a%20b":           "/a%2520b",
	} {
		if got := canonicalPath(in); got != want {
			t.Errorf("path %q: got %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"b=2&a=1":                    "a=1&b=2",
		"a-b=1&a=1":                  "a=1&a-b=1",
		"a=2&a=1":                    "a=1&a=2",
		"a":                          "a=",
		"a=%7E%20+*":                 "a=~%20%20%2A",
		"a=%c3%a9":                   "a=%C3%A9",
		"X-Amz-Signature=s&X-Amz-D=": "X-Amz-D=",
	} {
		if got := canonicalQuery(in); got != want {
			t.Errorf("query %q: got %q, want %q", in, got, want)
		}
	}
	r := &http.Request{Host: "h", Header: http.Header{"X-A": {"  a   b ", "c\t d"}}, ContentLength: 7}
	for name, want := range map[string]string{"x-a": "a b,c d", "host": "h", "content-length": "7", "x-none": ""} {
		if got := canonicalHeader(r, name); got != want {
			t.Errorf("header %s: got %q, want %q", name, got, want)
		}
	}
}
