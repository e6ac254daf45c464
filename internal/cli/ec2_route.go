package cli

// routeRecords are the lines of a route table at a path.
func routeRecords(path string) []record {
	return []record{{
		kind: "ROUTETABLE", each: path, columns: []column{{"ID", "routeTableId"}, {"VPC", "vpcId"}},
		inner: []record{
			{
				kind: "ROUTE", each: "routeSet.item",
				columns: untitled(
					"gatewayId or instanceId or networkInterfaceId", "state",
					"destinationCidrBlock or destinationIpv6CidrBlock or destinationPrefixListId", "origin"),
			},
			{kind: "ASSOCIATION", each: "associationSet.item", columns: untitled("routeTableAssociationId", "main?main:", "subnetId")},
			tagRecord("route-table", "routeTableId"),
		},
	}}
}

// routeOptions say what a route leads to, and from where.
var routeOptions = []option{
	{"r", "cidr", "CIDR", "the destinations, of IPv4", "DestinationCidrBlock"},
	{"", "ipv6-cidr", "CIDR", "the destinations, of IPv6", "DestinationIpv6CidrBlock"},
	{"g", "gateway", "GATEWAY", "to this gateway", "GatewayId"},
	{"i", "instance", "INSTANCE", "to this instance", "InstanceId"},
	{"n", "network-interface", "INTERFACE", "to this network interface", "NetworkInterfaceId"},
}

var (
	routeRequired = []string{"cidr|ipv6-cidr", "gateway|instance|network-interface"}
	sentRoute     = []record{{kind: "ROUTE", columns: untitled("$gateway or $instance or $network-interface", "$cidr or $ipv6-cidr")}}
	tableWord     = []word{{"TABLE", "RouteTableId", false}}
)

// routeTools are those of route tables.
var routeTools = []*tool{
	{
		names:   []string{"ec2-create-route-table", "ec2addrtb"},
		about:   "create a route table",
		example: "ec2-create-route-table vpc-1a2b3c4d",
		action:  "CreateRouteTable",
		words:   []word{{"VPC", "VpcId", false}},
		records: routeRecords("routeTable"),
	},
	{
		names:   []string{"ec2-describe-route-tables", "ec2drtb"},
		about:   "list route tables",
		example: "ec2-describe-route-tables -F vpc-id=vpc-1a2b3c4d",
		action:  "DescribeRouteTables",
		words:   []word{{"TABLE", "RouteTableId.N", true}},
		options: []option{filterOption},
		records: routeRecords("routeTableSet.item"),
	},
	{
		names:   []string{"ec2-delete-route-table", "ec2delrtb"},
		about:   "delete a route table that no subnet uses",
		example: "ec2-delete-route-table rtb-e4ad488d",
		action:  "DeleteRouteTable",
		words:   tableWord,
		records: []record{returned},
	},
	{
		names:    []string{"ec2-associate-route-table", "ec2assocrtb"},
		about:    "have a subnet use a route table",
		example:  "ec2-associate-route-table rtb-e4ad488d -s subnet-9d4a7b6c",
		action:   "AssociateRouteTable",
		words:    tableWord,
		options:  []option{{"s", "subnet", "SUBNET", "the subnet", "SubnetId"}},
		required: []string{"subnet"},
		records:  []record{{kind: "ASSOCIATION", columns: []column{{"ID", "associationId"}, {"Route Table", "$TABLE"}, {"Subnet", "$subnet"}}}},
	},
	{
		names:   []string{"ec2-disassociate-route-table", "ec2disrtb"},
		about:   "have a subnet use its VPC's main route table again",
		example: "ec2-disassociate-route-table rtbassoc-fdad4894",
		action:  "DisassociateRouteTable",
		words:   []word{{"ASSOCIATION", "AssociationId", false}},
		records: []record{returned},
	},
	{
		names:    []string{"ec2-replace-route-table-association", "ec2reprtbassoc"},
		about:    "have a subnet, or a VPC, use another route table",
		example:  "ec2-replace-route-table-association rtbassoc-f8ad4891 -r rtb-f9ad4890",
		action:   "ReplaceRouteTableAssociation",
		words:    []word{{"ASSOCIATION", "AssociationId", false}},
		options:  []option{{"r", "route-table", "TABLE", "the route table to use", "RouteTableId"}},
		required: []string{"route-table"},
		records:  []record{{kind: "ASSOCIATION", columns: []column{{"ID", "newAssociationId"}, {"Route Table", "$route-table"}}}},
	},
	{
		names:    []string{"ec2-create-route", "ec2addrt"},
		about:    "add a route to a route table",
		example:  "ec2-create-route rtb-e4ad488d -r 0.0.0.0/0 -g igw-eaad4883",
		action:   "CreateRoute",
		words:    tableWord,
		options:  routeOptions,
		required: routeRequired,
		records:  sentRoute,
	},
	{
		names:    []string{"ec2-replace-route", "ec2reprt"},
		about:    "lead a route elsewhere",
		example:  "ec2-replace-route rtb-e4ad488d -r 10.0.0.0/8 -i i-cfd732a6",
		action:   "ReplaceRoute",
		words:    tableWord,
		options:  routeOptions,
		required: routeRequired,
		records:  []record{returned},
	},
	{
		names:    []string{"ec2-delete-route", "ec2delrt"},
		about:    "remove a route from a route table",
		example:  "ec2-delete-route rtb-e4ad488d -r 0.0.0.0/0",
		action:   "DeleteRoute",
		words:    tableWord,
		options:  routeOptions[:2],
		required: routeRequired[:1],
		records:  []record{returned},
	},
}
