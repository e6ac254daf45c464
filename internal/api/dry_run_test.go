package api_test

import (
	"encoding/base64"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ringfence/internal/api"
	"ringfence/internal/vpc"
)

// publicKey is the key of nobody.
const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0N3uVYCQ0mXWQmIXpYp9oyGFoCzE5Qbk5+3Q0aWQxX nobody"

// dryRuns are calls of carol's that would succeed, by action. Words in capitals
// stand for what populate has made. An action that is not here succeeds without
// parameters.
var dryRuns = map[string]string{
	"AssociateAddress":                  "AllocationId=EIP NetworkInterfaceId=SPARE",
	"AssociateDhcpOptions":              "DhcpOptionsId=default VpcId=VPC",
	"AssociateRouteTable":               "RouteTableId=TABLE SubnetId=OTHERSUBNET",
	"AttachInternetGateway":             "VpcId=LONELY InternetGatewayId=SPAREGATEWAY",
	"AttachNetworkInterface":            "InstanceId=INSTANCE NetworkInterfaceId=SPARE DeviceIndex=2",
	"AuthorizeSecurityGroupEgress":      "GroupId=GROUP IpPermissions.1.IpProtocol=udp IpPermissions.1.FromPort=1 IpPermissions.1.ToPort=2 IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0/8",
	"AuthorizeSecurityGroupIngress":     "GroupId=GROUP IpProtocol=tcp FromPort=81 ToPort=81 CidrIp=10.0.0.0/8",
	"CreateDefaultSubnet":               "AvailabilityZone=eu-west-2a",
	"CreateKeyPair":                     "KeyName=another",
	"CreateNetworkAcl":                  "VpcId=VPC",
	"CreateNetworkAclEntry":             "NetworkAclId=ACL RuleNumber=101 Protocol=-1 RuleAction=deny Egress=false CidrBlock=0.0.0.0/0",
	"CreateNetworkInterface":            "SubnetId=SUBNET",
	"CreateRoute":                       "RouteTableId=TABLE DestinationCidrBlock=192.168.0.0/16 GatewayId=GATEWAY",
	"CreateRouteTable":                  "VpcId=VPC",
	"CreateSecurityGroup":               "GroupName=another GroupDescription=d VpcId=VPC",
	"CreateSubnet":                      "VpcId=VPC CidrBlock=10.0.9.0/24",
	"CreateTags":                        "ResourceId.1=VPC Tag.1.Key=k Tag.1.Value=v",
	"CreateVpc":                         "CidrBlock=10.9.0.0/16",
	"DeleteInternetGateway":             "InternetGatewayId=SPAREGATEWAY",
	"DeleteKeyPair":                     "KeyName=key",
	"DeleteNetworkAcl":                  "NetworkAclId=ACL",
	"DeleteNetworkAclEntry":             "NetworkAclId=ACL RuleNumber=100 Egress=false",
	"DeleteNetworkInterface":            "NetworkInterfaceId=SPARE",
	"DeleteRoute":                       "RouteTableId=TABLE DestinationCidrBlock=0.0.0.0/0",
	"DeleteRouteTable":                  "RouteTableId=SPARETABLE",
	"DeleteSecurityGroup":               "GroupId=GROUP",
	"DeleteSubnet":                      "SubnetId=OTHERSUBNET",
	"DeleteTags":                        "ResourceId.1=VPC Tag.1.Key=k",
	"DeleteVpc":                         "VpcId=LONELY",
	"DescribeInstanceAttribute":         "InstanceId=INSTANCE Attribute=instanceType",
	"DescribeNetworkInterfaceAttribute": "NetworkInterfaceId=SPARE Attribute=description",
	"DescribeSecurityGroupReferences":   "GroupId.1=GROUP",
	"DescribeStaleSecurityGroups":       "VpcId=VPC",
	"DescribeVpcAttribute":              "VpcId=VPC Attribute=enableDnsSupport",
	"DetachInternetGateway":             "VpcId=CROSSED InternetGatewayId=CROSSING",
	"DetachNetworkInterface":            "AttachmentId=ATTACHMENT",
	"DisassociateAddress":               "AssociationId=ADDRESSASSOCIATION",
	"DisassociateRouteTable":            "AssociationId=TABLEASSOCIATION",
	"GetConsoleOutput":                  "InstanceId=INSTANCE",
	"GetPasswordData":                   "InstanceId=INSTANCE",
	"GetSecurityGroupsForVpc":           "VpcId=VPC",
	"ImportKeyPair":                     "KeyName=another PublicKeyMaterial=MATERIAL",
	"ModifyInstanceAttribute":           "InstanceId=INSTANCE DisableApiStop.Value=true",
	"ModifyInstanceCreditSpecification": "InstanceCreditSpecification.1.InstanceId=INSTANCE InstanceCreditSpecification.1.CpuCredits=standard",
	"ModifyInstanceMaintenanceOptions":  "InstanceId=INSTANCE AutoRecovery=disabled",
	"ModifyInstanceMetadataOptions":     "InstanceId=INSTANCE HttpTokens=required",
	"ModifyNetworkInterfaceAttribute":   "NetworkInterfaceId=SPARE Description.Value=other",
	"ModifyPrivateDnsNameOptions":       "InstanceId=INSTANCE PrivateDnsHostnameType=ip-name",
	"ModifySecurityGroupRules":          "GroupId=GROUP SecurityGroupRule.1.SecurityGroupRuleId=RULE SecurityGroupRule.1.SecurityGroupRule.IpProtocol=tcp SecurityGroupRule.1.SecurityGroupRule.FromPort=8 SecurityGroupRule.1.SecurityGroupRule.ToPort=8 SecurityGroupRule.1.SecurityGroupRule.CidrIpv4=10.0.0.0/8",
	"ModifyVpcTenancy":                  "VpcId=VPC InstanceTenancy=default",
	"MonitorInstances":                  "InstanceId.1=INSTANCE",
	"RebootInstances":                   "InstanceId.1=INSTANCE",
	"ReleaseAddress":                    "AllocationId=EIP",
	"ReplaceNetworkAclAssociation":      "AssociationId=ACLASSOCIATION NetworkAclId=ACL",
	"ReplaceNetworkAclEntry":            "NetworkAclId=ACL RuleNumber=100 Protocol=-1 RuleAction=deny Egress=false CidrBlock=0.0.0.0/0",
	"ReplaceRoute":                      "RouteTableId=TABLE DestinationCidrBlock=0.0.0.0/0 NetworkInterfaceId=SPARE",
	"ReplaceRouteTableAssociation":      "AssociationId=TABLEASSOCIATION RouteTableId=SPARETABLE",
	"ResetInstanceAttribute":            "InstanceId=STOPPED Attribute=sourceDestCheck",
	"ResetNetworkInterfaceAttribute":    "NetworkInterfaceId=SPARE SourceDestCheck=true",
	"RevokeSecurityGroupEgress":         "GroupId=GROUP IpPermissions.1.IpProtocol=-1 IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0",
	"RevokeSecurityGroupIngress":        "GroupId=GROUP SecurityGroupRuleId.1=RULE",
	"RunInstances":                      "ImageId=ami-eca54085 MinCount=1 MaxCount=1 SubnetId=SUBNET",
	"StartInstances":                    "InstanceId.1=STOPPED",
	"StopInstances":                     "InstanceId.1=INSTANCE",
	"TerminateInstances":                "InstanceId.1=INSTANCE",
	"UnmonitorInstances":                "InstanceId.1=INSTANCE",

	"UpdateSecurityGroupRuleDescriptionsEgress":  "GroupId=GROUP SecurityGroupRuleDescription.1.SecurityGroupRuleId=EGRESSRULE SecurityGroupRuleDescription.1.Description=other",
	"UpdateSecurityGroupRuleDescriptionsIngress": "GroupId=GROUP SecurityGroupRuleDescription.1.SecurityGroupRuleId=RULE SecurityGroupRuleDescription.1.Description=other",
}

// regions are where populate has taken away what these actions make.
var regions = map[string]string{"CreateDefaultVpc": "eu-west-1", "CreateDefaultSubnet": "eu-west-2"}

// neverDone are actions that never succeed.
var neverDone = []string{"GetManagedPrefixListEntries"}

// Each action that takes DryRun says that the call would have succeeded, and
// changes nothing.
func TestDryRunsChangeNothing(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, carol)
	made := populate(t, w, c)
	parameters := api.Parameters()
	for _, action := range slices.Sorted(maps.Keys(parameters)) {
		if !slices.Contains(parameters[action].All, "DryRun") || slices.Contains(neverDone, action) {
			continue
		}
		params := strings.Fields(capitals.ReplaceAllStringFunc(dryRuns[action], func(name string) string {
			return "=" + made[name[1:]]
		}))
		if c.region = regions[action]; c.region == "" {
			c.region = "us-east-1"
		}
		before := view(t, w).Revision
		if code := c.code(action, append(params, "DryRun=true")...); code != vpc.DryRunOperation {
			t.Errorf("%s %q: %q", action, params, code)
		}
		if now := view(t, w).Revision; now != before {
			t.Errorf("%s %q has written", action, params)
		}
	}
}

var capitals = regexp.MustCompile(`=[A-Z]{3,}\b`)

// populate makes what dryRuns are about, and returns the ids.
func populate(t *testing.T, w *world, c *caller) map[string]string {
	t.Helper()
	made := map[string]string{"MATERIAL": base64.StdEncoding.EncodeToString([]byte(publicKey))}
	make := func(name, element, action string, params ...string) {
		t.Helper()
		for i, p := range params {
			params[i] = capitals.ReplaceAllStringFunc(p, func(name string) string { return "=" + made[name[1:]] })
		}
		made[name] = text(c.ok(action, params...), element)
	}
	make("VPC", "vpcId", "CreateVpc", "CidrBlock=10.0.0.0/16")
	make("LONELY", "vpcId", "CreateVpc", "CidrBlock=10.1.0.0/16")
	make("SUBNET", "subnetId", "CreateSubnet", "VpcId=VPC", "CidrBlock=10.0.1.0/24")
	make("OTHERSUBNET", "subnetId", "CreateSubnet", "VpcId=VPC", "CidrBlock=10.0.2.0/24")
	make("GATEWAY", "internetGatewayId", "CreateInternetGateway")
	make("", "return", "AttachInternetGateway", "VpcId=VPC", "InternetGatewayId=GATEWAY")
	make("CROSSED", "vpcId", "CreateVpc", "CidrBlock=10.2.0.0/16")
	make("CROSSING", "internetGatewayId", "CreateInternetGateway")
	make("", "return", "AttachInternetGateway", "VpcId=CROSSED", "InternetGatewayId=CROSSING")
	make("SPAREGATEWAY", "internetGatewayId", "CreateInternetGateway")
	make("TABLE", "routeTableId", "CreateRouteTable", "VpcId=VPC")
	make("SPARETABLE", "routeTableId", "CreateRouteTable", "VpcId=VPC")
	make("", "return", "CreateRoute", "RouteTableId=TABLE", "DestinationCidrBlock=0.0.0.0/0", "GatewayId=GATEWAY")
	make("TABLEASSOCIATION", "associationId", "AssociateRouteTable", "RouteTableId=TABLE", "SubnetId=SUBNET")
	make("ACL", "networkAclId", "CreateNetworkAcl", "VpcId=VPC")
	make("", "return", "CreateNetworkAclEntry", "NetworkAclId=ACL", "RuleNumber=100", "Protocol=-1", "RuleAction=allow", "Egress=false", "CidrBlock=0.0.0.0/0")
	make("ACLASSOCIATION", "networkAclAssociationId", "DescribeNetworkAcls", "Filter.1.Name=association.subnet-id", "Filter.1.Value.1=SUBNET")
	make("GROUP", "groupId", "CreateSecurityGroup", "GroupName=web", "GroupDescription=d", "VpcId=VPC")
	make("RULE", "securityGroupRuleId", "AuthorizeSecurityGroupIngress", "GroupId=GROUP", "IpProtocol=tcp", "FromPort=80", "ToPort=80", "CidrIp=0.0.0.0/0")
	make("EGRESSRULE", "securityGroupRuleId", "DescribeSecurityGroupRules", "Filter.1.Name=group-id", "Filter.1.Value.1=GROUP", "MaxResults=5")
	make("SPARE", "networkInterfaceId", "CreateNetworkInterface", "SubnetId=SUBNET")
	make("SECOND", "networkInterfaceId", "CreateNetworkInterface", "SubnetId=SUBNET")
	run := []string{"ImageId=ami-eca54085", "MinCount=1", "MaxCount=1", "InstanceType=t3.small", "SubnetId=SUBNET"}
	for name, state := range map[string]vpc.InstanceState{"INSTANCE": vpc.Running, "STOPPED": vpc.Stopped} {
		make(name, "instanceId", "RunInstances", slices.Clone(run)...)
		if err := w.server.Report(t.Context(), &vpc.Report{Instance: vpc.InstanceID(made[name]), Generation: 1, State: state}); err != nil {
			t.Fatal(err)
		}
	}
	make("ATTACHMENT", "attachmentId", "AttachNetworkInterface", "InstanceId=INSTANCE", "NetworkInterfaceId=SECOND", "DeviceIndex=1")
	make("EIP", "allocationId", "AllocateAddress", "Domain=vpc")
	make("TAKEN", "allocationId", "AllocateAddress", "Domain=vpc")
	make("ADDRESSASSOCIATION", "associationId", "AssociateAddress", "AllocationId=TAKEN", "NetworkInterfaceId=SECOND")
	make("", "keyName", "CreateKeyPair", "KeyName=key")
	c.ok("CreateTags", "ResourceId.1="+made["VPC"], "Tag.1.Key=k")
	c.region = regions["CreateDefaultSubnet"]
	c.ok("DeleteSubnet", "SubnetId="+text(c.ok("DescribeSubnets", "Filter.1.Name=availability-zone", "Filter.1.Value.1=eu-west-2a"), "subnetId"))
	c.region = regions["CreateDefaultVpc"]
	for id := text(c.ok("DescribeSubnets"), "subnetId"); id != ""; id = text(c.ok("DescribeSubnets"), "subnetId") {
		c.ok("DeleteSubnet", "SubnetId="+id)
	}
	gateway, network := text(c.ok("DescribeInternetGateways"), "internetGatewayId"), text(c.ok("DescribeVpcs"), "vpcId")
	c.ok("DetachInternetGateway", "InternetGatewayId="+gateway, "VpcId="+network)
	c.ok("DeleteVpc", "VpcId="+network)
	return made
}
