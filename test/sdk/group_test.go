package sdk

import (
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// A tool that manages rules one by one takes the rule away that every new group
// has, and refers to its own by id.
func TestSecurityGroupWithSeparateRules(t *testing.T) {
	c, ctx := connect(t), t.Context()
	vpc := newVPC(t, c, "10.23.0.0/16")
	group := *must[ec2.CreateSecurityGroupOutput](t)(c.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
		GroupName: aws.String("web"), Description: aws.String("Managed elsewhere"), VpcId: &vpc, TagSpecifications: tagged(t, types.ResourceTypeSecurityGroup),
	})).GroupId
	read := func() types.SecurityGroup {
		t.Helper()
		return must[ec2.DescribeSecurityGroupsOutput](t)(c.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{group}})).SecurityGroups[0]
	}
	everything := func(v6 bool) []types.IpPermission {
		p := types.IpPermission{IpProtocol: aws.String("-1"), FromPort: aws.Int32(0), ToPort: aws.Int32(0)}
		if v6 {
			p.Ipv6Ranges = []types.Ipv6Range{{CidrIpv6: aws.String("::/0")}}
		} else {
			p.IpRanges = []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}
		}
		return []types.IpPermission{p}
	}
	must[ec2.RevokeSecurityGroupEgressOutput](t)(c.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{GroupId: &group, IpPermissions: everything(false)}))
	_, err := c.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{GroupId: &group, IpPermissions: everything(true)})
	refused(t, "InvalidPermission.NotFound", err)
	if got := read(); len(got.IpPermissions)+len(got.IpPermissionsEgress) != 0 || *got.VpcId != vpc || name(got.Tags) != t.Name() {
		t.Errorf("read %+v", got)
	}

	permission := []types.IpPermission{{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(443), ToPort: aws.Int32(443),
		IpRanges: []types.IpRange{{CidrIp: aws.String("203.0.113.0/24"), Description: aws.String("office")}}}}
	rules := must[ec2.AuthorizeSecurityGroupIngressOutput](t)(c.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: &group, IpPermissions: permission, TagSpecifications: tagged(t, types.ResourceTypeSecurityGroupRule),
	})).SecurityGroupRules
	if len(rules) != 1 || *rules[0].IsEgress || *rules[0].CidrIpv4 != "203.0.113.0/24" || *rules[0].Description != "office" || name(rules[0].Tags) != t.Name() {
		t.Fatalf("rules %+v", rules)
	}
	id := *rules[0].SecurityGroupRuleId
	_, err = c.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &group, IpPermissions: permission})
	refused(t, "InvalidPermission.Duplicate", err)
	readRule := func() types.SecurityGroupRule {
		t.Helper()
		return must[ec2.DescribeSecurityGroupRulesOutput](t)(c.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{SecurityGroupRuleIds: []string{id}})).SecurityGroupRules[0]
	}
	if !reflect.DeepEqual(readRule(), rules[0]) || !reflect.DeepEqual(read(), read()) {
		t.Error("reading again finds a change")
	}

	must[ec2.ModifySecurityGroupRulesOutput](t)(c.ModifySecurityGroupRules(ctx, &ec2.ModifySecurityGroupRulesInput{GroupId: &group, SecurityGroupRules: []types.SecurityGroupRuleUpdate{{
		SecurityGroupRuleId: &id, SecurityGroupRule: &types.SecurityGroupRuleRequest{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(8443), ToPort: aws.Int32(8443),
			CidrIpv4: aws.String("198.51.100.0/24"), Description: aws.String("moved")},
	}}}))
	if got := readRule(); *got.FromPort != 8443 || *got.CidrIpv4 != "198.51.100.0/24" || *got.Description != "moved" {
		t.Errorf("updated in place: %+v", got)
	}

	// A group that another one names stays until that rule is gone.
	other := *must[ec2.CreateSecurityGroupOutput](t)(c.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("db"), Description: aws.String("db"), VpcId: &vpc})).GroupId
	out := must[ec2.AuthorizeSecurityGroupIngressOutput](t)(c.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &other, IpPermissions: []types.IpPermission{{
		IpProtocol: aws.String("tcp"), FromPort: aws.Int32(3306), ToPort: aws.Int32(3306), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: &group}},
	}}}))
	if got := out.SecurityGroupRules[0].ReferencedGroupInfo; got == nil || *got.GroupId != group {
		t.Errorf("rule %+v", out.SecurityGroupRules[0])
	}
	_, err = c.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &group})
	refused(t, "DependencyViolation", err)
	must[ec2.RevokeSecurityGroupIngressOutput](t)(c.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: &other, SecurityGroupRuleIds: []string{*out.SecurityGroupRules[0].SecurityGroupRuleId}}))
	must[ec2.RevokeSecurityGroupIngressOutput](t)(c.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: &group, SecurityGroupRuleIds: []string{id}}))
	for _, g := range []string{group, other} {
		must[ec2.DeleteSecurityGroupOutput](t)(c.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &g}))
	}
	_, err = c.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{group}})
	refused(t, "InvalidGroup.NotFound", err)
}
