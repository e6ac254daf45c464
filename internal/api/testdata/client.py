"""What a user of boto3 does with groups and instances. Usage: client.py URL"""

import sys

import boto3
from botocore.exceptions import ClientError

ec2 = boto3.client("ec2", endpoint_url=sys.argv[1])
sts = boto3.client("sts", endpoint_url=sys.argv[1])


def fails(code, call, **params):
    try:
        call(**params)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
        assert e.response["ResponseMetadata"]["RequestId"], e
    else:
        raise AssertionError(f"no {code}")


assert sts.get_caller_identity()["Account"] == "111122223333"

web = ec2.create_security_group(GroupName="web", Description="Mary's web servers")["GroupId"]
fails("InvalidGroup.Duplicate", ec2.create_security_group, GroupName="web", Description="d")
fails("MissingParameter", ec2.authorize_security_group_ingress)

http = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "all"}]}
added = ec2.authorize_security_group_ingress(GroupId=web, IpPermissions=[http])
assert added["Return"] and added["SecurityGroupRules"][0]["CidrIpv4"] == "0.0.0.0/0", added
fails("InvalidPermission.Duplicate", ec2.authorize_security_group_ingress, GroupId=web, IpPermissions=[http])
fails("DryRunOperation", ec2.delete_security_group, GroupId=web, DryRun=True)

(group,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["we?"]}])["SecurityGroups"]
assert group["IpPermissions"][0]["IpRanges"] == http["IpRanges"], group
assert {g["GroupName"] for p in ec2.get_paginator("describe_security_groups").paginate(PaginationConfig={"PageSize": 5})
        for g in p["SecurityGroups"]} == {"web", "default"}

reservation = ec2.run_instances(ImageId="ami-fba54092", MinCount=1, MaxCount=3, SecurityGroups=["web"])
ids = [i["InstanceId"] for i in reservation["Instances"]]
assert len(ids) == 3 and reservation["Groups"][0]["GroupId"] == web, reservation
fails("InvalidGroup.InUse", ec2.delete_security_group, GroupId=web)
fails("InvalidInstanceID.NotFound", ec2.describe_instances, InstanceIds=["i-00000000"])
shown = ec2.describe_instances(InstanceIds=ids)["Reservations"][0]["Instances"]
assert [i["AmiLaunchIndex"] for i in shown] == [0, 1, 2] and shown[0]["SecurityGroups"][0]["GroupName"] == "web", shown
ended = ec2.terminate_instances(InstanceIds=ids)["TerminatingInstances"]
assert {i["CurrentState"]["Name"] for i in ended} == {"shutting-down"}, ended

missed = ec2.revoke_security_group_ingress(GroupId=web, IpProtocol="tcp", FromPort=1, ToPort=2, CidrIp="10.0.0.0/8")
assert missed["Return"] and missed["UnknownIpPermissions"][0]["FromPort"] == 1, missed
ec2.revoke_security_group_ingress(GroupId=web, IpPermissions=[http])

# The other region knows nothing of all this.
west = boto3.client("ec2", endpoint_url=sys.argv[1], region_name="us-west-2")
assert [g["GroupName"] for g in west.describe_security_groups()["SecurityGroups"]] == ["default"]
