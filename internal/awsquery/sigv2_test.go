package awsquery

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ringfence/internal/vpc"
)

// The example of the General Reference, "Signature Version 2 signing process".
func TestVerifyV2OfAWS(t *testing.T) {
	query := "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Action=DescribeJobFlows&SignatureMethod=HmacSHA256&SignatureVersion=2" +
		"&Timestamp=2011-10-03T15%3A19%3A30&Version=2009-03-31"
	r := httptest.NewRequest("GET", "https://elasticmapreduce.amazonaws.com/?"+query+
		"&Signature=i91nKc4PWAt0JJIdXwz9HxZCJDdiy6cf%2FMj6vPxyYIs%3D", nil)
	secrets := func(string, string) (string, bool) { return "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", true }
	signed := time.Date(2011, 10, 3, 15, 19, 30, 0, time.UTC)
	verify := func(r *http.Request, at time.Duration) error {
		r, call := received(t, r, nil)
		_, err := Received{r, nil, call, EC2}.Verify(secrets, signed.Add(at))
		return err
	}
	if err := verify(r, ClockSkew); err != nil {
		t.Error(err)
	}
	tests := []struct {
		old, now string
		at       time.Duration
		want     vpc.Code
	}{
		{"", "", ClockSkew + time.Second, vpc.RequestExpired},
		{"", "", -ClockSkew - time.Second, vpc.RequestExpired},
		{"DescribeJobFlows", "RunJobFlow", 0, vpc.SignatureDoesNotMatch},
		{"HmacSHA256", "HmacSHA1", 0, vpc.SignatureDoesNotMatch},
		{"HmacSHA256", "HmacMD5", 0, vpc.AuthFailure},
		{"SignatureVersion=2", "SignatureVersion=1", 0, vpc.AuthFailure},
		{"Timestamp=2011-10-03T15%3A19%3A30", "Timestamp=today", 0, vpc.AuthFailure},
		{"Timestamp=", "Time=", 0, vpc.MissingParameter},
		{"Timestamp=", "Expires=2011-10-03T16%3A00%3A00&Timestamp=", 0, vpc.InvalidParameterCombination},
		{"&Signature=", "&Sig=", 0, vpc.MissingParameter},
		{"AWSAccessKeyId=", "Key=", 0, vpc.MissingParameter},
	}
	for _, tt := range tests {
		changed := r.Clone(t.Context())
		changed.URL.RawQuery = strings.Replace(r.URL.RawQuery, tt.old, tt.now, 1)
		if err := verify(changed, tt.at); codeOrNone(err) != tt.want {
			t.Errorf("%s → %s: got %v, want %s", tt.old, tt.now, err, tt.want)
		}
	}
}

// A client of version 2 signs what it likes of the host's name, and a time of its
// own form at either end of the signature's life.
func TestVerifyV2IsWideEnough(t *testing.T) {
	key, at := Key{exampleAccess, exampleSecret}, exampleTime
	tests := []struct {
		name                           string
		method, host, signedHost, path string
		hash                           func() hash.Hash
		when                           string // the parameter and its value
		want                           vpc.Code
	}{
		{"GET", "GET", "ec2.amazonaws.com", "ec2.amazonaws.com", "/", sha256.New, "Timestamp=2015-08-30T12:36:00Z", ""},
		{"POST", "POST", "ec2.amazonaws.com", "ec2.amazonaws.com", "/", sha256.New, "Timestamp=2015-08-30T12:36:00.000Z", ""},
		{"HmacSHA1", "GET", "ec2.amazonaws.com", "ec2.amazonaws.com", "/", sha1.New, "Timestamp=2015-08-30T12:36:00", ""},
		{"capital letters", "GET", "EC2.Amazonaws.com", "ec2.amazonaws.com", "/", sha256.New, "Timestamp=2015-08-30T12:36:00Z", ""},
		{"a port", "GET", "localhost:8773", "localhost:8773", "/", sha256.New, "Timestamp=2015-08-30T12:36:00Z", ""},
		{"a port that is not signed", "GET", "localhost:8773", "localhost", "/", sha256.New, "Timestamp=2015-08-30T12:36:00Z", ""},
		{"a path", "POST", "localhost:8773", "localhost:8773", "/eu-west-1/", sha256.New, "Timestamp=2015-08-30T12:36:00Z", ""},
		{"another zone", "GET", "localhost", "localhost", "/", sha256.New, "Timestamp=2015-08-30T14:36:00+02:00", ""},
		{"a last second", "GET", "localhost", "localhost", "/", sha256.New, "Expires=2015-08-30T12:36:00Z", ""},
		{"a long life", "GET", "localhost", "localhost", "/", sha256.New, "Expires=2016-08-30T12:36:00Z", ""},

		{"another port", "GET", "localhost:8773", "localhost:80", "/", sha256.New, "Timestamp=2015-08-30T12:36:00Z", vpc.SignatureDoesNotMatch},
		{"another host", "GET", "localhost", "example.com", "/", sha256.New, "Timestamp=2015-08-30T12:36:00Z", vpc.SignatureDoesNotMatch},
		{"a life that is over", "GET", "localhost", "localhost", "/", sha256.New, "Expires=2015-08-30T12:35:59Z", vpc.RequestExpired},
		{"sent again later", "GET", "localhost", "localhost", "/", sha256.New, "Timestamp=2015-08-30T12:20:59Z", vpc.RequestExpired},
	}
	for _, tt := range tests {
		method := "HmacSHA256"
		if tt.hash().Size() == sha1.Size {
			method = "HmacSHA1"
		}
		name, value, _ := strings.Cut(tt.when, "=")
		params := Params{"Action": "DescribeSecurityGroups", "Version": "2012-05-01", "GroupName.1": "Mary's ~group* +é", "AWSAccessKeyId": key.Access,
			"SignatureVersion": "2", "SignatureMethod": method, name: value}
		h := hmac.New(tt.hash, []byte(key.Secret))
		h.Write([]byte(tt.method + "\n" + tt.signedHost + "\n" + tt.path + "\n" + params.Encode()))
		params["Signature"] = base64.StdEncoding.EncodeToString(h.Sum(nil))
		r, body := httptest.NewRequest(tt.method, "http://"+tt.host+tt.path+"?"+params.Encode(), nil), []byte(nil)
		if tt.method == "POST" {
			r, body = httptest.NewRequest(tt.method, "http://"+tt.host+tt.path, nil), []byte(params.Encode())
		}
		r, call := received(t, r, body)
		signer, err := Received{r, body, call, EC2}.Verify(exampleSecrets, at)
		if codeOrNone(err) != tt.want || err == nil && signer.AccessKey != key.Access {
			t.Errorf("%s: %+v, %v, want %q", tt.name, signer, err, tt.want)
		}
	}
}
