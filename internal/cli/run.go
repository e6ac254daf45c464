package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
)

// A runInput is what run asks of RunInstances.
type runInput struct {
	Image     string      `aws:"ImageId"`
	Min       int         `aws:"MinCount"`
	Max       int         `aws:"MaxCount"`
	Key       string      `aws:"KeyName"`
	Groups    []string    `aws:"SecurityGroup"`
	GroupIDs  []string    `aws:"SecurityGroupId"`
	Type      string      `aws:"InstanceType"`
	Subnet    string      `aws:"SubnetId"`
	PrivateIP string      `aws:"PrivateIpAddress"`
	Tags      []tagsInput `aws:"TagSpecification"`
	Placement struct {
		Zone string `aws:"AvailabilityZone"`
	} `aws:"Placement"`
}

type tagsInput struct {
	Resource string     `aws:"ResourceType"`
	Tags     []tagInput `aws:"Tag"`
}

type tagInput struct {
	Key   string `aws:"Key"`
	Value string `aws:"Value"`
}

func (c *command) runCommand() *cobra.Command {
	var in runInput
	var groups []string
	var name, count string
	var wait bool
	var who caller
	cmd := &cobra.Command{
		Use:   "run IMAGE [-n NUMBER] [-g GROUP ...] [--wait]",
		Short: "Launch instances",
		Long: "Launch instances and list them. With --wait, return when all are running.\n\n" +
			"The image decides what runs in an instance: see ec2-describe-images.",
		Example:           "  ringfence run ami-fba54092 -n 7 -g apache --wait\n  ringfence run ami-eca54085 --subnet subnet-9d4a7b6c --name bastion -k mary",
		GroupID:           "use",
		Args:              exactly(1),
		ValidArgsFunction: c.completes(1, imageIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Image = args[0]
			var err error
			if in.Min, in.Max, err = parseCount(count); err != nil {
				return usagef("-n is a number or MIN-MAX, not %q", count)
			}
			in.Groups, in.GroupIDs = splitGroups(groups)
			if name != "" {
				in.Tags = []tagsInput{{"instance", []tagInput{{"Name", name}}}}
			}
			api, err := c.api(cmd.Context(), &who)
			if err != nil {
				return err
			}
			var out struct {
				Instances []instanceAnswer `aws:"instancesSet"`
			}
			if err := api.call(cmd.Context(), "RunInstances", &in, &out); err != nil {
				return err
			}
			answers := out.Instances
			if wait {
				err := c.env.watch(fmt.Sprintf("until %d instances are running", len(answers)), func() (err error) {
					answers, err = awaitRunning(cmd.Context(), api, answers)
					return err
				})
				if err != nil {
					return err
				}
			}
			return c.printInstances(listed(answers))
		},
	}
	c.callerFlags(cmd, &who)
	flags := cmd.Flags()
	flags.StringVarP(&count, "count", "n", "1", "how many: a `number`, or MIN-MAX for as many as there is room for")
	flags.StringArrayVarP(&groups, "group", "g", nil, "security `group`, by name or id; may be repeated; default: default")
	flags.StringVarP(&in.Key, "key", "k", "", "`key pair` for logins")
	flags.StringVarP(&in.Type, "type", "t", "", "instance `type`")
	flags.StringVar(&in.Subnet, "subnet", "", "`subnet` of a VPC")
	flags.StringVar(&in.Placement.Zone, "zone", "", "availability `zone`")
	flags.StringVar(&in.PrivateIP, "private-ip", "", "private `address` in the subnet")
	flags.StringVar(&name, "name", "", "`name` of the instances, a tag")
	flags.BoolVar(&wait, "wait", false, "return when all are running")
	c.complete(cmd, "group", groupNames)
	return cmd
}

// splitGroups tells ids of security groups from names.
func splitGroups(groups []string) (names, ids []string) {
	for _, g := range groups {
		if isGroupID(g) {
			ids = append(ids, g)
		} else {
			names = append(names, g)
		}
	}
	return names, ids
}

// awaitRunning waits until all of some instances run, and returns them as they are
// then. It fails when one of them has ended.
func awaitRunning(ctx context.Context, api *apiClient, launched []instanceAnswer) ([]instanceAnswer, error) {
	ids := make([]string, len(launched))
	for i, l := range launched {
		ids[i] = l.ID
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		now, err := api.instances(ctx, ids...)
		if err != nil {
			return nil, err
		}
		running := 0
		for _, i := range now {
			switch i.State.Name {
			case stateRunning:
				running++
			case "pending":
			default:
				return nil, fmt.Errorf("%s is %s instead of running: %s", i.ID, i.State.Name, firstNonEmpty(i.Reason.Message, "no reason is given"))
			}
		}
		if running == len(ids) {
			slices.SortFunc(now, func(a, b instanceAnswer) int { return slices.Index(ids, a.ID) - slices.Index(ids, b.ID) })
			return now, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}
