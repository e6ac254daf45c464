package test

import (
	"os"
	"strings"
	"testing"
)

// shutIn launches an instance in the default VPC that no rule lets send
// anything: its group has no egress rules, and its subnet's ACL denies all. It
// prints the instance and its private name.
const shutIn = `
set -euo pipefail
ask() { aws ec2 "$@" --output text; }
read -r instance subnet vpc name < <(ask run-instances --image-id ami-eca54085 --query 'Instances[0].[InstanceId,SubnetId,VpcId,PrivateDnsName]')
group=$(ask describe-security-groups --filters "Name=vpc-id,Values=$vpc" --query 'SecurityGroups[0].GroupId')
aws ec2 revoke-security-group-egress --group-id "$group" --ip-permissions 'IpProtocol=-1,IpRanges=[{CidrIp=0.0.0.0/0}]' >/dev/null
association=$(ask describe-network-acls --query "NetworkAcls[].Associations[?SubnetId=='$subnet'].NetworkAclAssociationId")
acl=$(ask create-network-acl --vpc-id "$vpc" --query NetworkAcl.NetworkAclId)
aws ec2 replace-network-acl-association --association-id "$association" --network-acl-id "$acl" >/dev/null
echo "$instance $name"
`

// TestExempt shows that names, metadata and time are asked for past all rules
// (EC2 User Guide, "Security group rules"; VPC User Guide, "Network ACLs"), and
// nothing else is.
func TestExempt(t *testing.T) {
	if _, err := os.Stat("/usr/bin/aws"); err != nil {
		t.Skipf("needs Debian's awscli: %v", err)
	}
	d := start(t)
	d.profile = "default"
	id, name, _ := strings.Cut(strings.TrimSpace(d.client(shutIn)), " ")
	eventually(t, "the instance runs commands", func() bool {
		_, _, status := d.try("exec", id, "--", "true")
		return status == 0
	})
	d.settle()
	run := func(args ...string) string { return d.run(append([]string{"exec", id, "--"}, args...)...) }
	if out := run("getent", "ahostsv4", name); !strings.HasPrefix(out, "172.31.") {
		t.Errorf("%s is %q", name, out)
	}
	for _, path := range []string{"instance-id", "local-hostname"} {
		if out := run("curl", "-sf", "--max-time", "10", "http://169.254.169.254/latest/meta-data/"+path); out != id && out != name {
			t.Errorf("%s is %q, want %s or %s", path, out, id, name)
		}
	}
	run("python3", "-c", `import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"what time is it?", ("169.254.169.123", 123))`)

	d.run(append(outside("203.0.113.7"), "--", "true")...)
	run("python3", "-c", `import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"hello", ("203.0.113.7", 9))`)
	eventually(t, "anything else is dropped", func() bool { return d.dropped("no-egress-rule") > 0 })
}

// TestSpoofing lets root in an instance send from an address that is not its
// own, and to everybody: nothing arrives, and it is counted.
func TestSpoofing(t *testing.T) {
	d := start(t)
	list := d.launch("ami-eca54085", "-n", "2")
	d.settle()
	received := d.session(inside(list[1]), receiver)
	received.expect("listening")
	d.run("exec", list[0].id, "--", "python3", "-c", spoofer, list[1].private)
	for _, reason := range []string{"spoofed", "multicast"} {
		eventually(t, reason+" is counted", func() bool { return d.dropped(reason) > 0 })
	}
	received.write("got?")
	received.expect("none")
}

// A spoofer sends a datagram as somebody else, and one as itself to everybody.
const spoofer = `
import socket, struct, sys
udp = struct.pack("!HHHH", 9999, 9999, 8 + 4, 0) + b"mine"
ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, socket.IPPROTO_UDP, 0) + socket.inet_aton("10.254.99.99") + socket.inet_aton(sys.argv[1])
socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW).sendto(ip + udp, (sys.argv[1], 0))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.sendto(b"everybody!", ("255.255.255.255", 9999))
`
