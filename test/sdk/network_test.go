package sdk

import (
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func TestVPC(t *testing.T) {
	c, ctx := connect(t), t.Context()
	made := must[ec2.CreateVpcOutput](t)(c.CreateVpc(ctx, &ec2.CreateVpcInput{
		CidrBlock: aws.String("10.20.0.0/16"), InstanceTenancy: types.TenancyDefault,
		AmazonProvidedIpv6CidrBlock: aws.Bool(true), TagSpecifications: tagged(t, types.ResourceTypeVpc),
	})).Vpc
	id := *made.VpcId
	attribute := func(name types.VpcAttributeName) bool {
		t.Helper()
		out := must[ec2.DescribeVpcAttributeOutput](t)(c.DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{VpcId: &id, Attribute: name}))
		switch name {
		case types.VpcAttributeNameEnableDnsHostnames:
			return *out.EnableDnsHostnames.Value
		case types.VpcAttributeNameEnableDnsSupport:
			return *out.EnableDnsSupport.Value
		default:
			return *out.EnableNetworkAddressUsageMetrics.Value
		}
	}
	read := func() types.Vpc {
		t.Helper()
		out := must[ec2.DescribeVpcsOutput](t)(c.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{id}}))
		if len(out.Vpcs) != 1 {
			t.Fatalf("%d VPCs", len(out.Vpcs))
		}
		return out.Vpcs[0]
	}

	first := read()
	if first.State != types.VpcStateAvailable || *first.CidrBlock != "10.20.0.0/16" || *first.IsDefault || name(first.Tags) != t.Name() ||
		len(first.Ipv6CidrBlockAssociationSet) != 1 || first.Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlockState.State != types.VpcCidrBlockStateCodeAssociated ||
		len(first.CidrBlockAssociationSet) != 1 || first.InstanceTenancy != types.TenancyDefault || aws.ToString(first.OwnerId) == "" {
		t.Errorf("read %+v", first)
	}
	if attribute(types.VpcAttributeNameEnableDnsHostnames) || !attribute(types.VpcAttributeNameEnableDnsSupport) ||
		attribute(types.VpcAttributeNameEnableNetworkAddressUsageMetrics) {
		t.Error("a nondefault VPC has DNS support and no DNS hostnames at first")
	}
	// What every VPC has from the beginning.
	ofVPC := filter("vpc-id", id)
	acls := must[ec2.DescribeNetworkAclsOutput](t)(c.DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{Filters: []types.Filter{filter("default", "true"), ofVPC}}))
	tables := must[ec2.DescribeRouteTablesOutput](t)(c.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: []types.Filter{filter("association.main", "true"), ofVPC}}))
	groups := must[ec2.DescribeSecurityGroupsOutput](t)(c.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: []types.Filter{filter("group-name", "default"), ofVPC}}))
	if len(acls.NetworkAcls) != 1 || len(tables.RouteTables) != 1 || len(groups.SecurityGroups) != 1 {
		t.Fatalf("%d ACLs, %d route tables, %d groups, want one each", len(acls.NetworkAcls), len(tables.RouteTables), len(groups.SecurityGroups))
	}
	if len(acls.NetworkAcls[0].Entries) != 8 || len(tables.RouteTables[0].Routes) != 2 || len(groups.SecurityGroups[0].IpPermissionsEgress) == 0 {
		t.Errorf("ACL %+v, route table %+v, group %+v", acls.NetworkAcls[0].Entries, tables.RouteTables[0].Routes, groups.SecurityGroups[0])
	}
	if !reflect.DeepEqual(first, read()) {
		t.Error("reading again finds a change")
	}

	must[ec2.ModifyVpcAttributeOutput](t)(c.ModifyVpcAttribute(ctx, &ec2.ModifyVpcAttributeInput{VpcId: &id, EnableDnsHostnames: &types.AttributeBooleanValue{Value: aws.Bool(true)}}))
	if !attribute(types.VpcAttributeNameEnableDnsHostnames) {
		t.Error("the update has no effect")
	}
	must[ec2.CreateTagsOutput](t)(c.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{id}, Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("renamed")}}}))
	if got := name(read().Tags); got != "renamed" {
		t.Errorf("renamed, it is called %q", got)
	}

	must[ec2.DeleteVpcOutput](t)(c.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: &id}))
	_, err := c.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{id}})
	refused(t, "InvalidVpcID.NotFound", err)
}

func TestSubnetWithRoutes(t *testing.T) {
	c, ctx := connect(t), t.Context()
	vpc := newVPC(t, c, "10.21.0.0/16")
	subnet := *must[ec2.CreateSubnetOutput](t)(c.CreateSubnet(ctx, &ec2.CreateSubnetInput{
		VpcId: &vpc, CidrBlock: aws.String("10.21.1.0/24"), AvailabilityZone: aws.String("us-east-1b"), TagSpecifications: tagged(t, types.ResourceTypeSubnet),
	})).Subnet.SubnetId
	read := func() types.Subnet {
		t.Helper()
		return must[ec2.DescribeSubnetsOutput](t)(c.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: []string{subnet}})).Subnets[0]
	}
	first := read()
	if first.State != types.SubnetStateAvailable || *first.AvailabilityZone != "us-east-1b" || *first.AvailableIpAddressCount != 251 || *first.MapPublicIpOnLaunch {
		t.Errorf("read %+v", first)
	}
	if !reflect.DeepEqual(first, read()) {
		t.Error("reading again finds a change")
	}
	must[ec2.ModifySubnetAttributeOutput](t)(c.ModifySubnetAttribute(ctx, &ec2.ModifySubnetAttributeInput{SubnetId: &subnet, MapPublicIpOnLaunch: &types.AttributeBooleanValue{Value: aws.Bool(true)}}))
	if !*read().MapPublicIpOnLaunch {
		t.Error("the update has no effect")
	}

	gateway := *must[ec2.CreateInternetGatewayOutput](t)(c.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{TagSpecifications: tagged(t, types.ResourceTypeInternetGateway)})).InternetGateway.InternetGatewayId
	must[ec2.AttachInternetGatewayOutput](t)(c.AttachInternetGateway(ctx, &ec2.AttachInternetGatewayInput{InternetGatewayId: &gateway, VpcId: &vpc}))
	attached := must[ec2.DescribeInternetGatewaysOutput](t)(c.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{Filters: []types.Filter{filter("attachment.vpc-id", vpc)}}))
	if len(attached.InternetGateways) != 1 || attached.InternetGateways[0].Attachments[0].State != "available" {
		t.Errorf("attached: %+v", attached.InternetGateways)
	}

	table := *must[ec2.CreateRouteTableOutput](t)(c.CreateRouteTable(ctx, &ec2.CreateRouteTableInput{VpcId: &vpc, TagSpecifications: tagged(t, types.ResourceTypeRouteTable)})).RouteTable.RouteTableId
	must[ec2.CreateRouteOutput](t)(c.CreateRoute(ctx, &ec2.CreateRouteInput{RouteTableId: &table, DestinationCidrBlock: aws.String("0.0.0.0/0"), GatewayId: &gateway}))
	association := *must[ec2.AssociateRouteTableOutput](t)(c.AssociateRouteTable(ctx, &ec2.AssociateRouteTableInput{RouteTableId: &table, SubnetId: &subnet})).AssociationId
	readTable := func() types.RouteTable {
		t.Helper()
		return must[ec2.DescribeRouteTablesOutput](t)(c.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: []types.Filter{filter("association.subnet-id", subnet)}})).RouteTables[0]
	}
	got := readTable()
	if len(got.Routes) != 2 || got.Routes[0].State != types.RouteStateActive || len(got.Associations) != 1 || *got.Associations[0].RouteTableAssociationId != association ||
		got.Associations[0].AssociationState.State != types.RouteTableAssociationStateCodeAssociated {
		t.Errorf("route table %+v", got)
	}
	if !reflect.DeepEqual(got, readTable()) {
		t.Error("reading again finds a change")
	}

	// In the wrong order nothing goes.
	_, err := c.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: &vpc})
	refused(t, "DependencyViolation", err)
	_, err = c.DeleteInternetGateway(ctx, &ec2.DeleteInternetGatewayInput{InternetGatewayId: &gateway})
	refused(t, "DependencyViolation", err)
	_, err = c.DeleteRouteTable(ctx, &ec2.DeleteRouteTableInput{RouteTableId: &table})
	refused(t, "DependencyViolation", err)

	must[ec2.DisassociateRouteTableOutput](t)(c.DisassociateRouteTable(ctx, &ec2.DisassociateRouteTableInput{AssociationId: &association}))
	must[ec2.DeleteRouteOutput](t)(c.DeleteRoute(ctx, &ec2.DeleteRouteInput{RouteTableId: &table, DestinationCidrBlock: aws.String("0.0.0.0/0")}))
	must[ec2.DeleteRouteTableOutput](t)(c.DeleteRouteTable(ctx, &ec2.DeleteRouteTableInput{RouteTableId: &table}))
	must[ec2.DetachInternetGatewayOutput](t)(c.DetachInternetGateway(ctx, &ec2.DetachInternetGatewayInput{InternetGatewayId: &gateway, VpcId: &vpc}))
	must[ec2.DeleteInternetGatewayOutput](t)(c.DeleteInternetGateway(ctx, &ec2.DeleteInternetGatewayInput{InternetGatewayId: &gateway}))
	must[ec2.DeleteSubnetOutput](t)(c.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: &subnet}))
	_, err = c.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: []string{subnet}})
	refused(t, "InvalidSubnetID.NotFound", err)
}

func TestNetworkACL(t *testing.T) {
	c, ctx := connect(t), t.Context()
	vpc := newVPC(t, c, "10.22.0.0/16")
	subnet := newSubnet(t, c, vpc, "10.22.1.0/24")
	read := func(filters ...types.Filter) types.NetworkAcl {
		t.Helper()
		out := must[ec2.DescribeNetworkAclsOutput](t)(c.DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{Filters: filters}))
		if len(out.NetworkAcls) != 1 {
			t.Fatalf("%d ACLs by %v", len(out.NetworkAcls), filters)
		}
		return out.NetworkAcls[0]
	}
	byDefault := read(filter("association.subnet-id", subnet))
	if !*byDefault.IsDefault {
		t.Error("a new subnet has the default ACL")
	}
	acl := *must[ec2.CreateNetworkAclOutput](t)(c.CreateNetworkAcl(ctx, &ec2.CreateNetworkAclInput{VpcId: &vpc, TagSpecifications: tagged(t, types.ResourceTypeNetworkAcl)})).NetworkAcl.NetworkAclId
	entry := func(number int32, egress bool, from, to int32) *ec2.CreateNetworkAclEntryInput {
		return &ec2.CreateNetworkAclEntryInput{NetworkAclId: &acl, RuleNumber: &number, Egress: &egress, Protocol: aws.String("6"), RuleAction: types.RuleActionAllow,
			CidrBlock: aws.String("0.0.0.0/0"), PortRange: &types.PortRange{From: &from, To: &to}}
	}
	must[ec2.CreateNetworkAclEntryOutput](t)(c.CreateNetworkAclEntry(ctx, entry(100, false, 80, 80)))
	must[ec2.CreateNetworkAclEntryOutput](t)(c.CreateNetworkAclEntry(ctx, entry(100, true, 1024, 65535)))
	_, err := c.CreateNetworkAclEntry(ctx, entry(100, true, 1, 2))
	refused(t, "NetworkAclEntryAlreadyExists", err)
	moved := must[ec2.ReplaceNetworkAclAssociationOutput](t)(c.ReplaceNetworkAclAssociation(ctx, &ec2.ReplaceNetworkAclAssociationInput{
		AssociationId: byDefault.Associations[0].NetworkAclAssociationId, NetworkAclId: &acl,
	}))
	first := read(filter("network-acl-id", acl))
	if len(first.Entries) != 4 || *first.IsDefault || len(first.Associations) != 1 || *first.Associations[0].NetworkAclAssociationId != *moved.NewAssociationId || name(first.Tags) != t.Name() {
		t.Errorf("read %+v", first)
	}
	if !reflect.DeepEqual(first, read(filter("network-acl-id", acl))) {
		t.Error("reading again finds a change")
	}
	must[ec2.ReplaceNetworkAclEntryOutput](t)(c.ReplaceNetworkAclEntry(ctx, &ec2.ReplaceNetworkAclEntryInput{NetworkAclId: &acl, RuleNumber: aws.Int32(100), Egress: aws.Bool(false),
		Protocol: aws.String("-1"), RuleAction: types.RuleActionDeny, CidrBlock: aws.String("10.0.0.0/8")}))
	if got := read(filter("entry.rule-action", "deny"), filter("entry.cidr", "10.0.0.0/8")); *got.NetworkAclId != acl {
		t.Errorf("the replaced entry is in %+v", got)
	}
	_, err = c.DeleteNetworkAcl(ctx, &ec2.DeleteNetworkAclInput{NetworkAclId: &acl})
	refused(t, "DependencyViolation", err)
	must[ec2.ReplaceNetworkAclAssociationOutput](t)(c.ReplaceNetworkAclAssociation(ctx, &ec2.ReplaceNetworkAclAssociationInput{
		AssociationId: moved.NewAssociationId, NetworkAclId: byDefault.NetworkAclId,
	}))
	must[ec2.DeleteNetworkAclEntryOutput](t)(c.DeleteNetworkAclEntry(ctx, &ec2.DeleteNetworkAclEntryInput{NetworkAclId: &acl, RuleNumber: aws.Int32(100), Egress: aws.Bool(true)}))
	must[ec2.DeleteNetworkAclOutput](t)(c.DeleteNetworkAcl(ctx, &ec2.DeleteNetworkAclInput{NetworkAclId: &acl}))
	_, err = c.DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{NetworkAclIds: []string{acl}})
	refused(t, "InvalidNetworkAclID.NotFound", err)
}
