package api

import (
	"context"
	"net/netip"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type assignAddressesInput struct {
	ID                string   `aws:"NetworkInterfaceId,required"`
	Addresses         []string `aws:"PrivateIpAddress,bare"`
	Count             int      `aws:"SecondaryPrivateIpAddressCount"`
	AllowReassignment bool     `aws:"AllowReassignment"`
}

type assignAddressesOutput struct {
	Return    bool            `aws:"return"`
	ID        vpc.InterfaceID `aws:"networkInterfaceId,since=2016-11-15"`
	Addresses []addressItem   `aws:"assignedPrivateIpAddressesSet,since=2016-11-15"`
}

type addressItem struct {
	Address string `aws:"privateIpAddress"`
}

// assignAddresses implements AssignPrivateIpAddresses: secondary addresses, by
// their names or any.
func (r *request) assignAddresses(ctx context.Context, in *assignAddressesInput) (*assignAddressesOutput, error) {
	named, err := parseAll(in.Addresses, parseIPv4)
	switch {
	case err != nil:
		return nil, err
	case len(named) > 0 && in.Count != 0:
		return nil, vpc.Errorf(vpc.InvalidParameterCombination, "The parameter privateIpAddresses cannot be used with the parameter secondaryPrivateIpAddressCount")
	case len(named) == 0 && in.Count == 0:
		return nil, vpc.Errorf(vpc.MissingParameter, "Either secondaryPrivateIpAddressCount or privateIpAddress must be specified")
	case in.Count < 0 || in.Count > maxAddresses:
		return nil, errTooManyAddresses()
	}
	out := &assignAddressesOutput{Return: true}
	_, err = r.changeInterface(ctx, in.ID, func(tx *store.Tx, n *vpc.NetworkInterface) error {
		missing := slices.DeleteFunc(slices.Clone(named), func(a netip.Addr) bool { return slices.Contains(n.Addresses, a) })
		for _, a := range missing {
			moved, err := r.moveAway(tx, n, a, in.AllowReassignment)
			if err != nil {
				return err
			}
			if moved.IsValid() {
				givePublic(n, a, moved)
			}
		}
		s, err := r.subnetByID(tx.Reader, string(n.Subnet))
		if err != nil {
			return err
		}
		more, err := ipv4Block(s).take(tx, missing, in.Count)
		if err != nil {
			return err
		}
		n.Addresses = slices.Concat(ipv4Of(n), more, ipv6Of(n))
		if err := checkAddresses(tx, n); err != nil {
			return err
		}
		putInterface(tx, n)
		out.ID, out.Addresses = n.ID, nil
		for _, a := range append(slices.Clone(named), more[len(missing):]...) {
			out.Addresses = append(out.Addresses, addressItem{a.String()})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// moveAway takes a secondary address from the interface that has it, if any,
// and returns the Elastic IP address that comes along with it to n.
func (r *request) moveAway(tx *store.Tx, n *vpc.NetworkInterface, a netip.Addr, allowed bool) (netip.Addr, error) {
	id := tx.InterfaceAt(n.Region, n.Network, a)
	if id == "" {
		return netip.Addr{}, nil
	}
	was := tx.Interface(n.Region, n.Account, id)
	switch {
	case was == nil || !allowed:
		return netip.Addr{}, vpc.Errorf(vpc.InvalidParameterValue, "[%s] is already assigned, but move is not allowed.", a)
	case was.Requester != "":
		return netip.Addr{}, errManaged(was)
	case was.Primary() == a:
		return netip.Addr{}, vpc.Errorf(vpc.InvalidParameterValue, "[%s] is the primary address of %s, which cannot be moved.", a, was.ID)
	}
	other := *was
	public := other.Public[a]
	dropAddress(&other, a)
	putInterface(tx, &other)
	if e := tx.Address(n.Region, n.Account, public); e != nil {
		moved := *e
		moved.Interface = n.ID
		tx.PutAddress(&moved)
	}
	return public, nil
}

// dropAddress takes an address from an interface, a copy.
func dropAddress(n *vpc.NetworkInterface, a netip.Addr) {
	n.Addresses = slices.DeleteFunc(slices.Clone(n.Addresses), func(o netip.Addr) bool { return o == a })
	dropPublic(n, a)
}

// checkAddresses refuses an interface with more addresses than its instance
// may have on one.
func checkAddresses(tx *store.Tx, n *vpc.NetworkInterface) error {
	i := tx.Instance(n.Instance)
	if i == nil {
		return checkAddressCount("", len(ipv4Of(n)), len(ipv6Of(n)))
	}
	return checkAddressCount(i.Type, len(ipv4Of(n)), len(ipv6Of(n)))
}

type unassignAddressesInput struct {
	ID        string   `aws:"NetworkInterfaceId,required"`
	Addresses []string `aws:"PrivateIpAddress,required,bare"`
}

// unassignAddresses implements UnassignPrivateIpAddresses. An Elastic IP address
// on one of them stays the account's.
func (r *request) unassignAddresses(ctx context.Context, in *unassignAddressesInput) (*returnOutput, error) {
	named, err := parseAll(in.Addresses, parseIPv4)
	if err != nil {
		return nil, err
	}
	return r.changeInterface(ctx, in.ID, func(tx *store.Tx, n *vpc.NetworkInterface) error {
		return unassign(tx, n, named)
	})
}

// unassign takes addresses from an interface, a copy, and puts it.
func unassign(tx *store.Tx, n *vpc.NetworkInterface, list []netip.Addr) error {
	for _, a := range list {
		switch {
		case !slices.Contains(n.Addresses, a):
			return vpc.Errorf(vpc.InvalidParameterValue, "[%s] is not assigned to network interface %s", a, n.ID)
		case a == n.Primary():
			return vpc.Errorf(vpc.InvalidParameterValue, "[%s] is the primary address of network interface %s and cannot be unassigned", a, n.ID)
		}
		freeElastic(tx, n, n.Public[a])
		dropAddress(n, a)
	}
	putInterface(tx, n)
	return nil
}

type assignIPv6Input struct {
	ID        string   `aws:"NetworkInterfaceId,required"`
	Addresses []string `aws:"Ipv6Addresses,bare"`
	Count     int      `aws:"Ipv6AddressCount"`
}

type assignIPv6Output struct {
	ID        vpc.InterfaceID `aws:"networkInterfaceId"`
	Addresses []string        `aws:"assignedIpv6Addresses"`
}

// assignIPv6 implements AssignIpv6Addresses.
func (r *request) assignIPv6(ctx context.Context, in *assignIPv6Input) (*assignIPv6Output, error) {
	named, err := parseAll(in.Addresses, parseIPv6)
	switch {
	case err != nil:
		return nil, err
	case len(named) > 0 && in.Count != 0:
		return nil, vpc.Errorf(vpc.InvalidParameterCombination, "The parameter ipv6Addresses cannot be used with the parameter ipv6AddressCount")
	case len(named) == 0 && in.Count == 0:
		return nil, vpc.Errorf(vpc.MissingParameter, "Either ipv6AddressCount or ipv6Addresses must be specified")
	case in.Count < 0 || in.Count > maxAddresses:
		return nil, errTooManyAddresses()
	}
	out := &assignIPv6Output{}
	_, err = r.changeInterface(ctx, in.ID, func(tx *store.Tx, n *vpc.NetworkInterface) error {
		s, err := r.subnetByID(tx.Reader, string(n.Subnet))
		if err != nil {
			return err
		}
		more, err := takeIPv6(tx, s, named, in.Count)
		if err != nil {
			return err
		}
		n.Addresses = slices.Concat(n.Addresses, more)
		if err := checkAddresses(tx, n); err != nil {
			return err
		}
		putInterface(tx, n)
		out.ID, out.Addresses = n.ID, texts(more)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

type unassignIPv6Input struct {
	ID        string   `aws:"NetworkInterfaceId,required"`
	Addresses []string `aws:"Ipv6Addresses,required,bare"`
}

type unassignIPv6Output struct {
	ID        vpc.InterfaceID `aws:"networkInterfaceId"`
	Addresses []string        `aws:"unassignedIpv6Addresses"`
}

// unassignIPv6 implements UnassignIpv6Addresses.
func (r *request) unassignIPv6(ctx context.Context, in *unassignIPv6Input) (*unassignIPv6Output, error) {
	named, err := parseAll(in.Addresses, parseIPv6)
	if err != nil {
		return nil, err
	}
	if _, err := r.changeInterface(ctx, in.ID, func(tx *store.Tx, n *vpc.NetworkInterface) error {
		return unassign(tx, n, named)
	}); err != nil {
		return nil, err
	}
	return &unassignIPv6Output{ID: vpc.InterfaceID(in.ID), Addresses: texts(named)}, nil
}

// parseAll reads addresses, none of them twice.
func parseAll(list []string, parse func(string) (netip.Addr, error)) ([]netip.Addr, error) {
	var parsed []netip.Addr
	for _, s := range list {
		a, err := parse(s)
		if err != nil {
			return nil, err
		}
		if slices.Contains(parsed, a) {
			return nil, vpc.Errorf(vpc.InvalidParameterValue, "The same address must not appear multiple times")
		}
		parsed = append(parsed, a)
	}
	return parsed, nil
}

func texts(list []netip.Addr) []string {
	all := make([]string, len(list))
	for i, a := range list {
		all[i] = a.String()
	}
	return all
}
