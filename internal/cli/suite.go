package cli

import (
	"context"
	"errors"

	"ringfence/internal/awsquery"
)

// A suite is a family of tools: what they speak, where they look for the endpoint
// and the key, how they print, and how they tell errors.
type suite struct {
	service awsquery.Service
	version string // of the API
	options []option

	urlVariable    string   // of the environment
	regionVariable string   // "" for none but AWS_DEFAULT_REGION
	keyOptions     keyNames // long names of options

	run     func(context.Context, *toolCall) error // of a tool that has nothing else to run
	message func(*tool, error) string
}

// keyNames are the options that name a key.
type keyNames struct{ access, secret option }

// ec2Suite is the EC2 tools ("Amazon EC2 Command Line Reference" of 2012).
var ec2Suite = &suite{
	service: awsquery.EC2, version: apiVersion, options: generalOptions,
	urlVariable: "EC2_URL", keyOptions: keyNames{generalOptions[0], generalOptions[1]},
	run: callAndPrint, message: ec2Message,
}

// ec2Message is how the EC2 tools tell an error: Client.CODE: MESSAGE for one of
// the service's.
func ec2Message(_ *tool, err error) string {
	if e, ok := errors.AsType[*awsquery.ResponseError](err); ok {
		return e.Error()
	}
	return err.Error()
}
