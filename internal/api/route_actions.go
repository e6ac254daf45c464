package api

// routeActions are about route tables and routes.
var routeActions = map[string]*action{
	"CreateRouteTable": {
		handler: handle((*request).createRouteTable), network: true,
		done: []string{"VpcId", "ClientToken", "DryRun"},
		kept: tagParams,
	},
	"DeleteRouteTable": {
		handler: handle((*request).deleteRouteTable), network: true,
		done: []string{"RouteTableId", "DryRun"},
	},
	"DescribeRouteTables": {
		handler: handle((*request).describeRouteTables), network: true, pages: pageSize{5, 100},
		done: listParams("RouteTableId.N"),
	},
	"AssociateRouteTable": {
		handler: handle((*request).associateRouteTable), network: true,
		done: []string{"RouteTableId", "SubnetId", "DryRun"},
	},
	"DisassociateRouteTable": {
		handler: handle((*request).disassociateRouteTable), network: true,
		done: []string{"AssociationId", "DryRun"},
	},
	"ReplaceRouteTableAssociation": {
		handler: handle((*request).replaceRouteTableAssociation), network: true,
		done: []string{"AssociationId", "RouteTableId", "DryRun"},
	},
	"CreateRoute": {
		handler: handle((*request).createRoute), network: true,
		done: routeParams,
	},
	"ReplaceRoute": {
		handler: handle((*request).replaceRoute), network: true,
		done: append([]string{"LocalTarget"}, routeParams...),
	},
	"DeleteRoute": {
		handler: handle((*request).deleteRoute), network: true,
		done: []string{"RouteTableId", "DestinationCidrBlock", "DestinationIpv6CidrBlock", "DryRun"},
	},
}

// routeParams are the parameters that CreateRoute and ReplaceRoute share.
var routeParams = []string{
	"RouteTableId", "DestinationCidrBlock", "DestinationIpv6CidrBlock", "GatewayId", "InstanceId", "NetworkInterfaceId", "DryRun",
}
