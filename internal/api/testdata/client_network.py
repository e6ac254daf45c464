"""Makes a VPC by boto3 as infrastructure tools do: create, read, change, destroy."""
import sys

import boto3
from botocore.exceptions import ClientError

ec2 = boto3.client("ec2", endpoint_url=sys.argv[1])


def code(call, **params):
    """The error code of a call that must fail."""
    try:
        call(**params)
    except ClientError as e:
        return e.response["Error"]["Code"]
    raise AssertionError(f"{params} is accepted")


def tagged(kind, name):
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}]}]


def vpc_filter(vpc, *more):
    return [{"Name": "vpc-id", "Values": [vpc]}] + [{"Name": n, "Values": [v]} for n, v in more]


# The default VPC, as data sources find it.
default = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]
assert default["CidrBlock"] == "172.31.0.0/16" and default["IsDefault"]
zones = {s["AvailabilityZone"] for s in ec2.describe_subnets(Filters=vpc_filter(default["VpcId"], ("default-for-az", "true")))["Subnets"]}
assert zones == {"us-east-1a", "us-east-1b", "us-east-1c"}, zones

# Create.
vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", InstanceTenancy="default", AmazonProvidedIpv6CidrBlock=True, TagSpecifications=tagged("vpc", "main"))["Vpc"]["VpcId"]
ec2.get_waiter("vpc_exists").wait(VpcIds=[vpc])
ec2.get_waiter("vpc_available").wait(VpcIds=[vpc])
ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
block = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", Ipv6CidrBlock=block.replace("/56", "/64"), AvailabilityZone="us-east-1b",
                           TagSpecifications=tagged("subnet", "public"))["Subnet"]["SubnetId"]
ec2.get_waiter("subnet_available").wait(SubnetIds=[subnet])
ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
ec2.modify_subnet_attribute(SubnetId=subnet, AssignIpv6AddressOnCreation={"Value": True})
gateway = ec2.create_internet_gateway(TagSpecifications=tagged("internet-gateway", "main"))["InternetGateway"]["InternetGatewayId"]
ec2.get_waiter("internet_gateway_exists").wait(InternetGatewayIds=[gateway])
ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
table = ec2.create_route_table(VpcId=vpc, TagSpecifications=tagged("route-table", "public"))["RouteTable"]["RouteTableId"]
assert ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)["Return"]
assert ec2.create_route(RouteTableId=table, DestinationIpv6CidrBlock="::/0", GatewayId=gateway)["Return"]
association = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
assert association["AssociationState"]["State"] == "associated"

# Read: what was asked for is what is there.
for attribute, element in (("enableDnsSupport", "EnableDnsSupport"), ("enableDnsHostnames", "EnableDnsHostnames")):
    assert ec2.describe_vpc_attribute(VpcId=vpc, Attribute=attribute)[element] == {"Value": True}
assert ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableNetworkAddressUsageMetrics")["EnableNetworkAddressUsageMetrics"] == {"Value": False}
shown = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]
assert shown["MapPublicIpOnLaunch"] and shown["AssignIpv6AddressOnCreation"] and shown["AvailableIpAddressCount"] == 251
assert shown["Tags"] == [{"Key": "Name", "Value": "public"}]
main = ec2.describe_route_tables(Filters=vpc_filter(vpc, ("association.main", "true")))["RouteTables"]
assert len(main) == 1 and main[0]["Associations"][0]["Main"]
acl = ec2.describe_network_acls(Filters=vpc_filter(vpc, ("default", "true")))["NetworkAcls"]
assert len(acl) == 1 and [a["SubnetId"] for a in acl[0]["Associations"]] == [subnet]
assert len(ec2.describe_security_groups(Filters=vpc_filter(vpc, ("group-name", "default")))["SecurityGroups"]) == 1
attached = ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc]}])["InternetGateways"]
assert attached[0]["Attachments"] == [{"State": "available", "VpcId": vpc}]
routes = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
assert [r.get("DestinationCidrBlock") or r["DestinationIpv6CidrBlock"] for r in routes] == ["10.0.0.0/16", block, "0.0.0.0/0", "::/0"]
assert {r["State"] for r in routes} == {"active"}
names = [t["Value"] for page in ec2.get_paginator("describe_tags").paginate(PaginationConfig={"PageSize": 5}) for t in page["Tags"]]
assert sorted(names) == ["main", "main", "public", "public"], names

# Change in place.
ec2.create_tags(Resources=[vpc, subnet], Tags=[{"Key": "Name", "Value": "changed"}, {"Key": "stage", "Value": "test"}])
ec2.delete_tags(Resources=[vpc], Tags=[{"Key": "stage"}])
assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Tags"] == [{"Key": "Name", "Value": "changed"}]
more = ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.1.0.0/16")["CidrBlockAssociation"]["AssociationId"]
assert len(ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["CidrBlockAssociationSet"]) == 2
ec2.disassociate_vpc_cidr_block(AssociationId=more)
replaced = ec2.replace_route_table_association(AssociationId=association["AssociationId"], RouteTableId=main[0]["RouteTableId"])["NewAssociationId"]

# Destroy: in the order of what depends on what, and in no other.
assert code(ec2.delete_vpc, VpcId=vpc) == "DependencyViolation"
assert code(ec2.delete_internet_gateway, InternetGatewayId=gateway) == "DependencyViolation"
ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
ec2.disassociate_route_table(AssociationId=replaced)
ec2.delete_route_table(RouteTableId=table)
ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
ec2.delete_internet_gateway(InternetGatewayId=gateway)
ec2.delete_subnet(SubnetId=subnet)
ec2.delete_vpc(VpcId=vpc)
assert code(ec2.describe_vpcs, VpcIds=[vpc]) == "InvalidVpcID.NotFound"
assert code(ec2.describe_route_tables, RouteTableIds=[table]) == "InvalidRouteTableID.NotFound"
