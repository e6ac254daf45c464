package api_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringfence/internal/vpc"
)

// aws is Debian's command line client, as it is installed.
const aws = "/usr/bin/aws"

// awsCLI runs aws against w as albert and returns what it prints.
func awsCLI(t *testing.T, w *world, args ...string) (stdout, stderr string) {
	t.Helper()
	a := w.account(t, albert)
	cmd := exec.Command(aws, append([]string{"--endpoint-url", w.http.URL, "--output", "json"}, args...)...)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+a.AccessKey, "AWS_SECRET_ACCESS_KEY="+a.SecretKey,
		"AWS_DEFAULT_REGION=us-east-1", "AWS_PAGER=", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && errs.Len() == 0 {
		t.Fatalf("aws %q: %v", args, err)
	}
	return out.String(), strings.TrimSpace(errs.String())
}

// The unmodified AWS command line, as the ELB Developer Guide uses it.
func TestAWSCommandLine(t *testing.T) {
	if testing.Short() {
		t.Skip("starting the AWS command line twenty times takes long; left out by -short")
	}
	if _, err := os.Stat(aws); err != nil {
		t.Skipf("no AWS command line to test with: %v", err)
	}
	w := fresh(t)
	run := func(args ...string) map[string]any {
		t.Helper()
		out, errs := awsCLI(t, w, args...)
		if errs != "" {
			t.Fatalf("aws %q: %s", args, errs)
		}
		var v map[string]any
		if out != "" {
			if err := json.Unmarshal([]byte(out), &v); err != nil {
				t.Fatalf("aws %q: %v in %s", args, err, out)
			}
		}
		return v
	}
	run("ec2", "create-security-group", "--group-name", "my-security-group", "--description", "d")
	run("ec2", "authorize-security-group-ingress", "--group-name", "my-security-group", "--protocol", "tcp", "--port", "80", "--cidr", "0.0.0.0/0")
	run("ec2", "authorize-security-group-ingress", "--group-name", "my-security-group", "--protocol", "icmp", "--port", "-1", "--cidr", "0.0.0.0/0")
	run("ec2", "authorize-security-group-ingress", "--group-name", "my-security-group",
		"--source-security-group-name", "amazon-elb-sg", "--source-security-group-owner-id", "amazon-elb")
	run("ec2", "revoke-security-group-ingress", "--group-name", "my-security-group", "--protocol", "tcp", "--port", "80", "--cidr", "0.0.0.0/0")
	groups := run("ec2", "describe-security-groups", "--group-names", "my-security-group")
	group := groups["SecurityGroups"].([]any)[0].(map[string]any)
	elb := []any{map[string]any{"GroupId": "sg-843f59ed", "GroupName": "amazon-elb-sg", "UserId": "amazon-elb"}}
	permission := func(proto string, from, to float64, pairs []any, ranges []any) map[string]any {
		return map[string]any{"IpProtocol": proto, "FromPort": from, "ToPort": to, "UserIdGroupPairs": pairs, "IpRanges": ranges,
			"Ipv6Ranges": []any{}, "PrefixListIds": []any{}}
	}
	want := []any{
		permission("icmp", -1, -1, elb, []any{map[string]any{"CidrIp": "0.0.0.0/0"}}),
		permission("tcp", 1, 65535, elb, []any{}),
		permission("udp", 1, 65535, elb, []any{}),
	}
	if diff := cmp.Diff(want, group["IpPermissions"]); diff != "" {
		t.Errorf("permissions (-want +got):\n%s", diff)
	}

	_, errs := awsCLI(t, w, "ec2", "authorize-security-group-ingress", "--group-name", "my-security-group", "--protocol", "tcp", "--port", "all", "--cidr", "0.0.0.0/0")
	if !strings.Contains(errs, "(InvalidPermission.Malformed)") || !strings.Contains(errs, "TCP/UDP port (-1) out of range") {
		t.Errorf("all ports: %s", errs)
	}
	launched := run("ec2", "run-instances", "--image-id", "ami-eca54085", "--count", "2", "--security-groups", "my-security-group", "--user-data", "#!/bin/sh")
	if n := len(launched["Instances"].([]any)); n != 2 {
		t.Errorf("%d instances", n)
	}
	id := launched["Instances"].([]any)[0].(map[string]any)["InstanceId"].(string)
	if i := view(t, w).EveryInstance()[0]; string(i.UserData) != "#!/bin/sh" || i.ClientToken == "" {
		t.Errorf("user data %q, client token %q", i.UserData, i.ClientToken)
	}
	run("ec2", "terminate-instances", "--instance-ids", id)
	run("ec2", "describe-regions")
	run("ec2", "describe-availability-zones")
	run("ec2", "describe-images", "--owners", "amazon")
	run("ec2", "describe-account-attributes")
	if identity := run("sts", "get-caller-identity"); identity["Account"] != string(albert) {
		t.Errorf("identity %v", identity)
	}
}

// The unmodified boto3 of python3, if it has one.
func TestBoto3(t *testing.T) {
	needPython(t, "boto3")
	for script, who := range map[string]vpc.AccountID{
		"client.py": albert, "client_vpc.py": carol, "client_vpc_groups.py": carol, "client_network.py": carol,
	} {
		t.Run(script, func(t *testing.T) {
			fresh(t).python(t, who, script)
		})
	}
}

// The unmodified boto 2 of python3, if it has one, in the versions of its years.
func TestBoto2(t *testing.T) {
	needPython(t, "boto")
	for _, version := range []string{"2009-10-31", "2010-08-31", "2011-05-15", "2012-07-20", "2014-02-01", "2014-10-01"} {
		t.Run(version, func(t *testing.T) {
			fresh(t).python(t, albert, "client_boto2.py", version)
		})
	}
}

// python is Debian's, with the libraries that its packages have brought.
const python = "/usr/bin/python3"

// needPython skips a test when python has not got a library.
func needPython(t *testing.T, library string) {
	t.Helper()
	if out, err := exec.Command(python, "-c", "import "+library).CombinedOutput(); err != nil {
		t.Skipf("no %s to test with (Debian: python3-%s): %v: %s", library, library, err, lastLine(out))
	}
}

// python runs a script of testdata against w as an account.
func (w *world) python(t *testing.T, who vpc.AccountID, script string, args ...string) {
	t.Helper()
	a := w.account(t, who)
	cmd := exec.Command(python, append([]string{filepath.Join("testdata", script), w.http.URL}, args...)...)
	cmd.Env = slices.Concat(os.Environ(), []string{"AWS_ACCESS_KEY_ID=" + a.AccessKey, "AWS_SECRET_ACCESS_KEY=" + a.SecretKey,
		"AWS_DEFAULT_REGION=us-east-1", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "PYTHONDONTWRITEBYTECODE=1"})
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}
