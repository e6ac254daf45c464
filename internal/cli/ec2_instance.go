package cli

import (
	"context"
	"strings"
	"time"
)

// A reservation is what one RunInstances call has launched.
type reservation struct {
	ID        string        `aws:"reservationId"`
	Owner     string        `aws:"ownerId"`
	Groups    []groupAnswer `aws:"groupSet"`
	Instances []instance    `aws:"instancesSet"`
}

// An instance is one as RunInstances and DescribeInstances answer it.
type instance struct {
	ID           string        `aws:"instanceId"`
	Image        string        `aws:"imageId"`
	State        instanceState `aws:"instanceState"`
	PrivateDNS   string        `aws:"privateDnsName"`
	PublicDNS    string        `aws:"dnsName"`
	Key          string        `aws:"keyName"`
	LaunchIndex  string        `aws:"amiLaunchIndex"`
	ProductCodes []struct {
		Code string `aws:"productCode"`
	} `aws:"productCodes"`
	Type           string        `aws:"instanceType"`
	LaunchTime     time.Time     `aws:"launchTime"`
	Placement      placement     `aws:"placement"`
	Kernel         string        `aws:"kernelId"`
	Ramdisk        string        `aws:"ramdiskId"`
	Platform       string        `aws:"platform"`
	Monitoring     state         `aws:"monitoring"`
	Subnet         string        `aws:"subnetId"`
	VPC            string        `aws:"vpcId"`
	PrivateIP      string        `aws:"privateIpAddress"`
	PublicIP       string        `aws:"ipAddress"`
	GroupSet       []groupAnswer `aws:"groupSet"`
	Architecture   string        `aws:"architecture"`
	RootDeviceType string        `aws:"rootDeviceType"`
	Devices        []device      `aws:"blockDeviceMapping"`
	Virtualization string        `aws:"virtualizationType"`
	Lifecycle      string        `aws:"instanceLifecycle"`
	SpotRequest    string        `aws:"spotInstanceRequestId"`
	ClientToken    string        `aws:"clientToken"`
	Tags           []tag         `aws:"tagSet"`
	Hypervisor     string        `aws:"hypervisor"`
	EBSOptimized   string        `aws:"ebsOptimized"`
	Profile        struct {
		ARN string `aws:"arn"`
	} `aws:"iamInstanceProfile"`
}

type instanceState struct {
	Name string `aws:"name"`
}

type state struct {
	State string `aws:"state"`
}

type placement struct {
	Zone    string `aws:"availabilityZone"`
	Group   string `aws:"groupName"`
	Tenancy string `aws:"tenancy"`
}

type device struct {
	Name   string `aws:"deviceName"`
	Volume struct {
		ID       string    `aws:"volumeId"`
		Attached time.Time `aws:"attachTime"`
	} `aws:"ebs"`
}

var describeInstances = &tool{
	names:    []string{"ec2-describe-instances", "ec2din"},
	synopsis: "[INSTANCE ...] [-F NAME=VALUE ...]",
	about:    "list instances",
	options:  []option{filterOption},
	example:  "ec2-describe-instances -F instance-state-name=running",
	run:      runDescribeInstances,
}

func runDescribeInstances(ctx context.Context, c *toolCall) error {
	filters, err := c.filters()
	if err != nil {
		return err
	}
	in := struct {
		dryRun
		IDs     []string `aws:"InstanceId"`
		Filters []filter `aws:"Filter"`
	}{c.dryRun(), c.positional, filters}
	var out struct {
		Reservations []reservation `aws:"reservationSet"`
	}
	if err := c.api.call(ctx, "DescribeInstances", &in, &out); err != nil {
		return err
	}
	c.addInstanceHeaders()
	for i := range out.Reservations {
		c.addReservation(&out.Reservations[i])
	}
	return nil
}

// addInstanceHeaders prints the names of the columns, if they are wanted.
func (c *toolCall) addInstanceHeaders() {
	if !c.has("headers") {
		return
	}
	c.out.add("RESERVATION", "ID", "Owner", "Groups")
	c.out.add("INSTANCE", "ID", "AMI", "Public DNS", "Private DNS", "State", "Key", "AMI Index", "Product Codes",
		"Type", "Launch Time", "Availability Zone", "Kernel", "Ramdisk", "Platform", "Monitoring", "Public IP",
		"Private IP", "VPC", "Subnet", "Root Device Type", "Lifecycle", "Spot Request", "License", "Placement Group",
		"Virtualization Type", "Hypervisor", "Client Token", "Groups", "Tenancy", "EBS Optimized", "IAM Profile", "Architecture")
}

func (c *toolCall) addReservation(r *reservation) {
	names := make([]string, len(r.Groups))
	for i, g := range r.Groups {
		names[i] = firstNonEmpty(g.Name, g.ID)
	}
	c.out.add("RESERVATION", r.ID, r.Owner, strings.Join(names, ", "))
	for i := range r.Instances {
		c.addInstance(&r.Instances[i])
	}
}

// addInstance prints the record of an instance, with all of its columns, and
// those of its volumes and tags.
func (c *toolCall) addInstance(i *instance) {
	codes := make([]string, len(i.ProductCodes))
	for n, p := range i.ProductCodes {
		codes[n] = p.Code
	}
	groups := make([]string, len(i.GroupSet))
	for n, g := range i.GroupSet {
		groups[n] = g.ID
	}
	c.out.add("INSTANCE", i.ID, i.Image, i.PublicDNS, i.PrivateDNS, i.State.Name, i.Key, i.LaunchIndex, strings.Join(codes, ","),
		i.Type, formatTime(i.LaunchTime, "2006-01-02T15:04:05-0700"), i.Placement.Zone, i.Kernel, i.Ramdisk, i.Platform,
		"monitoring-"+firstNonEmpty(i.Monitoring.State, "disabled"), i.PublicIP,
		i.PrivateIP, i.VPC, i.Subnet, i.RootDeviceType, i.Lifecycle, i.SpotRequest, "", i.Placement.Group,
		i.Virtualization, i.Hypervisor, i.ClientToken, strings.Join(groups, ","), i.Placement.Tenancy, i.EBSOptimized,
		i.Profile.ARN, i.Architecture)
	for _, d := range i.Devices {
		c.out.add("BLOCKDEVICE", d.Name, d.Volume.ID, formatTime(d.Volume.Attached, "2006-01-02T15:04:05.000Z"))
	}
	c.addTags("instance", i.ID, i.Tags)
}

// formatTime is "" for no time.
func formatTime(t time.Time, layout string) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(layout)
}
