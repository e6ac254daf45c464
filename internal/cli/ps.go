package cli

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// An instanceAnswer is an instance as RunInstances and DescribeInstances answer it.
type instanceAnswer struct {
	ID    string `aws:"instanceId"`
	Image string `aws:"imageId"`
	State struct {
		Name string `aws:"name"`
	} `aws:"instanceState"`
	Reason struct {
		Message string `aws:"message"`
	} `aws:"stateReason"`
	Launched   time.Time     `aws:"launchTime"`
	PrivateIP  string        `aws:"privateIpAddress"`
	PublicIP   string        `aws:"ipAddress"`
	VPC        string        `aws:"vpcId"`
	Subnet     string        `aws:"subnetId"`
	Groups     []groupAnswer `aws:"groupSet"`
	Tags       []tagAnswer   `aws:"tagSet"`
	Interfaces []struct {
		Groups []groupAnswer `aws:"groupSet"`
	} `aws:"networkInterfaceSet"`
}

// A tagAnswer is a key and a value that a user has given to something.
type tagAnswer struct {
	Key   string `aws:"key"`
	Value string `aws:"value"`
}

// States of instances (EC2 API Reference, InstanceState).
const (
	stateRunning    = "running"
	stateTerminated = "terminated"
)

// nameOf is the value of the tag Name, "" for none.
func nameOf(tags []tagAnswer) string {
	i := slices.IndexFunc(tags, func(t tagAnswer) bool { return t.Key == "Name" })
	if i < 0 {
		return ""
	}
	return tags[i].Value
}

// A listedInstance is one as ps and run show it.
type listedInstance struct {
	ID        string    `json:"id"`
	Name      string    `json:"name,omitempty"`
	State     string    `json:"state"`
	Image     string    `json:"image"`
	PrivateIP string    `json:"privateIp,omitempty"`
	PublicIP  string    `json:"publicIp,omitempty"`
	Groups    []string  `json:"groups"` // names
	VPC       string    `json:"vpc,omitempty"`
	Subnet    string    `json:"subnet,omitempty"`
	Launched  time.Time `json:"launched"`
}

func listed(answers []instanceAnswer) []listedInstance {
	list := make([]listedInstance, len(answers))
	for n, i := range answers {
		list[n] = listedInstance{
			ID: i.ID, Name: nameOf(i.Tags), State: i.State.Name, Image: i.Image, PrivateIP: i.PrivateIP, PublicIP: i.PublicIP,
			Groups: []string{}, VPC: i.VPC, Subnet: i.Subnet, Launched: i.Launched,
		}
		for _, g := range i.Groups {
			list[n].Groups = append(list[n].Groups, firstNonEmpty(g.Name, g.ID))
		}
	}
	return list
}

// instances asks for instances; without ids for all.
func (c *apiClient) instances(ctx context.Context, ids ...string) ([]instanceAnswer, error) {
	in := struct {
		IDs []string `aws:"InstanceId"`
	}{ids}
	var out struct {
		Reservations []struct {
			Instances []instanceAnswer `aws:"instancesSet"`
		} `aws:"reservationSet"`
	}
	err := c.call(ctx, "DescribeInstances", &in, &out)
	var list []instanceAnswer
	for _, r := range out.Reservations {
		list = append(list, r.Instances...)
	}
	return list, err
}

func (c *command) psCommand() *cobra.Command {
	var all bool
	var who caller
	cmd := &cobra.Command{
		Use:               "ps [INSTANCE ...] [--all]",
		Short:             "List instances",
		Long:              "List instances, without those that have ended, unless they are named or --all is given.",
		Example:           "  ringfence ps --profile classic",
		GroupID:           "look",
		ValidArgsFunction: c.completes(math.MaxInt, instanceIDs),
		RunE: c.withAPI(&who, func(ctx context.Context, api *apiClient, args []string) error {
			answers, err := api.instances(ctx, args...)
			if err != nil {
				return err
			}
			if !all && len(args) == 0 {
				answers = slices.DeleteFunc(answers, func(i instanceAnswer) bool { return i.State.Name == stateTerminated })
			}
			return c.printInstances(listed(answers))
		}),
	}
	c.callerFlags(cmd, &who)
	cmd.Flags().BoolVarP(&all, "all", "a", false, "those that have ended, too")
	return cmd
}

func (c *command) printInstances(list []listedInstance) error {
	return c.print(list, func(w io.Writer) error {
		t := newTable(w)
		fmt.Fprintf(t, "INSTANCE\tNAME\tIMAGE\tPRIVATE IP\tPUBLIC IP\tGROUPS\tAGE\tSTATE\n")
		for _, i := range list {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", i.ID, cell(i.Name), i.Image, cell(i.PrivateIP), cell(i.PublicIP),
				cell(strings.Join(i.Groups, ",")), age(c.env.Now().Sub(i.Launched)), c.env.paint(stateColour(i.State), i.State))
		}
		return t.Flush()
	})
}

// cell is a cell of a table: one that has nothing to show has a dash, and what a
// user has named a thing breaks no line and moves no cursor.
func cell(text string) string {
	return visible(separators.Replace(firstNonEmpty(text, "-")))
}

// age rounds a duration to its largest unit.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", max(0, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

func stateColour(state string) colour {
	switch state {
	case stateRunning:
		return green
	case "stopped", stateTerminated:
		return red
	}
	return yellow
}
