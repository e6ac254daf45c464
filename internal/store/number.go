package store

import (
	"net/netip"

	"ringfence/internal/vpc"
)

// A Counter hands out numbers, none of them twice, not even after Reset.
type Counter string

const (
	InterfaceNumbers Counter = "interface"
	identityNumbers  Counter = "identity"
	networkNumbers   Counter = "network"
	subnetNumbers    Counter = "subnet"
)

// Take returns the first of n numbers that nobody has been given. The first of
// all is 1.
func (tx *Tx) Take(c Counter, n uint64) uint64 {
	var last uint64
	if known := lookup[uint64](tx.Reader, counterKey(c)); known != nil {
		last = *known
	}
	first, last := last+1, last+n
	tx.put(counterKey(c), &last)
	return first
}

// Intern returns the identity of a set of groups, a new one for a set that no
// interface has had. The set of no groups is identity 0.
func (tx *Tx) Intern(groups []vpc.GroupID) vpc.Identity {
	groups = canonicalGroups(groups)
	if len(groups) == 0 {
		return 0
	}
	k := identityKey(groups)
	if known := lookup[identityRecord](tx.Reader, k); known != nil {
		return known.Identity
	}
	id := vpc.Identity(tx.Take(identityNumbers, 1))
	tx.put(k, &identityRecord{Identity: id, Groups: groups})
	return id
}

// NetworkNumber returns the number of a network, a new one at the first call.
func (tx *Tx) NetworkNumber(region vpc.Region, n vpc.NetworkID) vpc.NetworkNumber {
	return vpc.NetworkNumber(tx.internNumber(networkKey(region, n), networkNumbers))
}

// SubnetNumber returns the number of a subnet, a new one at the first call.
func (tx *Tx) SubnetNumber(region vpc.Region, s vpc.SubnetID) vpc.SubnetNumber {
	return vpc.SubnetNumber(tx.internNumber(subnetNumberKey(region, s), subnetNumbers))
}

func (tx *Tx) internNumber(k string, c Counter) uint64 {
	if known := lookup[uint64](tx.Reader, k); known != nil {
		return *known
	}
	number := tx.Take(c, 1)
	tx.put(k, &number)
	return number
}

// AddressTaken reports whether an interface of a network holds a private
// address. One that is given back meanwhile is no conflict; one that is taken
// meanwhile is, as soon as an interface with it is put.
func (tx *Tx) AddressTaken(region vpc.Region, n vpc.NetworkID, a netip.Addr) bool {
	return tx.peek(ipKey(region, n, a)) != nil
}

// PublicAddressTaken reports whether an interface holds a public address, as
// AddressTaken does.
func (tx *Tx) PublicAddressTaken(a netip.Addr) bool {
	return tx.peek(publicKey(a)) != nil || tx.peek(elasticKey(a)) != nil
}

// CountInterfaces returns how many interfaces an account has, at the most: one
// that is deleted meanwhile is no conflict, nor is one that is made. Whoever makes
// interfaces has to Take numbers for them, and that orders them.
func (tx *Tx) CountInterfaces(region vpc.Region, account vpc.AccountID) int {
	return tx.peekCount(collectionOf(interfaceKey(region, account, "")))
}

// BlockTaken reports whether a VPC holds an IPv6 block, as AddressTaken does.
func (tx *Tx) BlockTaken(block netip.Prefix) bool { return tx.peek(blockKey(block.String())) != nil }

// Cursor returns the private address that a block of a subnet gave out last; it
// is invalid at first.
func (tx *Tx) Cursor(region vpc.Region, s vpc.SubnetID, block netip.Prefix) netip.Addr {
	if a := lookup[netip.Addr](tx.Reader, cursorKey(region, s, block.Addr())); a != nil {
		return *a
	}
	return netip.Addr{}
}

// PutCursor remembers the private address that a subnet has given out last, of
// each family, so that one which was given back is not used again at once.
func (tx *Tx) PutCursor(region vpc.Region, s vpc.SubnetID, a netip.Addr) {
	tx.put(cursorKey(region, s, a), &a)
}
