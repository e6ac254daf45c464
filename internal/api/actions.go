package api

import (
	"context"
	"maps"
	"reflect"
	"regexp"
	"slices"

	"ringfence/internal/awsquery"
	"ringfence/internal/vpc"
)

// An action is one entry of the API.
//
// Its parameters fall in three classes. Those done have their effect. Those
// kept have none on packets: they are validated, stored, and shown by Describe.
// All others of AWS's model are refused with UnsupportedOperation.
type action struct {
	handler
	network    bool     // may meet what the caller has in the region from the start
	pages      pageSize // where they are not usualPages
	done, kept []string

	// unrecognized are parameters of AWS's model that EC2 itself does not take.
	unrecognized []string
}

// actions is the whole API. A call whose action is not here is InvalidAction.
var actions = map[awsquery.Service]map[string]*action{
	awsquery.EC2: union(groupActions, elasticActions, instanceActions, interfaceActions, keyPairActions, networkActions, regionActions),
	awsquery.ELB: balancerActions,
	awsquery.IAM: certificateActions,
	awsquery.STS: {
		"GetCallerIdentity": {handler: handle((*request).getCallerIdentity)},
	},
}

// union puts the actions of several nouns together. Each has its own.
func union(tables ...map[string]*action) map[string]*action {
	all := make(map[string]*action)
	for _, table := range tables {
		maps.Copy(all, table)
	}
	return all
}

// A handler is an action's function without its types.
type handler struct {
	input, output reflect.Type
	call          func(ctx context.Context, r *request, in any) (any, error)
}

func (h handler) newInput() any { return reflect.New(h.input).Interface() }

func handle[In, Out any](f func(*request, context.Context, *In) (*Out, error)) handler {
	return handler{
		input: reflect.TypeFor[In](), output: reflect.TypeFor[Out](),
		call: func(ctx context.Context, r *request, in any) (any, error) {
			out, err := f(r, ctx, in.(*In))
			if err != nil {
				return nil, err
			}
			return out, nil
		},
	}
}

// returnOutput is the answer of an action that has nothing else to tell.
type returnOutput struct {
	Return bool `aws:"return"`
}

// IsAction reports whether a service has an action.
func IsAction(s awsquery.Service, name string) bool { return actions[s][name] != nil }

// findAction returns the action of a call, if the call's version has it.
func findAction(s awsquery.Service, call *awsquery.Call) (*action, error) {
	if call.Action == "" {
		return nil, vpc.Errorf(vpc.MissingAction, "The request must contain the parameter Action")
	}
	act, ok := actions[s][call.Action]
	if !ok {
		return nil, errInvalidAction(call.Action)
	}
	if err := checkVersion(s, call.Version); err != nil {
		return nil, err
	}
	if s == awsquery.EC2 && call.Version < firstVersions[call.Action] {
		return nil, errInvalidAction(call.Action)
	}
	return act, nil
}

func errInvalidAction(name string) error {
	return vpc.Errorf(vpc.InvalidAction, "The action %s is not valid for this web service.", name)
}

// listIndex is the index of a list in a parameter's name.
var listIndex = regexp.MustCompile(`\.[0-9]+\b`)

// reads reports whether the action's input has a parameter, in some version.
func (a *action) reads(parameter string) bool {
	name := listIndex.ReplaceAllString(parameter, ".N")
	return slices.Contains(a.done, name) || slices.Contains(a.kept, name)
}
