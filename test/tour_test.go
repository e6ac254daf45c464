package test

import (
	"strings"
	"testing"
)

// TestTour is Albert's story of the EC2 User Guide 2012, "Using Security
// Groups", with a real port scanner.
func TestTour(t *testing.T) {
	d := start(t)
	albert := d.launch("ami-eca54085")[0]
	group := d.run("ec2-describe-group", "default")
	for _, rule := range []string{"icmp\t-1\t-1", "tcp\t0\t65535", "udp\t0\t65535"} {
		if !strings.Contains(group, "ALLOWS\t"+rule+"\tFROM\tUSER\t111122223333\tNAME default") {
			t.Errorf("default has no rule %q:\n%s", rule, group)
		}
	}
	if n := len(records(group, "PERMISSION")); n != 3 {
		t.Errorf("default has %d rules:\n%s", n, group)
	}
	home, elsewhere := outside("203.0.113.7"), outside("203.0.113.8")
	d.expect("first scan", d.scan(home, albert.public, "1-100"), "[] open, 100 filtered, 0 closed")
	if _, _, status := d.try(append(home, "--", "ping", "-c", "2", "-i", "0.2", "-W", "1", albert.public)...); status != 1 {
		t.Errorf("ping ends with %d: want no answer", status)
	}

	// The instance is the same afterwards: the same init, begun at the same time.
	born := []string{"exec", albert.id, "--", "cut", "-d", " ", "-f", "22", "/proc/1/stat"}
	before := d.run(born...)
	d.run("ec2-authorize", "default", "-P", "tcp", "-p", "22", "-s", "203.0.113.7/32")
	if n := len(records(d.run("ec2-describe-group", "default"), "PERMISSION")); n != 4 {
		t.Errorf("default has %d rules", n)
	}
	d.settle()
	d.expect("second scan", d.scan(home, albert.public, "1-100"), "[22] open, 99 filtered, 0 closed")
	d.expect("scan from elsewhere", d.scan(elsewhere, albert.public, "1-100"), "[] open, 100 filtered, 0 closed")
	if after := d.run(born...); before == "" || after != before {
		t.Errorf("the instance was born at %q, now at %q", before, after)
	}

	// Another member of default reaches every port by the private address, and
	// none by the public one.
	member := d.launch("ami-eca54085")[0]
	d.expect("scan by a member", d.scan(inside(member), albert.private, "1-100"), "[22] open, 0 filtered, 99 closed")
	d.expect("scan by a member, of the public address", d.scan(inside(member), albert.public, "22"), "[] open, 1 filtered, 0 closed")
	d.run("exec", member.id, "--", "ping", "-c", "1", "-W", "5", albert.private)

	d.run("ec2-revoke", "default", "-P", "tcp", "-p", "22", "-s", "203.0.113.7/32")
	d.settle()
	d.expect("last scan", d.scan(home, albert.public, "22"), "[] open, 1 filtered, 0 closed")

	explained := d.run("explain", "203.0.113.7", albert.id+":22")
	if !strings.Contains(explained, "drop: no-ingress-rule") || !strings.Contains(explained, "the kernel says drop: no-ingress-rule") {
		t.Errorf("explain:\n%s", explained)
	}
}
