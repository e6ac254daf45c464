"""What a user of boto3 does with load balancers: each action of the API once at
least, in EC2-Classic and in a VPC. Usage: client_elb.py URL CERTIFICATE KEY"""

import sys

import boto3
from botocore.exceptions import ClientError

url, certificate, key = sys.argv[1], open(sys.argv[2]).read(), open(sys.argv[3]).read()
ec2, elb, iam = (boto3.client(s, endpoint_url=url) for s in ("ec2", "elb", "iam"))


def fails(code, status, call, **params):
    try:
        call(**params)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
        assert e.response["ResponseMetadata"]["HTTPStatusCode"] == status, e
    else:
        raise AssertionError(f"no {code}")


def listener(protocol, port, to, **more):
    return {"Protocol": protocol, "LoadBalancerPort": port, "InstancePort": to, **more}


name = {"LoadBalancerName": "front"}
arn = iam.upload_server_certificate(ServerCertificateName="shop", CertificateBody=certificate, PrivateKey=key,
                                    Tags=[{"Key": "a", "Value": "b"}])["ServerCertificateMetadata"]["Arn"]
assert iam.get_server_certificate(ServerCertificateName="shop")["ServerCertificate"]["CertificateBody"].strip() == certificate.strip()
assert [c["Arn"] for p in iam.get_paginator("list_server_certificates").paginate() for c in p["ServerCertificateMetadataList"]] == [arn]

dns = elb.create_load_balancer(AvailabilityZones=["us-east-1a"], Tags=[{"Key": "stage", "Value": "test"}], **name,
                               Listeners=[listener("HTTP", 80, 80), listener("HTTPS", 443, 80, SSLCertificateId=arn)])["DNSName"]
fails("DuplicateLoadBalancerName", 400, elb.create_load_balancer, AvailabilityZones=["us-east-1a"], Listeners=[listener("HTTP", 80, 80)], **name)
fails("DeleteConflict", 409, iam.delete_server_certificate, ServerCertificateName="shop")
(front,) = elb.describe_load_balancers(LoadBalancerNames=["front"])["LoadBalancerDescriptions"]
assert front["DNSName"] == dns and front["CreatedTime"].year > 2000, front
assert front["SourceSecurityGroup"] == {"OwnerAlias": "amazon-elb", "GroupName": "amazon-elb-sg"} and front["SecurityGroups"] == [], front
assert front["ListenerDescriptions"][1]["PolicyNames"] == ["ELBSecurityPolicy-2016-08"], front

elb.create_load_balancer_listeners(Listeners=[listener("TCP", 25, 25)], **name)
fails("DuplicateListener", 400, elb.create_load_balancer_listeners, Listeners=[listener("TCP", 25, 26)], **name)
elb.set_load_balancer_listener_ssl_certificate(LoadBalancerPort=443, SSLCertificateId=arn, **name)
check = {"Target": "HTTP:80/", "Interval": 6, "Timeout": 5, "UnhealthyThreshold": 2, "HealthyThreshold": 2}
assert elb.configure_health_check(HealthCheck=check, **name)["HealthCheck"] == check

(instance,) = ec2.run_instances(ImageId="ami-fba54092", MinCount=1, MaxCount=1)["Instances"]
ids = [{"InstanceId": instance["InstanceId"]}]
assert elb.register_instances_with_load_balancer(Instances=ids, **name)["Instances"] == ids
(state,) = elb.describe_instance_health(**name)["InstanceStates"]
assert (state["State"], state["Description"]) == ("OutOfService", "Instance is in pending state."), state
assert elb.deregister_instances_from_load_balancer(Instances=ids, **name)["Instances"] == []
elb.get_waiter("instance_deregistered").wait(Instances=ids, WaiterConfig={"MaxAttempts": 1}, **name)
fails("InvalidInstance", 400, elb.describe_instance_health, Instances=[{"InstanceId": "i-00000000"}], **name)

assert elb.enable_availability_zones_for_load_balancer(AvailabilityZones=["us-east-1b"], **name)["AvailabilityZones"] == ["us-east-1a", "us-east-1b"]
assert elb.disable_availability_zones_for_load_balancer(AvailabilityZones=["us-east-1a"], **name)["AvailabilityZones"] == ["us-east-1b"]
fails("InvalidConfigurationRequest", 409, elb.disable_availability_zones_for_load_balancer, AvailabilityZones=["us-east-1b"], **name)

elb.create_lb_cookie_stickiness_policy(PolicyName="hour", CookieExpirationPeriod=3600, **name)
elb.create_app_cookie_stickiness_policy(PolicyName="app", CookieName="JSESSIONID", **name)
elb.create_load_balancer_policy(PolicyName="proxy", PolicyTypeName="ProxyProtocolPolicyType",
                                PolicyAttributes=[{"AttributeName": "ProxyProtocol", "AttributeValue": "true"}], **name)
elb.set_load_balancer_policies_of_listener(LoadBalancerPort=80, PolicyNames=["hour"], **name)
fails("InvalidConfigurationRequest", 409, elb.delete_load_balancer_policy, PolicyName="hour", **name)
elb.set_load_balancer_policies_of_listener(LoadBalancerPort=80, PolicyNames=[], **name)
elb.delete_load_balancer_policy(PolicyName="hour", **name)
elb.set_load_balancer_policies_for_backend_server(InstancePort=25, PolicyNames=["proxy"], **name)
(policy,) = elb.describe_load_balancer_policies(PolicyNames=["app"], **name)["PolicyDescriptions"]
assert policy["PolicyAttributeDescriptions"] == [{"AttributeName": "CookieName", "AttributeValue": "JSESSIONID"}], policy
fails("PolicyNotFound", 400, elb.describe_load_balancer_policies, PolicyNames=["none"], **name)
samples = elb.describe_load_balancer_policies()["PolicyDescriptions"]
assert len(samples) == 11 and samples[0]["PolicyName"] == "ELBSecurityPolicy-2016-08", samples
assert len(elb.describe_load_balancer_policy_types()["PolicyTypeDescriptions"]) == 6

changed = elb.modify_load_balancer_attributes(LoadBalancerAttributes={"CrossZoneLoadBalancing": {"Enabled": True}}, **name)
assert changed["LoadBalancerAttributes"] == {"CrossZoneLoadBalancing": {"Enabled": True}}, changed
attributes = elb.describe_load_balancer_attributes(**name)["LoadBalancerAttributes"]
assert attributes["CrossZoneLoadBalancing"]["Enabled"] and attributes["ConnectionSettings"]["IdleTimeout"] == 60, attributes

elb.add_tags(LoadBalancerNames=["front"], Tags=[{"Key": "owner", "Value": "Mary"}])
elb.remove_tags(LoadBalancerNames=["front"], Tags=[{"Key": "stage"}])
assert elb.describe_tags(LoadBalancerNames=["front"])["TagDescriptions"][0]["Tags"] == [{"Key": "owner", "Value": "Mary"}]
assert {li["Name"]: li["Max"] for li in elb.describe_account_limits()["Limits"]}["classic-load-balancers"] == "10"

# In a VPC.
vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
a, b = (ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"us-east-1{z}")["Subnet"]["SubnetId"] for i, z in ((1, "a"), (2, "b")))
group = ec2.create_security_group(GroupName="inside", Description="d", VpcId=vpc)["GroupId"]
inside = {"LoadBalancerName": "inside"}
fails("InvalidSubnet", 400, elb.create_load_balancer, Subnets=[a], Listeners=[listener("TCP", 7, 7)], **inside)
elb.create_load_balancer(Subnets=[a], Scheme="internal", Listeners=[listener("TCP", 7, 7)], **inside)
assert elb.attach_load_balancer_to_subnets(Subnets=[b], **inside)["Subnets"] == [a, b]
assert elb.detach_load_balancer_from_subnets(Subnets=[a], **inside)["Subnets"] == [b]
assert elb.apply_security_groups_to_load_balancer(SecurityGroups=[group], **inside)["SecurityGroups"] == [group]
(node,) = ec2.describe_network_interfaces(Filters=[{"Name": "description", "Values": ["ELB inside"]}])["NetworkInterfaces"]
assert node["RequesterManaged"] and node["RequesterId"] == "amazon-elb" and node["Attachment"]["InstanceOwnerId"] == "amazon-elb", node
assert node["Groups"] == [{"GroupId": group, "GroupName": "inside"}] and node["Status"] == "in-use", node
fails("DependencyViolation", 400, ec2.delete_security_group, GroupId=group)
fails("OperationNotPermitted", 400, ec2.detach_network_interface, AttachmentId=node["Attachment"]["AttachmentId"])

pages = elb.get_paginator("describe_load_balancers").paginate(PaginationConfig={"PageSize": 1})
assert [lb["LoadBalancerName"] for p in pages for lb in p["LoadBalancerDescriptions"]] == ["front", "inside"]
elb.delete_load_balancer_listeners(LoadBalancerPorts=[443], **name)
for n in ("front", "inside", "inside"):
    elb.delete_load_balancer(LoadBalancerName=n)
fails("LoadBalancerNotFound", 400, elb.describe_instance_health, **name)
iam.delete_server_certificate(ServerCertificateName="shop")
fails("NoSuchEntity", 404, iam.get_server_certificate, ServerCertificateName="shop")
ec2.delete_security_group(GroupId=group)
