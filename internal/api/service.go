package api

import (
	"strings"

	"ringfence/internal/awsquery"
	"ringfence/internal/vpc"
)

// ServiceOf returns the service of a call whose signature does not say. It is
// EC2, unless another one has the action in the version that the call names.
// EC2 has been spoken in ELB's version too: what both have is ELB's if it is
// about load balancers.
func ServiceOf(call *awsquery.Call) awsquery.Service {
	for _, s := range []awsquery.Service{awsquery.ELB, awsquery.IAM, awsquery.STS} {
		if actions[s][call.Action] == nil || checkVersion(s, call.Version) != nil {
			continue
		}
		if actions[awsquery.EC2][call.Action] == nil || namesBalancers(call.Params) {
			return s
		}
	}
	return awsquery.EC2
}

// namesBalancers reports whether a call is about load balancers by their names.
func namesBalancers(params awsquery.Params) bool {
	for name := range params {
		if strings.HasPrefix(name, "LoadBalancerNames") {
			return true
		}
	}
	return false
}

// unknownParameter is the code for a parameter that nobody has. ELB has no code
// of its own for it.
func unknownParameter(s awsquery.Service) vpc.Code {
	if s == awsquery.ELB {
		return vpc.ValidationError
	}
	return vpc.UnknownParameter
}
