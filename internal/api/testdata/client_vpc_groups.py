"""What a user of boto3 does with the groups and network ACLs of a VPC. Usage: client_vpc_groups.py URL"""

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


def only(items):
    (item,) = items
    return item


vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]
made = ec2.create_security_group(GroupName="web", Description="d", VpcId=vpc)
web = made["GroupId"]
group = only(ec2.describe_security_groups(GroupIds=[web])["SecurityGroups"])
assert group["VpcId"] == vpc and group["IpPermissions"] == [], group
out = only(group["IpPermissionsEgress"])
assert out["IpProtocol"] == "-1" and "FromPort" not in out, out
assert out["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}] and out["Ipv6Ranges"] == [{"CidrIpv6": "::/0"}], out

# What an infrastructure tool does first: the open egress goes, as it is told.
ec2.revoke_security_group_egress(GroupId=web, IpPermissions=group["IpPermissionsEgress"])
fails("InvalidPermission.NotFound", ec2.revoke_security_group_egress, GroupId=web, IpPermissions=group["IpPermissionsEgress"])

https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32", "Description": "v6"}],
         "UserIdGroupPairs": [{"GroupId": web}]}
tags = [{"ResourceType": "security-group-rule", "Tags": [{"Key": "k", "Value": "v"}]}]
added = ec2.authorize_security_group_ingress(GroupId=web, IpPermissions=[https], TagSpecifications=tags)["SecurityGroupRules"]
assert {r.get("CidrIpv6") or r["ReferencedGroupInfo"]["GroupId"] for r in added} == {"2001:db8::/32", web}, added
rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [web]}])["SecurityGroupRules"]
assert rules == added, rules
rule = next(r for r in rules if "CidrIpv6" in r)
assert rule["Tags"] == [{"Key": "k", "Value": "v"}] and not rule["IsEgress"] and rule["Description"] == "v6", rule

changed = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 81, "CidrIpv6": "2001:db8:1::/48"}
ec2.modify_security_group_rules(GroupId=web, SecurityGroupRules=[{"SecurityGroupRuleId": rule["SecurityGroupRuleId"], "SecurityGroupRule": changed}])
rule = only(ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])["SecurityGroupRules"])
assert {k: rule[k] for k in changed} == changed and "Description" not in rule, rule
ec2.update_security_group_rule_descriptions_ingress(
    GroupId=web, SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": rule["SecurityGroupRuleId"], "Description": "new"}])
gone = ec2.revoke_security_group_ingress(GroupId=web, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
assert gone["Return"] and gone.get("UnknownIpPermissions", []) == [], gone

assert ec2.describe_stale_security_groups(VpcId=vpc)["StaleSecurityGroupSet"] == []
assert ec2.describe_security_group_references(GroupId=[web])["SecurityGroupReferenceSet"] == []

# A custom ACL, its entries, and a subnet that gets it and gives it back.
subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
of_subnet = [{"Name": "association.subnet-id", "Values": [subnet]}]
default = only(ec2.describe_network_acls(Filters=of_subnet)["NetworkAcls"])
assert default["IsDefault"], default
acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]
assert {(e["RuleNumber"], e["Egress"], e["RuleAction"]) for e in acl["Entries"]} == \
    {(n, egress, "deny") for n in (32767, 32768) for egress in (False, True)}, acl
acl = acl["NetworkAclId"]
entry = {"NetworkAclId": acl, "RuleNumber": 100, "Egress": False, "Protocol": "6", "RuleAction": "allow", "CidrBlock": "10.0.0.0/8",
         "PortRange": {"From": 80, "To": 80}}
ec2.create_network_acl_entry(**entry)
fails("NetworkAclEntryAlreadyExists", ec2.create_network_acl_entry, **entry)
entry["PortRange"] = {"From": 1024, "To": 65535}
ec2.replace_network_acl_entry(**entry)
shown = only(ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"])["Entries"]
assert {k: v for k, v in entry.items() if k != "NetworkAclId"} in shown, shown

association = only(a["NetworkAclAssociationId"] for a in default["Associations"] if a["SubnetId"] == subnet)
association = ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=acl)["NewAssociationId"]
assert only(ec2.describe_network_acls(Filters=of_subnet)["NetworkAcls"])["NetworkAclId"] == acl
fails("DependencyViolation", ec2.delete_network_acl, NetworkAclId=acl)
ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=default["NetworkAclId"])
ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=100, Egress=False)

# All goes, in the order of its dependencies.
ec2.delete_network_acl(NetworkAclId=acl)
fails("DependencyViolation", ec2.delete_vpc, VpcId=vpc)
ec2.delete_security_group(GroupId=web)
ec2.delete_subnet(SubnetId=subnet)
ec2.delete_vpc(VpcId=vpc)
