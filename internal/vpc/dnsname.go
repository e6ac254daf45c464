package vpc

import (
	"net/netip"
	"strings"
)

// PublicDNSName is the name of a public address, such as
// ec2-203-0-113-12.compute-1.amazonaws.com (EC2 User Guide, "Amazon EC2
// instance DNS hostnames"). Of an invalid address it is "".
func PublicDNSName(r Region, a netip.Addr) string {
	switch {
	case !a.IsValid():
		return ""
	case r == "us-east-1":
		return "ec2-" + dashed(a) + ".compute-1.amazonaws.com"
	default:
		return "ec2-" + dashed(a) + "." + string(r) + ".compute.amazonaws.com"
	}
}

// PrivateDNSName is the name of a private address, such as
// ip-10-254-137-191.ec2.internal. Of an invalid address it is "".
func PrivateDNSName(r Region, a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return "ip-" + dashed(a) + "." + PrivateDomain(r)
}

// PrivateDomain is the domain of a region's private names.
func PrivateDomain(r Region) string {
	if r == "us-east-1" {
		return "ec2.internal"
	}
	return string(r) + ".compute.internal"
}

func dashed(a netip.Addr) string { return strings.ReplaceAll(a.String(), ".", "-") }
