package cli

import (
	"encoding/base64"
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
	example:  "ec2-run-instances ami-fba54092 -n 7 -g apache",
	action:   "RunInstances",
	words:    []word{{"AMI", "ImageId", false}},
	options: []option{
		{"n", "instance-count", "MIN[-MAX]", "how many, default 1", ""},
		{"g", "group", "GROUP", "security group, by name or id; may be repeated; default: default", ""},
		{"k", "key", "KEYPAIR", "key pair for logins", "KeyName"},
		{"t", "instance-type", "TYPE", "instance type, default m1.small", "InstanceType"},
		{"z", "availability-zone", "ZONE", "availability zone", "Placement.AvailabilityZone"},
		{"", "placement-group", "GROUP", "placement group", "Placement.GroupName"},
		{"", "tenancy", "TENANCY", "default or dedicated", "Placement.Tenancy"},
		{"d", "user-data", "DATA", "data for the instances; a script when it begins with #!", ""},
		{"f", "user-data-file", "FILE", "the same, from a file", ""},
		{"b", "block-device-mapping", "NAME=SPEC", "SPEC: none, ephemeralN or [SNAPSHOT]:[SIZE]:[DELETE]; may be repeated", ""},
		{"m", "monitor", "", "monitor in detail", "Monitoring.Enabled"},
		{"", "kernel", "KERNEL", "kernel", "KernelId"},
		{"", "ramdisk", "RAMDISK", "RAM disk", "RamdiskId"},
		{"", "disable-api-termination", "", "protect them from termination", "DisableApiTermination"},
		{"", "instance-initiated-shutdown-behavior", "BEHAVIOR", "stop or terminate, when they shut down", "InstanceInitiatedShutdownBehavior"},
		{"", "ebs-optimized", "", "give their volumes a way of their own", "EbsOptimized"},
		{"p", "iam-profile", "NAME|ARN", "IAM profile", ""},
		{"", "client-token", "TOKEN", "launch only once, however often this is repeated", "ClientToken"},
		{"s", "subnet", "SUBNET", "subnet of a VPC", ""},
		{"", "private-ip-address", "ADDRESS", "private address in the subnet", ""},
		{"", "secondary-private-ip-address", "ADDRESS", "a further private address; may be repeated", ""},
		{"", "secondary-private-ip-address-count", "NUMBER", "how many further private addresses, whichever are free", ""},
		{"", "associate-public-ip-address", "BOOLEAN", "whether they get a public address, in a VPC", ""},
		{"a", "network-attachment", "INTERFACE:INDEX", "a network interface that is there, and its place; may be repeated", ""},
	},
	prepare: prepareRun,
	records: reservation(""),
}

// prepareRun sends what options say in words of their own.
func prepareRun(c *toolCall, params awsquery.Params) error {
	least, most, err := parseCount(firstNonEmpty(c.last("instance-count"), "1"))
	if err != nil {
		return err
	}
	params["MinCount"], params["MaxCount"] = strconv.Itoa(least), strconv.Itoa(most)
	if profile := c.last("iam-profile"); strings.HasPrefix(profile, "arn:") {
		params["IamInstanceProfile.Arn"] = profile
	} else if profile != "" {
		params["IamInstanceProfile.Name"] = profile
	}
	for i, b := range c.all("block-device-mapping") {
		if err := sendDevice(params, fmt.Sprintf("BlockDeviceMapping.%d.", i+1), b); err != nil {
			return err
		}
	}
	data, err := c.userData()
	if err != nil {
		return err
	}
	if data != nil {
		params["UserData"] = base64.StdEncoding.EncodeToString(data)
	}
	return c.sendNetwork(params)
}

// sendNetwork sends where instances are and in which groups. What the API wants of
// an interface, beside the simplest, has to be said of one that has a number.
func (c *toolCall) sendNetwork(params awsquery.Params) error {
	attached := c.all("network-attachment")
	for i, a := range attached {
		eni, index, ok := strings.Cut(a, ":")
		if !ok {
			return usagef("Invalid value '%s' for option '-a': expected INTERFACE:INDEX, such as eni-b35da6da:0 (-h for usage)", a)
		}
		prefix := fmt.Sprintf("NetworkInterface.%d.", i+1)
		params[prefix+"NetworkInterfaceId"], params[prefix+"DeviceIndex"] = eni, index
	}
	names, ids := splitGroups(c.all("group"))
	further := c.all("secondary-private-ip-address")
	alone := len(further) == 0 && !c.has("secondary-private-ip-address-count") && !c.has("associate-public-ip-address")
	if alone {
		setList(params, "SecurityGroup.N", names)
		setList(params, "SecurityGroupId.N", ids)
		c.sendAs(params, "SubnetId", "subnet")
		c.sendAs(params, "PrivateIpAddress", "private-ip-address")
		return nil
	}
	switch {
	case len(attached) > 0:
		return usagef("Option -a excludes options about the addresses of another interface (-h for usage)")
	case len(names) > 0:
		return usagef("In a VPC, groups are named by their ids, not as '%s' (-h for usage)", names[0])
	}
	const first = "NetworkInterface.1."
	params[first+"DeviceIndex"] = "0"
	setList(params, first+"SecurityGroupId.N", ids)
	c.sendAs(params, first+"SubnetId", "subnet")
	c.sendAs(params, first+"AssociatePublicIpAddress", "associate-public-ip-address")
	c.sendAs(params, first+"SecondaryPrivateIpAddressCount", "secondary-private-ip-address-count")
	if len(further) == 0 {
		c.sendAs(params, first+"PrivateIpAddress", "private-ip-address")
		return nil
	}
	sendAddresses(params, first+"PrivateIpAddresses", c.last("private-ip-address"), further)
	return nil
}

// sendAs sends an option's value, if it is given.
func (c *toolCall) sendAs(params awsquery.Params, param, option string) {
	if c.has(option) {
		params[param] = c.last(option)
	}
}

// sendAddresses sends the addresses of an interface to be made: the primary one,
// unless it is "", and others.
func sendAddresses(params awsquery.Params, list, primary string, others []string) {
	add := func(n int, address string, isPrimary bool) {
		prefix := fmt.Sprintf("%s.%d.", list, n)
		params[prefix+"PrivateIpAddress"], params[prefix+"Primary"] = address, strconv.FormatBool(isPrimary)
	}
	next := 1
	if primary != "" {
		add(next, primary, true)
		next++
	}
	for i, address := range others {
		add(next+i, address, false)
	}
}

// userData is nil for none.
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

// sendDevice sends a block device mapping, such as /dev/sdb=ephemeral0 or
// /dev/sdc=:80:false.
func sendDevice(params awsquery.Params, prefix, text string) error {
	name, spec, ok := strings.Cut(text, "=")
	if !ok || name == "" || spec == "" {
		return usagef("Invalid value '%s' for option '-b': expected NAME=SPEC (-h for usage)", text)
	}
	params[prefix+"DeviceName"] = name
	switch {
	case spec == "none":
		params[prefix+"NoDevice"] = ""
	case strings.HasPrefix(spec, "ephemeral"):
		params[prefix+"VirtualName"] = spec
	default:
		for i, part := range strings.SplitN(spec, ":", 3) {
			if part != "" {
				params[prefix+[]string{"Ebs.SnapshotId", "Ebs.VolumeSize", "Ebs.DeleteOnTermination"}[i]] = part
			}
		}
	}
	return nil
}
