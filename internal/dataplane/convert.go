package dataplane

import (
	"encoding/binary"
	"net/netip"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// The kernel's forms of Go's values. Fields that the kernel reads in network
// order are made by reading their bytes in host order; only little-endian
// kernels are built for.

func toAddr(a netip.Addr) kernelAddr {
	b := a.As16()
	return kernelAddr{Hi: binary.LittleEndian.Uint64(b[:8]), Lo: binary.LittleEndian.Uint64(b[8:])}
}

func toAddr4(a netip.Addr) uint32 {
	b := a.As4()
	return binary.LittleEndian.Uint32(b[:])
}

func fromAddr(a kernelAddr) netip.Addr {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], a.Hi)
	binary.LittleEndian.PutUint64(b[8:], a.Lo)
	return netip.AddrFrom16(b).Unmap()
}

func toMAC(mac [6]byte) kernelMac {
	var m kernelMac
	for i := range m.Part {
		m.Part[i] = binary.LittleEndian.Uint16(mac[2*i:])
	}
	return m
}

func swap16(v uint16) uint16 { return v<<8 | v>>8 }

func swap32(v uint32) uint32 {
	return binary.BigEndian.Uint32(binary.LittleEndian.AppendUint32(nil, v))
}

// toReason converts the kernel's reason. Both lists have the same order, which
// a test holds them to.
func toReason(r kernelReason) policy.Reason { return policy.Reason(r) }

// toL4Key returns the key in division 0.
func toL4Key(p policy.L4Prefix) kernelL4Key {
	const divisionBits, protoBits, kindBits = 32, 8, 8
	k := kernelL4Key{Prefixlen: divisionBits}
	if !p.Exact {
		return k
	}
	k.Proto = uint8(p.Proto)
	switch {
	case p.Unknown:
		k.Kind, k.Prefixlen = 1, divisionBits+protoBits+kindBits+16
	case p.Bits == 0:
		k.Prefixlen = divisionBits + protoBits
	default:
		k.Port, k.Prefixlen = swap16(p.Port), uint32(divisionBits+protoBits+kindBits+p.Bits)
	}
	return k
}

func toStretch(of map[policy.Openness]policy.Stretch, o policy.Openness) kernelStretch {
	s, ok := of[o]
	if !ok {
		return kernelStretch{}
	}
	return kernelStretch{From: s.Ports.From, To: s.Ports.To, Rule: uint32(s.Rule) + 1}
}

var allIPv4, allIPv6 = netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")

// toCIDRKey returns the key in division 0.
func toCIDRKey(p netip.Prefix) kernelCidrKey {
	bits := p.Bits()
	if p.Addr().Is4() {
		bits += 96
	}
	return kernelCidrKey{Prefixlen: uint32(32 + bits), Addr: toAddr(p.Addr())}
}

func (k kernelL4Key) in(division uint32) kernelL4Key {
	k.Division = swap32(division)
	return k
}

func (k kernelCidrKey) in(division uint32) kernelCidrKey {
	k.Division = swap32(division)
	return k
}

func (k kernelL4Key) length() uint32 { return k.Prefixlen }

func (k kernelCidrKey) length() uint32 { return k.Prefixlen }

func (k kernelL4Key) shorter() kernelL4Key {
	k.Prefixlen--
	return k
}

func (k kernelCidrKey) shorter() kernelCidrKey {
	k.Prefixlen--
	return k
}

var mappedIPv4 = netip.MustParseAddr("::ffff:0:0")

// isAroundIPv4 reports whether an IPv6 block would catch IPv4 addresses in their
// mapped form.
func isAroundIPv4(p netip.Prefix) bool { return p.Addr().Is6() && p.Contains(mappedIPv4) }

func toRuleName(id vpc.RuleID) (kernelRuleName, bool) {
	var n kernelRuleName
	return n, copy(n.Text[:], id) == len(id)
}

func fromRuleName(n kernelRuleName) vpc.RuleID {
	for i, c := range n.Text {
		if c == 0 {
			return vpc.RuleID(n.Text[:i])
		}
	}
	return vpc.RuleID(n.Text[:])
}
