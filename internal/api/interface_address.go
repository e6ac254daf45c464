package api

import (
	"net/netip"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// addressesInput says which private addresses an interface is to have. It is a
// part of CreateNetworkInterface and, for each interface, of RunInstances.
type addressesInput struct {
	Primary        string                `aws:"PrivateIpAddress"`
	Addresses      []privateAddressInput `aws:"PrivateIpAddresses"`
	SecondaryCount int                   `aws:"SecondaryPrivateIpAddressCount"`
	IPv6Addresses  []ipv6AddressInput    `aws:"Ipv6Addresses"`
	IPv6Count      *int                  `aws:"Ipv6AddressCount"`
}

// checkInterfaceKind refuses interfaces of other types than the one there is.
func checkInterfaceKind(kind string) error {
	return checkChoices(choice{"InterfaceType", kind, []string{interfaceType}})
}

// checkPrimaryIPv6 refuses to make an IPv6 address the first one for ever.
func checkPrimaryIPv6(enable bool) error {
	if enable {
		return errOption("EnablePrimaryIpv6", "true")
	}
	return nil
}

type privateAddressInput struct {
	Address string `aws:"PrivateIpAddress,required"`
	Primary bool   `aws:"Primary"`
}

type ipv6AddressInput struct {
	Address string `aws:"Ipv6Address,required"`
}

// wantedAddresses are the private addresses that an interface is to have: some
// by name, and more of any.
type wantedAddresses struct {
	primary   netip.Addr // invalid: any
	secondary []netip.Addr
	ipv6      []netip.Addr

	moreSecondary int
	moreIPv6      *int // nil: as the subnet says
}

// maxAddresses is how many addresses of a family an interface of the largest
// instances has (EC2 User Guide, "Maximum IP addresses per network interface").
const maxAddresses = 50

// wanted checks the addresses of a call by themselves.
func (in *addressesInput) wanted() (wantedAddresses, error) {
	w := wantedAddresses{moreSecondary: in.SecondaryCount, moreIPv6: in.IPv6Count}
	var err error
	if in.Primary != "" {
		if w.primary, err = parseIPv4(in.Primary); err != nil {
			return w, err
		}
	}
	for _, p := range in.Addresses {
		a, err := parseIPv4(p.Address)
		switch {
		case err != nil:
			return w, err
		case !p.Primary && a != w.primary:
			w.secondary = append(w.secondary, a)
		case w.primary.IsValid() && w.primary != a:
			return w, vpc.Errorf(vpc.InvalidParameterCombination, "Only one primary private IP address can be specified.")
		default:
			w.primary = a
		}
	}
	if w.ipv6, err = in.ipv6(); err != nil {
		return w, err
	}
	switch {
	case repeats(w.secondary) || slices.Contains(w.secondary, w.primary) || repeats(w.ipv6):
		return w, vpc.Errorf(vpc.InvalidParameterValue, "The same address must not appear multiple times")
	case in.SecondaryCount < 0 || in.IPv6Count != nil && *in.IPv6Count < 0:
		return w, vpc.Errorf(vpc.InvalidParameterValue, "The number of addresses must not be negative.")
	case in.SecondaryCount > maxAddresses || in.IPv6Count != nil && *in.IPv6Count > maxAddresses:
		return w, errTooManyAddresses()
	case len(w.secondary) > 0 && in.SecondaryCount > 0:
		return w, vpc.Errorf(vpc.InvalidParameterCombination, "The parameter privateIpAddresses cannot be used with the parameter secondaryPrivateIpAddressCount")
	case len(w.ipv6) > 0 && in.IPv6Count != nil:
		return w, vpc.Errorf(vpc.InvalidParameterCombination, "The parameter ipv6Addresses cannot be used with the parameter ipv6AddressCount")
	}
	return w, nil
}

func (in *addressesInput) ipv6() ([]netip.Addr, error) {
	var list []netip.Addr
	for _, i := range in.IPv6Addresses {
		a, err := parseIPv6(i.Address)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

// namesAny reports whether a call has asked for an address by its name, which
// only one interface can have.
func (w *wantedAddresses) namesAny() bool {
	return w.primary.IsValid() || len(w.secondary) > 0 || len(w.ipv6) > 0
}

// anyIPv4 is how many IPv4 addresses are asked for by no name.
func (w *wantedAddresses) anyIPv4() int {
	if w.primary.IsValid() {
		return w.moreSecondary
	}
	return 1 + w.moreSecondary
}

// countIPv4 is how many IPv4 addresses are asked for, the primary one included.
func (w *wantedAddresses) countIPv4() int { return 1 + len(w.secondary) + w.moreSecondary }

// anyIPv6 is how many IPv6 addresses of a subnet are asked for by no name.
func (w *wantedAddresses) anyIPv6(s *vpc.Subnet) int {
	switch {
	case w.moreIPv6 != nil:
		return *w.moreIPv6
	case s.AssignIPv6 && len(w.ipv6) == 0:
		return 1
	}
	return 0
}

// countIPv6 is how many IPv6 addresses of a subnet are asked for.
func (w *wantedAddresses) countIPv6(s *vpc.Subnet) int { return len(w.ipv6) + w.anyIPv6(s) }

// addressesIn gives out the addresses that w asks for, the primary one first.
// They are taken when an interface is put with them.
func (w *wantedAddresses) addressesIn(tx *store.Tx, s *vpc.Subnet) ([]netip.Addr, error) {
	var list []netip.Addr
	if w.primary.IsValid() {
		list = append(list, w.primary)
	}
	list, err := ipv4Block(s).take(tx, append(list, w.secondary...), w.anyIPv4())
	if err != nil {
		return nil, err
	}
	if !w.primary.IsValid() { // it is the first of those that have no name
		first := len(w.secondary)
		list = slices.Concat(list[first:first+1], list[:first], list[first+1:])
	}
	more, err := takeIPv6(tx, s, w.ipv6, w.anyIPv6(s))
	return append(list, more...), err
}

func takeIPv6(tx *store.Tx, s *vpc.Subnet, named []netip.Addr, more int) ([]netip.Addr, error) {
	if len(named)+more == 0 {
		return nil, nil
	}
	block, ok := ipv6Block(s)
	if !ok {
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "The subnet '%s' does not have an IPv6 CIDR block associated with it.", s.ID)
	}
	return block.take(tx, named, more)
}

// take gives out the addresses of b that are named, and more of any.
func (b privateBlock) take(tx *store.Tx, named []netip.Addr, more int) ([]netip.Addr, error) {
	for _, a := range named {
		switch {
		case !b.cidr.Contains(a):
			return nil, vpc.Errorf(vpc.InvalidParameterValue, "Address %s does not fall within the subnet's address range", a)
		case !b.gives(a):
			return nil, vpc.Errorf(vpc.InvalidParameterValue, "Address %s is in subnet's reserved address range", a)
		case tx.AddressTaken(b.region, b.network, a):
			return nil, vpc.Errorf(vpc.InvalidIPAddressInUse, "Address %s is in use.", a)
		}
	}
	if more == 0 {
		return named, nil
	}
	free := b.free(tx, more, named...)
	if len(free) < more {
		return nil, vpc.Errorf(vpc.InsufficientFreeAddressesInSubnet, "The specified subnet does not have enough free addresses to satisfy the request.")
	}
	tx.PutCursor(b.region, b.subnet, free[more-1])
	return append(slices.Clone(named), free...), nil
}

func parseIPv4(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is4() {
		return a, errAddress(s)
	}
	return a, nil
}

// parseIPv6 takes addresses without a zone only, which no subnet's are.
func parseIPv6(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is6() || a.Is4In6() || a.Zone() != "" {
		return a, errAddress(s)
	}
	return a, nil
}

func errAddress(s string) error {
	return vpc.Errorf(vpc.InvalidParameterValue, "invalid value for parameter address: %s", s)
}

func errTooManyAddresses() error {
	return vpc.Errorf(vpc.PrivateIPAddressLimitExceeded, "Number of private addresses will exceed limit.")
}

func repeats(list []netip.Addr) bool {
	for i, a := range list {
		if slices.Contains(list[:i], a) {
			return true
		}
	}
	return false
}
