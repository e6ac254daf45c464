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
	Zone      Zone

	// Instance is "" and Attachment nil when the interface is not attached.
	Instance   InstanceID
	Attachment *Attachment
	Detached   *Detachment // what was undone last; nil while it is attached

	// Groups is sorted and without repetition. Identity stands for exactly
	// this set, whoever else has it.
	Groups   []GroupID
	Identity Identity

	// Addresses are private. The first is the primary one, and IPv4; the others
	// are secondary ones, and IPv6.
	Addresses []netip.Addr

	// Public maps private addresses to public ones, one to one. The instance
	// itself sees only the private address.
	Public map[netip.Addr]netip.Addr

	// AutoPublic gives the primary address a public one while the instance runs
	// and has neither an Elastic IP address there nor, when it would be given,
	// a second interface.
	AutoPublic bool

	// NoSourceDestCheck lets the interface send and receive packets of other
	// addresses than its own. EC2-Classic has no such interface.
	NoSourceDestCheck bool

	Timeouts    ConnectionTimeouts
	Description string
	ClientToken string
	Requester   string // who made it for the account, such as amazon-elb; "" is the account itself

	// LoadBalancer is whose node the interface is, "" of others. In a VPC it
	// belongs to the load balancer's account, in EC2-Classic to ELBAccount.
	LoadBalancer LoadBalancerID

	Tags []Tag
}

// A Detachment is an attachment that is no more, and to which instance it was.
type Detachment struct {
	Attachment
	Instance InstanceID
}

// Detach undoes the attachment of n, a copy.
func (n *NetworkInterface) Detach() {
	n.Detached = &Detachment{*n.Attachment, n.Instance}
	n.Instance, n.Attachment = "", nil
}

// Primary is the interface's first private address.
func (n *NetworkInterface) Primary() netip.Addr { return n.Addresses[0] }

// Device is the interface's index at its instance: 0 for the first one, which is
// the only one in EC2-Classic.
func (n *NetworkInterface) Device() int {
	if n.Attachment == nil {
		return 0
	}
	return n.Attachment.Device
}

// IsBalancerNode reports whether the interface is the node of a load balancer.
func (n *NetworkInterface) IsBalancerNode() bool { return n.LoadBalancer != "" }

// MAC is 02:52 and the low 32 bits of the primary address, so that an address
// that is used again meets no stale neighbour entry.
func (n *NetworkInterface) MAC() [6]byte { return MACOf(n.Primary()) }

// MACOf returns the MAC address of the interface whose primary address is a, or
// of the host on the internet side that has it. For IPv6 it ends in a hash.
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
