package api

import "slices"

// groupActions are about security groups and their rules.
var groupActions = union(wholeGroupActions, ruleActions)

var wholeGroupActions = map[string]*action{
	"CreateSecurityGroup": {
		handler: handle((*request).createSecurityGroup), network: true,
		done: []string{"GroupName", "GroupDescription", "VpcId", "DryRun"},
		kept: tagParams,
	},
	"DeleteSecurityGroup": {
		handler: handle((*request).deleteSecurityGroup), network: true,
		done: []string{"GroupName", "GroupId", "DryRun"},
	},
	"DescribeSecurityGroups": {
		handler: handle((*request).describeSecurityGroups), network: true,
		done: []string{"GroupName.N", "GroupId.N", "Filter.N.Name", "Filter.N.Value.N", "MaxResults", "NextToken", "DryRun"},
	},
	"DescribeSecurityGroupReferences": {
		handler: handle((*request).describeReferences), network: true,
		done: []string{"GroupId.N", "DryRun"},
	},
	"DescribeStaleSecurityGroups": {
		handler: handle((*request).describeStaleGroups), network: true, pages: pageSize{5, 255},
		done: []string{"VpcId", "MaxResults", "NextToken", "DryRun"},
	},
	"GetSecurityGroupsForVpc": {
		handler: handle((*request).groupsForVPC), network: true,
		done: listParams("VpcId"),
	},
}

var ruleActions = map[string]*action{
	"AuthorizeSecurityGroupIngress": {
		handler: handle((*request).authorizeIngress), network: true,
		done: slices.Concat(groupParams, permissionParams, shorthandParams),
		kept: slices.Concat(descriptionParams, tagParams),
	},
	"AuthorizeSecurityGroupEgress": {
		handler: handle((*request).authorizeEgress), network: true,
		done: slices.Concat([]string{"GroupId", "DryRun"}, permissionParams),
		kept: slices.Concat(descriptionParams, tagParams), unrecognized: shorthandParams,
	},
	"RevokeSecurityGroupIngress": {
		handler: handle((*request).revokeIngress), network: true,
		done: slices.Concat(groupParams, permissionParams, shorthandParams, []string{"SecurityGroupRuleId.N"}),
		kept: descriptionParams,
	},
	"RevokeSecurityGroupEgress": {
		handler: handle((*request).revokeEgress), network: true,
		done: slices.Concat([]string{"GroupId", "DryRun", "SecurityGroupRuleId.N"}, permissionParams),
		kept: descriptionParams, unrecognized: shorthandParams,
	},
	"DescribeSecurityGroupRules": {
		handler: handle((*request).describeRules), network: true,
		done: listParams("SecurityGroupRuleId.N"),
	},
	"ModifySecurityGroupRules": {
		handler: handle((*request).modifyRules), network: true,
		done: []string{
			"GroupId", "SecurityGroupRule.N.SecurityGroupRuleId",
			"SecurityGroupRule.N.SecurityGroupRule.IpProtocol", "SecurityGroupRule.N.SecurityGroupRule.FromPort",
			"SecurityGroupRule.N.SecurityGroupRule.ToPort", "SecurityGroupRule.N.SecurityGroupRule.CidrIpv4",
			"SecurityGroupRule.N.SecurityGroupRule.CidrIpv6", "SecurityGroupRule.N.SecurityGroupRule.PrefixListId",
			"SecurityGroupRule.N.SecurityGroupRule.ReferencedGroupId", "DryRun",
		},
		kept: []string{"SecurityGroupRule.N.SecurityGroupRule.Description"},
	},
	"UpdateSecurityGroupRuleDescriptionsIngress": {
		handler: handle((*request).updateIngressDescriptions), network: true,
		done: slices.Concat(groupParams, permissionParams, []string{"SecurityGroupRuleDescription.N.SecurityGroupRuleId"}),
		kept: append([]string{"SecurityGroupRuleDescription.N.Description"}, descriptionParams...),
	},
	"UpdateSecurityGroupRuleDescriptionsEgress": {
		handler: handle((*request).updateEgressDescriptions), network: true,
		done: slices.Concat(groupParams, permissionParams, []string{"SecurityGroupRuleDescription.N.SecurityGroupRuleId"}),
		kept: append([]string{"SecurityGroupRuleDescription.N.Description"}, descriptionParams...),
	},
}

// Parameters that several actions share.
var (
	groupParams = []string{"GroupName", "GroupId", "DryRun"}

	// permissionParams are rules in bundles.
	permissionParams = []string{
		"IpPermissions.N.IpProtocol", "IpPermissions.N.FromPort", "IpPermissions.N.ToPort",
		"IpPermissions.N.IpRanges.N.CidrIp", "IpPermissions.N.Ipv6Ranges.N.CidrIpv6", "IpPermissions.N.PrefixListIds.N.PrefixListId",
		"IpPermissions.N.Groups.N.UserId", "IpPermissions.N.Groups.N.GroupName", "IpPermissions.N.Groups.N.GroupId",
		"IpPermissions.N.Groups.N.VpcId",
	}

	// shorthandParams are one rule for ingress. AWS's model has them for egress
	// too, where EC2 does not recognise them.
	shorthandParams = []string{
		"IpProtocol", "FromPort", "ToPort", "CidrIp", "SourceSecurityGroupName", "SourceSecurityGroupOwnerId",
	}

	descriptionParams = []string{
		"IpPermissions.N.IpRanges.N.Description", "IpPermissions.N.Ipv6Ranges.N.Description",
		"IpPermissions.N.PrefixListIds.N.Description", "IpPermissions.N.Groups.N.Description",
	}
)
