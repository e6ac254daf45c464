package api

// subnetActions are about subnets.
var subnetActions = map[string]*action{
	"CreateSubnet": {
		handler: handle((*request).createSubnet), network: true,
		done: []string{"VpcId", "CidrBlock", "Ipv6CidrBlock", "Ipv6Native", "AvailabilityZone", "AvailabilityZoneId", "DryRun"},
		kept: tagParams,
	},
	"CreateDefaultSubnet": {
		handler: handle((*request).createDefaultSubnet), network: true,
		done: []string{"AvailabilityZone", "Ipv6Native", "DryRun"},
	},
	"DeleteSubnet": {
		handler: handle((*request).deleteSubnet), network: true,
		done: []string{"SubnetId", "DryRun"},
	},
	"DescribeSubnets": {
		handler: handle((*request).describeSubnets), network: true,
		done: listParams("SubnetId.N"),
	},
	"ModifySubnetAttribute": {
		handler: handle((*request).modifySubnetAttribute), network: true,
		done: []string{
			"SubnetId", "MapPublicIpOnLaunch.Value", "AssignIpv6AddressOnCreation.Value", "EnableDns64.Value", "MapCustomerOwnedIpOnLaunch.Value",
			"EnableResourceNameDnsARecordOnLaunch.Value", "EnableResourceNameDnsAAAARecordOnLaunch.Value", "PrivateDnsHostnameTypeOnLaunch",
		},
	},
	"AssociateSubnetCidrBlock": {
		handler: handle((*request).associateSubnetBlock), network: true,
		done: []string{"SubnetId", "Ipv6CidrBlock"},
	},
	"DisassociateSubnetCidrBlock": {
		handler: handle((*request).disassociateSubnetBlock), network: true,
		done: []string{"AssociationId"},
	},
}
