package api

// groupActions are about security groups and their rules.
var groupActions = map[string]*action{
	"CreateSecurityGroup": {
		handler: handle((*request).createSecurityGroup), network: true,
		done: []string{"GroupName", "GroupDescription", "VpcId", "DryRun"},
		kept: []string{"TagSpecification.N.ResourceType", "TagSpecification.N.Tag.N.Key", "TagSpecification.N.Tag.N.Value"},
	},
	"DeleteSecurityGroup": {
		handler: handle((*request).deleteSecurityGroup), network: true,
		done: []string{"GroupName", "GroupId", "DryRun"},
	},
	"DescribeSecurityGroups": {
		handler: handle((*request).describeSecurityGroups), network: true,
		done: []string{"GroupName.N", "GroupId.N", "Filter.N.Name", "Filter.N.Value.N", "MaxResults", "NextToken", "DryRun"},
	},
	"AuthorizeSecurityGroupIngress": {
		handler: handle((*request).authorizeIngress), network: true,
		done: permissionParams,
		kept: []string{
			"IpPermissions.N.IpRanges.N.Description", "IpPermissions.N.Groups.N.Description",
			"TagSpecification.N.ResourceType", "TagSpecification.N.Tag.N.Key", "TagSpecification.N.Tag.N.Value",
		},
	},
	"RevokeSecurityGroupIngress": {
		handler: handle((*request).revokeIngress), network: true,
		done: append([]string{"SecurityGroupRuleId.N"}, permissionParams...),
		kept: []string{"IpPermissions.N.IpRanges.N.Description", "IpPermissions.N.Groups.N.Description"},
	},
}

// permissionParams are the parameters that Authorize and Revoke share.
var permissionParams = []string{
	"GroupName", "GroupId", "IpProtocol", "FromPort", "ToPort", "CidrIp",
	"SourceSecurityGroupName", "SourceSecurityGroupOwnerId",
	"IpPermissions.N.IpProtocol", "IpPermissions.N.FromPort", "IpPermissions.N.ToPort",
	"IpPermissions.N.IpRanges.N.CidrIp",
	"IpPermissions.N.Groups.N.UserId", "IpPermissions.N.Groups.N.GroupName", "IpPermissions.N.Groups.N.GroupId",
	"DryRun",
}
