package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"ringfence/internal/awsquery"
)

// A tool is one of the command line tools of 2012.
type tool struct {
	suite    *suite   // nil: ec2Suite
	names    []string // the long one first
	synopsis string   // what follows the name; "" where words and options say it all
	about    string
	options  []option // its own, beside those of its suite
	example  string

	action   string // that it calls; "" for none, or for several
	words    []word
	required []string                               // long names of options; with | between those of which one must be given
	prepare  func(*toolCall, awsquery.Params) error // sends what is no parameter by itself; may be nil
	records  []record                               // of the answer to action
	done     string                                 // printed instead of records
	warning  string                                 // what is asked before the call, unless by --force; "" for nothing
	run      func(context.Context, *toolCall) error // nil: call action and print what it answers
	offline  bool                                   // speaks to no endpoint
}

// option returns t's own option of a long name that it has.
func (t *tool) option(long string) option {
	return t.options[slices.IndexFunc(t.options, func(o option) bool { return o.long == long })]
}

// family is the suite that t is part of.
func (t *tool) family() *suite {
	if t.suite != nil {
		return t.suite
	}
	return ec2Suite
}

// name is what users call t.
func (t *tool) name() string { return t.names[0] }

// tools returns all tools there are.
func tools() []*tool {
	return slices.Concat(
		[]*tool{createGroup, describeGroup, authorize, revoke, deleteGroup, runInstances},
		instanceTools, attributeTools, consoleTools, keyTools, tagTools, addressTools, placeTools,
		vpcTools, gatewayTools, routeTools, aclTools, interfaceTools, []*tool{toolVersion},
		elbTools,
	)
}

// findTool returns the tool of any of its names, nil when there is none.
func findTool(name string) *tool {
	for _, t := range tools() {
		if slices.Contains(t.names, name) {
			return t
		}
	}
	return nil
}

// generalOptions are understood by every EC2 tool ("Common Options for CLI
// Tools").
var generalOptions = []option{
	{"O", "aws-access-key", "KEY", "access key (AWS_ACCESS_KEY)", ""},
	{"W", "aws-secret-key", "KEY", "secret key (AWS_SECRET_KEY)", ""},
	{"T", "security-token", "TOKEN", "session token (AWS_DELEGATION_TOKEN)", ""},
	{"K", "private-key", "FILE", "not used: calls are signed with -O and -W", ""},
	{"C", "cert", "FILE", "not used: calls are signed with -O and -W", ""},
	{"U", "url", "URL", "endpoint (EC2_URL)", ""},
	{"", "region", "REGION", "region, instead of the endpoint's", ""},
	{"D", "auth-dry-run", "", "only check whether the call would succeed", ""},
	{"v", "verbose", "", "show requests and answers on standard error", ""},
	{"", "debug", "", "show their headers too", ""},
	{"H", "headers", "", "print column headers", ""},
	{"", "show-empty-fields", "", "print (nil) for empty columns", ""},
	{"", "hide-tags", "", "print no tags", ""},
	{"", "connection-timeout", "SECONDS", "time to connect, default 30", ""},
	{"", "request-timeout", "SECONDS", "time for a whole call, default 120", ""},
	{"", "data-dir", "DIRECTORY", "data directory of the daemon to use without -U and -O (RINGFENCE_DATA_DIR)", ""},
	{"", "endpoint", "URL", "the same as -U", ""},
	{"h", "help", "", "print this text; -? does too", ""},
}

// A toolError is an error of a tool, which tells it in its own words.
type toolError struct {
	tool *tool
	err  error
}

func (e *toolError) Error() string { return e.err.Error() }
func (e *toolError) Unwrap() error { return e.err }

// A toolCall is one run of a tool.
type toolCall struct {
	*arguments
	tool *tool
	env  *Env
	api  *apiClient
	out  *recordWriter
}

// runTool runs a tool with the arguments after its name. Its error is a
// *toolError.
func runTool(ctx context.Context, env *Env, t *tool, args []string) error {
	if err := t.start(ctx, env, args); err != nil {
		return &toolError{t, err}
	}
	return nil
}

func (t *tool) start(ctx context.Context, env *Env, args []string) error {
	parsed, err := parseArguments(slices.Concat(t.options, t.family().options), args)
	if err != nil {
		return err
	}
	if parsed.has("help") {
		t.writeHelp(env.Stdout)
		return nil
	}
	if err := parsed.readDash(env.Stdin); err != nil {
		return err
	}
	c := &toolCall{arguments: parsed, tool: t, env: env, out: newRecordWriter(env.Stdout, parsed.has("show-empty-fields"))}
	if !t.offline {
		if c.api, err = newAPIClient(ctx, env, t.family(), parsed); err != nil {
			return err
		}
	}
	run := t.run
	if run == nil {
		run = t.family().run
	}
	if err := run(ctx, c); err != nil {
		return err
	}
	return c.out.flush()
}

func (t *tool) writeHelp(w io.Writer) {
	t.writeOwnHelp(w)
	fmt.Fprintf(w, "\ngeneral options:\n")
	writeOptions(w, t.family().options)
}

// writeOwnHelp writes what tells t from other tools.
func (t *tool) writeOwnHelp(w io.Writer) {
	fmt.Fprintf(w, "%s: %s\n", t.name(), t.about)
	if len(t.names) > 1 {
		fmt.Fprintf(w, "also called %s\n", strings.Join(t.names[1:], ", "))
	}
	fmt.Fprintf(w, "\nusage: %s\n", t.usage())
	fmt.Fprintf(w, "example: %s\n", t.example)
	if len(t.options) > 0 {
		fmt.Fprintf(w, "\noptions:\n")
		writeOptions(w, t.options)
	}
}
