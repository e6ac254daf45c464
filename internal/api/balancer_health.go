package api

import (
	"context"
	"strconv"
	"strings"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type healthCheckInput struct {
	Target    string `aws:"Target,required"`
	Interval  int    `aws:"Interval,required"`
	Timeout   int    `aws:"Timeout,required"`
	Unhealthy int    `aws:"UnhealthyThreshold,required"`
	Healthy   int    `aws:"HealthyThreshold,required"`
}

type healthCheckItem struct {
	Target    string `aws:"Target"`
	Interval  int    `aws:"Interval"`
	Timeout   int    `aws:"Timeout"`
	Unhealthy int    `aws:"UnhealthyThreshold"`
	Healthy   int    `aws:"HealthyThreshold"`
}

func newHealthCheckItem(h vpc.HealthCheck) healthCheckItem {
	return healthCheckItem{h.Target, h.Interval, h.Timeout, h.UnhealthyThreshold, h.HealthyThreshold}
}

type configureHealthCheckInput struct {
	balancerName
	Check healthCheckInput `aws:"HealthCheck,required"`
}

type configureHealthCheckOutput struct {
	Check healthCheckItem `aws:"HealthCheck"`
}

// configureHealthCheck implements ConfigureHealthCheck.
func (r *request) configureHealthCheck(ctx context.Context, in *configureHealthCheckInput) (*configureHealthCheckOutput, error) {
	check, err := in.Check.check()
	if err != nil {
		return nil, err
	}
	err = r.changeBalancer(ctx, in.Name, func(_ *store.Tx, lb *vpc.LoadBalancer) error {
		lb.HealthCheck = check
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &configureHealthCheckOutput{newHealthCheckItem(check)}, nil
}

// check checks the parameters of a health check (ELB API reference,
// HealthCheck).
func (in *healthCheckInput) check() (vpc.HealthCheck, error) {
	h := vpc.HealthCheck{Interval: in.Interval, Timeout: in.Timeout, UnhealthyThreshold: in.Unhealthy, HealthyThreshold: in.Healthy}
	for _, f := range []struct {
		name               string
		given, least, most int
	}{
		{"Interval", in.Interval, 5, 300},
		{"Timeout", in.Timeout, 2, 60},
		{"Unhealthy Threshold", in.Unhealthy, 2, 10},
		{"Healthy Threshold", in.Healthy, 2, 10},
	} {
		if f.given < f.least || f.given > f.most {
			return h, errInvalid("HealthCheck %s must be between %d and %d", f.name, f.least, f.most)
		}
	}
	if in.Timeout >= in.Interval {
		return h, errInvalid("HealthCheck Timeout must be less than interval")
	}
	var err error
	h.Target, err = healthTarget(in.Target)
	return h, err
}

// maxHealthPath is how many characters the path of a health check may have.
const maxHealthPath = 1024

// healthTarget reads a target, such as http:80/index.html, and returns it as it
// is stored.
func healthTarget(text string) (string, error) {
	name, rest, _ := strings.Cut(text, ":")
	protocol, err := listenerProtocol(name)
	if err != nil {
		return "", errInvalid("HealthCheck Target must begin with one of HTTP, TCP, HTTPS, SSL")
	}
	port, path, hasPath := strings.Cut(rest, "/")
	n, err := strconv.ParseUint(port, 10, 16)
	switch {
	case port == "":
		return "", errInvalid("HealthCheck Target must specify a port number")
	case err != nil || n == 0:
		return "", errInvalid("HealthCheck Target must specify a port number between 1 and %d", lastPort)
	case protocol.IsHTTP() && !hasPath:
		return "", errInvalid("HealthCheck HTTP Target must specify a port followed by a path that begins with a slash. e.g. HTTP:80/ping/this/path")
	case !protocol.IsHTTP() && hasPath:
		return "", errInvalid("HealthCheck %s Target must specify a port and nothing else. e.g. %s:80", protocol, protocol)
	case len(path) > maxHealthPath:
		return "", errInvalid("HealthCheck Target must not have a path of more than %d characters", maxHealthPath)
	case strings.ContainsFunc(path, notInPath):
		return "", errInvalid("HealthCheck Target must not have spaces or control characters in its path")
	}
	target := string(protocol) + ":" + strconv.FormatUint(n, 10)
	if hasPath {
		target += "/" + path
	}
	return target, nil
}

// notInPath reports whether a character cannot be in the first line of a
// request.
func notInPath(c rune) bool { return c <= ' ' || c >= 0x7f }
