"""One step of the tour, by an unmodified boto3: tour.py STEP [ARGUMENT]."""

import os
import sys

import boto3

# boto3 before 1.28 does not look at AWS_ENDPOINT_URL by itself.
ec2 = boto3.client("ec2", endpoint_url=os.environ["AWS_ENDPOINT_URL"])


def permission(cidr):
    return [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": cidr}]}]


def launch():
    launched = ec2.run_instances(ImageId="ami-eca54085", MinCount=1, MaxCount=1)
    ids = [launched["Instances"][0]["InstanceId"]]
    waiter = ec2.get_waiter("instance_running")
    waiter.wait(InstanceIds=ids, WaiterConfig={"Delay": 1})
    described = ec2.describe_instances(InstanceIds=ids)
    print(ids[0], described["Reservations"][0]["Instances"][0]["PublicIpAddress"])


def authorize(cidr):
    ec2.authorize_security_group_ingress(GroupName="default", IpPermissions=permission(cidr))
    group = ec2.describe_security_groups(GroupNames=["default"])["SecurityGroups"][0]
    assert permission(cidr)[0]["IpRanges"] in [p["IpRanges"] for p in group["IpPermissions"]], group


def revoke(cidr):
    ec2.revoke_security_group_ingress(GroupName="default", IpPermissions=permission(cidr))


def terminate(instance):
    ec2.terminate_instances(InstanceIds=[instance])


steps = {"launch": launch, "authorize": authorize, "revoke": revoke, "terminate": terminate}
steps[sys.argv[1]](*sys.argv[2:])
