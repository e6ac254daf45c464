"""What a user of boto3 does with interfaces and addresses. Usage: client_vpc.py URL"""

import sys

import boto3
from botocore.exceptions import ClientError

ec2 = boto3.client("ec2", endpoint_url=sys.argv[1])


def fails(code, call, **params):
    try:
        call(**params)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
    else:
        raise AssertionError(f"no {code}")


subnet = ec2.describe_subnets(Filters=[{"Name": "availability-zone", "Values": ["us-east-1b"]}])["Subnets"][0]["SubnetId"]
web = ec2.create_security_group(GroupName="web", Description="d")["GroupId"]

# The second interface of an instance, with tags and everything.
eni = ec2.create_network_interface(
    SubnetId=subnet, Groups=[web], Description="second", SecondaryPrivateIpAddressCount=2,
    TagSpecifications=[{"ResourceType": "network-interface", "Tags": [{"Key": "Name", "Value": "second"}]}])["NetworkInterface"]
assert eni["Status"] == "available" and eni["AvailabilityZone"] == "us-east-1b" and len(eni["PrivateIpAddresses"]) == 3, eni
id = eni["NetworkInterfaceId"]
ec2.get_waiter("network_interface_available").wait(NetworkInterfaceIds=[id])

(instance,) = ec2.run_instances(
    ImageId="ami-eca54085", MinCount=1, MaxCount=1, InstanceType="t3.micro", DisableApiTermination=True,
    NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": subnet, "Groups": [web], "AssociatePublicIpAddress": True}])["Instances"]
(eth0,) = instance["NetworkInterfaces"]
assert instance["SubnetId"] == subnet and instance["SourceDestCheck"] and eth0["Attachment"]["DeviceIndex"] == 0, instance
assert eth0["Groups"] == [{"GroupName": "web", "GroupId": web}] and eth0["Association"]["IpOwnerId"] == "amazon", eth0
fails("IncorrectInstanceState", ec2.attach_network_interface, NetworkInterfaceId=id, InstanceId=instance["InstanceId"], DeviceIndex=1)
fails("OperationNotPermitted", ec2.terminate_instances, InstanceIds=[instance["InstanceId"]])
attribute = ec2.describe_instance_attribute(InstanceId=instance["InstanceId"], Attribute="disableApiTermination")
assert attribute["DisableApiTermination"] == {"Value": True}, attribute

# Changed as an object, as programs do.
interface = boto3.resource("ec2", endpoint_url=sys.argv[1]).NetworkInterface(id)
interface.modify_attribute(SourceDestCheck={"Value": False})
interface.reload()
assert not interface.source_dest_check and interface.tag_set == [{"Key": "Name", "Value": "second"}]

# An Elastic IP address on a secondary address.
address = ec2.allocate_address(Domain="vpc")
private = eni["PrivateIpAddresses"][1]["PrivateIpAddress"]
association = ec2.associate_address(AllocationId=address["AllocationId"], NetworkInterfaceId=id, PrivateIpAddress=private)["AssociationId"]
(shown,) = ec2.describe_addresses(Filters=[{"Name": "association-id", "Values": [association]}])["Addresses"]
assert shown["PrivateIpAddress"] == private and shown["NetworkInterfaceId"] == id and shown["Domain"] == "vpc", shown
ec2.disassociate_address(AssociationId=association)
ec2.release_address(AllocationId=address["AllocationId"])
fails("InvalidAllocationID.NotFound", ec2.describe_addresses, AllocationIds=[address["AllocationId"]])

for call, element in ((ec2.describe_instance_types, "InstanceTypes"), (ec2.describe_volumes, "Volumes")):
    assert call()[element], element
assert ec2.describe_instance_status(IncludeAllInstances=True)["InstanceStatuses"][0]["InstanceState"]["Name"] == "pending"
ec2.delete_network_interface(NetworkInterfaceId=id)
fails("InvalidNetworkInterfaceID.NotFound", ec2.describe_network_interfaces, NetworkInterfaceIds=[id])

# Key pairs: made here, or at home.
for kind, begin in (("rsa", "-----BEGIN RSA PRIVATE KEY-----\n"), ("ed25519", "-----BEGIN OPENSSH PRIVATE KEY-----\n")):
    made = ec2.create_key_pair(KeyName=kind, KeyType=kind, TagSpecifications=[{"ResourceType": "key-pair", "Tags": [{"Key": "made", "Value": "here"}]}])
    assert made["KeyMaterial"].startswith(begin), made
    (pair,) = ec2.describe_key_pairs(KeyPairIds=[made["KeyPairId"]], IncludePublicKey=True)["KeyPairs"]
    assert pair["KeyFingerprint"] == made["KeyFingerprint"] and pair["KeyType"] == kind and pair["Tags"] == made["Tags"], pair
    imported = ec2.import_key_pair(KeyName=kind + " again", PublicKeyMaterial=pair["PublicKey"])
    assert (imported["KeyFingerprint"] == made["KeyFingerprint"]) == (kind == "ed25519"), imported
fails("InvalidKeyPair.Duplicate", ec2.create_key_pair, KeyName="rsa")
fails("InvalidKey.Format", ec2.import_key_pair, KeyName="other", PublicKeyMaterial="no key")
assert [k["KeyName"] for k in ec2.describe_key_pairs(Filters=[{"Name": "tag:made", "Values": ["here"]}])["KeyPairs"]] == ["ed25519", "rsa"]
fails("InvalidKeyPair.NotFound", ec2.run_instances, ImageId="ami-eca54085", MinCount=1, MaxCount=1, KeyName="none")
(instance,) = ec2.run_instances(ImageId="ami-eca54085", MinCount=1, MaxCount=1, KeyName="rsa")["Instances"]
assert instance["KeyName"] == "rsa", instance
ec2.delete_key_pair(KeyName="rsa")
fails("InvalidKeyPair.NotFound", ec2.describe_key_pairs, KeyNames=["rsa"])
