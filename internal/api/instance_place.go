package api

import (
	"maps"
	"net/netip"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// The functions here give an instance its place in the network, and take it
// away. The instance is a copy that is the caller's to put.

// takePlace gives an instance that starts what it has not kept: in EC2-Classic
// an interface with addresses, in a VPC a public address. One of the pool goes
// to instances with one interface only (EC2 User Guide, "Public IPv4
// addresses").
func (r *request) takePlace(tx *store.Tx, i *vpc.Instance) error {
	if i.Network == vpc.ClassicNetwork {
		addresses, err := r.endpoints(tx, r.Region, 1, 1)
		if err != nil {
			return err
		}
		if addresses[0].public, err = r.anotherPublic(tx, i.LastPublic); err != nil {
			return err
		}
		attachClassic(tx, i, addresses[0], vpc.InterfaceNumber(tx.Take(store.InterfaceNumbers, 1)), r.Account.Era)
		return nil
	}
	was := tx.Interface(i.Region, i.Account, i.Interface)
	if was == nil || !was.AutoPublic || i.PublicAddr.IsValid() || len(i.Secondary) > 0 {
		return nil
	}
	public, err := r.anotherPublic(tx, i.LastPublic)
	if err != nil {
		return err
	}
	n := *was
	givePublic(&n, n.Primary(), public)
	tx.PutInterface(&n)
	showInterface(i, &n)
	return nil
}

// vacatePlace takes away what an instance does not keep when it has stopped.
func vacatePlace(tx *store.Tx, i *vpc.Instance) {
	i.LastPublic = i.PublicAddr
	if i.Network == vpc.ClassicNetwork {
		detachClassic(tx, i)
		return
	}
	if was := tx.Interface(i.Region, i.Account, i.Interface); was != nil && i.PublicAddr.IsValid() {
		n := *was
		dropPoolAddress(tx, &n)
		tx.PutInterface(&n)
		showInterface(i, &n)
	}
}

// giveUpPlace takes an instance that has ended out of the network. Interfaces
// that are not deleted with it are free for another instance.
func giveUpPlace(tx *store.Tx, i *vpc.Instance) {
	if i.Network == vpc.ClassicNetwork {
		detachClassic(tx, i)
		return
	}
	for _, id := range slices.Concat([]vpc.InterfaceID{i.Interface}, i.Secondary) {
		was := tx.Interface(i.Region, i.Account, id)
		switch {
		case was == nil:
		case was.Attachment.DeleteOnTermination:
			deleteInterface(tx, was)
		default:
			n := *was
			dropPoolAddress(tx, &n)
			n.Detach()
			n.AutoPublic = false
			tx.PutInterface(&n)
		}
	}
	i.Interface, i.Secondary, i.PrivateAddr, i.PublicAddr = "", nil, netip.Addr{}, netip.Addr{}
}

// givePublic gives a private address of an interface, a copy, a public one.
func givePublic(n *vpc.NetworkInterface, private, public netip.Addr) {
	n.Public = maps.Clone(n.Public)
	if n.Public == nil {
		n.Public = map[netip.Addr]netip.Addr{}
	}
	n.Public[private] = public
}

// dropPublic takes the public address of a private one from an interface, a copy.
func dropPublic(n *vpc.NetworkInterface, private netip.Addr) {
	n.Public = maps.Clone(n.Public)
	delete(n.Public, private)
}

// dropPoolAddress takes a public address from an interface, a copy, that is not
// an Elastic IP address. Only a primary address has one.
func dropPoolAddress(tx *store.Tx, n *vpc.NetworkInterface) {
	if tx.Address(n.Region, n.Account, n.Public[n.Primary()]) == nil {
		dropPublic(n, n.Primary())
	}
}

// attachClassic gives an instance an interface in EC2-Classic. i is the
// caller's to put.
func attachClassic(tx *store.Tx, i *vpc.Instance, at endpoint, number vpc.InterfaceNumber, era vpc.Era) {
	n := &vpc.NetworkInterface{
		ID: vpc.InterfaceID(newID("eni", era)), Number: number,
		Account: i.Account, Region: i.Region, Instance: i.ID,
		Network: vpc.ClassicNetwork, NetworkNo: tx.NetworkNumber(i.Region, vpc.ClassicNetwork),
		Subnet: vpc.ClassicSubnet, SubnetNo: tx.SubnetNumber(i.Region, vpc.ClassicSubnet),
		Groups:    slices.Sorted(slices.Values(i.Groups)),
		Identity:  tx.Intern(i.Groups),
		Addresses: []netip.Addr{at.private},
		Public:    map[netip.Addr]netip.Addr{at.private: at.public},
	}
	tx.PutInterface(n)
	i.Interface, i.PrivateAddr, i.PublicAddr = n.ID, at.private, at.public
}

// detachClassic takes an instance's interface and addresses away. i is the
// caller's to put.
func detachClassic(tx *store.Tx, i *vpc.Instance) {
	if n := tx.Interface(i.Region, i.Account, i.Interface); n != nil {
		deleteInterface(tx, n)
	}
	i.Interface, i.PrivateAddr, i.PublicAddr = "", netip.Addr{}, netip.Addr{}
}
