package cli

import (
	"strings"

	"ringfence/internal/awsquery"
)

// addressesByKind sends words as allocation ids or as addresses.
func addressesByKind(c *toolCall, params awsquery.Params) error {
	var ids, addresses []string
	for _, w := range c.all("ADDRESS") {
		if strings.HasPrefix(w, "eipalloc-") {
			ids = append(ids, w)
		} else {
			addresses = append(addresses, w)
		}
	}
	setList(params, "AllocationId.N", ids)
	setList(params, "PublicIp.N", addresses)
	return nil
}

// oneAddress checks that an address is named by a word or by an option.
func oneAddress(option string) func(*toolCall, awsquery.Params) error {
	return func(c *toolCall, _ awsquery.Params) error {
		switch {
		case c.has("ADDRESS") && c.has(option):
			return usagef("ADDRESS and --%s exclude each other (-h for usage)", option)
		case !c.has("ADDRESS") && !c.has(option):
			return missingParameter("ADDRESS")
		}
		return nil
	}
}

var addressWord = []word{{"ADDRESS", "PublicIp", true}}

// addressTools are those of Elastic IP addresses.
var addressTools = []*tool{
	{
		names:   []string{"ec2-allocate-address", "ec2allocaddr"},
		about:   "get an Elastic IP address",
		example: "ec2-allocate-address",
		action:  "AllocateAddress",
		options: []option{{"d", "domain", "DOMAIN", "vpc, for VPCs; default: standard, for EC2-Classic", "Domain"}},
		records: []record{{kind: "ADDRESS", columns: []column{{"Public IP", "publicIp"}, {"Domain", "domain"}, {"Allocation ID", "allocationId"}}}},
	},
	{
		names:   []string{"ec2-describe-addresses", "ec2daddr"},
		about:   "list Elastic IP addresses",
		example: "ec2-describe-addresses 198.51.100.1",
		action:  "DescribeAddresses",
		words:   []word{{"ADDRESS", ".N", true}},
		options: []option{filterOption},
		prepare: addressesByKind,
		records: []record{{
			kind: "ADDRESS", each: "addressesSet.item",
			columns: []column{
				{"Public IP", "publicIp"}, {"Instance", "instanceId"}, {"Domain", "domain"}, {"Allocation ID", "allocationId"},
				{"Association ID", "associationId"}, {"Network Interface", "networkInterfaceId"}, {"Private IP", "privateIpAddress"},
			},
			inner: []record{tagRecord("elastic-ip", "allocationId")},
		}},
	},
	{
		names:   []string{"ec2-associate-address", "ec2assocaddr"},
		about:   "give an Elastic IP address to an instance or a network interface",
		example: "ec2-associate-address 198.51.100.1 -i i-cfd732a6",
		action:  "AssociateAddress",
		words:   addressWord,
		options: []option{
			{"a", "allocation-id", "ALLOCATION", "the address, in a VPC", "AllocationId"},
			{"i", "instance", "INSTANCE", "the instance", "InstanceId"},
			{"n", "network-interface", "INTERFACE", "the network interface", "NetworkInterfaceId"},
			{"p", "private-ip-address", "ADDRESS", "the private address that it is for", "PrivateIpAddress"},
			{"", "allow-reassociation", "", "take it from whoever has it", "AllowReassociation"},
		},
		required: []string{"instance|network-interface"},
		prepare:  oneAddress("allocation-id"),
		records: []record{{kind: "ADDRESS", columns: []column{
			{"Public IP", "$ADDRESS"}, {"Instance", "$instance or $network-interface"},
			{"Allocation ID", "$allocation-id"}, {"Association ID", "associationId"},
		}}},
	},
	{
		names:   []string{"ec2-disassociate-address", "ec2disaddr"},
		about:   "take an Elastic IP address from whoever has it",
		example: "ec2-disassociate-address 198.51.100.1",
		action:  "DisassociateAddress",
		words:   addressWord,
		options: []option{{"a", "association-id", "ASSOCIATION", "the association, in a VPC", "AssociationId"}},
		prepare: oneAddress("association-id"),
		records: []record{{kind: "ADDRESS", columns: []column{{"Public IP", "$ADDRESS"}, {"Association ID", "$association-id"}}}},
	},
	{
		names:   []string{"ec2-release-address", "ec2reladdr"},
		about:   "give an Elastic IP address back",
		example: "ec2-release-address 198.51.100.1",
		action:  "ReleaseAddress",
		words:   addressWord,
		options: []option{{"a", "allocation-id", "ALLOCATION", "the address, in a VPC", "AllocationId"}},
		prepare: oneAddress("allocation-id"),
		records: []record{{kind: "ADDRESS", columns: []column{{"Public IP", "$ADDRESS"}, {"Allocation ID", "$allocation-id"}}}},
	},
}
