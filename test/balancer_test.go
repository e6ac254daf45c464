package test

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// needHAProxy skips a test of load balancers where there can be none.
func needHAProxy(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("/usr/sbin/haproxy"); err != nil {
		t.Skip("needs haproxy:", err)
	}
}

// fetch asks for a page from a host on the internet side: its status, 000 when
// there is no answer, and the page.
func (d *daemon) fetch(url string) string {
	d.t.Helper()
	out, _, _ := d.try("outside", "--", "curl", "-s", "--max-time", "3", "-w", "%{http_code}", url)
	return out
}

// health waits until a load balancer says of an instance what is wanted.
func (d *daemon) health(lb, instance, want string) {
	d.t.Helper()
	eventually(d.t, instance+" is "+want, func() bool {
		return strings.Contains(d.run("elb-describe-instance-health", lb, "--instances", instance), want)
	})
}

// TestLockDown closes every way to an instance but that through its load
// balancer (Elastic Load Balancing Developer Guide 2012, "Lock down traffic").
func TestLockDown(t *testing.T) {
	needHAProxy(t)
	t.Parallel() // it mostly waits for health checks
	d := startLasting(t)
	d.run("ec2-create-group", "web", "-d", "web servers")
	d.run("ec2-authorize", "web", "-P", "tcp", "-p", "80")
	d.run("ec2-authorize", "web", "-P", "tcp", "-p", "22")
	web := d.launch("ami-fba54092", "-g", "web", "-z", "us-east-1a")[0]
	other := d.launch("ami-fba54092", "-z", "us-east-1a")[0]
	name := strings.Fields(d.run("elb-create-lb", "front", "-l", "protocol=http,lb-port=80,instance-port=80", "-z", "us-east-1a"))[1]
	d.run("elb-configure-healthcheck", "front", "--target", "HTTP:80/", "--interval", "5", "--timeout", "2", "--unhealthy-threshold", "2", "--healthy-threshold", "2")
	d.run("elb-register-instances-with-lb", "front", "--instances", web.id)
	d.health("front", web.id, "InService")

	through, direct := "http://"+name+"/", "http://"+web.public+"/"
	isServed := func(why, url string) {
		t.Helper()
		if page := d.fetch(url); !strings.Contains(page, "instance "+web.id) || !strings.HasSuffix(page, "200") {
			t.Errorf("%s: %s says %q", why, url, page)
		}
	}
	isServed("before", through)
	isServed("before", direct)

	d.run("ec2-authorize", "web", "-u", "amazon-elb", "-o", "amazon-elb-sg")
	d.run("ec2-revoke", "web", "-P", "tcp", "-p", "80", "-s", "0.0.0.0/0")
	d.settle()
	isServed("locked down", through)
	if page := d.fetch(direct); page != "000" {
		t.Errorf("locked down, the instance itself says %q", page)
	}
	d.expect("from another instance", d.scan(inside(other), web.private, "80"), "[] open, 1 filtered, 0 closed")
	d.expect("SSH", d.scan(outside("203.0.113.7"), web.public, "22"), "[22] open, 0 filtered, 0 closed")
	d.health("front", web.id, "InService")
	out := d.run("explain", "lb/front", web.id)
	if !strings.Contains(out, "health checks HTTP:80/") || !strings.Contains(out, "allow") {
		t.Errorf("explain says %s", out)
	}

	t.Run("a daemon that is killed and started again", func(t *testing.T) {
		d.stop(syscall.SIGKILL)
		d.start()
		d.settle()
		d.health("front", web.id, "InService")
		isServed("adopted", through)
	})

	d.run("ec2-revoke", "web", "-u", "amazon-elb", "-o", "amazon-elb-sg")
	d.health("front", web.id, "OutOfService")
	if page := d.fetch(through); !strings.HasSuffix(page, "503") {
		t.Errorf("without its rule the load balancer says %q", page)
	}
	out = d.run("explain", "lb/front", web.id)
	if !strings.Contains(out, "drop") {
		t.Errorf("explain says %s", out)
	}
	d.run("elb-delete-lb", "front", "--force")
}
