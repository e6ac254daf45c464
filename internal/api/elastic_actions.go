package api

// elasticActions are about Elastic IP addresses.
var elasticActions = map[string]*action{
	"AllocateAddress": {
		handler: handle((*request).allocateAddress),
		done:    []string{"Domain", "NetworkBorderGroup", "DryRun"},
		kept:    tagParams,
	},
	"ReleaseAddress": {
		handler: handle((*request).releaseAddress),
		done:    []string{"AllocationId", "PublicIp", "NetworkBorderGroup", "DryRun"},
	},
	"AssociateAddress": {
		handler: handle((*request).associateAddress),
		done: []string{
			"AllocationId", "PublicIp", "InstanceId", "NetworkInterfaceId", "PrivateIpAddress", "AllowReassociation", "DryRun",
		},
	},
	"DisassociateAddress": {
		handler: handle((*request).disassociateAddress),
		done:    []string{"AssociationId", "PublicIp", "DryRun"},
	},
	"DescribeAddresses": {
		handler: handle((*request).describeAddresses),
		done:    []string{"PublicIp.N", "AllocationId.N", "Filter.N.Name", "Filter.N.Value.N", "DryRun"},
	},
	"DescribeAddressesAttribute": {
		handler: handle((*request).describeAddressAttributes), pages: pageSize{1, 1000},
		done: []string{"AllocationId.N", "Attribute", "MaxResults", "NextToken", "DryRun"},
	},
}
