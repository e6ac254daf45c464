package api_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ringfence/internal/awsquery"
	"ringfence/internal/vpc"
)

// Whatever is asked, the answer is AWS's success or the caller's fault: never
// an internal error, and never anything but XML.
func TestNoCallIsAnInternalError(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, albert)
	c.ok("CreateSecurityGroup", "GroupName=web", "GroupDescription=d")
	group := text(c.ok("DescribeSecurityGroups", "GroupName.1=web"), "groupId")
	instance := text(c.ok("RunInstances", "ImageId=ami-eca54085", "MinCount=1", "MaxCount=1"), "instanceId")

	network := c.newVPC("10.0.0.0/16")
	acl, vpcGroup := c.newACL(network), c.newGroup("web", "VpcId="+network)

	actions := []string{"CreateSecurityGroup", "DeleteSecurityGroup", "DescribeSecurityGroups", "AuthorizeSecurityGroupIngress",
		"AuthorizeSecurityGroupEgress", "RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress", "DescribeSecurityGroupRules",
		"ModifySecurityGroupRules", "UpdateSecurityGroupRuleDescriptionsIngress", "UpdateSecurityGroupRuleDescriptionsEgress",
		"DescribeSecurityGroupReferences", "DescribeStaleSecurityGroups", "GetSecurityGroupsForVpc", "CreateNetworkAcl", "DeleteNetworkAcl",
		"DescribeNetworkAcls", "CreateNetworkAclEntry", "ReplaceNetworkAclEntry", "DeleteNetworkAclEntry", "ReplaceNetworkAclAssociation",
		"RunInstances", "DescribeInstances", "TerminateInstances", "StopInstances", "StartInstances",
		"RebootInstances", "DescribeImages", "DescribeRegions", "DescribeAvailabilityZones", "DescribeAccountAttributes"}
	names := []string{"GroupName", "GroupName.1", "GroupId", "GroupId.2", "GroupDescription", "IpProtocol", "FromPort", "ToPort", "CidrIp",
		"SourceSecurityGroupName", "SourceSecurityGroupOwnerId", "IpPermissions.1.IpProtocol", "IpPermissions.1.FromPort",
		"IpPermissions.1.ToPort", "IpPermissions.1.IpRanges.1.CidrIp", "IpPermissions.2.Groups.1.GroupName", "IpPermissions.1.Groups.1.UserId",
		"IpPermissions.1.Groups.1.GroupId", "IpPermissions.1.Ipv6Ranges.1.CidrIpv6", "IpPermissions.1.PrefixListIds.1.PrefixListId", "VpcId",
		"SecurityGroupRule.1.SecurityGroupRuleId", "SecurityGroupRule.1.SecurityGroupRule.IpProtocol", "SecurityGroupRule.1.SecurityGroupRule.CidrIpv4",
		"SecurityGroupRule.1.SecurityGroupRule.ReferencedGroupId", "SecurityGroupRuleDescription.1.SecurityGroupRuleId", "NetworkAclId",
		"NetworkAclId.1", "RuleNumber", "Egress", "Protocol", "RuleAction", "CidrBlock", "Ipv6CidrBlock", "PortRange.From", "Icmp.Type",
		"AssociationId", "ImageId", "ImageId.1", "MinCount", "MaxCount", "InstanceId.1", "InstanceId.7", "SecurityGroup.1",
		"SecurityGroupId.1", "UserData", "ClientToken", "Filter.1.Name", "Filter.1.Value.1", "MaxResults", "NextToken", "DryRun",
		"TagSpecification.1.ResourceType", "TagSpecification.1.Tag.1.Key", "SecurityGroupRuleId.1", "RegionName.1", "ZoneName.1", "AttributeName.1",
		"InstanceType", "Placement.AvailabilityZone", "Colour", "IpPermissions", "IpPermissions.0.FromPort", "Filter.1", ".", ""}
	values := []string{"", "web", "default", "none", group, instance, network, acl, vpcGroup, "allow", "sg-843f59ed", "ami-eca54085", "tcp", "icmp", "-1", "0", "1", "2", "65535", "65536",
		"99999999999999999999", "0.0.0.0/0", "10.0.0.1/8", "::/0", "1.2.3.4", "111122223333", "amazon-elb", "amazon-elb-sg", "true", "false",
		"group-name", "instance-state-name", "tag:", "*", "\\", "IyE=", "security-group", "\x00", "é", "us-east-1", "us-east-1a"}
	rapid.Check(t, func(rt *rapid.T) {
		params := map[string]string{}
		for range rapid.IntRange(0, 6).Draw(rt, "parameters") {
			params[rapid.SampledFrom(names).Draw(rt, "name")] = rapid.SampledFrom(values).Draw(rt, "value")
		}
		var pairs []string
		for name, value := range params {
			pairs = append(pairs, name+"="+value)
		}
		action := rapid.SampledFrom(actions).Draw(rt, "action")
		status, body := c.call(action, pairs...)
		if status == 200 {
			return
		}
		if code := vpc.CodeOf(awsquery.DecodeError(status, []byte(body))); code == vpc.InternalError {
			rt.Fatalf("%s %q: %d %s", action, pairs, status, body)
		}
	})
}

// A group's rules are a set: what calls do to it is what they do to a map.
func TestRulesAreASet(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, albert)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		name := fmt.Sprintf("group-%d", n)
		c.ok("CreateSecurityGroup", "GroupName="+name, "GroupDescription=d")
		defer c.ok("DeleteSecurityGroup", "GroupName="+name)
		set := map[string]bool{}
		for range rapid.IntRange(1, 12).Draw(rt, "calls") {
			from := rapid.IntRange(1, 2).Draw(rt, "from")
			to := from + rapid.IntRange(0, 1).Draw(rt, "more")
			cidr := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, rapid.Byte().Draw(rt, "host")}), rapid.IntRange(24, 25).Draw(rt, "bits"))
			rule := fmt.Sprintf("%d-%d %s", from, to, cidr.Masked())
			params := []string{"GroupName=" + name, "IpProtocol=tcp", fmt.Sprintf("FromPort=%d", from), fmt.Sprintf("ToPort=%d", to), "CidrIp=" + cidr.String()}
			if rapid.Bool().Draw(rt, "authorize") {
				want := vpc.Code("")
				if set[rule] {
					want = vpc.InvalidPermissionDuplicate
				}
				if code := c.code("AuthorizeSecurityGroupIngress", params...); code != want {
					rt.Fatalf("authorise %s: %q, want %q", rule, code, want)
				}
				set[rule] = true
			} else {
				c.ok("RevokeSecurityGroupIngress", params...)
				delete(set, rule)
			}
		}
		v := view(t, w)
		got := map[string]bool{}
		for _, r := range v.Rules(v.GroupNamed("us-east-1", albert, vpc.ClassicNetwork, name)) {
			got[fmt.Sprintf("%d-%d %s", r.Ports.From, r.Ports.To, r.Peer.CIDR)] = true
		}
		if !maps.Equal(got, set) {
			rt.Fatalf("rules %q, want %q", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(set)))
		}
	})
}
