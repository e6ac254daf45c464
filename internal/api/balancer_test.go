package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringfence/internal/api"
	"ringfence/internal/awsquery"
	"ringfence/internal/server"
	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// elb is an account's client of ELB.
func (w *world) elb(t testing.TB, id vpc.AccountID) *caller {
	c := w.caller(t, id)
	c.service, c.version = awsquery.ELB, "2012-06-01"
	return c
}

// newBalancer is the call that makes a load balancer in EC2-Classic.
func newBalancer(name string) []string {
	return []string{
		"LoadBalancerName=" + name, "AvailabilityZones.member.1=us-east-1a",
		"Listeners.member.1.Protocol=HTTP", "Listeners.member.1.LoadBalancerPort=80", "Listeners.member.1.InstancePort=80",
	}
}

func TestQuotasOfLoadBalancers(t *testing.T) {
	w := fresh(t).withOptions(t, server.Options{API: api.Options{Limits: api.Limits{
		"classic-load-balancers": 2, "classic-listeners": 2, "classic-registered-instances": 1, "server-certificates": 1,
	}}})
	c := w.elb(t, albert)
	c.ok("CreateLoadBalancer", newBalancer("one")...)
	c.ok("CreateLoadBalancer", newBalancer("two")...)
	if got := c.code("CreateLoadBalancer", newBalancer("three")...); got != vpc.TooManyLoadBalancers {
		t.Errorf("a third load balancer: %q", got)
	}
	c.ok("DeleteLoadBalancer", "LoadBalancerName=two")
	c.ok("CreateLoadBalancer", newBalancer("three")...)

	listener := func(port int) vpc.Code {
		return c.code("CreateLoadBalancerListeners", "LoadBalancerName=one", "Listeners.member.1.Protocol=TCP",
			fmt.Sprintf("Listeners.member.1.LoadBalancerPort=%d", port), "Listeners.member.1.InstancePort=25")
	}
	if got := listener(25); got != "" {
		t.Errorf("a second listener: %q", got)
	}
	if got := listener(1025); got != vpc.InvalidConfigurationRequest {
		t.Errorf("a third listener: %q", got)
	}

	launched := w.caller(t, albert).ok("RunInstances", "ImageId=ami-fba54092", "MinCount=2", "MaxCount=2")
	first, rest, _ := strings.Cut(launched, "</instanceId>")
	ids := []string{text(first+"</instanceId>", "instanceId"), text(rest, "instanceId")}
	register := []string{"LoadBalancerName=one", "Instances.member.1.InstanceId=" + ids[0], "Instances.member.2.InstanceId=" + ids[1]}
	if got := c.code("RegisterInstancesWithLoadBalancer", register...); got != vpc.InvalidConfigurationRequest {
		t.Errorf("two instances: %q", got)
	}
	c.ok("RegisterInstancesWithLoadBalancer", register[:2]...)

	for i := range 100 {
		c.ok("CreateLBCookieStickinessPolicy", "LoadBalancerName=one", fmt.Sprintf("PolicyName=p%d", i))
	}
	if got := c.code("CreateLBCookieStickinessPolicy", "LoadBalancerName=one", "PolicyName=p100"); got != vpc.TooManyPolicies {
		t.Errorf("policy 101: %q", got)
	}

	iam, pair := w.iam(t), newKeyPair(t, "shop")
	upload := func(name string) vpc.Code {
		return iam.code("UploadServerCertificate", "ServerCertificateName="+name, "CertificateBody="+pair.body, "PrivateKey="+pair.key)
	}
	if got := upload("one"); got != "" {
		t.Errorf("a certificate: %q", got)
	}
	if got := upload("two"); got != vpc.LimitExceeded {
		t.Errorf("a second certificate: %q", got)
	}
}

// A call without a credential scope is for the service that has the action in
// its version, as the ELB tools of 2012 count on.
func TestServiceOfACallThatDoesNotSay(t *testing.T) {
	for _, tt := range []struct {
		action, version, param string
		want                   awsquery.Service
	}{
		{"DescribeLoadBalancers", "2012-06-01", "", awsquery.ELB},
		{"DescribeLoadBalancers", "2015-12-01", "", awsquery.EC2},
		{"DescribeInstances", "2012-06-01", "", awsquery.EC2},
		{"DescribeTags", "2012-06-01", "Filter.1.Name", awsquery.EC2},
		{"DescribeTags", "2012-06-01", "LoadBalancerNames.member.1", awsquery.ELB},
		{"UploadServerCertificate", "2010-05-08", "", awsquery.IAM},
		{"GetCallerIdentity", "2011-06-15", "", awsquery.STS},
		{"NoSuchAction", "2012-06-01", "", awsquery.EC2},
	} {
		call := &awsquery.Call{Action: tt.action, Version: tt.version, Params: awsquery.Params{tt.param: "x"}}
		if got := api.ServiceOf(call); got != tt.want {
			t.Errorf("%s of %s with %q is for %s, want %s", tt.action, tt.version, tt.param, got, tt.want)
		}
	}
}

// An instance that was terminated long ago leaves its load balancers with the
// last that is known of it.
func TestForgottenInstancesLeaveTheirLoadBalancers(t *testing.T) {
	w := fresh(t)
	c := w.elb(t, albert)
	c.ok("CreateLoadBalancer", newBalancer("front")...)
	id := text(w.caller(t, albert).ok("RunInstances", "ImageId=ami-fba54092", "MinCount=1", "MaxCount=1"), "instanceId")
	c.ok("RegisterInstancesWithLoadBalancer", "LoadBalancerName=front", "Instances.member.1.InstanceId="+id)
	if _, err := w.store.Update(t.Context(), func(tx *store.Tx) error {
		i := *tx.Instance(vpc.InstanceID(id))
		i.State, i.StateSince = vpc.Terminated, time.Now().Add(-2*time.Hour)
		tx.PutInstance(&i)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	a, err := api.New(w.store, api.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := c.ok("DescribeInstanceHealth", "LoadBalancerName=front"); strings.Contains(got, id) {
		t.Errorf("health %s", got)
	}
}

// Names are an account's own, and a region's.
func TestLoadBalancersOfOthersAreNotFound(t *testing.T) {
	w := fresh(t)
	albert := w.elb(t, albert)
	albert.ok("CreateLoadBalancer", newBalancer("front")...)
	west := *albert
	west.region = "us-west-2"
	for _, other := range []*caller{w.elb(t, "999988887777"), &west} {
		status, body := other.call("DescribeLoadBalancers", "LoadBalancerNames.member.1=front")
		if status != http.StatusBadRequest || !strings.Contains(body, "<Code>LoadBalancerNotFound</Code>") {
			t.Errorf("%s in %s: %d %s", other.account, other.region, status, body)
		}
		other.ok("DeleteLoadBalancer", "LoadBalancerName=front") // nothing of its own
	}
	albert.ok("DescribeLoadBalancers", "LoadBalancerNames.member.1=front")
}
