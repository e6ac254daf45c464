package test

import (
	"strings"
	"testing"
)

// TestGroupProcedures is the rest of "Using Security Groups" (EC2 User Guide
// 2012), with packets: several groups of one instance, blocks of addresses, a
// rule for everybody that comes and goes, and what stays as it is.
func TestGroupProcedures(t *testing.T) {
	d := start(t)
	d.run("ec2-create-group", "webservers", "-d", "My Web Server Group")
	d.run("ec2-create-group", "admin", "-d", "who may log in")
	d.run("ec2-authorize", "webservers", "-p", "80")
	d.run("ec2-authorize", "admin", "-P", "tcp", "-p", "22", "-s", "203.0.113.32/27")
	i := d.launch("ami-fba54092", "-g", "webservers", "-g", "admin")[0]
	d.settle()

	// The rules of both groups count, each for whom it is about: .32 to .63 are
	// the block, and nobody else.
	if rules := d.run("ec2-describe-group", "admin"); !strings.Contains(rules, "ALLOWS\ttcp\t22\t22\tFROM\tCIDR\t203.0.113.32/27\t") {
		t.Errorf("the block is stored as\n%s", rules)
	}
	for address, want := range map[string]string{
		"203.0.113.31": "[80] open, 1 filtered, 0 closed",
		"203.0.113.32": "[22 80] open, 0 filtered, 0 closed",
		"203.0.113.63": "[22 80] open, 0 filtered, 0 closed",
		"203.0.113.64": "[80] open, 1 filtered, 0 closed",
	} {
		d.expect("scan from "+address, d.scan(outside(address), i.public, "22,80"), want)
	}
	if _, errs, status := d.try("ec2-authorize", "admin", "-P", "tcp", "-p", "22", "-s", "203.0.113.1"); status != 1 || !strings.Contains(errs, "InvalidParameterValue") {
		t.Errorf("an address without its length: status %d, %s", status, errs)
	}

	// What everybody may open ends with its rule.
	d.run("ec2-authorize", "webservers", "-p", "7000")
	d.settle()
	echo := d.echo(i, outside("203.0.113.7"))
	d.run("ec2-revoke", "webservers", "-p", "7000")
	d.settle()
	echo.write("cut")
	eventually(t, "the line is dropped", func() bool { return d.dropped("revoked") > 0 })
	echo.silent()
	d.expect("a new connection", d.scan(outside("203.0.113.7"), i.public, "7000"), "[] open, 1 filtered, 0 closed")
	if rules := d.run("ec2-describe-group", "webservers"); len(records(rules, "PERMISSION")) != 1 {
		t.Errorf("what is left:\n%s", rules)
	}

	// An instance of EC2-Classic keeps its groups, and they stay as long as it.
	id := records(d.run("ec2-describe-group", "default"), "GROUP")[0][1]
	if _, errs, status := d.try("ec2-modify-instance-attribute", i.id, "--group-id", id); status != 1 || !strings.Contains(errs, "InvalidParameterCombination") {
		t.Errorf("other groups: status %d, %s", status, errs)
	}
	for group, code := range map[string]string{"webservers": "InvalidGroup.InUse", "default": "InvalidGroup.Reserved"} {
		if _, errs, status := d.try("ec2-delete-group", group); status != 1 || !strings.Contains(errs, code) {
			t.Errorf("delete %s: status %d, %s", group, status, errs)
		}
	}
	d.run("ec2-terminate-instances", i.id)
	d.await("terminated", i.id)
	if out := d.run("ec2-delete-group", "webservers"); !strings.Contains(out, "RETURN\ttrue") {
		t.Errorf("delete webservers: %s", out)
	}
}
