package test

import (
	"strconv"
	"strings"
	"testing"
)

// A row is one of the rules that are recommended for load balancers, and what
// fails without it.
type row struct {
	what   string
	add    []string
	remove []string
	breaks string // client, requests or health
}

// TestRecommendedRules applies the recommended groups and ACLs of an
// internet-facing load balancer and its instances exactly (User Guide for
// Classic Load Balancers, "Configure security groups" and "Network ACLs"): all
// works. Without any one of them its own path fails, and nothing else does.
func TestRecommendedRules(t *testing.T) {
	needHAProxy(t)
	t.Parallel() // it mostly waits for health checks
	d := start(t)
	vpc := d.line("VPC", "ec2-create-vpc", "10.7.0.0/16")[1]
	front := d.line("SUBNET", "ec2addsubnet", "-c", vpc, "-i", "10.7.1.0/24", "-z", "us-east-1a")[1]
	back := d.line("SUBNET", "ec2addsubnet", "-c", vpc, "-i", "10.7.2.0/24", "-z", "us-east-1a")[1]
	gateway := d.line("INTERNETGATEWAY", "ec2-create-internet-gateway")[1]
	d.run("ec2-attach-internet-gateway", gateway, "-c", vpc)
	table := d.line("ROUTETABLE", "ec2-create-route-table", vpc)[1]
	d.run("ec2-create-route", table, "-r", "0.0.0.0/0", "-g", gateway)
	d.run("ec2-associate-route-table", table, "-s", front)
	balancer := d.line("GROUP", "ec2-create-group", "balancer", "-d", "of the load balancer", "-c", vpc)[1]
	web := d.line("GROUP", "ec2-create-group", "web", "-d", "of the instances", "-c", vpc)[1]
	d.run("ec2-revoke", balancer, "--egress", "-P", "all", "-s", "0.0.0.0/0")
	d.run("ec2-revoke", web, "--egress", "-P", "all", "-s", "0.0.0.0/0")

	rule := func(group, port, breaks string, peer ...string) row {
		args := append([]string{group, "-P", "tcp", "-p", port}, peer...)
		return row{"group rule " + strings.Join(args, " "), append([]string{"ec2-authorize"}, args...), append([]string{"ec2-revoke"}, args...), breaks}
	}
	rows := []row{
		rule(balancer, "80", "client", "-s", "0.0.0.0/0"),
		rule(balancer, "80", "requests", "--egress", "-o", web),
		rule(balancer, "22", "health", "--egress", "-o", web),
		rule(web, "80", "requests", "-o", balancer),
		rule(web, "22", "health", "-o", balancer),
	}
	number := 100
	entry := func(acl, port, breaks string, more ...string) row {
		number += 10
		n := strconv.Itoa(number)
		add := append([]string{"ec2-create-network-acl-entry", acl, "-n", n, "-P", "tcp", "-p", port, "--allow"}, more...)
		remove := []string{"ec2-delete-network-acl-entry", acl, "-n", n}
		if more[len(more)-1] == "--egress" {
			remove = append(remove, "--egress")
		}
		return row{"ACL entry " + strings.Join(add[2:], " "), add, remove, breaks}
	}
	acls := map[string]string{}
	for _, subnet := range []string{front, back} {
		acls[subnet] = d.line("NETWORKACL", "ec2-create-network-acl", vpc)[1]
	}
	for _, line := range records(d.run("ec2-describe-network-acls", "-F", "default=true", "-F", "vpc-id="+vpc), "ASSOCIATION") {
		d.run("ec2-replace-network-acl-association", line[1], "-a", acls[line[2]])
	}
	rows = append(rows,
		entry(acls[front], "80", "client", "-r", "0.0.0.0/0"),
		entry(acls[front], "1024-65535", "all", "-r", "10.7.0.0/16"),
		entry(acls[front], "80", "requests", "-r", "10.7.0.0/16", "--egress"),
		entry(acls[front], "22", "health", "-r", "10.7.0.0/16", "--egress"),
		entry(acls[front], "1024-65535", "client", "-r", "0.0.0.0/0", "--egress"),
		entry(acls[back], "80", "requests", "-r", "10.7.0.0/16"),
		entry(acls[back], "22", "health", "-r", "10.7.0.0/16"),
		entry(acls[back], "1024-65535", "all", "-r", "10.7.0.0/16", "--egress"),
	)
	for _, r := range rows {
		d.run(r.add...)
	}

	id := d.line("INSTANCE", "ec2-run-instances", "ami-fba54092", "-s", back, "-g", web)[1]
	d.await("running", id)
	name := strings.Fields(d.run("elb-create-lb", "front", "-l", "protocol=http,lb-port=80,instance-port=80", "-s", front, "-g", balancer))[1]
	d.run("elb-configure-healthcheck", "front", "--target", "TCP:22", "--interval", "5", "--timeout", "2", "--unhealthy-threshold", "2", "--healthy-threshold", "2")
	d.run("elb-register-instances-with-lb", "front", "--instances", id)
	works := func() {
		t.Helper()
		d.health("front", id, "InService")
		eventually(t, "a client is served", func() bool { return strings.HasSuffix(d.fetch("http://"+name+"/"), "200") })
	}
	works()
	for _, r := range rows {
		d.run(r.remove...)
		d.settle()
		if r.breaks == "health" || r.breaks == "all" {
			d.health("front", id, "OutOfService")
		}
		page := d.fetch("http://" + name + "/")
		want := map[string]string{"client": "000", "requests": "000", "health": "503", "all": "503"}[r.breaks]
		if !strings.HasSuffix(page, want) {
			t.Errorf("without %s a client gets %q, want %s", r.what, page, want)
		}
		if health := d.run("elb-describe-instance-health", "front"); strings.Contains(health, "InService") == (want == "503") {
			t.Errorf("without %s health is %s", r.what, health)
		}
		d.run(r.add...)
		works()
	}
	// A listener on another port is behind the same group.
	d.run("elb-create-lb-listeners", "front", "-l", "protocol=http,lb-port=8080,instance-port=80")
	if page := d.fetch("http://" + name + ":8080/"); page != "000" {
		t.Errorf("a new port is open without a rule: %q", page)
	}
}
