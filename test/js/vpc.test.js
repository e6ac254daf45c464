// Calls a daemon by @aws-sdk/client-ec2. TestJavaScriptSDK of ringfence/test starts one
// and runs this; by hand: eval "$(ringfence env)" && node --test.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as ec2 from "@aws-sdk/client-ec2";

const client = new ec2.EC2Client({ endpoint: process.env.AWS_ENDPOINT_URL });
after(() => client.destroy());
const call = (Command, input = {}) => client.send(new Command(input));

let VpcId, SubnetId, GroupId;
before(async () => {
  VpcId = (await call(ec2.CreateVpcCommand, { CidrBlock: "10.30.0.0/16", AmazonProvidedIpv6CidrBlock: true })).Vpc.VpcId;
  SubnetId = (await call(ec2.CreateSubnetCommand, { VpcId, CidrBlock: "10.30.1.0/24" })).Subnet.SubnetId;
  GroupId = (await call(ec2.CreateSecurityGroupCommand, { VpcId, GroupName: "web", Description: "web" })).GroupId;
});
after(async () => {
  await call(ec2.DeleteSecurityGroupCommand, { GroupId });
  await call(ec2.DeleteSubnetCommand, { SubnetId });
  await call(ec2.DeleteVpcCommand, { VpcId });
});

test("rules of both directions and families are read back as they were written", async () => {
  const permissions = [
    { IpProtocol: "tcp", FromPort: 80, ToPort: 81, IpRanges: [{ CidrIp: "203.0.113.0/24", Description: "office" }], Ipv6Ranges: [{ CidrIpv6: "2001:db8:8000::/48" }] },
    { IpProtocol: "icmpv6", FromPort: -1, ToPort: -1, Ipv6Ranges: [{ CidrIpv6: "::/0" }] },
    { IpProtocol: "-1", UserIdGroupPairs: [{ GroupId }] },
  ];
  const added = await call(ec2.AuthorizeSecurityGroupIngressCommand, { GroupId, IpPermissions: permissions });
  assert.equal(added.Return, true);
  assert.equal(added.SecurityGroupRules.length, 4);
  await call(ec2.AuthorizeSecurityGroupEgressCommand, { GroupId, IpPermissions: [{ IpProtocol: "50", IpRanges: [{ CidrIp: "10.0.0.0/8" }] }] });

  const group = (await call(ec2.DescribeSecurityGroupsCommand, { GroupIds: [GroupId] })).SecurityGroups[0];
  const tcp = group.IpPermissions.find((p) => p.IpProtocol === "tcp");
  assert.deepEqual([tcp.FromPort, tcp.ToPort, tcp.IpRanges, tcp.Ipv6Ranges], [80, 81, permissions[0].IpRanges, permissions[0].Ipv6Ranges]);
  assert.equal(group.IpPermissions.find((p) => p.IpProtocol === "-1").UserIdGroupPairs[0].GroupId, GroupId);
  assert.deepEqual(group.IpPermissionsEgress.map((p) => p.IpProtocol).sort(), ["-1", "50"]);

  const rules = [];
  for await (const page of ec2.paginateDescribeSecurityGroupRules({ client, pageSize: 5 }, { Filters: [{ Name: "group-id", Values: [GroupId] }] })) {
    rules.push(...page.SecurityGroupRules);
  }
  assert.equal(rules.filter((r) => !r.IsEgress).length, 4);
  const ids = rules.filter((r) => !r.IsEgress).map((r) => r.SecurityGroupRuleId);
  await call(ec2.RevokeSecurityGroupIngressCommand, { GroupId, SecurityGroupRuleIds: ids });
  assert.deepEqual((await call(ec2.DescribeSecurityGroupsCommand, { GroupIds: [GroupId] })).SecurityGroups[0].IpPermissions, []);
});

test("a refused call arrives as an error with AWS's code", async () => {
  await assert.rejects(call(ec2.DeleteVpcCommand, { VpcId }), { name: "DependencyViolation" });
  await assert.rejects(call(ec2.CreateSubnetCommand, { VpcId, CidrBlock: "10.30.1.128/25" }), { name: "InvalidSubnet.Conflict" });
  await assert.rejects(call(ec2.CreateVpcCommand, { CidrBlock: "10.30.0.0/16", DryRun: true }), { name: "DryRunOperation" });
});

test("an instance is launched into the subnet, described and terminated", async () => {
  const launched = await call(ec2.RunInstancesCommand, {
    ImageId: "ami-eca54085", MinCount: 1, MaxCount: 1,
    NetworkInterfaces: [{ DeviceIndex: 0, SubnetId, Groups: [GroupId], PrivateIpAddress: "10.30.1.20" }],
  });
  const InstanceIds = [launched.Instances[0].InstanceId];
  await ec2.waitUntilInstanceRunning({ client, maxWaitTime: 60, minDelay: 1, maxDelay: 2 }, { InstanceIds });
  const instance = (await call(ec2.DescribeInstancesCommand, { InstanceIds })).Reservations[0].Instances[0];
  assert.equal(instance.PrivateIpAddress, "10.30.1.20");
  assert.equal(instance.SubnetId, SubnetId);
  assert.deepEqual(instance.SecurityGroups, [{ GroupId, GroupName: "web" }]);
  await call(ec2.TerminateInstancesCommand, { InstanceIds });
  await ec2.waitUntilInstanceTerminated({ client, maxWaitTime: 60, minDelay: 1, maxDelay: 2 }, { InstanceIds });
});
