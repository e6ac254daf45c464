"""Steps of a VPC's life by an unmodified boto3: vpc.py STEP [ARGUMENT…].

build makes a VPC with a public and a private subnet, an internet gateway and
three instances, and prints their ids as JSON.
"""

import json
import os
import sys

import boto3

# boto3 before 1.28 does not look at AWS_ENDPOINT_URL by itself.
ec2 = boto3.client("ec2", endpoint_url=os.environ["AWS_ENDPOINT_URL"])

EVERYBODY = {"IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}


def tcp(port, **peer):
    return [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **peer}]


def group(vpc, name, permissions):
    made = ec2.create_security_group(VpcId=vpc, GroupName=name, Description=name)["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=made, IpPermissions=permissions)
    return made


def launch(image, subnet, *groups, public=False):
    interface = {"DeviceIndex": 0, "SubnetId": subnet, "Groups": list(groups), "Ipv6AddressCount": 1, "AssociatePublicIpAddress": public}
    made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, NetworkInterfaces=[interface])
    return made["Instances"][0]["InstanceId"]


def build():
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]
    described = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]
    block = described["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"].removesuffix("00::/56")
    public, private = (
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", Ipv6CidrBlock=f"{block}0{n}::/64")["Subnet"]["SubnetId"] for n in (1, 2)
    )
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.create_route(RouteTableId=table, DestinationIpv6CidrBlock="::/0", GatewayId=gateway)
    ec2.associate_route_table(RouteTableId=table, SubnetId=public)
    web = group(vpc, "web", tcp(80, **EVERYBODY))
    db = group(vpc, "db", tcp(3306, UserIdGroupPairs=[{"GroupId": web}]))
    ids = {
        "vpc": vpc, "public": public, "private": private, "gateway": gateway, "table": table, "web-group": web, "db-group": db,
        "web": launch("ami-fba54092", public, web, public=True),
        "db": launch("ami-f1a54098", private, db),
        "neighbour": launch("ami-f1a54098", private, web),
    }
    running = [ids["web"], ids["db"], ids["neighbour"]]
    ec2.get_waiter("instance_running").wait(InstanceIds=running, WaiterConfig={"Delay": 1})
    for reservation in ec2.describe_instances(InstanceIds=running)["Reservations"]:
        for i in reservation["Instances"]:
            name = next(n for n in ("web", "db", "neighbour") if ids[n] == i["InstanceId"])
            ids[name + "-private"] = i["PrivateIpAddress"]
            ids[name + "-public"] = i.get("PublicIpAddress", "")
            ids[name + "-ipv6"] = i["NetworkInterfaces"][0]["Ipv6Addresses"][0]["Ipv6Address"]
            ids[name + "-interface"] = i["NetworkInterfaces"][0]["NetworkInterfaceId"]
    print(json.dumps(ids))


def acl(vpc, subnet):
    """Gives a subnet a custom ACL, which denies everything at first."""
    made = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    found = ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])["NetworkAcls"][0]
    association = next(a for a in found["Associations"] if a["SubnetId"] == subnet)["NetworkAclAssociationId"]
    ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=made)
    print(made)


def entry(network_acl, number, direction, first, last, cidr):
    family = "Ipv6CidrBlock" if ":" in cidr else "CidrBlock"
    ec2.create_network_acl_entry(
        NetworkAclId=network_acl, RuleNumber=int(number), Egress=direction == "egress", Protocol="6", RuleAction="allow",
        PortRange={"From": int(first), "To": int(last)}, **{family: cidr},
    )


def no_entry(network_acl, number, direction):
    ec2.delete_network_acl_entry(NetworkAclId=network_acl, RuleNumber=int(number), Egress=direction == "egress")


def groups(instance, *ids):
    ec2.modify_instance_attribute(InstanceId=instance, Groups=list(ids))


def no_egress(group_id):
    """Takes away what every new group has: everything may leave."""
    found = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group_id]}])["SecurityGroupRules"]
    ec2.revoke_security_group_egress(GroupId=group_id, SecurityGroupRuleIds=[r["SecurityGroupRuleId"] for r in found if r["IsEgress"]])


def attach(instance, subnet, group_id):
    made = ec2.create_network_interface(SubnetId=subnet, Groups=[group_id])["NetworkInterface"]
    ec2.attach_network_interface(NetworkInterfaceId=made["NetworkInterfaceId"], InstanceId=instance, DeviceIndex=1)
    print(made["PrivateIpAddress"])


def no_route(table, cidr):
    family = "DestinationIpv6CidrBlock" if ":" in cidr else "DestinationCidrBlock"
    ec2.delete_route(RouteTableId=table, **{family: cidr})


steps = {
    "build": build, "acl": acl, "entry": entry, "no-entry": no_entry, "groups": groups, "no-egress": no_egress,
    "attach": attach, "no-route": no_route,
}
steps[sys.argv[1]](*sys.argv[2:])
