package test

import (
	"encoding/json"
	"strings"
	"testing"
)

// line runs a tool and returns the fields of its first line of a kind, which must be
// there.
func (d *daemon) line(kind string, args ...string) []string {
	d.t.Helper()
	out := d.run(args...)
	lines := records(out, kind)
	if len(lines) == 0 {
		d.t.Fatalf("%v prints no %s:\n%s", args, kind, out)
	}
	return lines[0]
}

// expectLine checks the fields of a line that a tool prints; * stands for anything.
func (d *daemon) expectLine(want string, args ...string) {
	d.t.Helper()
	fields := strings.Split(want, " ")
	got := d.line(fields[0], args...)
	for i, f := range fields {
		if f != "*" && (i >= len(got) || f != got[i]) {
			d.t.Errorf("%v prints %q, want %q", args, got, fields)
			return
		}
	}
}

// TestToolsBuildAVPC makes a VPC that a host on the internet side reaches, and takes
// it down, all with the tools of 2012.
func TestToolsBuildAVPC(t *testing.T) {
	d := start(t)
	vpc := d.line("VPC", "ec2-create-vpc", "10.7.0.0/16")[1]
	subnet := d.line("SUBNET", "ec2addsubnet", "-c", vpc, "-i", "10.7.1.0/24", "-z", "us-east-1b")[1]
	d.expectLine("SUBNET "+subnet+" available "+vpc+" 10.7.1.0/24 251 us-east-1b false false", "ec2-describe-subnets", subnet)
	gateway := d.line("INTERNETGATEWAY", "ec2-create-internet-gateway")[1]
	d.expectLine("ATTACHMENT "+vpc, "ec2-attach-internet-gateway", gateway, "-c", vpc)
	table := d.line("ROUTETABLE", "ec2-create-route-table", vpc)[1]
	d.expectLine("ROUTE "+gateway+" 0.0.0.0/0", "ec2-create-route", table, "-r", "0.0.0.0/0", "-g", gateway)
	association := d.line("ASSOCIATION", "ec2-associate-route-table", table, "-s", subnet)[1]
	group := d.line("GROUP", "ec2-create-group", "web", "-d", "for the web", "-c", vpc)[1]
	d.expectLine("PERMISSION   ALLOWS tcp 80 80 FROM CIDR 0.0.0.0/0 ingress", "ec2-authorize", group, "-p", "80")

	// An ACL of its own admits port 80, and replies.
	acl := d.line("NETWORKACL", "ec2-create-network-acl", vpc)[1]
	d.run("ec2-create-network-acl-entry", acl, "-n", "100", "-r", "0.0.0.0/0", "-P", "tcp", "-p", "80", "--allow")
	d.run("ec2-create-network-acl-entry", acl, "-n", "100", "-r", "0.0.0.0/0", "-P", "tcp", "-p", "1024-65535", "--egress", "--allow")
	old := d.line("ASSOCIATION", "ec2-describe-network-acls", "-F", "default=true", "-F", "vpc-id="+vpc)[1]
	d.run("ec2-replace-network-acl-association", old, "-a", acl)

	id := d.line("INSTANCE", "ec2-run-instances", "ami-fba54092", "-s", subnet, "-g", group, "--private-ip-address", "10.7.1.20")[1]
	d.await("running", id)
	address := d.line("ADDRESS", "ec2-allocate-address", "-d", "vpc")
	d.expectLine("ADDRESS  "+id+" "+address[3]+" *", "ec2-associate-address", "-a", address[3], "-i", id)
	d.settle()
	mary := outside("203.0.113.19")
	if out := d.run(append(mary, "--", "curl", "-s", "--max-time", "5", "http://"+address[1]+"/")...); !strings.Contains(out, id) {
		t.Errorf("the web server says %q", out)
	}

	// Its attributes, tags and state.
	d.expectLine("sourceDestCheck "+id+" false", "ec2-modify-instance-attribute", id, "--source-dest-check", "false")
	d.expectLine("sourceDestCheck "+id+" false", "ec2-describe-instance-attribute", id, "--source-dest-check")
	d.expectLine("TAG "+id+" instance Name web", "ec2-create-tags", id, "--tag", "Name=web")
	d.expectLine("TAG instance "+id+" Name web", "ec2-describe-instances", id)
	d.expectLine("INSTANCE "+id+" us-east-1b running 16", "ec2-describe-instance-status", id)
	eni := d.line("NETWORKINTERFACE", "ec2-create-network-interface", subnet, "-d", "second", "-g", group)[1]
	attachment := d.line("ATTACHMENT", "ec2-attach-network-interface", eni, "-i", id, "-d", "1")[1]
	d.expectLine("ATTACHMENT "+attachment+" detaching", "ec2-detach-network-interface", attachment)

	// By short words.
	var listed []struct{ ID, Name, State, PublicIP string }
	if out := d.run("ps", "--output", "json", "--profile", "classic"); json.Unmarshal([]byte(out), &listed) != nil || len(listed) != 1 ||
		listed[0].ID != id || listed[0].Name != "web" || listed[0].State != "running" || listed[0].PublicIP != address[1] {
		t.Errorf("ps says %s", out)
	}
	var rules []struct{ Direction, Protocol, Ports, Peer string }
	if out := d.run("rules", "web", "--output", "json"); json.Unmarshal([]byte(out), &rules) != nil || len(rules) != 2 {
		t.Errorf("rules says %s", out)
	}
	if out := d.run("groups"); !strings.Contains(out, group+"  web") {
		t.Errorf("groups says %s", out)
	}

	// And down again.
	if _, errs, status := d.try("ec2-delete-vpc", vpc); status != 1 || !strings.HasPrefix(errs, "Client.DependencyViolation: ") {
		t.Errorf("deleting a VPC that is used: status %d, %s", status, errs)
	}
	d.run("ec2-disassociate-address", "-a", d.line("ADDRESS", "ec2-describe-addresses")[5])
	d.run("ec2-release-address", "-a", address[3])
	d.run("ec2-terminate-instances", id)
	d.await("terminated", id)
	for _, args := range [][]string{
		{"ec2-delete-network-interface", eni}, {"ec2-delete-group", group}, {"ec2-disassociate-route-table", association},
		{"ec2-delete-route-table", table}, {"ec2-detach-internet-gateway", gateway, "-c", vpc}, {"ec2-delete-internet-gateway", gateway},
		{"ec2-delete-subnet", subnet}, {"ec2-delete-network-acl", acl}, {"ec2-delete-vpc", vpc},
	} {
		d.run(args...)
	}
	if out := d.run("ec2-describe-vpcs"); out != "" {
		t.Errorf("left is %s", out)
	}
}

// TestRunAndWait launches by short words, and returns when all instances answer.
func TestRunAndWait(t *testing.T) {
	d := start(t)
	out := d.run("run", "ami-fba54092", "-n", "5", "--name", "web", "--wait", "--output", "json")
	var listed []struct{ ID, State string }
	if err := json.Unmarshal([]byte(out), &listed); err != nil || len(listed) != 5 {
		t.Fatalf("run says %s", out)
	}
	for _, i := range listed {
		if i.State != "running" {
			t.Errorf("%s is %s", i.ID, i.State)
		}
		d.run("exec", i.ID, "--", "true")
	}
	if words := d.run("__complete", "watch", "i-"); strings.Count(words, "running web") != 5 {
		t.Errorf("a shell is told of\n%s", words)
	}
}
