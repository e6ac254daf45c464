package cli

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"ringfence/internal/awsquery"
)

var runInstances = &tool{
	names:    []string{"ec2-run-instances", "ec2-run", "ec2run"},
	synopsis: "AMI [-n MIN[-MAX]] [-g GROUP ...] [options]",
	about:    "launch instances",
	options: []option{
		{"n", "instance-count", "MIN[-MAX]", "how many, default 1", ""},
		{"g", "group", "GROUP", "security group, by name or id; may be repeated; default: default", ""},
		{"k", "key", "KEYPAIR", "key pair for logins", ""},
		{"t", "instance-type", "TYPE", "instance type, default m1.small", ""},
		{"z", "availability-zone", "ZONE", "availability zone", ""},
		{"d", "user-data", "DATA", "data for the instances; a script when it begins with #!", ""},
		{"f", "user-data-file", "FILE", "the same, from a file", ""},
		{"s", "subnet", "SUBNET", "subnet of a VPC", ""},
		{"b", "block-device-mapping", "NAME=SPEC", "SPEC: none, ephemeralN or [SNAPSHOT]:[SIZE]:[DELETE]; may be repeated", ""},
		{"m", "monitor", "", "monitor in detail", ""},
		{"", "kernel", "KERNEL", "kernel", ""},
		{"", "ramdisk", "RAMDISK", "ramdisk", ""},
		{"", "private-ip-address", "ADDRESS", "private address in the subnet", ""},
		{"", "client-token", "TOKEN", "launch only once, however often this is repeated", ""},
	},
	example: "ec2-run-instances ami-fba54092 -n 7 -g apache",
	run:     runRunInstances,
}

// runInput is RunInstances' input.
type runInput struct {
	dryRun
	Image      string         `aws:"ImageId"`
	Min        int            `aws:"MinCount"`
	Max        int            `aws:"MaxCount"`
	Key        string         `aws:"KeyName"`
	Groups     []string       `aws:"SecurityGroup"`
	GroupIDs   []string       `aws:"SecurityGroupId"`
	Type       string         `aws:"InstanceType"`
	Placement  placementInput `aws:"Placement"`
	Kernel     string         `aws:"KernelId"`
	Ramdisk    string         `aws:"RamdiskId"`
	UserData   []byte         `aws:"UserData"`
	Subnet     string         `aws:"SubnetId"`
	Devices    []deviceInput  `aws:"BlockDeviceMapping"`
	Monitoring enabled        `aws:"Monitoring"`
	PrivateIP  string         `aws:"PrivateIpAddress"`
	Token      string         `aws:"ClientToken"`
	Tags       []tagsInput    `aws:"TagSpecification"`
}

type tagsInput struct {
	Resource string     `aws:"ResourceType"`
	Tags     []tagInput `aws:"Tag"`
}

type tagInput struct {
	Key   string `aws:"Key"`
	Value string `aws:"Value"`
}

type placementInput struct {
	Zone string `aws:"AvailabilityZone"`
}

type enabled struct {
	Enabled bool `aws:"Enabled"`
}

type deviceInput struct {
	Name    string   `aws:"DeviceName"`
	Virtual string   `aws:"VirtualName"`
	None    *string  `aws:"NoDevice"`
	EBS     ebsInput `aws:"Ebs"`
}

type ebsInput struct {
	Snapshot string `aws:"SnapshotId"`
	Size     string `aws:"VolumeSize"`
	Delete   string `aws:"DeleteOnTermination"`
}

func runRunInstances(ctx context.Context, c *toolCall) error {
	in, err := c.runInput()
	if err != nil {
		return err
	}
	answer, err := c.api.ask(ctx, "RunInstances", awsquery.Encode(awsquery.EC2, in))
	if err != nil {
		return err
	}
	c.print(reservation(""), answer)
	return nil
}

// runInput is the input that the options describe.
func (c *toolCall) runInput() (*runInput, error) {
	image, err := c.onlyPositional("AMI")
	if err != nil {
		return nil, err
	}
	in := &runInput{
		dryRun: c.dryRun(), Image: image, Key: c.last("key"), Type: c.last("instance-type"),
		Placement: placementInput{c.last("availability-zone")},
		Kernel:    c.last("kernel"), Ramdisk: c.last("ramdisk"), Subnet: c.last("subnet"),
		Monitoring: enabled{c.has("monitor")}, PrivateIP: c.last("private-ip-address"), Token: c.last("client-token"),
	}
	in.Min, in.Max, err = parseCount(firstNonEmpty(c.last("instance-count"), "1"))
	if err != nil {
		return nil, err
	}
	in.Groups, in.GroupIDs = splitGroups(c.all("group"))
	for _, b := range c.all("block-device-mapping") {
		d, err := parseDevice(b)
		if err != nil {
			return nil, err
		}
		in.Devices = append(in.Devices, d)
	}
	in.UserData, err = c.userData()
	return in, err
}

func (c *toolCall) userData() ([]byte, error) {
	switch {
	case c.has("user-data") && c.has("user-data-file"):
		return nil, usagef("Options -d and -f exclude each other (-h for usage)")
	case c.has("user-data-file"):
		data, err := os.ReadFile(c.last("user-data-file"))
		if err != nil {
			return nil, fmt.Errorf("read user data: %w", err)
		}
		return data, nil
	case c.has("user-data"):
		return []byte(c.last("user-data")), nil
	}
	return nil, nil
}

// parseCount parses 7 or 1-7.
func parseCount(text string) (least, most int, err error) {
	low, high, isRange := strings.Cut(text, "-")
	if !isRange {
		high = low
	}
	least, err1 := strconv.Atoi(low)
	most, err2 := strconv.Atoi(high)
	if err1 != nil || err2 != nil || least < 1 || most < least {
		return 0, 0, usagef("Invalid value '%s' for option '-n': expected a number or MIN-MAX (-h for usage)", text)
	}
	return least, most, nil
}

// parseDevice parses a block device mapping, such as /dev/sdb=ephemeral0 or
// /dev/sdc=:80:false.
func parseDevice(text string) (deviceInput, error) {
	name, spec, ok := strings.Cut(text, "=")
	if !ok || name == "" || spec == "" {
		return deviceInput{}, usagef("Invalid value '%s' for option '-b': expected NAME=SPEC (-h for usage)", text)
	}
	d := deviceInput{Name: name}
	switch {
	case spec == "none":
		d.None = new(string)
	case strings.HasPrefix(spec, "ephemeral"):
		d.Virtual = spec
	default:
		parts := append(strings.Split(spec, ":"), "", "")
		d.EBS = ebsInput{Snapshot: parts[0], Size: parts[1], Delete: parts[2]}
	}
	return d, nil
}
