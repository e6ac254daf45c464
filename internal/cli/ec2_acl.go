package cli

import (
	"ringfence/internal/awsquery"
)

// aclRecords are the lines of a network ACL at a path.
func aclRecords(path string) []record {
	return []record{{
		kind: "NETWORKACL", each: path, columns: []column{{"ID", "networkAclId"}, {"VPC", "vpcId"}, {"Default", "default?default:"}},
		inner: []record{
			{
				kind: "ENTRY", each: "entrySet.item",
				columns: untitled(
					"egress?egress:ingress", "ruleNumber", "ruleAction", "cidrBlock or ipv6CidrBlock", "protocol|protocol",
					"portRange.from or icmpTypeCode.type", "portRange.to or icmpTypeCode.code"),
			},
			{kind: "ASSOCIATION", each: "associationSet.item", columns: untitled("networkAclAssociationId", "subnetId")},
			tagRecord("network-acl", "networkAclId"),
		},
	}}
}

// entryOptions describe an entry of a network ACL.
var entryOptions = []option{
	{"n", "rule-number", "NUMBER", "its place: entries are asked from low to high", "RuleNumber"},
	{"", "egress", "", "for packets that leave the subnet; default: that enter it", "Egress"},
	{"r", "cidr", "CIDR", "whom it is about", "CidrBlock"},
	{"", "ipv6-cidr", "CIDR", "whom it is about, in IPv6", "Ipv6CidrBlock"},
	{"P", "protocol", "PROTOCOL", "tcp, udp, icmp, all or a number", ""},
	{"p", "port-range", "PORT", "a port, a range such as 80-90, or -1 for all; tcp and udp need it", ""},
	{"t", "icmp-type-code", "TYPE:CODE", "-1 stands for all; icmp needs it", ""},
	{"", "allow", "", "let the packets pass", "RuleAction=allow"},
	{"", "deny", "", "drop the packets", "RuleAction=deny"},
}

var (
	entryRequired = []string{"rule-number", "cidr|ipv6-cidr", "protocol", "allow|deny"}
	sentEntry     = []record{{
		kind:    "ENTRY",
		columns: untitled("$direction", "$rule-number", "$action", "$cidr or $ipv6-cidr", "$protocol", "$from", "$to"),
	}}
)

// prepareEntry sends the protocol's number, as the API wants it, and its ports or
// ICMP type and code.
func prepareEntry(c *toolCall, params awsquery.Params) error {
	if !c.has("egress") {
		params["Egress"] = "false"
	}
	rule, err := c.traffic()
	if err != nil {
		return err
	}
	number, known := map[string]string{"tcp": "6", "udp": "17", "icmp": "1", "icmpv6": "58"}[rule.Protocol]
	if !known {
		number = rule.Protocol
	}
	params["Protocol"] = number
	columns := trafficOf(rule.Protocol, rule.From, rule.To)
	if rule.From != nil {
		low, high := "PortRange.From", "PortRange.To"
		if number == "1" || number == "58" {
			low, high = "Icmp.Type", "Icmp.Code"
		}
		params[low], params[high] = columns[1], columns[2]
	}
	c.values["protocol"], c.values["from"], c.values["to"] = columns[:1], columns[1:2], columns[2:]
	c.values["action"], c.values["direction"] = []string{params["RuleAction"]}, []string{"ingress"}
	if c.has("egress") {
		c.values["direction"] = []string{"egress"}
	}
	return nil
}

var aclWord = []word{{"ACL", "NetworkAclId", false}}

// aclTools are those of network ACLs.
var aclTools = []*tool{
	{
		names:   []string{"ec2-create-network-acl", "ec2addnacl"},
		about:   "create a network ACL",
		example: "ec2-create-network-acl vpc-1a2b3c4d",
		action:  "CreateNetworkAcl",
		words:   []word{{"VPC", "VpcId", false}},
		records: aclRecords("networkAcl"),
	},
	{
		names:   []string{"ec2-describe-network-acls", "ec2dnacl"},
		about:   "list network ACLs",
		example: "ec2-describe-network-acls -F vpc-id=vpc-1a2b3c4d",
		action:  "DescribeNetworkAcls",
		words:   []word{{"ACL", "NetworkAclId.N", true}},
		options: []option{filterOption},
		records: aclRecords("networkAclSet.item"),
	},
	{
		names:   []string{"ec2-delete-network-acl", "ec2delnacl"},
		about:   "delete a network ACL that no subnet uses",
		example: "ec2-delete-network-acl acl-2cb85d45",
		action:  "DeleteNetworkAcl",
		words:   aclWord,
		records: []record{returned},
	},
	{
		names:    []string{"ec2-create-network-acl-entry", "ec2addnae"},
		about:    "add an entry to a network ACL",
		example:  "ec2-create-network-acl-entry acl-5fb85d36 -n 110 -r 0.0.0.0/0 -P udp -p 53 --allow",
		action:   "CreateNetworkAclEntry",
		words:    aclWord,
		options:  entryOptions,
		required: entryRequired,
		prepare:  prepareEntry,
		records:  sentEntry,
	},
	{
		names:    []string{"ec2-replace-network-acl-entry", "ec2repnae"},
		about:    "put an entry in the place of another of its number",
		example:  "ec2-replace-network-acl-entry acl-5fb85d36 -n 110 -r 10.0.0.0/8 -P tcp -p 139 --deny",
		action:   "ReplaceNetworkAclEntry",
		words:    aclWord,
		options:  entryOptions,
		required: entryRequired,
		prepare:  prepareEntry,
		records:  sentEntry,
	},
	{
		names:    []string{"ec2-delete-network-acl-entry", "ec2delnae"},
		about:    "remove an entry from a network ACL",
		example:  "ec2-delete-network-acl-entry acl-5fb85d36 -n 110",
		action:   "DeleteNetworkAclEntry",
		words:    aclWord,
		options:  entryOptions[:2],
		required: entryRequired[:1],
		prepare: func(c *toolCall, params awsquery.Params) error {
			if !c.has("egress") {
				params["Egress"] = "false"
			}
			return nil
		},
		records: []record{returned},
	},
	{
		names:    []string{"ec2-replace-network-acl-association", "ec2repnaclassoc"},
		about:    "have a subnet use another network ACL",
		example:  "ec2-replace-network-acl-association aclassoc-e5b95c8c -a acl-5fb85d36",
		action:   "ReplaceNetworkAclAssociation",
		words:    []word{{"ASSOCIATION", "AssociationId", false}},
		options:  []option{{"a", "network-acl", "ACL", "the network ACL to use", "NetworkAclId"}},
		required: []string{"network-acl"},
		records:  []record{{kind: "ASSOCIATION", columns: []column{{"ID", "newAssociationId"}, {"Network ACL", "$network-acl"}}}},
	},
}
