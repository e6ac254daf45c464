package cli

import (
	"ringfence/internal/awsquery"
)

// interfaceRecords are the lines of a network interface at a path.
func interfaceRecords(path string) []record {
	return []record{{
		kind: "NETWORKINTERFACE", each: path,
		columns: []column{
			{"ID", "networkInterfaceId"}, {"Description", "description"}, {"Subnet", "subnetId"}, {"VPC", "vpcId"},
			{"Availability Zone", "availabilityZone"}, {"Owner", "ownerId"}, {"Requester", "requesterId"},
			{"Requester Managed", "requesterManaged"}, {"Status", "status"}, {"MAC", "macAddress"},
			{"Private IP", "privateIpAddress"}, {"Private DNS", "privateDnsName"}, {"Source/Dest Check", "sourceDestCheck"},
		},
		inner: []record{
			{kind: "GROUP", each: "groupSet.item", columns: untitled("groupId", "groupName")},
			attachmentRecord,
			{kind: "ASSOCIATION", each: "association", columns: untitled("publicIp", "ipOwnerId", "allocationId", "associationId")},
			{kind: "PRIVATEIPADDRESS", each: "privateIpAddressesSet.item", columns: untitled("privateIpAddress", "privateDnsName", "association.publicIp")},
			tagRecord("network-interface", "networkInterfaceId"),
		},
	}}
}

var attachmentRecord = record{
	kind: "ATTACHMENT", each: "attachment",
	columns: untitled("instanceOwnerId", "instanceId", "attachmentId", "status", "deviceIndex", "attachTime|time", "deleteOnTermination"),
}

var interfaceWord = []word{{"INTERFACE", "NetworkInterfaceId", false}}

// interfaceTools are those of network interfaces; their attributes' are in
// ec2_attribute.go.
var interfaceTools = []*tool{
	{
		names:   []string{"ec2-create-network-interface", "ec2addnic"},
		about:   "create a network interface",
		example: "ec2-create-network-interface subnet-fd04ff94 -d \"My ENI\" -g sg-36231c5f",
		action:  "CreateNetworkInterface",
		words:   []word{{"SUBNET", "SubnetId", false}},
		options: []option{
			{"d", "description", "DESCRIPTION", "what it is for", "Description"},
			{"g", "group", "GROUP", "id of a security group; may be repeated", "SecurityGroupId.N"},
			{"", "private-ip-address", "ADDRESS", "its address; given again, further ones", ""},
			{"", "secondary-private-ip-address-count", "NUMBER", "how many further addresses it gets", "SecondaryPrivateIpAddressCount"},
		},
		prepare: func(c *toolCall, params awsquery.Params) error {
			if list := c.all("private-ip-address"); len(list) > 0 {
				sendAddresses(params, "PrivateIpAddresses", list[0], list[1:])
			}
			return nil
		},
		records: interfaceRecords("networkInterface"),
	},
	{
		names:   []string{"ec2-describe-network-interfaces", "ec2dnic"},
		about:   "list network interfaces",
		example: "ec2-describe-network-interfaces -F subnet-id=subnet-fd04ff94",
		action:  "DescribeNetworkInterfaces",
		words:   []word{{"INTERFACE", "NetworkInterfaceId.N", true}},
		options: []option{filterOption},
		records: interfaceRecords("networkInterfaceSet.item"),
	},
	{
		names:   []string{"ec2-delete-network-interface", "ec2delnic"},
		about:   "delete a network interface that is not attached",
		example: "ec2-delete-network-interface eni-b35da6da",
		action:  "DeleteNetworkInterface",
		words:   interfaceWord,
		records: []record{{kind: "NETWORKINTERFACE", columns: []column{{"ID", "$INTERFACE"}}}},
	},
	{
		names:   []string{"ec2-attach-network-interface", "ec2attnic"},
		about:   "attach a network interface to an instance",
		example: "ec2-attach-network-interface eni-b35da6da -i i-cfd732a6 -d 1",
		action:  "AttachNetworkInterface",
		words:   interfaceWord,
		options: []option{
			{"i", "instance", "INSTANCE", "the instance", "InstanceId"},
			{"d", "device-index", "NUMBER", "its place there, 1 or higher", "DeviceIndex"},
		},
		required: []string{"instance", "device-index"},
		records:  []record{{kind: "ATTACHMENT", columns: []column{{"ID", "attachmentId"}}}},
	},
	{
		names:   []string{"ec2-detach-network-interface", "ec2detnic"},
		about:   "detach a network interface from its instance",
		example: "ec2-detach-network-interface eni-attach-083fda61",
		action:  "DetachNetworkInterface",
		words:   []word{{"ATTACHMENT", "AttachmentId", false}},
		options: []option{{"f", "force", "", "do not ask the instance", "Force"}},
		records: []record{{kind: "ATTACHMENT", columns: []column{{"ID", "$ATTACHMENT"}, {"State", "=detaching"}}}},
	},
	{
		names:   []string{"ec2-assign-private-ip-addresses", "ec2apip"},
		about:   "give a network interface further addresses",
		example: "ec2-assign-private-ip-addresses -n eni-b35da6da --secondary-private-ip-address 10.0.2.17",
		action:  "AssignPrivateIpAddresses",
		options: []option{
			{"n", "network-interface", "INTERFACE", "the network interface", "NetworkInterfaceId"},
			{"", "secondary-private-ip-address", "ADDRESS", "an address; may be repeated", "PrivateIpAddress.N"},
			{"", "secondary-private-ip-address-count", "NUMBER", "how many addresses, whichever are free", "SecondaryPrivateIpAddressCount"},
			{"", "allow-reassignment", "", "take addresses that other interfaces have", "AllowReassignment"},
		},
		required: []string{"network-interface", "secondary-private-ip-address|secondary-private-ip-address-count"},
		records:  []record{returned},
	},
	{
		names:   []string{"ec2-unassign-private-ip-addresses", "ec2upip"},
		about:   "take further addresses from a network interface",
		example: "ec2-unassign-private-ip-addresses -n eni-b35da6da --secondary-private-ip-address 10.0.2.17",
		action:  "UnassignPrivateIpAddresses",
		options: []option{
			{"n", "network-interface", "INTERFACE", "the network interface", "NetworkInterfaceId"},
			{"", "secondary-private-ip-address", "ADDRESS", "an address; may be repeated", "PrivateIpAddress.N"},
		},
		required: []string{"network-interface", "secondary-private-ip-address"},
		records:  []record{returned},
	},
}
