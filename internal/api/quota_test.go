package api_test

import (
	"fmt"
	"strings"
	"testing"

	"ringfence/internal/api"
	"ringfence/internal/server"
	"ringfence/internal/vpc"
)

func TestQuotas(t *testing.T) {
	w := fresh(t)
	limits, err := api.ParseLimits([]string{"classic-groups=3", "rules-per-group=2", "groups-per-instance=1"})
	if err != nil {
		t.Fatal(err)
	}
	w = w.withOptions(t, server.Options{API: api.Options{Limits: limits}})
	c := w.caller(t, albert)
	c.ok("CreateSecurityGroup", "GroupName=a", "GroupDescription=d")
	c.ok("CreateSecurityGroup", "GroupName=b", "GroupDescription=d")
	if code := c.code("CreateSecurityGroup", "GroupName=c", "GroupDescription=d"); code != vpc.SecurityGroupLimitExceeded {
		t.Errorf("fourth group: %q", code)
	}
	cidr := func(n int) string { return fmt.Sprintf("IpPermissions.1.IpRanges.%d.CidrIp=10.0.0.%d/32", n, n) }
	tcp := []string{"GroupName=a", "IpPermissions.1.IpProtocol=tcp", "IpPermissions.1.FromPort=1", "IpPermissions.1.ToPort=2"}
	if code := c.code("AuthorizeSecurityGroupIngress", append(tcp, cidr(1), cidr(2), cidr(3))...); code != vpc.RulesPerSecurityGroupLimitExceeded {
		t.Errorf("three rules: %q", code)
	}
	c.ok("AuthorizeSecurityGroupIngress", append(tcp, cidr(1), cidr(2))...)
	if code := c.code("RunInstances", "ImageId=ami-eca54085", "MinCount=1", "MaxCount=1", "SecurityGroup.1=a", "SecurityGroup.2=b"); code != vpc.SecurityGroupsPerInstanceLimitExceeded {
		t.Errorf("two groups: %q", code)
	}
	// A group named twice, by name and by id, is one.
	id := text(c.ok("DescribeSecurityGroups", "GroupName.1=a"), "groupId")
	c.ok("RunInstances", "ImageId=ami-eca54085", "MinCount=1", "MaxCount=1", "SecurityGroup.1=a", "SecurityGroupId.1="+id)
}

func TestTheQuotasOf2012(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, albert)
	c.ok("CreateSecurityGroup", "GroupName=web", "GroupDescription=d")
	params := []string{"GroupName=web", "IpPermissions.1.IpProtocol=tcp", "IpPermissions.1.FromPort=1", "IpPermissions.1.ToPort=2"}
	for i := range 100 {
		params = append(params, fmt.Sprintf("IpPermissions.1.IpRanges.%d.CidrIp=10.0.%d.0/24", i+1, i))
	}
	c.ok("AuthorizeSecurityGroupIngress", params...)
	if code := c.code("AuthorizeSecurityGroupIngress", "GroupName=web", "IpProtocol=tcp", "FromPort=1", "ToPort=1", "CidrIp=0.0.0.0/0"); code != vpc.RulesPerSecurityGroupLimitExceeded {
		t.Errorf("rule 101: %q", code)
	}
	for i := range 498 { // with web and default that is 500
		c.ok("CreateSecurityGroup", fmt.Sprintf("GroupName=group-%d", i), "GroupDescription=d")
	}
	if code := c.code("CreateSecurityGroup", "GroupName=one-more", "GroupDescription=d"); code != vpc.SecurityGroupLimitExceeded {
		t.Errorf("group 501: %q", code)
	}
	launch := []string{"ImageId=ami-eca54085", "MinCount=1", "MaxCount=2", "SecurityGroup.1=default", "SecurityGroup.2=web"}
	for i := range 498 {
		launch = append(launch, fmt.Sprintf("SecurityGroup.%d=group-%d", i+3, i))
	}
	if in := strings.Count(c.ok("RunInstances", launch...), "<groupId>"); in < 500 {
		t.Errorf("the instances are in %d groups, want 500", in)
	}
	if code := c.code("DeleteSecurityGroup", "GroupName=group-400"); code != vpc.InvalidGroupInUse {
		t.Errorf("delete a group of an instance: %q", code)
	}
}

// A VPC of 2012 has 50 groups, and a group of it 50 rules in both directions
// together (EC2 User Guide 2012, "Using Security Groups").
func TestTheQuotasOf2012InAVPC(t *testing.T) {
	c := fresh(t).caller(t, albert)
	network := c.newVPC("10.0.0.0/16")
	web := c.newGroup("web", "VpcId="+network)
	rules := func(n int) []string {
		params := []string{"GroupId=" + web, "IpPermissions.1.IpProtocol=tcp", "IpPermissions.1.FromPort=1", "IpPermissions.1.ToPort=2"}
		for i := range n {
			params = append(params, fmt.Sprintf("IpPermissions.1.IpRanges.%d.CidrIp=10.0.%d.0/24", i+1, i))
		}
		return params
	}
	c.ok("AuthorizeSecurityGroupEgress", rules(9)...) // beside the one that every group has
	if code := c.code("AuthorizeSecurityGroupIngress", rules(41)...); code != vpc.RulesPerSecurityGroupLimitExceeded {
		t.Errorf("rule 51: %q", code)
	}
	c.ok("AuthorizeSecurityGroupIngress", rules(40)...)
	for i := range 48 { // with web and default that is 50
		c.newGroup(fmt.Sprintf("group-%d", i), "VpcId="+network)
	}
	if code := c.code("CreateSecurityGroup", "GroupName=one-more", "GroupDescription=d", "VpcId="+network); code != vpc.SecurityGroupLimitExceeded {
		t.Errorf("group 51: %q", code)
	}
}

// A launch makes as many instances as the quotas of interfaces and instances allow,
// and none when these are fewer than it needs.
func TestALaunchKeepsToTheQuotas(t *testing.T) {
	w := fresh(t)
	limits, err := api.ParseLimits([]string{"interfaces=5", "max-instances=3"})
	if err != nil {
		t.Fatal(err)
	}
	w = w.withOptions(t, server.Options{API: api.Options{Limits: limits}})
	c := w.caller(t, carol)
	subnet := text(c.ok("DescribeSubnets"), "subnetId")
	two := func(least, most int) []string {
		return []string{
			"ImageId=ami-eca54085", fmt.Sprintf("MinCount=%d", least), fmt.Sprintf("MaxCount=%d", most),
			"NetworkInterface.1.DeviceIndex=0", "NetworkInterface.1.SubnetId=" + subnet,
			"NetworkInterface.2.DeviceIndex=1", "NetworkInterface.2.SubnetId=" + subnet,
		}
	}
	if code := c.code("RunInstances", two(3, 3)...); code != vpc.NetworkInterfaceLimitExceeded {
		t.Errorf("six interfaces: %q", code)
	}
	if n := strings.Count(c.ok("RunInstances", two(1, 3)...), "<instanceId>"); n != 2 {
		t.Errorf("%d instances with two interfaces each, want 2", n)
	}
	if code := c.code("RunInstances", "ImageId=ami-eca54085", "MinCount=2", "MaxCount=2"); code != vpc.InstanceLimitExceeded {
		t.Errorf("instance 4: %q", code)
	}
	c.ok("RunInstances", "ImageId=ami-eca54085", "MinCount=1", "MaxCount=2")
	if n := len(view(t, w).Interfaces(usEast1, carol)); n != 5 {
		t.Errorf("%d interfaces", n)
	}
}

// Interfaces are made by many at once up to the quota, never above.
func TestManyMakeInterfacesUpToTheQuota(t *testing.T) {
	w := fresh(t)
	limits, err := api.ParseLimits([]string{"interfaces=7"})
	if err != nil {
		t.Fatal(err)
	}
	w = w.withOptions(t, server.Options{API: api.Options{Limits: limits}})
	subnet := text(w.caller(t, carol).ok("DescribeSubnets"), "subnetId")
	codes := w.atOnce(t, 16, carol, "CreateNetworkInterface", always("SubnetId="+subnet))
	if codes[""] != 7 || codes[vpc.NetworkInterfaceLimitExceeded] != 9 {
		t.Errorf("answers: %v", codes)
	}
}

func TestParseLimitsRefuses(t *testing.T) {
	for _, pair := range []string{"colour=1", "classic-groups", "classic-groups=many", "classic-groups=-1"} {
		if _, err := api.ParseLimits([]string{pair}); err == nil {
			t.Errorf("%q is taken", pair)
		}
	}
}
