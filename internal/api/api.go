package api

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"

	"ringfence/internal/awsquery"
	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// Options are what an operator may choose. The zero value is the defaults.
type Options struct {
	Catalogue   *vpc.Catalogue // nil: the built-in images
	PublicPools []netip.Prefix // nil: DefaultPublicPools
	Limits      Limits         // overrides of the quotas of an era

	// Console tells what an instance has said, wherever it runs. nil: nothing.
	Console func(context.Context, vpc.InstanceID) (vpc.Console, error)
}

// An API answers calls. It is safe for concurrent use.
type API struct {
	store     *store.Store
	model     *awsquery.Model
	catalogue *vpc.Catalogue
	public    []netip.Prefix
	limits    Limits
	health    healthBook
	console   func(context.Context, vpc.InstanceID) (vpc.Console, error)
	proxy     atomic.Pointer[vpc.ProxyEngine] // nil until a host has told of its own
}

// New returns an API on a store.
func New(s *store.Store, opts Options) (*API, error) {
	model, err := awsquery.NewModel()
	if err != nil {
		return nil, err
	}
	a := &API{store: s, model: model, catalogue: opts.Catalogue, public: opts.PublicPools, limits: opts.Limits, console: opts.Console}
	if a.catalogue == nil {
		a.catalogue = vpc.NewCatalogue()
	}
	if a.public == nil {
		a.public = DefaultPublicPools()
	}
	return a, nil
}

// A Caller is who calls, and the service and region that the call is for.
type Caller struct {
	Account   *vpc.Account
	Region    vpc.Region
	Service   awsquery.Service
	RequestID string
}

// An Answer is what a successful call returns.
type Answer struct {
	Body     []byte // XML
	Revision int64  // of the store: what the call has written or read; 0 for neither
}

// Call answers one call. An error that is not a *vpc.Error is ours.
func (a *API) Call(ctx context.Context, caller Caller, call *awsquery.Call) (*Answer, error) {
	act, err := findAction(caller.Service, call)
	if err != nil {
		return nil, err
	}
	in, err := a.decode(caller.Service, call, act)
	if err != nil {
		return nil, err
	}
	r := &request{API: a, Caller: caller, version: call.Version, params: call.Params}
	if d, ok := in.(interface{ wantsDryRun() bool }); ok {
		r.dryRun = d.wantsDryRun()
	}
	if act.network {
		if err := r.enterNetwork(ctx); err != nil {
			return nil, err
		}
	}
	out, err := act.call(ctx, r, in)
	if err != nil {
		return nil, err
	}
	if r.dryRun {
		return nil, errDryRun()
	}
	body := awsquery.EncodeResponse(caller.Service, call.Action, call.Version, caller.RequestID, out)
	return &Answer{Body: body, Revision: r.revision}, nil
}

// decode reads the parameters of a call into the action's input.
func (a *API) decode(s awsquery.Service, call *awsquery.Call, act *action) (any, error) {
	in := act.newInput()
	unknown, err := awsquery.Decode(s, call.Version, call.Params, in)
	if len(unknown) > 0 {
		name := unknown[0]
		if a.model.HasParameter(s, call.Action, name) && !slices.Contains(act.unrecognized, name) && !act.reads(name) {
			return nil, vpc.Errorf(vpc.UnsupportedOperation, "The parameter %s is not supported by ringfence.", name)
		}
		return nil, vpc.Errorf(unknownParameter(s), "The parameter %s is not recognized", name)
	}
	if p, ok := in.(interface{ checkPage(size pageSize) error }); ok && err == nil {
		err = p.checkPage(act.pages)
	}
	return in, err
}

// A request is one call on its way.
type request struct {
	*API
	Caller
	version  string // of the API
	params   awsquery.Params
	dryRun   bool
	revision int64 // what has been read or written last
}

// dryRun is part of every input that has the parameter.
type dryRun struct {
	DryRun bool `aws:"DryRun,since=2013-06-15"`
}

func (d dryRun) wantsDryRun() bool { return d.DryRun }

func errDryRun() error {
	return vpc.Errorf(vpc.DryRunOperation, "Request would have succeeded, but DryRun flag is set.")
}

// view reads the store.
func (r *request) view(ctx context.Context) (*store.View, error) {
	v, err := r.store.View(ctx)
	if err != nil {
		return nil, fmt.Errorf("read store: %w", err)
	}
	r.revision = v.Revision
	return v, nil
}

// update changes the store. A dry run does all but the change, and ends in its
// own error.
func (r *request) update(ctx context.Context, f func(tx *store.Tx) error) error {
	revision, err := r.store.Update(ctx, func(tx *store.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		if r.dryRun {
			return errDryRun()
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.revision = revision
	return nil
}
