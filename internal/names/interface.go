package names

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ringfence/internal/vpc"
)

// An Interface is one of an instance's, with what is told of it.
type Interface struct {
	*vpc.NetworkInterface
	GroupNames []string    // of its groups, in their order
	Subnet     *vpc.Subnet // nil in EC2-Classic
}

// metadata is what an instance is told of an interface, by path below its MAC
// (EC2 User Guide, "Instance metadata categories"). v is nil in EC2-Classic.
func (n *Interface) metadata(v *vpc.VPC) map[string]string {
	values := map[string]string{
		"device-number":   fmt.Sprint(n.Device()),
		"local-hostname":  n.localName(),
		"local-ipv4s":     lines(n.ipv4()),
		"mac":             n.hardware(),
		"owner-id":        string(n.Account),
		"public-hostname": n.publicName(v),
		"public-ipv4s":    lines(n.public()),
		"security-groups": strings.Join(n.GroupNames, "\n"),
	}
	if v == nil || n.Subnet == nil {
		return values
	}
	values["interface-id"] = string(n.ID)
	values["ipv6s"] = lines(n.ipv6())
	values["security-group-ids"] = lines(n.Groups)
	values["subnet-id"] = string(n.NetworkInterface.Subnet)
	values["subnet-ipv4-cidr-block"] = n.Subnet.CIDR.String()
	values["subnet-ipv6-cidr-blocks"] = lines(blocks(n.Subnet.IPv6))
	values["vpc-id"] = string(v.ID)
	values["vpc-ipv4-cidr-block"] = v.CIDRs[0].CIDR.String()
	values["vpc-ipv4-cidr-blocks"] = lines(blocks(v.CIDRs))
	values["vpc-ipv6-cidr-blocks"] = lines(blocks(v.IPv6))
	for private, public := range n.Public {
		values["ipv4-associations/"+public.String()] = private.String()
	}
	return values
}

// ipv4 and ipv6 are the interface's private addresses, the primary one first.
func (n *Interface) ipv4() []netip.Addr { return filter(n.Addresses, netip.Addr.Is4) }
func (n *Interface) ipv6() []netip.Addr { return filter(n.Addresses, netip.Addr.Is6) }

// public are the public addresses, in the order of the private ones.
func (n *Interface) public() []netip.Addr {
	var list []netip.Addr
	for _, private := range n.Addresses {
		if public, ok := n.Public[private]; ok {
			list = append(list, public)
		}
	}
	return list
}

func (n *Interface) hardware() string {
	mac := n.MAC()
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5])
}

func (n *Interface) localName() string { return vpc.PrivateDNSName(n.Region, n.Primary()) }

// publicName is the name of the primary address's public one, "" when it has
// none or the VPC gives none.
func (n *Interface) publicName(v *vpc.VPC) string {
	if v != nil && !v.DNSHostnames {
		return ""
	}
	return vpc.PublicDNSName(n.Region, n.Public[n.Primary()])
}

func blocks(list []vpc.CIDRAssociation) []netip.Prefix {
	var prefixes []netip.Prefix
	for _, a := range list {
		prefixes = append(prefixes, a.CIDR)
	}
	return prefixes
}

func filter(list []netip.Addr, keep func(netip.Addr) bool) []netip.Addr {
	return slices.DeleteFunc(slices.Clone(list), func(a netip.Addr) bool { return !keep(a) })
}

// lines has each of a list on a line of its own.
func lines[T any](list []T) string {
	text := make([]string, len(list))
	for i, v := range list {
		text[i] = fmt.Sprint(v)
	}
	return strings.Join(text, "\n")
}

// firstOf is the first of a list, "" of an empty one.
func firstOf(list []netip.Addr) string {
	if len(list) == 0 {
		return ""
	}
	return list[0].String()
}
