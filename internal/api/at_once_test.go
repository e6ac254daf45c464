package api_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"ringfence/internal/vpc"
)

// Two who change one group at once both have what they asked for, or learn why
// not.
func TestChangesOfAGroupAtOnce(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, carol)
	group := text(c.ok("CreateSecurityGroup", "GroupName=web", "GroupDescription=d", "VpcId="+newVPC(c)), "groupId")
	rule := func(action string, port int) func(*caller) vpc.Code {
		return func(c *caller) vpc.Code {
			return c.code(action, "GroupId="+group, "IpProtocol=tcp", fmt.Sprintf("FromPort=%d", port), fmt.Sprintf("ToPort=%d", port), "CidrIp=10.0.0.0/8")
		}
	}
	authorize := func(port int) func(*caller) vpc.Code { return rule("AuthorizeSecurityGroupIngress", port) }
	revoke := func(port int) func(*caller) vpc.Code { return rule("RevokeSecurityGroupIngress", port) }
	if code := authorize(1)(c); code != "" {
		t.Fatal(code)
	}
	var wg sync.WaitGroup
	for port := range 20 {
		for _, change := range []func(*caller) vpc.Code{authorize(100 + port), authorize(200 + port)} {
			each := w.caller(t, carol)
			wg.Go(func() {
				if code := change(each); code != "" {
					t.Errorf("authorize: %q", code)
				}
			})
		}
	}
	revoked := make([]vpc.Code, 8)
	for i := range revoked {
		each := w.caller(t, carol)
		wg.Go(func() { revoked[i] = revoke(1)(each) })
	}
	wg.Wait()
	slices.Sort(revoked)
	if revoked[0] != "" || revoked[1] != vpc.InvalidPermissionNotFound || len(slices.Compact(revoked)) != 2 {
		t.Errorf("one rule was revoked with %q", revoked)
	}
	v := view(t, w)
	if n := len(v.Rules(v.Group(usEast1, vpc.GroupID(group)))); n != 41 { // with the one for egress
		t.Errorf("%d rules", n)
	}
}

// An account of EC2-Classic launches into a VPC of its own, beside EC2-Classic.
func TestAClassicAccountLaunchesIntoItsVPC(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, albert)
	id := newVPC(c)
	subnet := text(c.ok("CreateSubnet", "VpcId="+id, "CidrBlock=10.0.1.0/24"), "subnetId")
	group := text(c.ok("CreateSecurityGroup", "GroupName=web", "GroupDescription=d", "VpcId="+id), "groupId")
	run := []string{"ImageId=ami-eca54085", "MinCount=1", "MaxCount=1"}
	body := c.ok("RunInstances", append(run, "SubnetId="+subnet, "SecurityGroupId.1="+group)...)
	if text(body, "vpcId") != id || text(body, "subnetId") != subnet || text(body, "privateIpAddress") != "10.0.1.4" {
		t.Errorf("in the VPC: %s", body)
	}
	if body := c.ok("RunInstances", run...); text(body, "vpcId") != "" {
		t.Errorf("without a subnet: %s", body)
	}
	if code := c.code("RunInstances", append(run, "SecurityGroupId.1="+group)...); code != vpc.InvalidParameterCombination {
		t.Errorf("a group of the VPC in EC2-Classic: %q", code)
	}
}
