package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// A tool is one of the EC2 command line tools ("Amazon EC2 Command Line
// Reference" of 2012).
type tool struct {
	names    []string // the long one first
	synopsis string   // what follows the name
	about    string
	options  []option // its own; generalOptions are everyone's
	example  string
	run      func(context.Context, *toolCall) error
}

// name is what users call t.
func (t *tool) name() string { return t.names[0] }

// tools returns all tools there are.
func tools() []*tool {
	return []*tool{
		createGroup, describeGroup, authorize, revoke, deleteGroup,
		runInstances, describeInstances, terminateInstances, startInstances, stopInstances, rebootInstances,
	}
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

// generalOptions are understood by every tool ("Common Options for CLI Tools").
var generalOptions = []option{
	{"O", "aws-access-key", "KEY", "access key (AWS_ACCESS_KEY)"},
	{"W", "aws-secret-key", "KEY", "secret key (AWS_SECRET_KEY)"},
	{"T", "security-token", "TOKEN", "session token (AWS_DELEGATION_TOKEN)"},
	{"K", "private-key", "FILE", "not used: calls are signed with -O and -W"},
	{"C", "cert", "FILE", "not used: calls are signed with -O and -W"},
	{"U", "url", "URL", "endpoint (EC2_URL)"},
	{"", "region", "REGION", "region, instead of the endpoint's"},
	{"D", "auth-dry-run", "", "only check whether the call would succeed"},
	{"v", "verbose", "", "show requests and answers on standard error"},
	{"", "debug", "", "show their headers too"},
	{"H", "headers", "", "print column headers"},
	{"", "show-empty-fields", "", "print (nil) for empty columns"},
	{"", "hide-tags", "", "print no tags"},
	{"", "connection-timeout", "SECONDS", "time to connect, default 30"},
	{"", "request-timeout", "SECONDS", "time for a whole call, default 120"},
	{"", "data-dir", "DIRECTORY", "data directory of the daemon to use without -U and -O (RINGFENCE_DATA_DIR)"},
	{"", "endpoint", "URL", "the same as -U"},
	{"h", "help", "", "print this text; -? does too"},
}

// A toolError is an error of a tool that was run as ringfence ec2-….
type toolError struct{ err error }

func (e *toolError) Error() string { return e.err.Error() }

// A toolCall is one run of a tool.
type toolCall struct {
	*arguments
	env *Env
	api *apiClient
	out *records
}

// runTool runs a tool with the arguments after its name.
func runTool(ctx context.Context, env *Env, t *tool, args []string) error {
	parsed, err := parseArguments(slices.Concat(t.options, generalOptions), args)
	if err != nil {
		return err
	}
	if parsed.has("help") {
		t.writeHelp(env)
		return nil
	}
	if err := parsed.readDash(env.Stdin); err != nil {
		return err
	}
	api, err := newAPIClient(ctx, env, parsed)
	if err != nil {
		return err
	}
	c := &toolCall{arguments: parsed, env: env, api: api, out: newRecords(env.Stdout, parsed.has("show-empty-fields"))}
	if err := t.run(ctx, c); err != nil {
		return err
	}
	return c.out.flush()
}

func (t *tool) writeHelp(env *Env) {
	w := env.Stdout
	fmt.Fprintf(w, "%s: %s\n", t.name(), t.about)
	if len(t.names) > 1 {
		fmt.Fprintf(w, "also called %s\n", strings.Join(t.names[1:], ", "))
	}
	fmt.Fprintf(w, "\nusage: %s\n", strings.TrimSpace(t.name()+" "+t.synopsis))
	if len(t.options) > 0 {
		fmt.Fprintf(w, "\noptions:\n")
		writeOptions(w, t.options)
	}
	fmt.Fprintf(w, "\ngeneral options:\n")
	writeOptions(w, generalOptions)
	fmt.Fprintf(w, "\nexample:\n  %s\n", t.example)
}
