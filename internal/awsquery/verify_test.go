package awsquery

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/internal/vpc"
)

// The key and the time of AWS's own examples.
const (
	exampleAccess = "AKIDEXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

var exampleTime = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)

func exampleSecrets(accessKey, token string) (string, bool) {
	return exampleSecret, accessKey == exampleAccess && token == ""
}

// received returns r as a server would receive it.
func received(t *testing.T, r *http.Request, body []byte) (*http.Request, *Call) {
	t.Helper()
	got := httptest.NewRequest(r.Method, r.URL.String(), bytes.NewReader(body))
	got.Header = r.Header.Clone()
	got.Host = host(r)
	call, err := ParseCall(got, body)
	if err != nil {
		t.Fatal(err)
	}
	return got, call
}

// What Sign signs, Verify accepts, whatever characters are in it.
func TestSignThenVerify(t *testing.T) {
	odd := rapid.StringMatching(`[a-zA-Z0-9 +/=&~*é%'";.\-]{0,12}`)
	rapid.Check(t, func(rt *rapid.T) {
		form := url.Values{}
		for range rapid.IntRange(0, 5).Draw(rt, "parameters") {
			form.Set(odd.Draw(rt, "name"), odd.Draw(rt, "value"))
		}
		method := rapid.SampledFrom([]string{"GET", "POST"}).Draw(rt, "method")
		path := rapid.SampledFrom([]string{"", "/", "/eu-west-1/", "/a%20b/"}).Draw(rt, "path")
		var r *http.Request
		var body []byte
		if method == "GET" {
			r = httptest.NewRequest(method, "http://localhost:8773/?"+form.Encode(), nil)
			r.URL.Path, r.URL.RawPath = "/", ""
		} else {
			body = []byte(form.Encode())
			r = httptest.NewRequest(method, "http://localhost:8773"+path, nil)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded;  charset=utf-8")
		}
		service := rapid.SampledFrom([]Service{EC2, ELB, STS, IAM}).Draw(rt, "service")
		Sign(r, body, Key{exampleAccess, exampleSecret}, "eu-west-1", service, exampleTime)

		got, call := received(t, r, body)
		signer, err := Received{got, body, call, EC2}.Verify(exampleSecrets, exampleTime.Add(ClockSkew))
		if err != nil {
			rt.Fatal(err)
		}
		if want := (Signer{exampleAccess, "eu-west-1"}); signer != want || ClaimedService(got, call) != service {
			rt.Fatalf("got %+v for %s, want %+v for %s", signer, ClaimedService(got, call), want, service)
		}
		if len(body) > 0 {
			body[0] ^= 1
			if _, err := (Received{got, body, call, EC2}).Verify(exampleSecrets, exampleTime); vpc.CodeOf(err) != vpc.SignatureDoesNotMatch {
				rt.Fatalf("with another body: %v", err)
			}
		}
	})
}

// Each fault of a signature in a header has its code.
func TestVerifyHeaderRefuses(t *testing.T) {
	replace := func(header, old, now string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set(header, strings.Replace(r.Header.Get(header), old, now, 1))
		}
	}
	tests := []struct {
		name   string
		change func(*http.Request)
		at     time.Duration // the server's clock, ahead of the caller's
		want   vpc.Code      // "" when it is accepted
	}{
		{"as signed", func(*http.Request) {}, 0, ""},
		{"unsigned header", func(r *http.Request) { r.Header.Set("User-Agent", "x") }, 0, ""},
		{"body hash given", func(r *http.Request) { r.Header.Set(headerHash, hashHex([]byte("Action=A&Version=V"))) }, 0, ""},
		{"15 minutes late", func(*http.Request) {}, ClockSkew, ""},
		{"15 minutes early", func(*http.Request) {}, -ClockSkew, ""},

		{"later", func(*http.Request) {}, ClockSkew + time.Second, vpc.RequestExpired},
		{"earlier", func(*http.Request) {}, -ClockSkew - time.Second, vpc.RequestExpired},
		{"another host", func(r *http.Request) { r.Host = "example.com" }, 0, vpc.SignatureDoesNotMatch},
		{"another method", func(r *http.Request) { r.Method = "PUT" }, 0, vpc.SignatureDoesNotMatch},
		{"another path", func(r *http.Request) { r.URL.Path = "/eu-west-1/" }, 0, vpc.SignatureDoesNotMatch},
		{"another query", func(r *http.Request) { r.URL.RawQuery = "a=b" }, 0, vpc.SignatureDoesNotMatch},
		{"another content type", func(r *http.Request) { r.Header.Set("Content-Type", "x") }, 0, vpc.SignatureDoesNotMatch},
		{"another time", func(r *http.Request) { r.Header.Set("X-Amz-Date", "20150830T123601Z") }, 0, vpc.SignatureDoesNotMatch},
		{"another region", replace("Authorization", "us-east-1", "us-west-1"), 0, vpc.SignatureDoesNotMatch},
		{"another service", replace("Authorization", "/ec2/", "/iam/"), 0, vpc.SignatureDoesNotMatch},
		{"another signature", replace("Authorization", "Signature=", "Signature=0"), 0, vpc.SignatureDoesNotMatch},
		{"hash of another body", func(r *http.Request) { r.Header.Set(headerHash, hashHex(nil)) }, 0, vpc.SignatureDoesNotMatch},

		{"unknown key of EC2", replace("Authorization", exampleAccess, "AKIDOTHER"), 0, vpc.AuthFailure},
		{"unknown service", replace("Authorization", "/ec2/", "/s3/"), 0, vpc.AuthFailure},
		{"another day", replace("Authorization", "20150830", "20150831"), 0, vpc.AuthFailure},
		{"another terminator", replace("Authorization", "aws4_request", "aws5_request"), 0, vpc.AuthFailure},
		{"another algorithm", replace("Authorization", "AWS4", "AWS5"), 0, vpc.AuthFailure},
		{"no region", replace("Authorization", "us-east-1", ""), 0, vpc.AuthFailure},
		{"short scope", replace("Authorization", "/us-east-1", ""), 0, vpc.AuthFailure},
		{"no credential", replace("Authorization", "Credential", "Potential"), 0, vpc.AuthFailure},
		{"host not signed", replace("Authorization", "host;", ""), 0, vpc.AuthFailure},
		{"headers not sorted", replace("Authorization", "content-type;host", "host;content-type"), 0, vpc.AuthFailure},
		{"only a scheme", func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256") }, 0, vpc.AuthFailure},
		{"no date", func(r *http.Request) { r.Header.Del("X-Amz-Date") }, 0, vpc.AuthFailure},
		{"date of another form", func(r *http.Request) { r.Header.Set("X-Amz-Date", "2015-08-30T12:36:00Z") }, 0, vpc.AuthFailure},
		{"body not signed", func(r *http.Request) { r.Header.Set(headerHash, unsignedBody) }, 0, vpc.AuthFailure},
		{"no signature", func(r *http.Request) { r.Header.Del("Authorization") }, 0, vpc.MissingAuthenticationToken},
	}
	for _, tt := range tests {
		body := []byte("Action=A&Version=V")
		r := httptest.NewRequest("POST", "http://localhost:8773/", nil)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		Sign(r, body, Key{exampleAccess, exampleSecret}, "us-east-1", EC2, exampleTime)
		r, call := received(t, r, body)
		tt.change(r)
		_, err := Received{r, body, call, EC2}.Verify(exampleSecrets, exampleTime.Add(tt.at))
		if got := codeOrNone(err); got != tt.want {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

func codeOrNone(err error) vpc.Code {
	if err == nil {
		return ""
	}
	return vpc.CodeOf(err)
}

// boto 2 makes a scope of whatever the endpoint's host is called.
func TestAScopeMadeOfTheHost(t *testing.T) {
	tests := []struct {
		host, region string
		service      Service
		want         Signer
		code         vpc.Code
	}{
		{"127.0.0.1:8773", "0", "127", Signer{AccessKey: exampleAccess}, ""},
		{"localhost:8773", "localhost", "localhost", Signer{AccessKey: exampleAccess}, ""},
		{"ec2.eu-west-1.amazonaws.com", "eu-west-1", EC2, Signer{exampleAccess, "eu-west-1"}, ""},
		{"127.0.0.1:8773", "us-east-1", "s3", Signer{}, vpc.AuthFailure},
	}
	for _, tt := range tests {
		r := httptest.NewRequest("GET", "http://"+tt.host+"/?Action=DescribeRegions&Version=2012-05-01", nil)
		Sign(r, nil, Key{exampleAccess, exampleSecret}, tt.region, tt.service, exampleTime)
		r, call := received(t, r, nil)
		got, err := Received{r, nil, call, EC2}.Verify(exampleSecrets, exampleTime)
		if codeOrNone(err) != tt.code || got != tt.want {
			t.Errorf("%s: got %+v, %v, want %+v", tt.host, got, err, tt.want)
		}
	}
}

// EC2 has one code for what the other services tell apart.
func TestFaultsHaveTheServicesCode(t *testing.T) {
	tests := []struct {
		change     func(*http.Request)
		ec2, other vpc.Code
	}{
		{func(r *http.Request) {
			Sign(r, nil, Key{"AKIDOTHER", exampleSecret}, "us-east-1", STS, exampleTime)
		}, vpc.AuthFailure, vpc.InvalidClientTokenID},
		{func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "t") }, vpc.AuthFailure, vpc.InvalidClientTokenID},
		{func(r *http.Request) { r.Header.Del("X-Amz-Date") }, vpc.AuthFailure, vpc.IncompleteSignature},
		{func(r *http.Request) { r.Header.Set("Authorization", "AWS3") }, vpc.AuthFailure, vpc.IncompleteSignature},
		{func(r *http.Request) { r.Header.Del("Authorization") }, vpc.MissingAuthenticationToken, vpc.MissingAuthenticationToken},
		{func(r *http.Request) { r.Host = "example.com" }, vpc.SignatureDoesNotMatch, vpc.SignatureDoesNotMatch},
	}
	for i, tt := range tests {
		for service, want := range map[Service]vpc.Code{EC2: tt.ec2, STS: tt.other, ELB: tt.other} {
			r := httptest.NewRequest("GET", "http://localhost/?Action=GetCallerIdentity&Version=2011-06-15", nil)
			Sign(r, nil, Key{exampleAccess, exampleSecret}, "us-east-1", STS, exampleTime)
			r, call := received(t, r, nil)
			tt.change(r)
			if _, err := (Received{r, nil, call, service}).Verify(exampleSecrets, exampleTime); codeOrNone(err) != want {
				t.Errorf("fault %d of %s: got %v, want %s", i, service, err, want)
			}
		}
	}
}

// presigned returns a request that is signed in its query string.
func presigned(expires string) *http.Request {
	r := httptest.NewRequest("GET", "http://localhost:8773/", nil)
	query := "Action=DescribeRegions&Version=2016-11-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + exampleAccess +
		"%2F20150830%2Fus-east-1%2Fec2%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=" + expires + "&X-Amz-SignedHeaders=host"
	r.URL.RawQuery = query
	signature := signature4(r, []string{"host"}, hashHex(nil), "20150830T123600Z", scope{"20150830", "us-east-1", "ec2"}, exampleSecret)
	r.URL.RawQuery = query + "&X-Amz-Signature=" + signature
	return r
}

func TestVerifyPresigned(t *testing.T) {
	tests := []struct {
		name     string
		expires  string
		old, now string // replaced in the query string
		at       time.Duration
		want     vpc.Code
	}{
		{"as signed", "60", "", "", 0, ""},
		{"its last second", "3600", "", "", time.Hour, ""},
		{"too late", "3600", "", "", time.Hour + time.Second, vpc.RequestExpired},
		{"too early", "60", "", "", -ClockSkew - time.Second, vpc.RequestExpired},
		{"another action", "60", "DescribeRegions", "DescribeImages", 0, vpc.SignatureDoesNotMatch},
		{"one more parameter", "60", "Version", "X=1&Version", 0, vpc.SignatureDoesNotMatch},
		{"a longer life", "60", "Expires=60", "Expires=600", 0, vpc.SignatureDoesNotMatch},
		{"no life", "0", "", "", 0, vpc.AuthFailure},
		{"over a week", "604801", "", "", 0, vpc.AuthFailure},
		{"no number", "soon", "", "", 0, vpc.AuthFailure},
		{"another algorithm", "60", "AWS4-HMAC", "AWS5-HMAC", 0, vpc.AuthFailure},
		{"no date", "60", "X-Amz-Date", "X-Amz-Day", 0, vpc.AuthFailure},
		{"no signature", "60", "X-Amz-Signature", "X-Amz-Other", 0, vpc.AuthFailure},
	}
	for _, tt := range tests {
		r := presigned(tt.expires)
		r.URL.RawQuery = strings.Replace(r.URL.RawQuery, tt.old, tt.now, 1)
		r, call := received(t, r, nil)
		signer, err := Received{r, nil, call, EC2}.Verify(exampleSecrets, exampleTime.Add(tt.at))
		if got := codeOrNone(err); got != tt.want {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
		if err == nil && (signer != (Signer{exampleAccess, "us-east-1"}) || ClaimedService(r, call) != EC2) {
			t.Errorf("%s: got %+v for %s", tt.name, signer, ClaimedService(r, call))
		}
	}
}

// Whatever stands where a signature should be, there is an answer and no panic.
func FuzzVerify(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=k/20150830/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=s", "20150830T123600Z", "")
	f.Add("", "", presigned("60").URL.RawQuery)
	f.Add("", "", "AWSAccessKeyId=k&Signature=s&SignatureVersion=2&SignatureMethod=HmacSHA1&Expires=2015-08-30T13:00:00Z")
	f.Fuzz(func(t *testing.T, authorization, date, query string) {
		r := httptest.NewRequest("POST", "/", nil)
		r.URL.RawQuery = query
		r.Header = http.Header{"Authorization": {authorization}, "X-Amz-Date": {date}}
		call, err := ParseCall(r, nil)
		if err != nil {
			return
		}
		if _, err := (Received{r, nil, call, EC2}).Verify(exampleSecrets, exampleTime); err != nil {
			mustBeCallersFault(t, err)
			_ = fmt.Sprint(err)
		}
	})
}
