package api

import (
	"context"
	"regexp"
	"strings"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// balancerAttributes are what a call says or is told about the attributes of a
// load balancer. A part that is nil is left as it is.
type balancerAttributes struct {
	CrossZone  *crossZone            `aws:"CrossZoneLoadBalancing"`
	AccessLog  *accessLog            `aws:"AccessLog"`
	Draining   *draining             `aws:"ConnectionDraining"`
	Settings   *connectionSettings   `aws:"ConnectionSettings"`
	Additional []additionalAttribute `aws:"AdditionalAttributes,omitempty"`
}

type crossZone struct {
	Enabled bool `aws:"Enabled,required"`
}

type accessLog struct {
	Enabled      bool   `aws:"Enabled,required"`
	Bucket       string `aws:"S3BucketName,omitempty"`
	EmitInterval *int   `aws:"EmitInterval"`
	Prefix       string `aws:"S3BucketPrefix,omitempty"`
}

type draining struct {
	Enabled bool `aws:"Enabled,required"`
	Timeout *int `aws:"Timeout"`
}

type connectionSettings struct {
	IdleTimeout int `aws:"IdleTimeout,required"`
}

type additionalAttribute struct {
	Key   string `aws:"Key"`
	Value string `aws:"Value"`
}

const desyncMode = "elb.http.desyncmitigationmode"

func newBalancerAttributes(a vpc.LoadBalancerAttributes) balancerAttributes {
	all := balancerAttributes{
		CrossZone:  &crossZone{a.CrossZone},
		AccessLog:  &accessLog{Enabled: a.AccessLog.Enabled},
		Draining:   &draining{a.Draining, &a.DrainingTimeout},
		Settings:   &connectionSettings{a.IdleTimeout},
		Additional: []additionalAttribute{{desyncMode, a.DesyncMitigation}},
	}
	if a.AccessLog.Bucket != "" {
		all.AccessLog.Bucket, all.AccessLog.EmitInterval, all.AccessLog.Prefix = a.AccessLog.Bucket, &a.AccessLog.EmitInterval, a.AccessLog.Prefix
	}
	return all
}

type describeAttributesInput struct{ balancerName }

type describeAttributesOutput struct {
	Attributes balancerAttributes `aws:"LoadBalancerAttributes"`
}

// describeAttributes implements DescribeLoadBalancerAttributes.
func (r *request) describeAttributes(ctx context.Context, in *describeAttributesInput) (*describeAttributesOutput, error) {
	lb, _, err := r.viewedBalancer(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	return &describeAttributesOutput{newBalancerAttributes(lb.Attributes)}, nil
}

type modifyAttributesInput struct {
	balancerName
	Attributes balancerAttributes `aws:"LoadBalancerAttributes,required"`
}

type modifyAttributesOutput struct {
	Name       string             `aws:"LoadBalancerName"`
	Attributes balancerAttributes `aws:"LoadBalancerAttributes"`
}

// modifyAttributes implements ModifyLoadBalancerAttributes. It tells those parts
// that the call was about.
func (r *request) modifyAttributes(ctx context.Context, in *modifyAttributesInput) (*modifyAttributesOutput, error) {
	out := &modifyAttributesOutput{Name: in.Name}
	err := r.changeBalancer(ctx, in.Name, func(_ *store.Tx, lb *vpc.LoadBalancer) error {
		if err := in.Attributes.change(&lb.Attributes); err != nil {
			return err
		}
		out.Attributes = newBalancerAttributes(lb.Attributes)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if in.Attributes.CrossZone == nil {
		out.Attributes.CrossZone = nil
	}
	if in.Attributes.AccessLog == nil {
		out.Attributes.AccessLog = nil
	}
	if in.Attributes.Draining == nil {
		out.Attributes.Draining = nil
	}
	if in.Attributes.Settings == nil {
		out.Attributes.Settings = nil
	}
	if len(in.Attributes.Additional) == 0 {
		out.Attributes.Additional = nil
	}
	return out, nil
}

// change checks the attributes and applies them.
func (in *balancerAttributes) change(a *vpc.LoadBalancerAttributes) error {
	if in.CrossZone != nil {
		a.CrossZone = in.CrossZone.Enabled
	}
	if in.AccessLog != nil {
		if err := in.AccessLog.change(&a.AccessLog); err != nil {
			return err
		}
	}
	if in.Draining != nil {
		a.Draining = in.Draining.Enabled
		if t := in.Draining.Timeout; t != nil {
			if *t < 1 || *t > maxDraining {
				return errConfiguration("ConnectionDraining timeout must be between 1 and %d seconds", maxDraining)
			}
			a.DrainingTimeout = *t
		}
	}
	if in.Settings != nil {
		if in.Settings.IdleTimeout < 1 || in.Settings.IdleTimeout > maxIdle {
			return errConfiguration("ConnectionSettings idle timeout must be between 1 and %d seconds", maxIdle)
		}
		a.IdleTimeout = in.Settings.IdleTimeout
	}
	for _, extra := range in.Additional {
		if extra.Key != desyncMode {
			return vpc.Errorf(vpc.LoadBalancerAttributeNotFound, "The load balancer attribute '%s' does not exist", extra.Key)
		}
		switch extra.Value {
		case "monitor", "defensive", "strictest":
			a.DesyncMitigation = extra.Value
		default:
			return errConfiguration("The value of %s must be monitor, defensive or strictest", desyncMode)
		}
	}
	return nil
}

// The longest times that connections are waited for (ELB User Guide, "Configure
// connection draining" and "Configure the idle connection timeout").
const (
	maxDraining = 3600 // seconds
	maxIdle     = 4000
)

var (
	bucketPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	prefixPattern = regexp.MustCompile(`^[a-zA-Z0-9!_.*'()/-]{0,512}$`)
)

// change checks the access log and applies it. One that is disabled keeps what the
// call says of it. A bucket is a directory: names that would lead out of it are
// refused.
func (in *accessLog) change(a *vpc.AccessLog) error {
	log := vpc.AccessLog{Enabled: in.Enabled, Bucket: in.Bucket, Prefix: in.Prefix, EmitInterval: defaultEmit}
	if in.EmitInterval != nil {
		log.EmitInterval = *in.EmitInterval
	}
	switch {
	case in.Bucket == "" && in.Enabled:
		return errConfiguration("AccessLog S3BucketName must be specified when the access log is enabled")
	case in.Bucket != "" && !bucketPattern.MatchString(in.Bucket) || strings.Contains(in.Bucket, ".."):
		return errConfiguration("AccessLog S3BucketName '%.100s' is not the name of a bucket", in.Bucket)
	case !prefixPattern.MatchString(log.Prefix) || strings.Contains(log.Prefix, "..") || strings.Contains(log.Prefix, "AWSLogs"):
		return errConfiguration("AccessLog S3BucketPrefix '%.100s' is not valid", in.Prefix)
	case log.EmitInterval != 5 && log.EmitInterval != 60:
		return errConfiguration("AccessLog EmitInterval must be either 5 or 60 minutes")
	}
	*a = log
	return nil
}
