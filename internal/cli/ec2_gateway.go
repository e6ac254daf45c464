package cli

// gatewayTools are those of internet gateways.
var gatewayTools = []*tool{
	{
		names:   []string{"ec2-create-internet-gateway", "ec2addigw"},
		about:   "create an internet gateway",
		example: "ec2-create-internet-gateway",
		action:  "CreateInternetGateway",
		records: []record{{kind: "INTERNETGATEWAY", each: "internetGateway", columns: []column{{"ID", "internetGatewayId"}}}},
	},
	{
		names:   []string{"ec2-describe-internet-gateways", "ec2digw"},
		about:   "list internet gateways",
		example: "ec2-describe-internet-gateways -F attachment.vpc-id=vpc-1a2b3c4d",
		action:  "DescribeInternetGateways",
		words:   []word{{"GATEWAY", "InternetGatewayId.N", true}},
		options: []option{filterOption},
		records: []record{{
			kind: "INTERNETGATEWAY", each: "internetGatewaySet.item", columns: []column{{"ID", "internetGatewayId"}},
			inner: []record{
				{kind: "ATTACHMENT", each: "attachmentSet.item", columns: untitled("vpcId", "state")},
				tagRecord("internet-gateway", "internetGatewayId"),
			},
		}},
	},
	{
		names:   []string{"ec2-delete-internet-gateway", "ec2deligw"},
		about:   "delete an internet gateway that is not attached",
		example: "ec2-delete-internet-gateway igw-eaad4883",
		action:  "DeleteInternetGateway",
		words:   []word{{"GATEWAY", "InternetGatewayId", false}},
		records: []record{{kind: "INTERNETGATEWAY", columns: []column{{"ID", "$GATEWAY"}}}},
	},
	{
		names:    []string{"ec2-attach-internet-gateway", "ec2attigw"},
		about:    "attach an internet gateway to a VPC",
		example:  "ec2-attach-internet-gateway igw-eaad4883 -c vpc-1a2b3c4d",
		action:   "AttachInternetGateway",
		words:    []word{{"GATEWAY", "InternetGatewayId", false}},
		options:  []option{{"c", "vpc", "VPC", "the VPC", "VpcId"}},
		required: []string{"vpc"},
		records:  []record{{kind: "ATTACHMENT", columns: []column{{"VPC", "$vpc"}, {"State", "=attaching"}}}},
	},
	{
		names:    []string{"ec2-detach-internet-gateway", "ec2detigw"},
		about:    "detach an internet gateway from its VPC",
		example:  "ec2-detach-internet-gateway igw-eaad4883 -c vpc-1a2b3c4d",
		action:   "DetachInternetGateway",
		words:    []word{{"GATEWAY", "InternetGatewayId", false}},
		options:  []option{{"c", "vpc", "VPC", "the VPC", "VpcId"}},
		required: []string{"vpc"},
		records:  []record{returned},
	},
}
