package api_test

import (
	"strings"
	"testing"

	"ringfence/internal/api"
)

// findings are what the doctor says, without ids and the like.
func findings(t *testing.T, w *world) string {
	t.Helper()
	a, err := api.New(w.store, api.Options{})
	if err != nil {
		t.Fatal(err)
	}
	found, err := a.Doctor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, f := range found {
		text, _, _ := strings.Cut(f.Message, ":")
		texts = append(texts, f.Noun+" "+text)
	}
	return strings.Join(texts, "; ")
}

// In EC2-Classic the instances' groups must let amazon-elb-sg in: to the instance
// port, and to the port of the health check.
func TestDoctorInClassic(t *testing.T) {
	w := fresh(t)
	c, elb := w.caller(t, albert), w.elb(t, albert)
	web := text(c.ok("CreateSecurityGroup", "GroupName=web", "GroupDescription=d"), "groupId")
	id := text(c.ok("RunInstances", "ImageId=ami-fba54092", "MinCount=1", "MaxCount=1", "SecurityGroupId.1="+web), "instanceId")
	elb.ok("CreateLoadBalancer", "LoadBalancerName=front", "AvailabilityZones.member.1=us-east-1a", "AvailabilityZones.member.2=us-east-1b",
		"Listeners.member.1.Protocol=HTTP", "Listeners.member.1.LoadBalancerPort=80", "Listeners.member.1.InstancePort=8080")
	if got := findings(t, w); got != "" {
		t.Errorf("without instances: %s", got)
	}
	elb.ok("RegisterInstancesWithLoadBalancer", "LoadBalancerName=front", "Instances.member.1.InstanceId="+id)
	if got, want := findings(t, w), "front it does not reach the instance port 8080 of "+id; got != want {
		t.Errorf("found %q, want %q", got, want)
	}
	c.ok("AuthorizeSecurityGroupIngress", "GroupId="+web, "IpPermissions.1.IpProtocol=tcp", "IpPermissions.1.FromPort=8080", "IpPermissions.1.ToPort=8080",
		"IpPermissions.1.Groups.1.UserId=amazon-elb", "IpPermissions.1.Groups.1.GroupName=amazon-elb-sg")
	if got := findings(t, w); got != "" {
		t.Errorf("with a rule: %s", got)
	}
	elb.ok("ConfigureHealthCheck", "LoadBalancerName=front", "HealthCheck.Target=HTTP:81/", "HealthCheck.Interval=30",
		"HealthCheck.Timeout=5", "HealthCheck.UnhealthyThreshold=2", "HealthCheck.HealthyThreshold=2")
	if got, want := findings(t, w), "front it does not reach the health check port 81 of "+id; got != want {
		t.Errorf("found %q, want %q", got, want)
	}
}

// In a VPC the load balancer's own groups count as well, in both directions.
func TestDoctorInVPC(t *testing.T) {
	w := fresh(t)
	c, elb := w.caller(t, carol), w.elb(t, carol)
	v := text(c.ok("DescribeVpcs"), "vpcId")
	subnet := text(c.ok("DescribeSubnets"), "subnetId")
	group := text(c.ok("CreateSecurityGroup", "GroupName=lb", "GroupDescription=d", "VpcId="+v), "groupId")
	elb.ok("CreateLoadBalancer", "LoadBalancerName=front", "Subnets.member.1="+subnet, "SecurityGroups.member.1="+group,
		"Listeners.member.1.Protocol=TCP", "Listeners.member.1.LoadBalancerPort=7", "Listeners.member.1.InstancePort=7")
	if got, want := findings(t, w), "front no client reaches its listener on port 7"; got != want {
		t.Errorf("found %q, want %q", got, want)
	}
	c.ok("AuthorizeSecurityGroupIngress", "GroupId="+group, "IpPermissions.1.IpProtocol=tcp", "IpPermissions.1.FromPort=7", "IpPermissions.1.ToPort=7",
		"IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0")
	c.ok("RevokeSecurityGroupEgress", "GroupId="+group, "IpPermissions.1.IpProtocol=-1", "IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0")
	if got, want := findings(t, w), "front it does not reach the instance port 7 of its instances"; got != want {
		t.Errorf("found %q, want %q", got, want)
	}
}
