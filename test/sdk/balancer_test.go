package sdk

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing/types"
)

// A load balancer is made in subnets, changed, read back and deleted, as an
// infrastructure tool does it.
func TestLoadBalancer(t *testing.T) {
	c := connect(t)
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lbs := elb.NewFromConfig(cfg)
	vpc := newVPC(t, c, "10.60.0.0/16")
	subnet := newSubnet(t, c, vpc, "10.60.1.0/24")
	group := must[ec2.CreateSecurityGroupOutput](t)(c.CreateSecurityGroup(t.Context(), &ec2.CreateSecurityGroupInput{
		VpcId: &vpc, GroupName: aws.String("lb"), Description: aws.String("d"),
	})).GroupId
	t.Cleanup(func() {
		if _, err := c.DeleteSecurityGroup(context.Background(), &ec2.DeleteSecurityGroupInput{GroupId: group}); err != nil {
			t.Errorf("delete group: %v", err)
		}
	})

	name := aws.String("sdk")
	in := &elb.CreateLoadBalancerInput{
		LoadBalancerName: name, Subnets: []string{subnet}, SecurityGroups: []string{*group},
		Listeners: []types.Listener{{Protocol: aws.String("HTTP"), LoadBalancerPort: 80, InstancePort: aws.Int32(80)}},
	}
	_, err = lbs.CreateLoadBalancer(t.Context(), in)
	refused(t, "InvalidSubnet", err) // the VPC has no internet gateway
	in.Scheme = aws.String("internal")
	must[elb.CreateLoadBalancerOutput](t)(lbs.CreateLoadBalancer(t.Context(), in))
	t.Cleanup(func() {
		if _, err := lbs.DeleteLoadBalancer(context.Background(), &elb.DeleteLoadBalancerInput{LoadBalancerName: name}); err != nil {
			t.Errorf("delete load balancer: %v", err)
		}
	})

	check := &types.HealthCheck{Target: aws.String("HTTP:80/"), Interval: aws.Int32(10), Timeout: aws.Int32(5), HealthyThreshold: aws.Int32(2), UnhealthyThreshold: aws.Int32(2)}
	must[elb.ConfigureHealthCheckOutput](t)(lbs.ConfigureHealthCheck(t.Context(), &elb.ConfigureHealthCheckInput{LoadBalancerName: name, HealthCheck: check}))
	must[elb.ModifyLoadBalancerAttributesOutput](t)(lbs.ModifyLoadBalancerAttributes(t.Context(), &elb.ModifyLoadBalancerAttributesInput{
		LoadBalancerName: name, LoadBalancerAttributes: &types.LoadBalancerAttributes{ConnectionDraining: &types.ConnectionDraining{Enabled: true, Timeout: aws.Int32(20)}},
	}))
	lb := must[elb.DescribeLoadBalancersOutput](t)(lbs.DescribeLoadBalancers(t.Context(), &elb.DescribeLoadBalancersInput{LoadBalancerNames: []string{*name}})).LoadBalancerDescriptions[0]
	if aws.ToString(lb.VPCId) != vpc || aws.ToString(lb.HealthCheck.Target) != "HTTP:80/" || aws.ToString(lb.SourceSecurityGroup.GroupName) != "lb" {
		t.Errorf("load balancer %+v", lb)
	}
	attributes := must[elb.DescribeLoadBalancerAttributesOutput](t)(lbs.DescribeLoadBalancerAttributes(t.Context(), &elb.DescribeLoadBalancerAttributesInput{LoadBalancerName: name}))
	if d := attributes.LoadBalancerAttributes.ConnectionDraining; !d.Enabled || *d.Timeout != 20 {
		t.Errorf("draining %+v", d)
	}
	_, err = c.DeleteSubnet(t.Context(), &ec2.DeleteSubnetInput{SubnetId: &subnet})
	refused(t, "DependencyViolation", err)
	_, err = lbs.DescribeInstanceHealth(t.Context(), &elb.DescribeInstanceHealthInput{LoadBalancerName: aws.String("none")})
	refused(t, "LoadBalancerNotFound", err)
}
