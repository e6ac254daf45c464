package awsquery

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Signature version 4, as the AWS General Reference has it under "Signature
// Version 4 signing process". This file computes signatures; sigv4_verify.go
// and sigv4_sign.go use it.

const (
	algorithm4   = "AWS4-HMAC-SHA256"
	terminator4  = "aws4_request"
	dateLayout4  = "20060102"
	timeLayout4  = "20060102T150405Z"
	headerDate   = "X-Amz-Date"
	headerHash   = "X-Amz-Content-Sha256"
	unsignedBody = "UNSIGNED-PAYLOAD"
	headerToken  = "X-Amz-Security-Token"

	paramAlgorithm  = "X-Amz-Algorithm"
	paramCredential = "X-Amz-Credential"
	paramSignature  = "X-Amz-Signature"
)

// A scope is what a signing key is good for: one day, region and service.
type scope struct {
	date    string // in dateLayout4
	region  string
	service string
}

func (s scope) String() string {
	return s.date + "/" + s.region + "/" + s.service + "/" + terminator4
}

// signingKey derives the key of a scope from a secret.
func (s scope) signingKey(secret string) []byte {
	key := hmacSHA256([]byte("AWS4"+secret), s.date)
	key = hmacSHA256(key, s.region)
	key = hmacSHA256(key, s.service)
	return hmacSHA256(key, terminator4)
}

// signature4 returns the signature of a request at a time in timeLayout4.
func signature4(r *http.Request, signedHeaders []string, bodyHash, at string, s scope, secret string) string {
	canonical := sha256.Sum256([]byte(canonicalRequest(r, signedHeaders, bodyHash)))
	toSign := algorithm4 + "\n" + at + "\n" + s.String() + "\n" + hex.EncodeToString(canonical[:])
	return hex.EncodeToString(hmacSHA256(s.signingKey(secret), toSign))
}

// canonicalRequest is the form of a request in which both ends agree, whatever
// has happened to the case of its headers and the order of its parameters.
// signedHeaders are in small letters and sorted.
func canonicalRequest(r *http.Request, signedHeaders []string, bodyHash string) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n" + canonicalPath(r.URL.EscapedPath()) + "\n" + canonicalQuery(r.URL.RawQuery) + "\n")
	for _, name := range signedHeaders {
		b.WriteString(name + ":" + canonicalHeader(r, name) + "\n")
	}
	b.WriteString("\n" + strings.Join(signedHeaders, ";") + "\n" + bodyHash)
	return b.String()
}

// canonicalPath encodes an escaped path once more, and removes its dots, as all
// services but S3 do.
func canonicalPath(escaped string) string {
	if escaped == "" {
		return "/"
	}
	clean := path.Clean("/" + escaped)
	if strings.HasSuffix(escaped, "/") && clean != "/" {
		clean += "/"
	}
	steps := strings.Split(clean, "/")
	for i := range steps {
		steps[i] = escape(steps[i])
	}
	return strings.Join(steps, "/")
}

// canonicalQuery sorts the parameters by name and then value, without the
// signature itself. A query that cannot be decoded has been refused by ParseCall.
func canonicalQuery(query string) string {
	pairs, err := parseForm(query)
	if err != nil {
		return query
	}
	parts := make([]string, 0, len(pairs))
	for _, p := range pairs {
		if p.name != paramSignature {
			parts = append(parts, escape(p.name)+"="+escape(p.value))
		}
	}
	slices.SortFunc(parts, comparePairs)
	return strings.Join(parts, "&")
}

// comparePairs orders name=value by name first: as one string, "a-b=" would come
// before "a=".
func comparePairs(a, b string) int {
	nameA, valueA, _ := strings.Cut(a, "=")
	nameB, valueB, _ := strings.Cut(b, "=")
	if c := strings.Compare(nameA, nameB); c != 0 {
		return c
	}
	return strings.Compare(valueA, valueB)
}

// canonicalHeader is a header's values, joined by commas, each with its white
// space made single. net/http keeps the host and the length apart from the rest.
func canonicalHeader(r *http.Request, name string) string {
	values := r.Header.Values(name)
	switch name {
	case "host":
		values = []string{host(r)}
	case "content-length":
		values = []string{strconv.FormatInt(r.ContentLength, 10)}
	}
	single := make([]string, len(values))
	for i, v := range values {
		single[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(single, ",")
}

// host is the Host header, of a request that was received or is to be sent.
func host(r *http.Request) string {
	if r.Host != "" {
		return r.Host
	}
	return r.URL.Host
}

func hashHex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func hmacSHA256(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
