package cli

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/admin"
	"ringfence/internal/awsquery"
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

// newAPIClient finds out where to call and who calls: options first, then the
// tools' own environment variables, then those of newer clients, then the
// daemon on this machine.
func newAPIClient(ctx context.Context, env *Env, a *arguments) (*apiClient, error) {
	dataDir := firstNonEmpty(a.last("data-dir"), env.dataDir())
	endpoint, err := findEndpoint(ctx, env, a, dataDir)
	if err != nil {
		return nil, err
	}
	// An endpoint may be one region's: http://127.0.0.1:8773/eu-west-1/
	region := firstNonEmpty(a.last("region"), strings.Trim(endpoint.Path, "/"), env.Getenv("AWS_DEFAULT_REGION"), "us-east-1")
	endpoint.Path = "/"

	key, err := findKey(env, a, dataDir)
	if err != nil {
		return nil, err
	}
	if a.has("private-key") || a.has("cert") {
		fmt.Fprintln(env.Stderr, "note: X.509 certificates are not used; calls are signed with the secret key")
	}
	connect, err := seconds(a, "connection-timeout", 30*time.Second)
	if err != nil {
		return nil, err
	}
	whole, err := seconds(a, "request-timeout", 120*time.Second)
	if err != nil {
		return nil, err
	}
	transport := env.Transport.Clone()
	transport.DialContext = (&net.Dialer{Timeout: connect}).DialContext
	c := &apiClient{
		http:     &http.Client{Transport: transport},
		endpoint: endpoint,
		region:   region,
		key:      key,
		token:    firstNonEmpty(a.last("security-token"), env.Getenv("AWS_DELEGATION_TOKEN")),
		timeout:  whole,
		now:      env.Now,
		debug:    a.has("debug"),
	}
	if a.has("verbose") || a.has("debug") {
		c.trace = env.Stderr
	}
	return c, nil
}

// findEndpoint asks the daemon where it listens when nothing else says so.
func findEndpoint(ctx context.Context, env *Env, a *arguments, dataDir string) (*url.URL, error) {
	address := firstNonEmpty(a.last("url"), a.last("endpoint"))
	if address == "" && !a.has("data-dir") {
		address = firstNonEmpty(env.Getenv("EC2_URL"), env.Getenv("AWS_ENDPOINT_URL"))
	}
	if address == "" {
		d := admin.NewClient(admin.SocketPath(dataDir))
		s, err := d.Status(ctx)
		if err != nil {
			return nil, fmt.Errorf("no endpoint in -U and EC2_URL, and %w", daemonError(d, err))
		}
		address = s.Endpoint
	}
	endpoint, err := url.Parse(address)
	if err != nil || endpoint.Host == "" {
		return nil, usagef("'%s' is no URL: give one such as http://127.0.0.1:8773 to -U or EC2_URL", address)
	}
	return endpoint, nil
}

func findKey(env *Env, a *arguments, dataDir string) (awsquery.Key, error) {
	pairs := []awsquery.Key{
		{Access: a.last("aws-access-key"), Secret: a.last("aws-secret-key")},
		{Access: env.Getenv("AWS_ACCESS_KEY"), Secret: env.Getenv("AWS_SECRET_KEY")},
		{Access: env.Getenv("AWS_ACCESS_KEY_ID"), Secret: env.Getenv("AWS_SECRET_ACCESS_KEY")},
	}
	for i, key := range pairs {
		if i == 0 && (key.Access == "") != (key.Secret == "") {
			return awsquery.Key{}, usagef("Options -O and -W go together (-h for usage)")
		}
		if key.Access != "" && key.Secret != "" && (i == 0 || !a.has("data-dir")) {
			return key, nil
		}
	}
	key, err := readProfile(dataDir, firstNonEmpty(env.Getenv("AWS_PROFILE"), defaultProfile))
	if err != nil {
		return awsquery.Key{}, fmt.Errorf("no credentials in -O and -W, AWS_ACCESS_KEY and AWS_SECRET_KEY, and %w", err)
	}
	return key, nil
}

func seconds(a *arguments, long string, otherwise time.Duration) (time.Duration, error) {
	if !a.has(long) {
		return otherwise, nil
	}
	n, err := strconv.Atoi(a.last(long))
	if err != nil || n <= 0 {
		return 0, usagef("Invalid value '%s' for option '--%s': expected a number of seconds (-h for usage)", a.last(long), long)
	}
	return time.Duration(n) * time.Second, nil
}

// onlyPositional returns the one argument that is not an option. name is for
// the error.
func (c *toolCall) onlyPositional(name string) (string, error) {
	switch len(c.positional) {
	case 0:
		return "", missingParameter(name)
	case 1:
		return c.positional[0], nil
	}
	return "", usagef("Unexpected argument '%s' (-h for usage)", c.positional[1])
}

func missingParameter(name string) error {
	return usagef("Required parameter '%s' missing (-h for usage)", name)
}

func missingOption(o string) error {
	return usagef("Required option '%s' missing (-h for usage)", o)
}

// dryRun is part of every action's input.
type dryRun struct {
	DryRun bool `aws:"DryRun"`
}

func (c *toolCall) dryRun() dryRun { return dryRun{c.has("auth-dry-run")} }

// A filter narrows what a Describe action returns to objects that have one of
// its values.
type filter struct {
	Name   string   `aws:"Name"`
	Values []string `aws:"Value"`
}

// filterOption is the option that filters reads.
var filterOption = option{"F", "filter", "NAME=VALUE", "only those that match; may be repeated"}

// filters collects -F name=value. Values of one name are alternatives.
func (c *toolCall) filters() ([]filter, error) {
	var list []filter
	for _, f := range c.all("filter") {
		name, value, ok := strings.Cut(f, "=")
		if !ok || name == "" {
			return nil, usagef("Invalid filter '%s': expected name=value (-h for usage)", f)
		}
		i := slices.IndexFunc(list, func(f filter) bool { return f.Name == name })
		if i < 0 {
			list = append(list, filter{Name: name})
			i = len(list) - 1
		}
		list[i].Values = append(list[i].Values, value)
	}
	return list, nil
}
