package names

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"ringfence/internal/vpc"
)

// The zones of instances' names. Names of us-east-1, the first region, are in
// the second and third; those of other regions have the region before the zone.
const (
	publicZone        = "compute.amazonaws.com."
	publicZoneEast    = "compute-1.amazonaws.com."
	privateZoneEast   = "ec2.internal."
	privateZone       = "compute.internal."
	balancerZone      = "elb.amazonaws.com."
	reverseZone       = "in-addr.arpa."
	localZone         = "localhost."
	firstRegion       = vpc.Region("us-east-1")
	publicNamePrefix  = "ec2-"
	privateNamePrefix = "ip-"
)

// zoneOf is the zone of ours that a canonical name is in, "." for other names.
func zoneOf(name string) string {
	for _, zone := range []string{publicZone, publicZoneEast, privateZoneEast, privateZone, balancerZone, reverseZone} {
		if name == zone || strings.HasSuffix(name, "."+zone) {
			return zone
		}
	}
	return "."
}

// A finding is what is known about a name.
type finding struct {
	exists  bool // though it may have neither of:
	addrs   []netip.Addr
	pointer string // the name that an address has
}

// localhost is whoever asks (RFC 6761 §6.3).
var localhost = finding{exists: true, addrs: []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}}

// Lookup finds the first address of a name as view sees it.
func (r *Resolver) Lookup(view View, name string) (netip.Addr, bool) {
	addrs := r.lookup(view, dns.CanonicalName(name)).addrs
	if len(addrs) == 0 {
		return netip.Addr{}, false
	}
	return addrs[0], true
}

// lookup finds a canonical name as view sees it.
func (r *Resolver) lookup(view View, name string) finding {
	zone := zoneOf(name)
	if name == zone {
		return finding{exists: true}
	}
	if name == localZone || strings.HasSuffix(name, "."+localZone) {
		return localhost
	}
	labels := strings.Split(strings.TrimSuffix(name, "."+zone), ".")
	switch zone {
	case publicZoneEast:
		return r.lookupPublic(view, firstRegion, labels)
	case publicZone:
		return inRegion(labels, func(region vpc.Region, host []string) finding {
			return r.lookupPublic(view, region, host)
		})
	case privateZoneEast:
		return r.lookupPrivate(view, firstRegion, labels)
	case privateZone:
		return inRegion(labels, func(region vpc.Region, host []string) finding {
			return r.lookupPrivate(view, region, host)
		})
	case balancerZone:
		return r.lookupBalancer(strings.TrimSuffix(name, "."))
	case reverseZone:
		return r.lookupReverse(view, labels)
	}
	return finding{}
}

// lookupBalancer finds a load balancer's name, in any order of its addresses, so
// that those who take the first one are spread. In EC2-Classic it has two more
// names (User Guide for Classic Load Balancers, "DNS name"); there are no IPv6
// addresses. Names of regions are there because others are below them.
func (r *Resolver) lookupBalancer(name string) finding {
	if !strings.Contains(strings.TrimSuffix(name, "."+strings.TrimSuffix(balancerZone, ".")), ".") {
		return finding{exists: true}
	}
	name, isIPv6 := strings.CutPrefix(name, "ipv6.")
	addrs, ok := r.Directory.ByBalancer(strings.TrimPrefix(name, "dualstack."))
	if !ok || isIPv6 {
		return finding{exists: ok}
	}
	rand.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	return finding{exists: true, addrs: addrs}
}

// inRegion takes the region, the last of labels, from a name. The region by
// itself is a name that other names are below.
func inRegion(labels []string, lookup func(vpc.Region, []string) finding) finding {
	last := len(labels) - 1
	region := vpc.Region(labels[last])
	if last == 0 {
		return finding{exists: true}
	}
	if region == firstRegion {
		return finding{} // its names are elsewhere
	}
	return lookup(region, labels[:last])
}

// lookupPublic finds ec2-203-0-113-12 in region: for a neighbour the private
// address, for others the public one.
func (r *Resolver) lookupPublic(view View, region vpc.Region, labels []string) finding {
	addr, ok := parseHost(labels, publicNamePrefix)
	if !ok {
		return finding{}
	}
	host, ok := r.Directory.ByPublic(addr)
	if !ok || host.Region != region {
		return finding{}
	}
	if view == (View{host.Region, host.Network}) {
		return finding{exists: true, addrs: []netip.Addr{host.Private}}
	}
	return finding{exists: true, addrs: []netip.Addr{addr}}
}

// metadataHost is a name of the metadata service, known inside a region.
const metadataHost = "instance-data"

var metadataAddr = netip.AddrFrom4([4]byte{169, 254, 169, 254})

// lookupPrivate finds ip-10-254-1-2 in region, which only a neighbour can.
func (r *Resolver) lookupPrivate(view View, region vpc.Region, labels []string) finding {
	if len(labels) == 1 && labels[0] == metadataHost && view.Region == region {
		return finding{exists: true, addrs: []netip.Addr{metadataAddr}}
	}
	addr, ok := parseHost(labels, privateNamePrefix)
	if !ok || view.Region != region {
		return finding{}
	}
	if _, ok := r.Directory.ByPrivate(view, addr); !ok {
		return finding{}
	}
	return finding{exists: true, addrs: []netip.Addr{addr}}
}

// lookupReverse finds the name of the address whose bytes are labels, the last
// one first.
func (r *Resolver) lookupReverse(view View, labels []string) finding {
	bytes := slices.Clone(labels)
	slices.Reverse(bytes)
	addr, err := netip.ParseAddr(strings.Join(bytes, "."))
	if err != nil || !addr.Is4() {
		return finding{}
	}
	if view != (View{}) {
		if host, ok := r.Directory.ByPrivate(view, addr); ok {
			return finding{exists: true, pointer: vpc.PrivateDNSName(host.Region, addr)}
		}
	}
	if host, ok := r.Directory.ByPublic(addr); ok {
		return finding{exists: true, pointer: vpc.PublicDNSName(host.Region, addr)}
	}
	return finding{}
}

// parseHost reads the address in a name such as ec2-203-0-113-12.
func parseHost(labels []string, prefix string) (netip.Addr, bool) {
	if len(labels) != 1 {
		return netip.Addr{}, false
	}
	dashed, ok := strings.CutPrefix(labels[0], prefix)
	if !ok || strings.Contains(dashed, ".") {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(strings.ReplaceAll(dashed, "-", "."))
	return addr, err == nil && addr.Is4()
}
