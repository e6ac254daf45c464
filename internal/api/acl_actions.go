package api

import "slices"

// aclActions are about network ACLs.
var aclActions = map[string]*action{
	"CreateNetworkAcl": {
		handler: handle((*request).createACL), network: true,
		done: []string{"VpcId", "ClientToken", "DryRun"}, kept: tagParams,
	},
	"DeleteNetworkAcl": {
		handler: handle((*request).deleteACL), network: true,
		done: []string{"NetworkAclId", "DryRun"},
	},
	"DescribeNetworkAcls": {
		handler: handle((*request).describeACLs), network: true,
		done: listParams("NetworkAclId.N"),
	},
	"CreateNetworkAclEntry": {
		handler: handle((*request).createACLEntry), network: true,
		done: slices.Concat(entryNameParams, entryParams),
	},
	"ReplaceNetworkAclEntry": {
		handler: handle((*request).replaceACLEntry), network: true,
		done: slices.Concat(entryNameParams, entryParams),
	},
	"DeleteNetworkAclEntry": {
		handler: handle((*request).deleteACLEntry), network: true,
		done: entryNameParams,
	},
	"ReplaceNetworkAclAssociation": {
		handler: handle((*request).replaceACLAssociation), network: true,
		done: []string{"AssociationId", "NetworkAclId", "DryRun"},
	},
}

var (
	entryNameParams = []string{"NetworkAclId", "RuleNumber", "Egress", "DryRun"}
	entryParams     = []string{
		"Protocol", "RuleAction", "CidrBlock", "Ipv6CidrBlock", "PortRange.From", "PortRange.To", "Icmp.Type", "Icmp.Code",
	}
)
