package cli

var vpcColumns = []column{
	{"ID", "vpcId"}, {"State", "state"}, {"CIDR", "cidrBlock"}, {"DHCP Options", "dhcpOptionsId"},
	{"Tenancy", "instanceTenancy"}, {"Default", "isDefault"},
}

var subnetColumns = []column{
	{"ID", "subnetId"}, {"State", "state"}, {"VPC", "vpcId"}, {"CIDR", "cidrBlock"},
	{"Available IPs", "availableIpAddressCount"}, {"Availability Zone", "availabilityZone"},
	{"Default", "defaultForAz"}, {"Map Public IP", "mapPublicIpOnLaunch"},
}

// vpcTools are those of VPCs, subnets and DHCP options.
var vpcTools = []*tool{
	{
		names:   []string{"ec2-create-vpc", "ec2addvpc"},
		about:   "create a VPC",
		example: "ec2-create-vpc 10.0.0.0/16",
		action:  "CreateVpc",
		words:   []word{{"CIDR", "CidrBlock", false}},
		options: []option{{"", "tenancy", "TENANCY", "of its instances: default or dedicated", "InstanceTenancy"}},
		records: []record{{kind: "VPC", each: "vpc", columns: vpcColumns}},
	},
	{
		names:   []string{"ec2-describe-vpcs", "ec2dvpc"},
		about:   "list VPCs",
		example: "ec2-describe-vpcs -F state=available",
		action:  "DescribeVpcs",
		words:   []word{{"VPC", "VpcId.N", true}},
		options: []option{filterOption},
		records: []record{{kind: "VPC", each: "vpcSet.item", columns: vpcColumns, inner: []record{tagRecord("vpc", "vpcId")}}},
	},
	{
		names:   []string{"ec2-delete-vpc", "ec2delvpc"},
		about:   "delete a VPC that has nothing in it",
		example: "ec2-delete-vpc vpc-1a2b3c4d",
		action:  "DeleteVpc",
		words:   []word{{"VPC", "VpcId", false}},
		records: []record{{kind: "VPC", columns: []column{{"ID", "$VPC"}}}},
	},
	{
		names:   []string{"ec2-describe-vpc-attribute", "ec2dvatt"},
		about:   "show an attribute of a VPC",
		example: "ec2-describe-vpc-attribute vpc-1a2b3c4d --dns-support",
		action:  "DescribeVpcAttribute",
		words:   []word{{"VPC", "VpcId", false}},
		options: []option{
			{"d", "dns-support", "", "whether its resolver answers", "Attribute=enableDnsSupport"},
			{"s", "dns-hostnames", "", "whether its instances have names", "Attribute=enableDnsHostnames"},
		},
		required: []string{"dns-support|dns-hostnames"},
		records: []record{
			{kind: "VPC", each: "enableDnsSupport", columns: untitled("^vpcId", "=enableDnsSupport", "value")},
			{kind: "VPC", each: "enableDnsHostnames", columns: untitled("^vpcId", "=enableDnsHostnames", "value")},
		},
	},
	{
		names:   []string{"ec2-modify-vpc-attribute", "ec2mvatt"},
		about:   "change an attribute of a VPC",
		example: "ec2-modify-vpc-attribute vpc-1a2b3c4d --dns-hostnames true",
		action:  "ModifyVpcAttribute",
		words:   []word{{"VPC", "VpcId", false}},
		options: []option{
			{"d", "dns-support", "BOOLEAN", "whether its resolver answers", "EnableDnsSupport.Value"},
			{"s", "dns-hostnames", "BOOLEAN", "whether its instances have names", "EnableDnsHostnames.Value"},
		},
		required: []string{"dns-support|dns-hostnames"},
		records:  []record{returned},
	},
	{
		names:   []string{"ec2-create-subnet", "ec2addsubnet"},
		about:   "create a subnet",
		example: "ec2-create-subnet -c vpc-1a2b3c4d -i 10.0.1.0/24",
		action:  "CreateSubnet",
		options: []option{
			{"c", "vpc", "VPC", "the VPC to make it in", "VpcId"},
			{"i", "cidr", "CIDR", "its addresses, of the VPC's", "CidrBlock"},
			{"z", "availability-zone", "ZONE", "its availability zone", "AvailabilityZone"},
		},
		required: []string{"vpc", "cidr"},
		records:  []record{{kind: "SUBNET", each: "subnet", columns: subnetColumns}},
	},
	{
		names:   []string{"ec2-describe-subnets", "ec2dsubnet"},
		about:   "list subnets",
		example: "ec2-describe-subnets -F vpc-id=vpc-1a2b3c4d",
		action:  "DescribeSubnets",
		words:   []word{{"SUBNET", "SubnetId.N", true}},
		options: []option{filterOption},
		records: []record{{kind: "SUBNET", each: "subnetSet.item", columns: subnetColumns, inner: []record{tagRecord("subnet", "subnetId")}}},
	},
	{
		names:   []string{"ec2-delete-subnet", "ec2delsubnet"},
		about:   "delete a subnet that nobody is in",
		example: "ec2-delete-subnet subnet-9d4a7b6c",
		action:  "DeleteSubnet",
		words:   []word{{"SUBNET", "SubnetId", false}},
		records: []record{{kind: "SUBNET", columns: []column{{"ID", "$SUBNET"}}}},
	},
	{
		names:   []string{"ec2-describe-dhcp-options", "ec2ddopt"},
		about:   "list DHCP options",
		example: "ec2-describe-dhcp-options",
		action:  "DescribeDhcpOptions",
		words:   []word{{"DHCPOPTIONS", "DhcpOptionsId.N", true}},
		options: []option{filterOption},
		records: []record{{
			kind: "DHCPOPTIONS", each: "dhcpOptionsSet.item", columns: []column{{"ID", "dhcpOptionsId"}},
			inner: []record{
				{kind: "OPTION", each: "dhcpConfigurationSet.item", columns: untitled("key", "valueSet.item.value")},
				tagRecord("dhcp-options", "dhcpOptionsId"),
			},
		}},
	},
	{
		names:    []string{"ec2-associate-dhcp-options", "ec2assocdopt"},
		about:    "give a VPC DHCP options",
		example:  "ec2-associate-dhcp-options default -c vpc-1a2b3c4d",
		action:   "AssociateDhcpOptions",
		words:    []word{{"DHCPOPTIONS", "DhcpOptionsId", false}},
		options:  []option{{"c", "vpc", "VPC", "the VPC", "VpcId"}},
		required: []string{"vpc"},
		records:  []record{{kind: "DHCPOPTIONS", columns: []column{{"ID", "$DHCPOPTIONS"}, {"VPC", "$vpc"}}}},
	},
}
