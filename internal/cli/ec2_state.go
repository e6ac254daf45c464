package cli

import (
	"context"
	"strconv"
)

var (
	terminateInstances = stateTool("TerminateInstances", "end instances for good", "ec2-terminate-instances", "ec2kill")
	startInstances     = stateTool("StartInstances", "start stopped instances", "ec2-start-instances", "ec2start")
	stopInstances      = stateTool("StopInstances", "stop instances; they can be started again", "ec2-stop-instances", "ec2stop")
)

var rebootInstances = &tool{
	names:    []string{"ec2-reboot-instances", "ec2reboot"},
	synopsis: "INSTANCE [INSTANCE ...]",
	about:    "reboot instances",
	example:  "ec2-reboot-instances i-cfd732a6",
	run:      runRebootInstances,
}

// instancesInput names the instances that something is to be done to.
type instancesInput struct {
	dryRun
	IDs []string `aws:"InstanceId"`
}

func (c *toolCall) instancesInput() (*instancesInput, error) {
	if len(c.positional) == 0 {
		return nil, missingParameter("INSTANCE")
	}
	return &instancesInput{c.dryRun(), c.positional}, nil
}

// stateTool returns the tool for an action that brings instances into another
// state. It prints the state before and the state now.
func stateTool(action, about string, names ...string) *tool {
	return &tool{
		names:    names,
		synopsis: "INSTANCE [INSTANCE ...]",
		about:    about,
		example:  names[0] + " i-cfd732a6",
		run: func(ctx context.Context, c *toolCall) error {
			in, err := c.instancesInput()
			if err != nil {
				return err
			}
			var out struct {
				Instances []struct {
					ID       string        `aws:"instanceId"`
					Current  instanceState `aws:"currentState"`
					Previous instanceState `aws:"previousState"`
				} `aws:"instancesSet"`
			}
			if err := c.api.call(ctx, action, in, &out); err != nil {
				return err
			}
			for _, i := range out.Instances {
				c.out.add("INSTANCE", i.ID, i.Previous.Name, i.Current.Name)
			}
			return nil
		},
	}
}

func runRebootInstances(ctx context.Context, c *toolCall) error {
	in, err := c.instancesInput()
	if err != nil {
		return err
	}
	var out struct {
		Return bool `aws:"return"`
	}
	if err := c.api.call(ctx, "RebootInstances", in, &out); err != nil {
		return err
	}
	c.out.add("RETURN", strconv.FormatBool(out.Return))
	return nil
}
