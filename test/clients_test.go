package test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// client runs an unmodified client of AWS with the environment that ringfence
// env prints, as a user's shell would.
func (d *daemon) client(shell string, args ...string) string {
	d.t.Helper()
	script := `eval "$(ringfence env --profile ` + d.profile + `)"; ` + shell
	c := exec.Command("bash", slices.Concat([]string{"-c", script, "bash"}, args)...)
	c.Env = append(d.command("ringfence").Env, "AWS_PAGER=", "AWS_CONFIG_FILE=/dev/null", "AWS_PROFILE=",
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null", "PYTHONDONTWRITEBYTECODE=1")
	c.Env = slices.DeleteFunc(c.Env, func(v string) bool { return strings.HasPrefix(v, "AWS_PROFILE") })
	out, err := c.CombinedOutput()
	if err != nil {
		d.t.Fatalf("%s %q: %v\n%s", shell, args, err, out)
	}
	return string(out)
}

// aws runs Debian's command line client and decodes what it prints.
func (d *daemon) aws(result any, args ...string) {
	d.t.Helper()
	out := d.client(`aws "$@" --output json`, args...)
	if result == nil {
		return
	}
	if err := json.Unmarshal([]byte(out), result); err != nil {
		d.t.Fatalf("aws %q: %v\n%s", args, err, out)
	}
}

// TestTourByAWS is Albert's story told by the AWS command line.
func TestTourByAWS(t *testing.T) {
	if _, err := os.Stat("/usr/bin/aws"); err != nil {
		t.Skipf("needs Debian's awscli: %v", err)
	}
	d := start(t)
	var launched struct{ Instances []struct{ InstanceID string } }
	d.aws(&launched, "ec2", "run-instances", "--image-id", "ami-eca54085")
	id := launched.Instances[0].InstanceID
	d.aws(nil, "ec2", "wait", "instance-running", "--instance-ids", id)
	var described struct {
		Reservations []struct {
			Instances []struct {
				PublicIPAddress string
				SecurityGroups  []struct{ GroupName string }
			}
		}
	}
	d.aws(&described, "ec2", "describe-instances", "--instance-ids", id)
	i := described.Reservations[0].Instances[0]
	if len(i.SecurityGroups) != 1 || i.SecurityGroups[0].GroupName != "default" {
		t.Errorf("groups %v", i.SecurityGroups)
	}
	rule := []string{"--group-name", "default", "--protocol", "tcp", "--port", "22", "--cidr", "203.0.113.7/32"}

	d.expect("first scan", d.scan(outside("203.0.113.7"), i.PublicIPAddress, "1-100"), "[] open, 100 filtered, 0 closed")
	d.aws(nil, append([]string{"ec2", "authorize-security-group-ingress"}, rule...)...)
	d.settle()
	d.expect("second scan", d.scan(outside("203.0.113.7"), i.PublicIPAddress, "1-100"), "[22] open, 99 filtered, 0 closed")
	d.expect("scan from elsewhere", d.scan(outside("203.0.113.8"), i.PublicIPAddress, "22"), "[] open, 1 filtered, 0 closed")
	d.aws(nil, append([]string{"ec2", "revoke-security-group-ingress"}, rule...)...)
	d.settle()
	d.expect("last scan", d.scan(outside("203.0.113.7"), i.PublicIPAddress, "22"), "[] open, 1 filtered, 0 closed")
	d.aws(nil, "ec2", "terminate-instances", "--instance-ids", id)
	d.await("terminated", id)
}

// TestVPCByAWS makes, reads, changes and deletes the nouns of a VPC by the AWS
// command line.
func TestVPCByAWS(t *testing.T) {
	if _, err := os.Stat("/usr/bin/aws"); err != nil {
		t.Skipf("needs Debian's awscli: %v", err)
	}
	d := start(t)
	d.profile = "default"
	var made struct {
		VPC    struct{ VPCID string }
		Subnet struct{ SubnetID string }
	}
	d.aws(&made, "ec2", "create-vpc", "--cidr-block", "10.0.0.0/16")
	d.aws(&made, "ec2", "create-subnet", "--vpc-id", made.VPC.VPCID, "--cidr-block", "10.0.1.0/24", "--availability-zone-id", "use1-az2")
	var group struct{ GroupID string }
	d.aws(&group, "ec2", "create-security-group", "--vpc-id", made.VPC.VPCID, "--group-name", "web", "--description", "web")
	d.aws(nil, "ec2", "authorize-security-group-ingress", "--group-id", group.GroupID, "--protocol", "tcp", "--port", "80-81", "--cidr", "203.0.113.0/24")
	type rule struct {
		SecurityGroupRuleID string
		IsEgress            bool
		FromPort            int
	}
	var rules struct{ SecurityGroupRules []rule }
	d.aws(&rules, "ec2", "describe-security-group-rules", "--filters", "Name=group-id,Values="+group.GroupID)
	ingress := slices.IndexFunc(rules.SecurityGroupRules, func(r rule) bool { return !r.IsEgress })
	if len(rules.SecurityGroupRules) != 2 || ingress < 0 || rules.SecurityGroupRules[ingress].FromPort != 80 {
		t.Fatalf("rules %+v", rules)
	}
	d.aws(nil, "ec2", "revoke-security-group-ingress", "--group-id", group.GroupID, "--security-group-rule-ids", rules.SecurityGroupRules[ingress].SecurityGroupRuleID)
	d.aws(nil, "ec2", "delete-security-group", "--group-id", group.GroupID)
	d.aws(nil, "ec2", "delete-subnet", "--subnet-id", made.Subnet.SubnetID)
	d.aws(nil, "ec2", "delete-vpc", "--vpc-id", made.VPC.VPCID)
}

// TestTourByBoto3 is the same as TestTourByAWS by boto3. The script asks for what only a shell
// can do, line by line.
func TestTourByBoto3(t *testing.T) {
	const python = "/usr/bin/python3"
	if out, err := exec.Command(python, "-c", "import boto3").CombinedOutput(); err != nil {
		t.Skipf("needs Debian's python3-boto3: %v: %s", err, tail(out, 1))
	}
	d := start(t)
	script, err := filepath.Abs("testdata/tour.py")
	if err != nil {
		t.Fatal(err)
	}
	boto := func(step string, args ...string) string {
		t.Helper()
		return strings.TrimSpace(d.client(python+` "$@"`, slices.Concat([]string{script, step}, args)...))
	}
	id, address, _ := strings.Cut(boto("launch"), " ")
	d.expect("first scan", d.scan(outside("203.0.113.7"), address, "1-100"), "[] open, 100 filtered, 0 closed")
	boto("authorize", "203.0.113.7/32")
	d.settle()
	d.expect("second scan", d.scan(outside("203.0.113.7"), address, "1-100"), "[22] open, 99 filtered, 0 closed")
	boto("revoke", "203.0.113.7/32")
	d.settle()
	d.expect("last scan", d.scan(outside("203.0.113.7"), address, "22"), "[] open, 1 filtered, 0 closed")
	boto("terminate", id)
	d.await("terminated", id)
}
