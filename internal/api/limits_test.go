package api_test

import (
	"fmt"
	"strings"
	"testing"

	"ringfence/internal/api"
	"ringfence/internal/server"
)

// Scripts look for the words of a quota, too.
func TestQuotasInAWSsWords(t *testing.T) {
	limits, err := api.ParseLimits([]string{"classic-groups=2", "rules-per-group=1", "groups-per-instance=1", "vpc-groups=2", "groups-per-interface=1"})
	if err != nil {
		t.Fatal(err)
	}
	c := fresh(t).withOptions(t, server.Options{API: api.Options{Limits: limits}}).caller(t, albert)
	c.newGroup("web")
	network := c.newVPC("10.0.0.0/16")
	subnet := text(c.ok("CreateSubnet", "VpcId="+network, "CidrBlock=10.0.1.0/24"), "subnetId")
	inVPC := c.newGroup("web", "VpcId="+network)
	other := text(c.ok("DescribeSecurityGroups", "Filter.1.Name=vpc-id", "Filter.1.Value.1="+network, "Filter.2.Name=group-name", "Filter.2.Value.1=default"), "groupId")
	for _, tt := range []struct{ call, words string }{
		{"CreateSecurityGroup GroupName=app GroupDescription=d",
			"SecurityGroupLimitExceeded: The maximum number of security groups has been reached."},
		{"CreateSecurityGroup GroupName=app GroupDescription=d VpcId=" + network,
			fmt.Sprintf("SecurityGroupLimitExceeded: The maximum number of security groups for VPC '%s' has been reached.", network)},
		{"AuthorizeSecurityGroupIngress GroupName=web SourceSecurityGroupName=web",
			"RulesPerSecurityGroupLimitExceeded: The maximum number of rules per security group has been reached."},
		{"RunInstances ImageId=ami-eca54085 MinCount=1 MaxCount=1 SecurityGroup.1=web SecurityGroup.2=default",
			"SecurityGroupsPerInstanceLimitExceeded: The maximum number of security groups per instance has been reached."},
		{"CreateNetworkInterface SubnetId=" + subnet + " SecurityGroupId.1=" + inVPC + " SecurityGroupId.2=" + other,
			"SecurityGroupsPerInterfaceLimitExceeded: The maximum number of security groups per interface has been reached."},
	} {
		words := strings.Fields(tt.call)
		status, body := c.call(words[0], words[1:]...)
		if got := text(body, "Code") + ": " + strings.ReplaceAll(text(body, "Message"), "&#39;", "'"); status != 400 || got != tt.words {
			t.Errorf("%s\n got %d %s\nwant 400 %s", tt.call, status, got, tt.words)
		}
	}
}
