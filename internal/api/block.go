package api

import (
	"encoding/binary"
	"net/netip"
)

// nextBlock returns the block of the same size that follows; it is invalid
// after the last one.
func nextBlock(b netip.Prefix) netip.Prefix {
	last := lastAddress(b)
	return netip.PrefixFrom(last.Next(), b.Bits())
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
