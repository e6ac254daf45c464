package api

import (
	"encoding/binary"
	"net/netip"

	"ringfence/internal/vpc"
)

// The largest and the smallest IPv4 block of a VPC and of a subnet (Amazon VPC
// User Guide, "VPC CIDR blocks"), and the sizes of their IPv6 blocks.
const (
	largestBlock, smallestBlock = 16, 28
	vpcIPv6Bits, subnetIPv6Bits = 56, 64
)

// The pool of the IPv6 blocks of all VPCs, a half of what is meant for
// documentation (RFC 3849), and the first block given out.
var (
	ipv6Pool      = netip.MustParsePrefix("2001:db8::/33")
	firstIPv6     = netip.MustParsePrefix("2001:db8:0:100::/56")
	reservedIPv4s = []netip.Prefix{ // that no VPC has: this host, loopback, link-local, multicast and the rest
		netip.MustParsePrefix("0.0.0.0/8"),
		netip.MustParsePrefix("127.0.0.0/8"),
		netip.MustParsePrefix("169.254.0.0/16"),
		netip.MustParsePrefix("224.0.0.0/3"),
	}
)

// parseIPv4Block reads an IPv4 block and clears its host bits, as EC2 does.
func parseIPv4Block(parameter, text string) (netip.Prefix, error) {
	b, err := netip.ParsePrefix(text)
	if err != nil || !b.Addr().Is4() {
		return netip.Prefix{}, vpc.Errorf(vpc.InvalidParameterValue, "Value (%s) for parameter %s is invalid. This is not a valid CIDR block.", text, parameter)
	}
	return b.Masked(), nil
}

// parseIPv6Block reads an IPv6 block and clears its host bits.
func parseIPv6Block(parameter, text string) (netip.Prefix, error) {
	b, err := netip.ParsePrefix(text)
	if err != nil || !b.Addr().Is6() || b.Addr().Is4In6() {
		return netip.Prefix{}, vpc.Errorf(vpc.InvalidParameterValue, "Value (%s) for parameter %s is invalid. This is not a valid IPv6 CIDR block.", text, parameter)
	}
	return b.Masked(), nil
}

// contains reports whether all of inner is in outer.
func contains(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// nextBlock returns the block of the same size that follows; it is invalid
// after the last one.
func nextBlock(b netip.Prefix) netip.Prefix {
	return netip.PrefixFrom(lastAddress(b).Next(), b.Bits())
}

// lastAddress returns the last address of a block.
func lastAddress(b netip.Prefix) netip.Addr {
	if b.Addr().Is4() {
		a := b.Masked().Addr().As4()
		host := uint32(1)<<(32-b.Bits()) - 1
		binary.BigEndian.PutUint32(a[:], binary.BigEndian.Uint32(a[:])|host)
		return netip.AddrFrom4(a)
	}
	a := b.Masked().Addr().As16()
	for bit := b.Bits(); bit < 128; bit++ {
		a[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom16(a)
}
