// Calls a daemon by @aws-sdk/client-elastic-load-balancing; see vpc.test.js.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as ec2 from "@aws-sdk/client-ec2";
import * as elb from "@aws-sdk/client-elastic-load-balancing";

const network = new ec2.EC2Client({ endpoint: process.env.AWS_ENDPOINT_URL });
const client = new elb.ElasticLoadBalancingClient({ endpoint: process.env.AWS_ENDPOINT_URL });
const call = (Command, input = {}) => client.send(new Command(input));
const LoadBalancerName = "js";

let VpcId, SubnetId;
before(async () => {
  VpcId = (await network.send(new ec2.CreateVpcCommand({ CidrBlock: "10.70.0.0/16" }))).Vpc.VpcId;
  SubnetId = (await network.send(new ec2.CreateSubnetCommand({ VpcId, CidrBlock: "10.70.1.0/24" }))).Subnet.SubnetId;
});
after(async () => {
  await call(elb.DeleteLoadBalancerCommand, { LoadBalancerName });
  await network.send(new ec2.DeleteSubnetCommand({ SubnetId }));
  await network.send(new ec2.DeleteVpcCommand({ VpcId }));
  client.destroy();
  network.destroy();
});

test("a load balancer is made, read back, tagged and given a policy", async () => {
  const Listeners = [{ Protocol: "http", LoadBalancerPort: 80, InstancePort: 8080 }];
  const made = await call(elb.CreateLoadBalancerCommand, { LoadBalancerName, Listeners, Subnets: [SubnetId], Scheme: "internal" });
  const lb = (await call(elb.DescribeLoadBalancersCommand, { LoadBalancerNames: [LoadBalancerName] })).LoadBalancerDescriptions[0];
  assert.equal(lb.DNSName, made.DNSName);
  assert.match(lb.DNSName, /^internal-js-\d+\.us-east-1\.elb\.amazonaws\.com$/);
  assert.deepEqual(lb.ListenerDescriptions[0].Listener, { Protocol: "HTTP", LoadBalancerPort: 80, InstanceProtocol: "HTTP", InstancePort: 8080 });
  assert.deepEqual([lb.VPCId, lb.Subnets, lb.SourceSecurityGroup.GroupName], [VpcId, [SubnetId], "default"]);

  await call(elb.AddTagsCommand, { LoadBalancerNames: [LoadBalancerName], Tags: [{ Key: "stage", Value: "test" }] });
  const tags = (await call(elb.DescribeTagsCommand, { LoadBalancerNames: [LoadBalancerName] })).TagDescriptions[0].Tags;
  assert.deepEqual(tags, [{ Key: "stage", Value: "test" }]);

  await call(elb.CreateLBCookieStickinessPolicyCommand, { LoadBalancerName, PolicyName: "hour", CookieExpirationPeriod: 3600 });
  await call(elb.SetLoadBalancerPoliciesOfListenerCommand, { LoadBalancerName, LoadBalancerPort: 80, PolicyNames: ["hour"] });
  await assert.rejects(call(elb.DeleteLoadBalancerPolicyCommand, { LoadBalancerName, PolicyName: "hour" }), (e) => e.$metadata.httpStatusCode === 409);
  await call(elb.SetLoadBalancerPoliciesOfListenerCommand, { LoadBalancerName, LoadBalancerPort: 80, PolicyNames: [] });
  await call(elb.DeleteLoadBalancerPolicyCommand, { LoadBalancerName, PolicyName: "hour" });
});

test("a refused call arrives as an error of AWS's kind", async () => {
  await assert.rejects(call(elb.DescribeInstanceHealthCommand, { LoadBalancerName: "none" }), elb.AccessPointNotFoundException);
  await assert.rejects(call(elb.ConfigureHealthCheckCommand, {
    LoadBalancerName, HealthCheck: { Target: "TCP", Interval: 30, Timeout: 5, UnhealthyThreshold: 2, HealthyThreshold: 2 },
  }), { name: "ValidationError" });
});
