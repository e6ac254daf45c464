package api

import (
	"net/netip"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// ClassicPool is where the private addresses of EC2-Classic come from, in each
// region anew. Its first addresses are reserved as those of a subnet are.
func ClassicPool() netip.Prefix { return netip.MustParsePrefix("10.254.0.0/16") }

// DefaultPublicPools are the blocks of RFC 5737, which nobody has on the real
// internet. They are shared by all regions, networks and accounts.
func DefaultPublicPools() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("203.0.113.0/24"),
		netip.MustParsePrefix("198.51.100.0/24"),
		netip.MustParsePrefix("192.0.2.0/24"),
	}
}

// isOutside reports whether the last byte of an address of the first public
// pool is kept for hosts on the internet side.
func isOutside(host byte) bool {
	return host >= 1 && host <= 4 || host == 7 || host == 8 || host >= 16 && host <= 31
}

// isEdge reports whether a is the first or the last address of a /24, which
// some systems take for a network or a broadcast.
func isEdge(a netip.Addr) bool {
	host := a.As4()[3]
	return host == 0 || host == 255
}

// freePublic returns up to n free public addresses, the lowest first.
func (a *API) freePublic(tx *store.Tx, n int) []netip.Addr {
	var free []netip.Addr
	for i, pool := range a.public {
		for addr := pool.Masked().Addr(); pool.Contains(addr) && len(free) < n; addr = addr.Next() {
			if isEdge(addr) || i == 0 && isOutside(addr.As4()[3]) || tx.PublicAddressTaken(addr) {
				continue
			}
			free = append(free, addr)
		}
	}
	return free
}

// anotherPublic returns a free public address for an instance that starts again,
// and that had last: another one, if there is one.
func (a *API) anotherPublic(tx *store.Tx, last netip.Addr) (netip.Addr, error) {
	free := a.freePublic(tx, 2)
	switch {
	case len(free) == 0:
		return netip.Addr{}, errNoPublic(0, 1)
	case free[0] == last:
		return free[len(free)-1], nil
	}
	return free[0], nil
}

// A privateBlock is the addresses that a subnet gives to its interfaces: its
// IPv4 or its IPv6 ones.
type privateBlock struct {
	region  vpc.Region
	network vpc.NetworkID
	subnet  vpc.SubnetID
	cidr    netip.Prefix
}

func classicBlock(region vpc.Region) privateBlock {
	return privateBlock{region, vpc.ClassicNetwork, vpc.ClassicSubnet, ClassicPool()}
}

func ipv4Block(s *vpc.Subnet) privateBlock {
	return privateBlock{s.Region, s.Network, s.ID, s.CIDR}
}

// ipv6Block returns the IPv6 addresses of a subnet; ok is false if it has none.
func ipv6Block(s *vpc.Subnet) (b privateBlock, ok bool) {
	if len(s.IPv6) == 0 {
		return privateBlock{}, false
	}
	return privateBlock{s.Region, s.Network, s.ID, s.IPv6[0].CIDR}, true
}

// first returns the first address that is not the subnet's own.
func (b privateBlock) first() netip.Addr {
	first := b.cidr.Masked().Addr()
	for range vpc.ReservedAddresses {
		first = first.Next()
	}
	return first
}

// gives reports whether an address is one that interfaces may have.
func (b privateBlock) gives(a netip.Addr) bool {
	switch {
	case !b.cidr.Contains(a) || a.Less(b.first()) || !b.cidr.Contains(a.Next()):
		return false
	case b.network == vpc.ClassicNetwork:
		return !isEdge(a)
	}
	return true
}

// free returns up to n addresses that nobody has, and that are not among named.
// It goes on from the one that was given out last, so that an address which was
// given back rests as long as there are others.
func (b privateBlock) free(tx *store.Tx, n int, named ...netip.Addr) []netip.Addr {
	first := b.first()
	start := first
	if last := tx.Cursor(b.region, b.subnet, b.cidr); last.IsValid() && b.cidr.Contains(last.Next()) {
		start = last.Next()
	}
	var free []netip.Addr
	addr := start
	for len(free) < n {
		if b.gives(addr) && !tx.AddressTaken(b.region, b.network, addr) && !slices.Contains(named, addr) {
			free = append(free, addr)
		}
		if addr = addr.Next(); !b.cidr.Contains(addr) {
			addr = first
		}
		if addr == start {
			break
		}
	}
	return free
}

// An endpoint is the addresses of an instance.
type endpoint struct{ private, public netip.Addr }

// endpoints takes addresses for up to n instances in EC2-Classic, where each
// has a private and a public one. At least least must be left.
func (a *API) endpoints(tx *store.Tx, region vpc.Region, least, n int) ([]endpoint, error) {
	public, private := a.freePublic(tx, n), classicBlock(region).free(tx, n)
	n = min(len(public), len(private))
	if n < least {
		return nil, errNoPublic(n, least)
	}
	list := make([]endpoint, n)
	for i := range list {
		list[i] = endpoint{private[i], public[i]}
	}
	tx.PutCursor(region, vpc.ClassicSubnet, list[n-1].private)
	return list, nil
}
