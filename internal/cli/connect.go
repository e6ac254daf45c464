package cli

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/admin"
	"ringfence/internal/awsquery"
)

// newAPIClient finds out where to call and who calls: options first, then the
// tools' own environment variables, then those of newer clients, then the
// daemon on this machine.
func newAPIClient(ctx context.Context, env *Env, s *suite, a *arguments) (*apiClient, error) {
	dataDir := firstNonEmpty(a.last("data-dir"), env.dataDir())
	endpoint, err := findEndpoint(ctx, env, s, a, dataDir)
	if err != nil {
		return nil, err
	}
	// An endpoint may be one region's: http://127.0.0.1:8773/eu-west-1/
	region := firstNonEmpty(a.last("region"), strings.Trim(endpoint.Path, "/"), env.Getenv(s.regionVariable), env.Getenv("AWS_DEFAULT_REGION"), "us-east-1")
	endpoint.Path = "/"

	key, err := findKey(env, s, a, dataDir)
	if err != nil {
		return nil, err
	}
	if a.has("private-key") || a.has("cert") || a.has("ec2-private-key-file-path") || a.has("ec2-cert-file-path") {
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
		suite:    s,
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
func findEndpoint(ctx context.Context, env *Env, s *suite, a *arguments, dataDir string) (*url.URL, error) {
	address := firstNonEmpty(a.last("url"), a.last("endpoint"))
	if address == "" && !a.has("data-dir") && !a.has("profile") {
		address = firstNonEmpty(env.Getenv(s.urlVariable), env.Getenv("AWS_ENDPOINT_URL"))
	}
	if address == "" {
		d := admin.NewClient(admin.SocketPath(dataDir))
		status, err := d.Status(ctx)
		if err != nil {
			return nil, fmt.Errorf("%w, or set %s", daemonError(d, err), s.urlVariable)
		}
		address = status.Endpoint
	}
	endpoint, err := url.Parse(address)
	if err != nil || endpoint.Host == "" {
		return nil, usagef("'%s' is no URL: give one such as http://127.0.0.1:8773 to -U or %s", address, s.urlVariable)
	}
	return endpoint, nil
}

func findKey(env *Env, s *suite, a *arguments, dataDir string) (awsquery.Key, error) {
	if a.has("profile") { // of the daemon
		return readProfile(dataDir, a.last("profile"))
	}
	names := s.keyOptions
	var file awsquery.Key
	if !a.has(names.access.long) {
		var err error
		if file, err = readCredentialFile(firstNonEmpty(a.last("aws-credential-file"), env.Getenv("AWS_CREDENTIAL_FILE"))); err != nil {
			return awsquery.Key{}, err
		}
	}
	pairs := []awsquery.Key{
		{Access: a.last(names.access.long), Secret: a.last(names.secret.long)},
		file,
		{Access: env.Getenv("AWS_ACCESS_KEY"), Secret: env.Getenv("AWS_SECRET_KEY")},
		{Access: env.Getenv("AWS_ACCESS_KEY_ID"), Secret: env.Getenv("AWS_SECRET_ACCESS_KEY")},
	}
	for i, key := range pairs {
		if i == 0 && (key.Access == "") != (key.Secret == "") {
			return awsquery.Key{}, usagef("Options -%s and -%s go together (-h for usage)", names.access.short, names.secret.short)
		}
		if key.Access != "" && key.Secret != "" && (i == 0 || !a.has("data-dir")) {
			return key, nil
		}
	}
	key, err := readProfile(dataDir, firstNonEmpty(env.Getenv("AWS_PROFILE"), defaultProfile))
	if err != nil {
		return awsquery.Key{}, fmt.Errorf("%w, or set AWS_ACCESS_KEY and AWS_SECRET_KEY", err)
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
