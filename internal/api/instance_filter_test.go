package api_test

import (
	"fmt"
	"strings"
	"testing"

	"ringfence/internal/vpc"
)

// Each filter of DescribeInstances finds an instance by what it shows, and not
// by anything else.
func TestFiltersOfInstances(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, albert)
	group := c.newGroup("web")
	network := text(c.ok("CreateVpc", "CidrBlock=10.0.0.0/16", "AmazonProvidedIpv6CidrBlock=true"), "vpcId")
	block := strings.Replace(text(c.ok("DescribeVpcs", "VpcId.1="+network), "ipv6CidrBlock"), "/56", "/64", 1)
	subnet := text(c.ok("CreateSubnet", "VpcId="+network, "CidrBlock=10.0.1.0/24", "Ipv6CidrBlock="+block), "subnetId")
	launch := func(params ...string) vpc.InstanceID {
		body := c.ok("RunInstances", append(params, "MinCount=1", "MaxCount=1")...)
		id := vpc.InstanceID(text(body, "instanceId"))
		if err := w.server.Report(t.Context(), &vpc.Report{Instance: id, Generation: 1, State: vpc.Running}); err != nil {
			t.Fatal(err)
		}
		return id
	}
	classic := launch("ImageId=ami-fba54092", "SecurityGroup.1=web", "ClientToken=t", "TagSpecification.1.ResourceType=instance",
		"TagSpecification.1.Tag.1.Key=tier", "TagSpecification.1.Tag.1.Value=web*1")
	inVPC := launch("ImageId=ami-eca54085", "SubnetId="+subnet, "InstanceType=m5.large", "Ipv6AddressCount=1", "EbsOptimized=true",
		"BlockDeviceMapping.1.DeviceName=/dev/sdz", "BlockDeviceMapping.1.Ebs.VolumeSize=1",
		"MaintenanceOptions.AutoRecovery=disabled", "MetadataOptions.InstanceMetadataTags=enabled")
	shown := c.ok("DescribeInstances", "InstanceId.1="+string(classic))
	inside := c.ok("DescribeInstances", "InstanceId.1="+string(inVPC))

	tests := []struct {
		id            vpc.InstanceID
		filter, value string
	}{
		{classic, "group-id", group},
		{classic, "group-name", "web"},
		{classic, "instance.group-id", group},
		{classic, "instance.group-name", "w?b"},
		{classic, "ip-address", text(shown, "ipAddress")},
		{classic, "private-ip-address", text(shown, "privateIpAddress")},
		{classic, "dns-name", text(shown, "dnsName")},
		{classic, "private-dns-name", text(shown, "privateDnsName")},
		{classic, "reservation-id", text(shown, "reservationId")},
		{classic, "image-id", "ami-fba54092"},
		{classic, "instance-type", "m1.*"},
		{classic, "client-token", "t"},
		{classic, "tag:tier", `web\*1`},
		{classic, "tag-key", "tier"},
		{classic, "tag-value", "web*1"},
		{inVPC, "vpc-id", text(inside, "vpcId")},
		{inVPC, "subnet-id", subnet},
		{inVPC, "network-interface.group-id", text(inside, "groupId")},
		{inVPC, "network-interface.group-name", "default"},
		{inVPC, "private-ip-address", "10.0.1.*"},
		{inVPC, "ipv6-address", text(inside, "ipv6Address")},
		{inVPC, "network-interface.ipv6-address", text(inside, "ipv6Address")},
		{inVPC, "network-interface.availability-zone-id", "use1-az?"},
		{inVPC, "block-device-mapping.volume-id", text(inside, "volumeId")},
		{inVPC, "block-device-mapping.device-name", "/dev/sdz"},
		{inVPC, "ebs-optimized", "true"},
		{inVPC, "maintenance-options.auto-recovery", "disabled"},
		{inVPC, "metadata-options.instance-metadata-tags", "enabled"},
	}
	for _, tt := range tests {
		body := c.ok("DescribeInstances", "Filter.1.Name="+tt.filter, "Filter.1.Value.1=none", "Filter.1.Value.2="+tt.value,
			"Filter.2.Name=instance-state-code", "Filter.2.Value.1=16", "Filter.3.Name=instance-state-name", "Filter.3.Value.1=running")
		if n := strings.Count(body, "<instanceId>"); text(body, "instanceId") != string(tt.id) || n != strings.Count(body, string(tt.id)) {
			t.Errorf("%s=%s finds another than %s: %s", tt.filter, tt.value, tt.id, body)
		}
	}

	// What no instance has is a filter all the same, and finds none.
	for _, name := range []string{"instance-lifecycle", "platform", "placement-group-name", "spot-instance-request-id"} {
		if body := c.ok("DescribeInstances", "Filter.1.Name="+name, "Filter.1.Value.1=*"); strings.Contains(body, "<instanceId>") {
			t.Errorf("%s finds an instance: %s", name, body)
		}
	}

	params := []string{}
	for i := range 201 {
		params = append(params, fmt.Sprintf("Filter.1.Value.%d=%d", i+1, i))
	}
	if code := c.code("DescribeInstances", append(params, "Filter.1.Name=image-id")...); code != vpc.FilterLimitExceeded {
		t.Errorf("201 values of filters: %q", code)
	}
}
