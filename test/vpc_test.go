package test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestVPC follows the packets of a VPC with a public and a private subnet while
// boto3 changes its rules: groups in both directions, network ACLs, routes,
// IPv4 and IPv6.
func TestVPC(t *testing.T) {
	const python = "/usr/bin/python3"
	if out, err := exec.Command(python, "-c", "import boto3").CombinedOutput(); err != nil {
		t.Skipf("needs Debian's python3-boto3: %v: %s", err, tail(out, 1))
	}
	d := start(t)
	d.profile = "default"
	script, err := filepath.Abs("testdata/vpc.py")
	if err != nil {
		t.Fatal(err)
	}
	boto := func(step string, args ...string) string {
		t.Helper()
		out := strings.TrimSpace(d.client(python+` "$@"`, slices.Concat([]string{script, step}, args)...))
		d.settle()
		return out
	}
	var at map[string]string
	if err := json.Unmarshal([]byte(boto("build")), &at); err != nil {
		t.Fatal(err)
	}
	web, db, neighbour := []string{"exec", at["web"]}, []string{"exec", at["db"]}, []string{"exec", at["neighbour"]}
	client4, client6 := outside("203.0.113.7"), outside("2001:db8:8000::7")
	reaches := func(why string, from []string, address, port string) {
		t.Helper()
		d.expect(why, d.scan(from, address, port), "["+port+"] open, 0 filtered, 0 closed")
	}
	isCut := func(why string, from []string, address, port string) {
		t.Helper()
		d.expect(why, d.scan(from, address, port), "[] open, 1 filtered, 0 closed")
	}

	d.expect("scan over IPv4", d.scan(client4, at["web-public"], "1-100"), "[80] open, 99 filtered, 0 closed")
	d.expect("scan over IPv6", d.scan(client6, at["web-ipv6"], "1-100"), "[80] open, 99 filtered, 0 closed")
	isCut("the private subnet has no route for replies", client6, at["db-ipv6"], "3306")
	reaches("a member of web reaches db", web, at["db-private"], "3306")
	reaches("a member of web reaches db over IPv6", web, at["db-ipv6"], "3306")
	reaches("so does its neighbour", neighbour, at["db-private"], "3306")
	isCut("rules about groups open only their port", web, at["db-private"], "22")
	d.expect("ports of web that are open to all", d.scan(db, at["web-private"], "80"), "[80] open, 0 filtered, 0 closed")

	// A fresh custom ACL denies all that crosses the subnet's boundary, and
	// nothing within.
	acl := boto("acl", at["vpc"], at["private"])
	isCut("a fresh ACL denies everything", web, at["db-private"], "3306")
	isCut("over IPv6 too", web, at["db-ipv6"], "3306")
	reaches("an ACL does not touch its own subnet", neighbour, at["db-private"], "3306")
	boto("entry", acl, "100", "ingress", "3306", "3306", "10.0.1.0/24")
	isCut("the ACL does not know that replies are replies", web, at["db-private"], "3306")
	boto("entry", acl, "100", "egress", "1024", "65535", "10.0.1.0/24")
	reaches("with the ports of replies", web, at["db-private"], "3306")
	isCut("IPv6 has entries of its own", web, at["db-ipv6"], "3306")
	boto("no-entry", acl, "100", "egress")
	isCut("without them", web, at["db-private"], "3306")
	boto("entry", acl, "90", "egress", "1024", "65535", "0.0.0.0/0")

	// Membership of a running instance changes at once.
	boto("groups", at["web"], at["db-group"])
	isCut("no member of web any more", web, at["db-private"], "3306")
	isCut("nor open to everybody", client4, at["web-public"], "80")
	boto("groups", at["web"], at["web-group"])
	reaches("a member again", web, at["db-private"], "3306")

	// A second interface in the other subnet.
	second := boto("attach", at["web"], at["private"], at["web-group"])
	eventually(t, "the interface is there", func() bool {
		out, _, status := d.try("exec", at["web"], "--", "ip", "-4", "addr", "show", "eth1")
		return status == 0 && strings.Contains(out, second)
	})
	reaches("the second interface is filtered by its own groups", neighbour, second, "80")
	isCut("and closed to the rest", neighbour, second, "22")

	// Without egress rules nothing new leaves, and replies do.
	boto("no-egress", at["web-group"])
	isCut("nothing new leaves", web, at["db-private"], "3306")
	reaches("replies do", client4, at["web-public"], "80")

	boto("no-route", at["table"], "::/0")
	isCut("replies need a route", client6, at["web-ipv6"], "80")
	reaches("of their family", client4, at["web-public"], "80")

	explained := d.run("explain", at["web"], at["db"]+":3306")
	for _, step := range []string{"route", "egress", "drop: no-egress-rule", "the kernel says drop: no-egress-rule"} {
		if !strings.Contains(explained, step) {
			t.Errorf("explain says nothing of %q:\n%s", step, explained)
		}
	}
}
