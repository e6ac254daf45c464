package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/api"
	"ringfence/internal/awsquery"
	"ringfence/internal/vpc"
)

// maxBody is how long the form of a POST may be, in bytes. It is read before
// its signature is known to be right.
const maxBody = 1 << 20

// maxDiscarded is how much of a refused body is read and thrown away, in bytes:
// most clients send all of it before they look for an answer, and would find the
// connection reset instead.
const maxDiscarded = 16 << 20

// defaultRegion is the region of a call that names none (EC2 User Guide 2012:
// the endpoint ec2.amazonaws.com is us-east-1).
const defaultRegion vpc.Region = "us-east-1"

// Handler answers everything on the API's port. It is no http.ServeMux, which
// answers some paths with HTML.
func (s *Server) Handler() http.Handler {
	metrics := s.metrics.handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch route := r.Method + " " + r.URL.Path; {
		case route == "GET /metrics":
			metrics.ServeHTTP(w, r)
		case route == "GET /healthz":
			s.serveHealth(w, r)
		case route == "POST /_ringfence/reset" && s.opts.TestAPI:
			s.serveReset(w, r)
		default:
			s.serveQuery(w, r)
		}
	})
}

// A queryCall is one call of the API on its way, filled in step by step.
type queryCall struct {
	caller  api.Caller
	call    *awsquery.Call
	begun   time.Time
	took    time.Duration // until there was an answer
	status  int
	body    []byte
	outcome vpc.Code // "" for success
	reached int64    // revision of the store
}

// serveQuery answers one call of the API, always in the form of AWS.
func (s *Server) serveQuery(w http.ResponseWriter, r *http.Request) {
	q := &queryCall{begun: time.Now(), call: &awsquery.Call{}, status: http.StatusOK}
	q.caller.RequestID = newRequestID()
	q.caller.Service, q.caller.Region = awsquery.EC2, defaultRegion
	if err := s.answer(r, q); err != nil {
		s.refuse(r, q, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/xml;charset=UTF-8")
	h.Set("X-Amzn-RequestId", q.caller.RequestID)
	h.Set("Content-Length", strconv.Itoa(len(q.body))) // otherwise a long one is sent in chunks, each by itself
	w.WriteHeader(q.status)
	q.took = time.Since(q.begun)
	s.metrics.observe(q)
	_, err := w.Write(q.body)
	if err == nil {
		err = http.NewResponseController(w).Flush() // the caller need not wait for the log
	}
	if err != nil {
		s.log.Debug("write answer", "request", q.caller.RequestID, "err", err)
	}
	s.record(r, q)
}

// errTooLarge is a body of more than maxBody bytes.
var errTooLarge = errors.New("body is too large")

// answer fills in the answer to r, or says what is wrong.
func (s *Server) answer(r *http.Request, q *queryCall) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if err := checkForm(r); err != nil {
		return err
	}
	region, err := regionOfPath(r.URL.Path)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case err != nil:
		return vpc.Errorf(vpc.MalformedQueryString, "The body of the request cannot be read.")
	case len(body) > maxBody:
		return errTooLarge
	}
	call, err := awsquery.ParseCall(r, body)
	if err != nil {
		return err
	}
	q.call = call
	if err := s.authenticate(r, body, q, region); err != nil {
		return err
	}
	answer, err := s.api.Call(r.Context(), q.caller, call)
	if err != nil {
		return err
	}
	q.body, q.reached = answer.Body, answer.Revision
	return nil
}

// checkForm refuses a request that cannot be one of the Query API: a form in a
// GET or a POST. Old tools send no content type, or any.
func checkForm(r *http.Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return vpc.Errorf(vpc.UnsupportedOperation, "The method %s is not supported; use GET or POST.", r.Method)
	}
	content := strings.ToLower(r.Header.Get("Content-Type"))
	if strings.Contains(content, "json") || strings.Contains(content, "xml") || strings.HasPrefix(content, "multipart/") {
		return vpc.Errorf(vpc.UnsupportedOperation,
			"The content type %.100q is not supported; the Query API takes application/x-www-form-urlencoded, and there is no SOAP API.", content)
	}
	return nil
}

// authenticate finds out who calls, and for which service and region. The
// service is known before the signature is verified: it decides how the answer
// is written, that a signature is wrong too.
func (s *Server) authenticate(r *http.Request, body []byte, q *queryCall, ofPath vpc.Region) error {
	v, err := s.store.View(r.Context())
	if err != nil {
		return fmt.Errorf("read store: %w", err)
	}
	secrets := func(accessKey, token string) (string, bool) {
		// Nobody gives out keys of sessions here.
		if a := v.AccountWithKey(accessKey); a != nil && token == "" {
			return a.SecretKey, true
		}
		return "", false
	}
	q.caller.Service = serviceOf(r, q.call)
	received := awsquery.Received{Request: r, Body: body, Call: q.call, Service: q.caller.Service}
	signer, err := received.Verify(secrets, time.Now())
	if err != nil {
		return err
	}
	q.caller.Account, q.caller.Region = v.AccountWithKey(signer.AccessKey), ofPath
	if signer.Region != "" {
		q.caller.Region = vpc.Region(signer.Region)
	}
	if !api.IsRegion(q.caller.Region) {
		return vpc.Errorf(vpc.InvalidParameterValue, "Invalid region provided: %s", q.caller.Region)
	}
	return nil
}

// serviceOf returns the service that a call is for: as its signature says, or,
// when that does not, the one that has the action in that API version.
func serviceOf(r *http.Request, call *awsquery.Call) awsquery.Service {
	if s := awsquery.ClaimedService(r, call); s != "" {
		return s
	}
	return api.ServiceOf(call)
}

// regionOfPath returns the region that a path names, the default one for /.
func regionOfPath(path string) (vpc.Region, error) {
	name := strings.Trim(path, "/")
	if name == "" {
		return defaultRegion, nil
	}
	if region := vpc.Region(name); api.IsRegion(region) {
		return region, nil
	}
	return "", errNoPath
}

// errNoPath is a path that is neither / nor a region.
var errNoPath = errors.New("no such path")

// refuse fills in the answer to a call that fails. What is not the caller's
// fault is logged, and the caller only sees that it happened.
func (s *Server) refuse(r *http.Request, q *queryCall, err error) {
	_, _ = io.CopyN(io.Discard, r.Body, maxDiscarded) // who cannot be read will not read either
	fault, ok := errors.AsType[*vpc.Error](err)
	switch {
	case ok:
		q.status = awsquery.Status(fault.Code)
	case errors.Is(err, errTooLarge):
		fault = vpc.Errorf(vpc.MalformedQueryString, "The request is larger than %d bytes.", maxBody)
		q.status = http.StatusRequestEntityTooLarge
	case errors.Is(err, errNoPath):
		fault = vpc.Errorf(vpc.InvalidAction, "There is nothing at %s; the API is at / and at /REGION/.", r.URL.Path)
		q.status = http.StatusNotFound
	case errors.Is(err, context.Canceled):
		fault = vpc.Errorf(vpc.Unavailable, "The request was cancelled.")
		q.status = awsquery.Status(fault.Code)
	default:
		fault = vpc.Errorf(vpc.InternalError, "An internal error has occurred")
		q.status = http.StatusInternalServerError
		s.log.Error("call failed", "request", q.caller.RequestID, "action", q.call.Action, "err", err)
	}
	q.outcome = fault.Code
	q.body = awsquery.EncodeError(q.caller.Service, q.call.Version, q.caller.RequestID, fault)
}

// record logs a call that is over.
func (s *Server) record(r *http.Request, q *queryCall) {
	var account vpc.AccountID
	if q.caller.Account != nil {
		account = q.caller.Account.ID
	}
	s.log.Info("call",
		"request", q.caller.RequestID, "account", account, "region", q.caller.Region, "service", q.caller.Service,
		"action", q.call.Action, "version", q.call.Version, "code", q.outcome, "status", q.status,
		"duration", q.took, "revision", q.reached, "remote", r.RemoteAddr)
}

func (s *Server) serveHealth(w http.ResponseWriter, _ *http.Request) {
	if !s.ready() {
		http.Error(w, "not enforcing yet", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

func (s *Server) ready() bool { return s.opts.Hooks.Ready == nil || s.opts.Hooks.Ready() }
