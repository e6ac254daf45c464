package api

import "ringfence/internal/vpc"

// What an instance does when it shuts down by itself (EC2 API reference,
// RunInstances).
const (
	stopAtShutdown      = "stop"
	terminateAtShutdown = "terminate"
)

func errShutdownBehavior(s string) error {
	return vpc.Errorf(vpc.InvalidParameterValue, "Value (%s) for parameter instanceInitiatedShutdownBehavior is invalid. It must be stop or terminate.", s)
}
