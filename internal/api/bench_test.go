package api_test

import (
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"ringfence/internal/api"
	"ringfence/internal/server"
	"ringfence/internal/vpc"
)

// Calls through HTTP with signatures, by as many clients as -cpu says. The
// store does not wait for the disk here.

func benchCaller(b *testing.B) func() *caller {
	w := fresh(b)
	a := w.account(b, albert)
	return func() *caller { return w.callerWith(b, a) }
}

func BenchmarkDescribeGroup(b *testing.B) {
	newCaller := benchCaller(b)
	b.RunParallel(func(pb *testing.PB) {
		c := newCaller()
		for pb.Next() {
			c.ok("DescribeSecurityGroups", "GroupName.1=default")
		}
	})
}

// All of 500 groups with 20 rules each.
func BenchmarkDescribe500Groups(b *testing.B) {
	newCaller := benchCaller(b)
	c := newCaller()
	for i := range 499 {
		name := fmt.Sprintf("GroupName=group-%d", i)
		c.ok("CreateSecurityGroup", name, "GroupDescription=d")
		params := []string{name, "IpPermissions.1.IpProtocol=tcp", "IpPermissions.1.FromPort=1", "IpPermissions.1.ToPort=2"}
		for j := range 20 {
			params = append(params, fmt.Sprintf("IpPermissions.1.IpRanges.%d.CidrIp=10.%d.0.0/16", j+1, j))
		}
		c.ok("AuthorizeSecurityGroupIngress", params...)
	}
	for b.Loop() {
		c.ok("DescribeSecurityGroups")
	}
}

func BenchmarkAuthorizeAndRevoke(b *testing.B) {
	newCaller := benchCaller(b)
	var n atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		c := newCaller()
		group := fmt.Sprintf("GroupName=group-%d", n.Add(1))
		c.ok("CreateSecurityGroup", group, "GroupDescription=d")
		for pb.Next() {
			c.ok("AuthorizeSecurityGroupIngress", group, "IpProtocol=tcp", "FromPort=80", "ToPort=80", "CidrIp=0.0.0.0/0")
			c.ok("RevokeSecurityGroupIngress", group, "IpProtocol=tcp", "FromPort=80", "ToPort=80", "CidrIp=0.0.0.0/0")
		}
	})
}

// An account of 2012 that is full: 500 groups with 100 rules each, and 1,000
// instances, two of whose groups are a hundred others' source.
func BenchmarkFullAccount(b *testing.B) {
	pools := []netip.Prefix{netip.MustParsePrefix("100.64.0.0/16")}
	c := fresh(b).withOptions(b, server.Options{API: api.Options{PublicPools: pools}}).caller(b, albert)
	for i := range 499 {
		name := fmt.Sprintf("GroupName=group-%d", i)
		c.ok("CreateSecurityGroup", name, "GroupDescription=d")
		params := []string{name, "IpPermissions.1.IpProtocol=tcp", "IpPermissions.1.FromPort=1", "IpPermissions.1.ToPort=2"}
		for j := range 99 {
			params = append(params, fmt.Sprintf("IpPermissions.1.IpRanges.%d.CidrIp=10.%d.0.0/16", j+1, j))
		}
		c.ok("AuthorizeSecurityGroupIngress", append(params, "IpPermissions.1.Groups.1.GroupName=default")...)
	}
	for i := range 10 {
		c.ok("RunInstances", "ImageId=ami-eca54085", "MinCount=100", "MaxCount=100", fmt.Sprintf("SecurityGroup.1=group-%d", i), "SecurityGroup.2=group-10")
	}
	one := text(c.ok("DescribeInstances", "Filter.1.Name=launch-index", "Filter.1.Value.1=7"), "instanceId")
	for _, call := range []string{
		"DescribeSecurityGroups GroupName.1=group-7",
		"DescribeSecurityGroups Filter.1.Name=ip-permission.cidr Filter.1.Value.1=none",
		"DescribeSecurityGroups MaxResults=100",
		"DescribeSecurityGroups",
		"DescribeInstances InstanceId.1=" + one,
		"DescribeInstances Filter.1.Name=group-name Filter.1.Value.1=group-7",
		"DescribeInstances",
	} {
		words := strings.Fields(call)
		b.Run(strings.ReplaceAll(call, one, "ID"), func(b *testing.B) {
			for b.Loop() {
				c.ok(words[0], words[1:]...)
			}
		})
	}
	rule := []string{"GroupName=group-7", "IpProtocol=tcp", "FromPort=1", "ToPort=2", "CidrIp=10.0.0.0/16"}
	b.Run("Revoke and Authorize", func(b *testing.B) {
		for b.Loop() {
			c.ok("RevokeSecurityGroupIngress", rule...)
			c.ok("AuthorizeSecurityGroupIngress", rule...)
		}
	})
	b.Run("Create and Delete", func(b *testing.B) {
		c.ok("DeleteSecurityGroup", "GroupName=group-400")
		for b.Loop() {
			c.ok("CreateSecurityGroup", "GroupName=group-400", "GroupDescription=d")
			c.ok("DeleteSecurityGroup", "GroupName=group-400")
		}
	})
}

func BenchmarkRun200Instances(b *testing.B) {
	newCaller := benchCaller(b)
	c := newCaller()
	for b.Loop() {
		c.ok("RunInstances", "ImageId=ami-eca54085", "MinCount=200", "MaxCount=200")
		b.StopTimer()
		for _, i := range view(b, c.world).EveryInstance() {
			if i.State != vpc.Terminated {
				if err := c.world.server.Report(b.Context(), &vpc.Report{Instance: i.ID, Generation: 1, State: vpc.Terminated}); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.StartTimer()
	}
}
