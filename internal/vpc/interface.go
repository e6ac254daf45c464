package vpc

import (
	"encoding/binary"
	"hash/fnv"
	"net/netip"
)

// A NetworkInterface is what has addresses, is in groups, and is filtered. An
// EC2-Classic instance has one too, though the API of its day does not show it.
type NetworkInterface struct {
	ID        InterfaceID
	Number    InterfaceNumber
	Account   AccountID
	Region    Region
	Network   NetworkID
	NetworkNo NetworkNumber
	Subnet    SubnetID
	SubnetNo  SubnetNumber
	Instance  InstanceID // "" when not attached

	// Groups is sorted and without repetition. Identity stands for exactly
	// this set, whoever else has it.
	Groups   []GroupID
	Identity Identity

	// Addresses are private; the first is the primary one.
	Addresses []netip.Addr

	// Public maps private addresses to public ones, one to one. The instance
	// itself sees only the private address.
	Public map[netip.Addr]netip.Addr

	// NoSourceDestCheck lets the interface send and receive packets of other
	// addresses than its own. EC2-Classic has no such interface.
	NoSourceDestCheck bool
}

// Primary is the interface's first private address.
func (n *NetworkInterface) Primary() netip.Addr { return n.Addresses[0] }

// MAC is 02:52 and the low 32 bits of the primary address, so that an address
// that is used again meets no stale neighbour entry. An IPv6-only interface
// has a hash of its address instead.
func (n *NetworkInterface) MAC() [6]byte { return MACOf(n.Primary()) }

// MACOf returns the MAC address of the interface whose primary address is a.
func MACOf(a netip.Addr) [6]byte {
	mac := [6]byte{0x02, 0x52}
	if a.Is4() {
		ip := a.As4()
		copy(mac[2:], ip[:])
		return mac
	}
	h := fnv.New32a()
	ip := a.As16()
	h.Write(ip[:])
	binary.BigEndian.PutUint32(mac[2:], h.Sum32())
	return mac
}
