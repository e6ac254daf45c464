package api

import "slices"

// The parameters that many actions share.
var (
	filterParams = []string{"Filter.N.Name", "Filter.N.Value.N"}
	pageParams   = []string{"MaxResults", "NextToken"}
)

// listParams are the parameters of most Describe actions, and those given.
func listParams(more ...string) []string {
	return slices.Concat(more, filterParams, pageParams, []string{"DryRun"})
}

// networkActions are about VPCs and what packets meet on their way through them.
var networkActions = union(vpcActions, subnetActions, gatewayActions, routeActions, aclActions, prefixListActions, tagActions)

// vpcActions are about VPCs as a whole.
var vpcActions = map[string]*action{
	"CreateVpc": {
		handler: handle((*request).createVPC), network: true,
		done: []string{"CidrBlock", "AmazonProvidedIpv6CidrBlock", "DryRun"},
		kept: append([]string{"InstanceTenancy", "Ipv6CidrBlockNetworkBorderGroup"}, tagParams...),
	},
	"DeleteVpc": {
		handler: handle((*request).deleteVPC), network: true,
		done: []string{"VpcId", "DryRun"},
	},
	"DescribeVpcs": {
		handler: handle((*request).describeVPCs), network: true,
		done: listParams("VpcId.N"),
	},
	"CreateDefaultVpc": {
		handler: handle((*request).createDefaultVPC), network: true,
		done: []string{"DryRun"},
	},
	"DescribeVpcAttribute": {
		handler: handle((*request).describeVPCAttribute), network: true,
		done: []string{"VpcId", "Attribute", "DryRun"},
	},
	"ModifyVpcAttribute": {
		handler: handle((*request).modifyVPCAttribute), network: true,
		done: []string{"VpcId", "EnableDnsSupport.Value", "EnableDnsHostnames.Value"},
		kept: []string{"EnableNetworkAddressUsageMetrics.Value"},
	},
	"ModifyVpcTenancy": {
		handler: handle((*request).modifyVPCTenancy), network: true,
		done: []string{"VpcId", "DryRun"},
		kept: []string{"InstanceTenancy"},
	},
	"AssociateVpcCidrBlock": {
		handler: handle((*request).associateVPCBlock), network: true,
		done: []string{"VpcId", "CidrBlock", "AmazonProvidedIpv6CidrBlock"},
		kept: []string{"Ipv6CidrBlockNetworkBorderGroup"},
	},
	"DisassociateVpcCidrBlock": {
		handler: handle((*request).disassociateVPCBlock), network: true,
		done: []string{"AssociationId"},
	},
	"DescribeDhcpOptions": {
		handler: handle((*request).describeDHCPOptions), network: true,
		done: listParams("DhcpOptionsId.N"),
	},
	"AssociateDhcpOptions": {
		handler: handle((*request).associateDHCPOptions), network: true,
		done: []string{"VpcId", "DryRun"},
		kept: []string{"DhcpOptionsId"},
	},
	"DescribeVpcClassicLink": {
		handler: handle((*request).describeClassicLink), network: true,
		done: slices.Concat([]string{"VpcId.N", "DryRun"}, filterParams),
	},
	"DescribeVpcClassicLinkDnsSupport": {
		handler: handle((*request).describeClassicLinkDNS), network: true, pages: pageSize{5, 255},
		done: append([]string{"VpcIds.N"}, pageParams...),
	},
}
