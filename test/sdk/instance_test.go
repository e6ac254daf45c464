package sdk

import (
	"reflect"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func TestNetworkInterfaceWithAddress(t *testing.T) {
	c, ctx := connect(t), t.Context()
	vpc := newVPC(t, c, "10.24.0.0/16")
	subnet := newSubnet(t, c, vpc, "10.24.1.0/24")
	id := *must[ec2.CreateNetworkInterfaceOutput](t)(c.CreateNetworkInterface(ctx, &ec2.CreateNetworkInterfaceInput{
		SubnetId: &subnet, Description: aws.String("spare"), PrivateIpAddresses: []types.PrivateIpAddressSpecification{
			{PrivateIpAddress: aws.String("10.24.1.10"), Primary: aws.Bool(true)}, {PrivateIpAddress: aws.String("10.24.1.11"), Primary: aws.Bool(false)},
		}, TagSpecifications: tagged(t, types.ResourceTypeNetworkInterface),
	})).NetworkInterface.NetworkInterfaceId
	read := func() types.NetworkInterface {
		t.Helper()
		return must[ec2.DescribeNetworkInterfacesOutput](t)(c.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{id}})).NetworkInterfaces[0]
	}
	first := read()
	if first.Status != types.NetworkInterfaceStatusAvailable || *first.PrivateIpAddress != "10.24.1.10" || len(first.PrivateIpAddresses) != 2 ||
		!*first.SourceDestCheck || len(first.Groups) != 1 || *first.Groups[0].GroupName != "default" || name(first.TagSet) != t.Name() {
		t.Errorf("read %+v", first)
	}
	if !reflect.DeepEqual(first, read()) {
		t.Error("reading again finds a change")
	}
	must[ec2.ModifyNetworkInterfaceAttributeOutput](t)(c.ModifyNetworkInterfaceAttribute(ctx, &ec2.ModifyNetworkInterfaceAttributeInput{NetworkInterfaceId: &id, SourceDestCheck: &types.AttributeBooleanValue{Value: aws.Bool(false)}}))
	must[ec2.UnassignPrivateIpAddressesOutput](t)(c.UnassignPrivateIpAddresses(ctx, &ec2.UnassignPrivateIpAddressesInput{NetworkInterfaceId: &id, PrivateIpAddresses: []string{"10.24.1.11"}}))
	must[ec2.AssignPrivateIpAddressesOutput](t)(c.AssignPrivateIpAddresses(ctx, &ec2.AssignPrivateIpAddressesInput{NetworkInterfaceId: &id, PrivateIpAddresses: []string{"10.24.1.12"}}))
	if got := read(); *got.SourceDestCheck || len(got.PrivateIpAddresses) != 2 || *got.PrivateIpAddresses[1].PrivateIpAddress != "10.24.1.12" {
		t.Errorf("updated: %+v", got)
	}

	gateway := *must[ec2.CreateInternetGatewayOutput](t)(c.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{})).InternetGateway.InternetGatewayId
	must[ec2.AttachInternetGatewayOutput](t)(c.AttachInternetGateway(ctx, &ec2.AttachInternetGatewayInput{InternetGatewayId: &gateway, VpcId: &vpc}))
	address := must[ec2.AllocateAddressOutput](t)(c.AllocateAddress(ctx, &ec2.AllocateAddressInput{Domain: types.DomainTypeVpc, TagSpecifications: tagged(t, types.ResourceTypeElasticIp)}))
	association := *must[ec2.AssociateAddressOutput](t)(c.AssociateAddress(ctx, &ec2.AssociateAddressInput{AllocationId: address.AllocationId, NetworkInterfaceId: &id})).AssociationId
	described := must[ec2.DescribeAddressesOutput](t)(c.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{AllocationIds: []string{*address.AllocationId}})).Addresses[0]
	if *described.AssociationId != association || *described.NetworkInterfaceId != id || *described.PrivateIpAddress != "10.24.1.10" || *described.PublicIp != *address.PublicIp {
		t.Errorf("address %+v", described)
	}
	if got := read(); got.Association == nil || *got.Association.PublicIp != *address.PublicIp {
		t.Errorf("interface %+v", got.Association)
	}
	_, err := c.ReleaseAddress(ctx, &ec2.ReleaseAddressInput{AllocationId: address.AllocationId})
	refused(t, "InvalidIPAddress.InUse", err)
	_, err = c.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: &subnet})
	refused(t, "DependencyViolation", err)

	must[ec2.DisassociateAddressOutput](t)(c.DisassociateAddress(ctx, &ec2.DisassociateAddressInput{AssociationId: &association}))
	must[ec2.ReleaseAddressOutput](t)(c.ReleaseAddress(ctx, &ec2.ReleaseAddressInput{AllocationId: address.AllocationId}))
	_, err = c.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{AllocationIds: []string{*address.AllocationId}})
	refused(t, "InvalidAllocationID.NotFound", err)
	must[ec2.DeleteNetworkInterfaceOutput](t)(c.DeleteNetworkInterface(ctx, &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: &id}))
	_, err = c.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{id}})
	refused(t, "InvalidNetworkInterfaceID.NotFound", err)
	must[ec2.DetachInternetGatewayOutput](t)(c.DetachInternetGateway(ctx, &ec2.DetachInternetGatewayInput{InternetGatewayId: &gateway, VpcId: &vpc}))
	must[ec2.DeleteInternetGatewayOutput](t)(c.DeleteInternetGateway(ctx, &ec2.DeleteInternetGatewayInput{InternetGatewayId: &gateway}))
}

func TestInstance(t *testing.T) {
	c, ctx := connect(t), t.Context()
	vpc := newVPC(t, c, "10.25.0.0/16")
	subnet := newSubnet(t, c, vpc, "10.25.1.0/24")
	newGroup := func(name string) string {
		t.Helper()
		return *must[ec2.CreateSecurityGroupOutput](t)(c.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: &name, Description: &name, VpcId: &vpc})).GroupId
	}
	web, app := newGroup("web"), newGroup("app")
	launch := &ec2.RunInstancesInput{
		ImageId: aws.String("ami-eca54085"), MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: types.InstanceTypeT3Micro,
		SubnetId: &subnet, SecurityGroupIds: []string{web}, ClientToken: aws.String("once"),
		TagSpecifications: slices.Concat(tagged(t, types.ResourceTypeInstance), tagged(t, types.ResourceTypeVolume), tagged(t, types.ResourceTypeNetworkInterface)),
	}
	id := *must[ec2.RunInstancesOutput](t)(c.RunInstances(ctx, launch)).Instances[0].InstanceId
	if again := *must[ec2.RunInstancesOutput](t)(c.RunInstances(ctx, launch)).Instances[0].InstanceId; again != id {
		t.Errorf("the same call with the same client token has launched %s besides %s", again, id)
	}
	byID := &ec2.DescribeInstancesInput{InstanceIds: []string{id}}
	if err := ec2.NewInstanceRunningWaiter(c).Wait(ctx, byID, patience); err != nil {
		t.Fatal(err)
	}
	read := func() types.Instance {
		t.Helper()
		return must[ec2.DescribeInstancesOutput](t)(c.DescribeInstances(ctx, byID)).Reservations[0].Instances[0]
	}
	first := read()
	if *first.VpcId != vpc || *first.SubnetId != subnet || len(first.SecurityGroups) != 1 || len(first.NetworkInterfaces) != 1 || !*first.SourceDestCheck ||
		*first.NetworkInterfaces[0].Attachment.DeviceIndex != 0 || aws.ToString(first.PublicIpAddress) != "" || name(first.Tags) != t.Name() {
		t.Errorf("read %+v", first)
	}
	// What a tool reads besides.
	must[ec2.DescribeInstanceTypesOutput](t)(c.DescribeInstanceTypes(ctx, &ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{types.InstanceTypeT3Micro}}))
	volumes := must[ec2.DescribeVolumesOutput](t)(c.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{Filters: []types.Filter{filter("attachment.instance-id", id)}})).Volumes
	interfaces := must[ec2.DescribeNetworkInterfacesOutput](t)(c.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{Filters: []types.Filter{filter("attachment.instance-id", id)}})).NetworkInterfaces
	if len(volumes) != 1 || name(volumes[0].Tags) != t.Name() || len(interfaces) != 1 || name(interfaces[0].TagSet) != t.Name() {
		t.Errorf("volumes %+v, interfaces %+v", volumes, interfaces)
	}
	must[ec2.DescribeInstanceCreditSpecificationsOutput](t)(c.DescribeInstanceCreditSpecifications(ctx, &ec2.DescribeInstanceCreditSpecificationsInput{InstanceIds: []string{id}}))
	must[ec2.DescribeTagsOutput](t)(c.DescribeTags(ctx, &ec2.DescribeTagsInput{Filters: []types.Filter{filter("resource-id", id)}}))
	for _, a := range []types.InstanceAttributeName{types.InstanceAttributeNameDisableApiTermination, types.InstanceAttributeNameDisableApiStop,
		types.InstanceAttributeNameInstanceInitiatedShutdownBehavior, types.InstanceAttributeNameUserData, types.InstanceAttributeNameSourceDestCheck} {
		must[ec2.DescribeInstanceAttributeOutput](t)(c.DescribeInstanceAttribute(ctx, &ec2.DescribeInstanceAttributeInput{InstanceId: &id, Attribute: a}))
	}
	status := must[ec2.DescribeInstanceStatusOutput](t)(c.DescribeInstanceStatus(ctx, &ec2.DescribeInstanceStatusInput{InstanceIds: []string{id}}))
	if len(status.InstanceStatuses) != 1 || status.InstanceStatuses[0].InstanceState.Name != types.InstanceStateNameRunning {
		t.Errorf("status %+v", status.InstanceStatuses)
	}
	if !reflect.DeepEqual(first, read()) {
		t.Error("reading again finds a change")
	}

	must[ec2.ModifyInstanceAttributeOutput](t)(c.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{InstanceId: &id, Groups: []string{web, app}}))
	must[ec2.ModifyInstanceAttributeOutput](t)(c.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{InstanceId: &id, SourceDestCheck: &types.AttributeBooleanValue{Value: aws.Bool(false)}}))
	if got := read(); len(got.SecurityGroups) != 2 || *got.SourceDestCheck {
		t.Errorf("updated in place: %+v", got)
	}
	_, err := c.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &app})
	refused(t, "DependencyViolation", err)

	must[ec2.TerminateInstancesOutput](t)(c.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}}))
	if err := ec2.NewInstanceTerminatedWaiter(c).Wait(ctx, byID, patience); err != nil {
		t.Fatal(err)
	}
	for _, g := range []string{web, app} {
		must[ec2.DeleteSecurityGroupOutput](t)(c.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &g}))
	}
}
