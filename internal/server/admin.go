package server

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"time"

	"ringfence/internal/admin"
	"ringfence/internal/awsquery"
	"ringfence/internal/vpc"
)

// adminHandler answers the ringfence command. What goes on for as long as somebody
// reads ends with ctx.
func (s *Server) adminHandler(ctx context.Context) http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, f func(*http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			out, err := f(r)
			s.reply(w, r, out, err)
		})
	}
	handle("GET "+admin.StatusPath, func(*http.Request) (any, error) { return s.status(), nil })
	handle("GET "+admin.AccountsPath, func(r *http.Request) (any, error) { return s.accounts(r.Context()) })
	handle("POST "+admin.AccountsPath, func(r *http.Request) (any, error) {
		return ask(r, s.createAccount)
	})
	handle("POST "+admin.KeysPattern, func(r *http.Request) (any, error) {
		return s.rotateKeys(r.Context(), vpc.AccountID(r.PathValue("id")))
	})
	handle("GET "+admin.DoctorPath, func(r *http.Request) (any, error) { return s.doctor(r.Context()) })
	handle("POST "+admin.OutsidePath, func(r *http.Request) (any, error) {
		return ask(r, s.opts.Hooks.Outside)
	})
	handle("POST "+admin.ExplainPath, func(r *http.Request) (any, error) {
		return ask(r, s.opts.Hooks.Explain)
	})
	handle("GET "+admin.ExecPattern, func(r *http.Request) (any, error) {
		if s.opts.Hooks.Exec == nil {
			return nil, errNoAgent()
		}
		return s.opts.Hooks.Exec(r.Context(), vpc.InstanceID(r.PathValue("id")))
	})
	mux.HandleFunc("POST "+admin.ConnectionsPath, s.connections)
	mux.HandleFunc("POST "+admin.WatchPath, func(w http.ResponseWriter, r *http.Request) {
		call, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		s.watch(w, r.WithContext(call))
	})
	return mux
}

// ask reads a question and has it answered by f. A nil f is an agent's that is
// not there.
func ask[Question, Answer any](r *http.Request, f func(context.Context, Question) (*Answer, error)) (any, error) {
	if f == nil {
		return nil, errNoAgent()
	}
	q, err := read[Question](r)
	if err != nil {
		return nil, err
	}
	return f(r.Context(), q)
}

func read[Question any](r *http.Request) (q Question, err error) {
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBody)).Decode(&q); err != nil {
		return q, vpc.Errorf(vpc.MalformedQueryString, "The question is not understood: %v", err)
	}
	return q, nil
}

// connections answers line by line: there may be more than one likes to have in
// memory. A failure after the first line breaks the answer off.
func (s *Server) connections(w http.ResponseWriter, r *http.Request) {
	q, err := read[admin.ConnectionsRequest](r)
	if err == nil && s.opts.Hooks.Connections == nil {
		err = errNoAgent()
	}
	if err != nil {
		s.reply(w, r, nil, err)
		return
	}
	s.liftDeadline(w)
	lines, began := json.NewEncoder(w), false
	err = s.opts.Hooks.Connections(r.Context(), q, func(c *admin.Connection) error {
		began = true
		return lines.Encode(c)
	})
	switch {
	case err != nil && began:
		s.log.Error("administration", "path", r.URL.Path, "err", err)
		panic(http.ErrAbortHandler)
	case err != nil:
		s.reply(w, r, nil, err)
	}
}

// watch answers line by line, each as soon as it is there.
func (s *Server) watch(w http.ResponseWriter, r *http.Request) {
	q, err := read[admin.WatchRequest](r)
	if err == nil && s.opts.Hooks.Watch == nil {
		err = errNoAgent()
	}
	var verdicts iter.Seq[*admin.Verdict]
	if err == nil {
		verdicts, err = s.opts.Hooks.Watch(r.Context(), q)
	}
	if err != nil {
		s.reply(w, r, nil, err)
		return
	}
	s.liftDeadline(w)
	flusher, lines := http.NewResponseController(w), json.NewEncoder(w)
	w.WriteHeader(http.StatusOK)
	err = flusher.Flush() // the reader now knows that he misses nothing
	for v := range verdicts {
		if err == nil {
			err = lines.Encode(v)
		}
		if err == nil {
			err = flusher.Flush()
		}
		if err != nil {
			s.log.Debug("write answer", "err", err) // the reader is gone
			return
		}
	}
}

// liftDeadline lets whoever reads a page at a time take as long as he likes.
func (s *Server) liftDeadline(w http.ResponseWriter) {
	if err := http.NewResponseController(w).SetWriteDeadline(time.Time{}); err != nil {
		s.log.Debug("lift the time limit of an answer", "err", err)
	}
}

func errNoAgent() error {
	return vpc.Errorf(vpc.UnsupportedOperation, "This daemon runs no agent.")
}

func (s *Server) reply(w http.ResponseWriter, r *http.Request, out any, err error) {
	status := http.StatusOK
	if err != nil {
		fault, ok := errors.AsType[*vpc.Error](err)
		if !ok {
			s.log.Error("administration", "path", r.URL.Path, "err", err)
			fault = vpc.Errorf(vpc.InternalError, "An internal error has occurred; the daemon's log has it.")
		}
		status, out = awsquery.Status(fault.Code), admin.Failure{Code: fault.Code, Message: fault.Message}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(out); err != nil {
		s.log.Debug("write answer", "err", err)
	}
}

func (s *Server) status() *admin.Status {
	return &admin.Status{
		Revision: s.store.Revision(), Enforced: s.agents.enforced(),
		Ready: s.ready(), Endpoint: s.opts.Endpoint, Agents: s.agents.list(),
	}
}

func (s *Server) accounts(ctx context.Context) ([]admin.Account, error) {
	v, err := s.store.View(ctx)
	if err != nil {
		return nil, err
	}
	list := []admin.Account{}
	for _, a := range v.Accounts() {
		list = append(list, adminAccount(a))
	}
	return list, nil
}

func (s *Server) doctor(ctx context.Context) ([]admin.Finding, error) {
	found, err := s.api.Doctor(ctx)
	if err != nil {
		return nil, err
	}
	list := []admin.Finding{}
	for _, f := range found {
		list = append(list, admin.Finding(f))
	}
	return list, nil
}

func (s *Server) createAccount(ctx context.Context, in admin.NewAccount) (*admin.Account, error) {
	a, err := s.api.CreateAccount(ctx, in.ID, in.Platform, in.Era)
	if err != nil {
		return nil, err
	}
	return s.withCredentials(ctx, a)
}

func (s *Server) rotateKeys(ctx context.Context, id vpc.AccountID) (*admin.Account, error) {
	a, err := s.api.RotateKeys(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.withCredentials(ctx, a)
}

// withCredentials is an account that has new keys, once they are in the
// credentials file.
func (s *Server) withCredentials(ctx context.Context, a *vpc.Account) (*admin.Account, error) {
	if s.opts.DataDir != "" {
		if err := s.writeCredentials(ctx); err != nil {
			return nil, err
		}
	}
	account := adminAccount(a)
	return &account, nil
}

func adminAccount(a *vpc.Account) admin.Account {
	return admin.Account{
		ID: a.ID, Platform: a.Platform, Era: a.Era, Profile: profileOf(a.ID), AccessKey: a.AccessKey, SecretKey: a.SecretKey,
	}
}
