package api

import (
	"context"

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
	target, err := vpc.ParseHealthTarget(in.Target)
	h.Target = target.String()
	return h, err
}
