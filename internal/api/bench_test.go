package api_test

import (
	"fmt"
	"sync/atomic"
	"testing"

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
