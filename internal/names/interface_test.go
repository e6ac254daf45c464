package names

import (
	"net/netip"
	"testing"

	"ringfence/internal/vpc"
)

// virtualSubject is an instance of a VPC with two interfaces: the first has a
// secondary address, both with public ones, and IPv6; the second has neither.
func virtualSubject() Subject {
	block := func(s string) []vpc.CIDRAssociation {
		return []vpc.CIDRAssociation{{CIDR: netip.MustParsePrefix(s)}}
	}
	subnet := &vpc.Subnet{ID: "subnet-1", CIDR: netip.MustParsePrefix("10.0.0.0/24"), IPv6: block("2001:db8:0:100::/64")}
	return Subject{
		Instance: &vpc.Instance{ID: "i-1", Region: "us-east-1", Network: "vpc-1"},
		VPC: &vpc.VPC{
			ID: "vpc-1", DNSSupport: true, DNSHostnames: true, CIDRs: append(block("10.0.0.0/16"), block("10.1.0.0/16")...), IPv6: block("2001:db8:0:100::/56"),
		},
		Interfaces: []Interface{
			{
				NetworkInterface: &vpc.NetworkInterface{
					ID: "eni-1", Account: "123456789012", Region: "us-east-1", Subnet: "subnet-1", Groups: []vpc.GroupID{"sg-1", "sg-2"},
					Addresses: []netip.Addr{ip("10.0.0.4"), ip("10.0.0.9"), ip("2001:db8:0:100::4"), ip("2001:db8:0:100::9")},
					Public:    map[netip.Addr]netip.Addr{ip("10.0.0.9"): ip("203.0.113.41"), ip("10.0.0.4"): ip("203.0.113.40")},
				},
				GroupNames: []string{"web", "app"}, Subnet: subnet,
			},
			{
				NetworkInterface: &vpc.NetworkInterface{
					ID: "eni-2", Region: "us-east-1", Subnet: "subnet-1", Attachment: &vpc.Attachment{Device: 1}, Addresses: []netip.Addr{ip("10.0.0.5")},
				},
				Subnet: subnet,
			},
		},
	}
}

func TestMetadataOfInterfaces(t *testing.T) {
	h := Metadata(func() (Subject, bool) { return virtualSubject(), true })
	const macs = "/latest/meta-data/network/interfaces/macs/"
	const first, second = macs + "02:52:0a:00:00:04/", macs + "02:52:0a:00:00:05/"
	for _, tt := range []struct{ path, want string }{
		{macs, "02:52:0a:00:00:04/\n02:52:0a:00:00:05/"},
		{first, `device-number
interface-id
ipv4-associations/
ipv6s
local-hostname
local-ipv4s
mac
owner-id
public-hostname
public-ipv4s
security-group-ids
security-groups
subnet-id
subnet-ipv4-cidr-block
subnet-ipv6-cidr-blocks
vpc-id
vpc-ipv4-cidr-block
vpc-ipv4-cidr-blocks
vpc-ipv6-cidr-blocks`},
		{first + "device-number", "0"},
		{first + "interface-id", "eni-1"},
		{first + "ipv4-associations/", "203.0.113.40\n203.0.113.41"},
		{first + "ipv4-associations/203.0.113.41", "10.0.0.9"},
		{first + "ipv6s", "2001:db8:0:100::4\n2001:db8:0:100::9"},
		{first + "local-hostname", "ip-10-0-0-4.ec2.internal"},
		{first + "local-ipv4s", "10.0.0.4\n10.0.0.9"},
		{first + "mac", "02:52:0a:00:00:04"},
		{first + "owner-id", "123456789012"},
		{first + "public-hostname", "ec2-203-0-113-40.compute-1.amazonaws.com"},
		{first + "public-ipv4s", "203.0.113.40\n203.0.113.41"},
		{first + "security-group-ids", "sg-1\nsg-2"},
		{first + "security-groups", "web\napp"},
		{first + "subnet-id", "subnet-1"},
		{first + "subnet-ipv4-cidr-block", "10.0.0.0/24"},
		{first + "subnet-ipv6-cidr-blocks", "2001:db8:0:100::/64"},
		{first + "vpc-id", "vpc-1"},
		{first + "vpc-ipv4-cidr-block", "10.0.0.0/16"},
		{first + "vpc-ipv4-cidr-blocks", "10.0.0.0/16\n10.1.0.0/16"},
		{first + "vpc-ipv6-cidr-blocks", "2001:db8:0:100::/56"},
		{second + "device-number", "1"},
		{second + "local-ipv4s", "10.0.0.5"},
		{"/latest/meta-data/ipv6", "2001:db8:0:100::4"},
		{"/latest/meta-data/local-ipv4", "10.0.0.4"},
		{"/latest/meta-data/public-ipv4", "203.0.113.40"},
		{"/latest/meta-data/security-groups", "web\napp"},
	} {
		if got, want := get(h, "GET", tt.path), "OK text/plain "+tt.want; got != want {
			t.Errorf("%s\n got %s\nwant %s", tt.path, got, want)
		}
	}
	for _, path := range []string{second + "ipv6s", second + "public-ipv4s", second + "public-hostname", second + "ipv4-associations/"} {
		if got := get(h, "GET", path); got != "Not Found" {
			t.Errorf("%s: got %s", path, got)
		}
	}
}

// A VPC that gives no public names gives none to its instances' metadata either.
func TestMetadataWithoutPublicNames(t *testing.T) {
	s := virtualSubject()
	s.VPC.DNSHostnames = false
	h := Metadata(func() (Subject, bool) { return s, true })
	for path, want := range map[string]string{
		"public-hostname": "Not Found",
		"network/interfaces/macs/02:52:0a:00:00:04/public-hostname": "Not Found",
		"local-hostname": "OK text/plain ip-10-0-0-4.ec2.internal",
		"public-ipv4":    "OK text/plain 203.0.113.40",
	} {
		if got := get(h, "GET", "/latest/meta-data/"+path); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}
