package test

import (
	"os/exec"
	"regexp"
	"strings"
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

// A face is one of the ways in which the guides lock down traffic.
type face struct {
	name      string
	source    func(d *daemon, lb string) string // tells of a load balancer's source group
	granted   string                            // what source and rules print of it
	authorize func(d *daemon, group string)     // adds the rule about it
	rules     func(d *daemon, group string) string
	revoke    func(d *daemon, group string) // removes the rule that opens port 80 to everybody
	shut      func(d *daemon, group string) // removes the rule about the source group
}

// faces are the tools and the calls of the Elastic Load Balancing Developer
// Guide 2012, and the AWS CLI's of the User Guide for Classic Load Balancers.
var faces = []face{
	{
		name:    "tools",
		source:  func(d *daemon, lb string) string { return d.run("elb-describe-lbs", lb, "--show-long", "--headers") },
		granted: `amazon-elb\b.*amazon-elb-sg`,
		authorize: func(d *daemon, group string) {
			d.run("ec2-authorize", group, "-u", "amazon-elb", "-o", "amazon-elb-sg")
		},
		rules: func(d *daemon, group string) string { return d.run("ec2-describe-group", group, "--headers") },
		revoke: func(d *daemon, group string) {
			d.run("ec2-revoke", group, "-P", "tcp", "-p", "80", "-s", "0.0.0.0/0")
		},
		shut: func(d *daemon, group string) { d.run("ec2-revoke", group, "-u", "amazon-elb", "-o", "amazon-elb-sg") },
	},
	{
		name: "AWS CLI",
		source: func(d *daemon, lb string) string {
			return d.client(`aws "$@"`, "elb", "describe-load-balancers", "--load-balancer-name", lb, "--output", "text", "--query",
				"LoadBalancerDescriptions[].SourceSecurityGroup.[OwnerAlias,GroupName]")
		},
		granted: `amazon-elb\s+amazon-elb-sg`,
		authorize: func(d *daemon, group string) {
			d.aws(nil, "ec2", "authorize-security-group-ingress", "--group-name", group,
				"--source-security-group-name", "amazon-elb-sg", "--source-security-group-owner-id", "amazon-elb")
		},
		rules: func(d *daemon, group string) string {
			return d.client(`aws "$@"`, "ec2", "describe-security-groups", "--group-names", group, "--output", "text", "--query",
				"SecurityGroups[].IpPermissions[].UserIdGroupPairs[].[UserId,GroupName]")
		},
		revoke: func(d *daemon, group string) {
			d.aws(nil, "ec2", "revoke-security-group-ingress", "--group-name", group, "--protocol", "tcp", "--port", "80", "--cidr", "0.0.0.0/0")
		},
		shut: func(d *daemon, group string) {
			d.aws(nil, "ec2", "revoke-security-group-ingress", "--group-name", group,
				"--source-security-group-name", "amazon-elb-sg", "--source-security-group-owner-id", "amazon-elb")
		},
	},
	{
		name: "Query API",
		source: func(d *daemon, lb string) string {
			return d.query("elasticloadbalancing", "2012-06-01", "DescribeLoadBalancers", "LoadBalancerNames.member.1="+lb)
		},
		granted: `>amazon-elb<(?s:.*)>amazon-elb-sg<`,
		authorize: func(d *daemon, group string) {
			d.query("ec2", "2012-06-15", "AuthorizeSecurityGroupIngress", "GroupName="+group,
				"IpPermissions.1.IpProtocol=tcp", "IpPermissions.1.FromPort=80", "IpPermissions.1.ToPort=80",
				"IpPermissions.1.Groups.1.UserId=amazon-elb", "IpPermissions.1.Groups.1.GroupName=amazon-elb-sg")
		},
		rules: func(d *daemon, group string) string {
			return d.query("ec2", "2012-06-15", "DescribeSecurityGroups", "GroupName.1="+group)
		},
		revoke: func(d *daemon, group string) {
			d.query("ec2", "2012-06-15", "RevokeSecurityGroupIngress", "GroupName="+group,
				"IpPermissions.1.FromPort=80", "IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0") // as the guide has it
		},
		shut: func(d *daemon, group string) {
			d.query("ec2", "2012-06-15", "RevokeSecurityGroupIngress", "GroupName="+group,
				"IpPermissions.1.IpProtocol=tcp", "IpPermissions.1.FromPort=80", "IpPermissions.1.ToPort=80",
				"IpPermissions.1.Groups.1.UserId=amazon-elb", "IpPermissions.1.Groups.1.GroupName=amazon-elb-sg")
		},
	},
}

// query sends a call of a Query API, which must succeed, and returns its answer.
func (d *daemon) query(service, version, action string, params ...string) string {
	d.t.Helper()
	args := []string{"--aws-sigv4", "aws:amz:us-east-1:" + service}
	for _, p := range append(params, "Action="+action, "Version="+version) {
		args = append(args, "--data-urlencode", p)
	}
	return d.client(`curl -sS --fail-with-body --max-time 10 --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" "$@" "$AWS_ENDPOINT_URL/"`, args...)
}

// TestLockDown closes every way to an instance but that through its load
// balancer (Elastic Load Balancing Developer Guide 2012, "Lock down traffic";
// User Guide for Classic Load Balancers, "Security groups for instances in
// EC2-Classic"), in each of the three ways.
func TestLockDown(t *testing.T) {
	needHAProxy(t)
	needPrograms(t, "/usr/bin/aws", "curl", "nmap")
	t.Parallel() // it mostly waits for health checks
	d := start(t)
	other := d.launch("ami-fba54092", "-z", "us-east-1a")[0]
	for _, f := range faces {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			lockDown(d.forTest(t), f, other)
		})
	}
}

func lockDown(d *daemon, f face, other instance) {
	name := strings.ReplaceAll(f.name, " ", "-") // of the group, and of the load balancer
	d.run("ec2-create-group", name, "-d", "web servers")
	d.run("ec2-authorize", name, "-P", "tcp", "-p", "80")
	d.run("ec2-authorize", name, "-P", "tcp", "-p", "22")
	web := d.launch("ami-fba54092", "-g", name, "-z", "us-east-1a")[0]
	through := "http://" + d.createBalancer(name, "HTTP:80/", "-l", "protocol=http,lb-port=80,instance-port=80", "-z", "us-east-1a") + "/"
	direct := "http://" + web.public + "/"
	d.register(name, web)
	isServed := func(why, url string) {
		d.t.Helper()
		if page := d.fetch(url); !strings.Contains(page, "instance "+web.id) || !strings.HasSuffix(page, "200") {
			d.t.Errorf("%s: %s says %q", why, url, page)
		}
	}
	shows := func(what, out, pattern string) {
		d.t.Helper()
		if !regexp.MustCompile(pattern).MatchString(out) {
			d.t.Errorf("%s is %s, want %s", what, out, pattern)
		}
	}
	isServed("before", through)
	isServed("before", direct)
	shows("the source group", f.source(d, name), f.granted)

	f.authorize(d, name)
	shows("the rule", f.rules(d, name), f.granted)
	f.revoke(d, name)
	d.settle()
	isServed("locked down", through)
	if page := d.fetch(direct); page != "000" {
		d.t.Errorf("locked down, the instance itself says %q", page)
	}
	d.expect("from another instance", d.scan(inside(other), web.private, "80"), "[] open, 1 filtered, 0 closed")
	d.expect("SSH", d.scan(outside("203.0.113.7"), web.public, "22"), "[22] open, 0 filtered, 0 closed")
	d.health(name, web.id, "InService")
	shows("what explains it", d.run("explain", "lb/"+name, web.id), `health checks HTTP:80/(?s:.*)allow`)

	f.shut(d, name)
	d.health(name, web.id, "OutOfService")
	if page := d.fetch(through); !strings.HasSuffix(page, "503") {
		d.t.Errorf("without its rule the load balancer says %q", page)
	}
	shows("what explains it", d.run("explain", "lb/"+name, web.id), "drop")
	d.run("elb-delete-lb", name, "--force")
}
