package api_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The unmodified boto3 of python3, if it has one, and all the actions of ELB.
func TestBoto3LoadBalancers(t *testing.T) {
	needPython(t, "boto3")
	fresh(t).python(t, albert, "client_elb.py", keyPairFiles(t)...)
}

// keyPairFiles writes a certificate and its key, and returns where.
func keyPairFiles(t *testing.T) []string {
	t.Helper()
	pair := newKeyPair(t, "shop")
	dir := t.TempDir()
	files := []string{filepath.Join(dir, "certificate.pem"), filepath.Join(dir, "key.pem")}
	for i, text := range []string{pair.body, pair.key} {
		if err := os.WriteFile(files[i], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// The load balancers of the ELB Developer Guide's lock-down by the unmodified AWS
// command line.
func TestAWSCommandLineLoadBalancers(t *testing.T) {
	if testing.Short() {
		t.Skip("starting the AWS command line ten times takes long; left out by -short")
	}
	if _, err := os.Stat(aws); err != nil {
		t.Skipf("no AWS command line to test with: %v", err)
	}
	w := fresh(t)
	run := func(args ...string) string {
		t.Helper()
		out, errs := awsCLI(t, w, args...)
		if errs != "" {
			t.Fatalf("aws %q: %s", args, errs)
		}
		return out
	}
	run("elb", "create-load-balancer", "--load-balancer-name", "my-loadbalancer", "--availability-zones", "us-east-1a",
		"--listeners", "Protocol=HTTP,LoadBalancerPort=80,InstanceProtocol=HTTP,InstancePort=80")
	// The name of the option is cut short, as in the guide.
	described := run("elb", "describe-load-balancers", "--load-balancer-name", "my-loadbalancer")
	if !strings.Contains(described, `"OwnerAlias": "amazon-elb"`) || !strings.Contains(described, `"GroupName": "amazon-elb-sg"`) {
		t.Errorf("load balancer %s", described)
	}
	_, errs := awsCLI(t, w, "elb", "apply-security-groups-to-load-balancer", "--load-balancer-name", "my-loadbalancer", "--security-groups", "sg-53fae93f")
	if !strings.Contains(errs, "(InvalidConfigurationRequest)") {
		t.Errorf("groups in EC2-Classic: %s", errs)
	}

	var made struct {
		VPC     struct{ VPCID string }
		Subnet  struct{ SubnetID string }
		GroupID string
	}
	for _, args := range []string{
		"create-vpc --cidr-block 10.0.0.0/16", "create-subnet --cidr-block 10.0.1.0/24 --vpc-id",
		"create-security-group --group-name lb --description d --vpc-id",
	} {
		words := append([]string{"ec2"}, strings.Fields(args)...)
		if strings.HasSuffix(args, "--vpc-id") {
			words = append(words, made.VPC.VPCID)
		}
		if err := json.Unmarshal([]byte(run(words...)), &made); err != nil {
			t.Fatal(err)
		}
	}
	run("elb", "create-load-balancer", "--load-balancer-name", "inside", "--scheme", "internal", "--subnets", made.Subnet.SubnetID,
		"--listeners", "Protocol=TCP,LoadBalancerPort=7,InstancePort=7")
	applied := run("elb", "apply-security-groups-to-load-balancer", "--load-balancer-name", "inside", "--security-groups", made.GroupID)
	if got := strings.Join(strings.Fields(applied), ""); got != `{"SecurityGroups":["`+made.GroupID+`"]}` {
		t.Errorf("applied %s", got)
	}
	groups := run("elb", "describe-load-balancers", "--load-balancer-names", "inside", "--query", "LoadBalancerDescriptions[0].SecurityGroups")
	if !strings.Contains(groups, made.GroupID) {
		t.Errorf("groups %s", groups)
	}
	run("elb", "delete-load-balancer", "--load-balancer-name", "inside")
	run("elb", "delete-load-balancer", "--load-balancer-name", "inside")
}
