package api

import (
	"cmp"
	"net/netip"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// launchInterfaceInput asks for an interface of each instance of a launch (EC2
// API reference, InstanceNetworkInterfaceSpecification).
type launchInterfaceInput struct {
	addressesInput
	Device              *int          `aws:"DeviceIndex"`
	ID                  string        `aws:"NetworkInterfaceId"` // of one that is there
	SubnetID            string        `aws:"SubnetId"`
	GroupIDs            []string      `aws:"SecurityGroupId,bare"`
	Description         string        `aws:"Description"`
	Public              *bool         `aws:"AssociatePublicIpAddress"`
	DeleteOnTermination *bool         `aws:"DeleteOnTermination"`
	Timeouts            timeoutsInput `aws:"ConnectionTrackingSpecification"`
	Card                int           `aws:"NetworkCardIndex"` // every instance has one card, 0
	Kind                string        `aws:"InterfaceType"`
	PrimaryIPv6         bool          `aws:"PrimaryIpv6"`
}

// A launchInterface is an interface that each instance of a launch is to have,
// checked as far as it can be without the store.
type launchInterface struct {
	device              int
	id                  string // of one that is there; "": a new one
	subnetID            string // "": the default subnet of the zone
	groupIDs            []string
	groupNames          []string // of the default VPC
	want                wantedAddresses
	public              *bool // nil: as the subnet says
	deleteOnTermination bool
	description         string
	timeouts            vpc.ConnectionTimeouts
	tags                []vpc.Tag // of a new one
}

// launchInterfaces are the interfaces that a call asks for, that of device 0
// first; none in EC2-Classic.
func (r *request) launchInterfaces(in *runInstancesInput) ([]launchInterface, error) {
	switch {
	case len(in.Interfaces) > 0:
		return namedInterfaces(in)
	case in.SubnetID == "" && r.Account.Platform == vpc.PlatformClassic:
		if in.PrivateAddr != "" || len(in.IPv6) > 0 || in.IPv6Count != nil {
			return nil, vpc.Errorf(vpc.InvalidParameterCombination, "Addresses may not be specified for a non-VPC launch")
		}
		return nil, nil
	case in.SubnetID != "" && len(in.GroupNames) > 0:
		return nil, vpc.Errorf(vpc.InvalidParameterCombination, "The parameter groupName cannot be used with the parameter subnet")
	}
	addresses := addressesInput{Primary: in.PrivateAddr, IPv6Addresses: in.IPv6, IPv6Count: in.IPv6Count}
	want, err := addresses.wanted()
	if err != nil {
		return nil, err
	}
	l := launchInterface{subnetID: in.SubnetID, groupIDs: in.GroupIDs, groupNames: in.GroupNames, want: want, deleteOnTermination: true}
	return []launchInterface{l}, l.checkCount(in.MaxCount)
}

// namedInterfaces are the interfaces of a call that asks for each by itself.
func namedInterfaces(in *runInstancesInput) ([]launchInterface, error) {
	if what := firstGiven([]givenPart{
		{"subnet ID", in.SubnetID != ""},
		{"security groups", len(in.GroupIDs)+len(in.GroupNames) > 0},
		{"private IP address", in.PrivateAddr != ""},
		{"IPv6 address", len(in.IPv6) > 0 || in.IPv6Count != nil},
	}); what != "" {
		return nil, vpc.Errorf(vpc.InvalidParameterCombination, "Network interfaces and an instance-level %s may not be specified on the same request", what)
	}
	var list []launchInterface
	for _, i := range in.Interfaces {
		l, err := i.launchInterface(len(in.Interfaces))
		if err != nil {
			return nil, err
		}
		if err := l.checkCount(in.MaxCount); err != nil {
			return nil, err
		}
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b launchInterface) int { return cmp.Compare(a.device, b.device) })
	if list[0].device != 0 {
		return nil, vpc.Errorf(vpc.InvalidParameterCombination, "When specifying network interfaces, you must include a device at index 0.")
	}
	for i := range list[1:] {
		if list[i].device == list[i+1].device {
			return nil, vpc.Errorf(vpc.InvalidParameterCombination, "Each network interface requires a unique device index.")
		}
	}
	return list, nil
}

// launchInterface checks one of count interfaces.
func (in *launchInterfaceInput) launchInterface(count int) (launchInterface, error) {
	l := launchInterface{
		id: in.ID, subnetID: in.SubnetID, groupIDs: in.GroupIDs, public: in.Public, description: in.Description,
		deleteOnTermination: in.ID == "",
	}
	if in.DeleteOnTermination != nil {
		l.deleteOnTermination = *in.DeleteOnTermination
	}
	switch {
	case in.Device == nil:
		return l, vpc.Errorf(vpc.InvalidParameterValue, "Each network interface requires a device index.")
	case *in.Device < 0 || *in.Device > maxDevice:
		return l, vpc.Errorf(vpc.InvalidParameterValue, "Invalid value '%d' for deviceIndex. It must be from 0 to %d.", *in.Device, maxDevice)
	case in.Card != 0:
		return l, vpc.Errorf(vpc.InvalidParameterValue, "Invalid value '%d' for networkCardIndex. The instance has one network card, 0.", in.Card)
	case in.Public != nil && *in.Device != 0:
		return l, vpc.Errorf(vpc.InvalidParameterCombination, "The associatePublicIPAddress parameter can only be specified for the network interface with DeviceIndex 0.")
	case in.Public != nil && count > 1:
		return l, vpc.Errorf(vpc.InvalidParameterCombination, "The associatePublicIPAddress parameter cannot be specified when launching with multiple network interfaces.")
	}
	l.device = *in.Device
	if err := checkInterfaceKind(in.Kind); err != nil {
		return l, err
	}
	if err := checkPrimaryIPv6(in.PrimaryIPv6); err != nil {
		return l, err
	}
	var err error
	if l.want, err = in.wanted(); err != nil {
		return l, err
	}
	if l.timeouts, err = in.Timeouts.timeouts(); err != nil {
		return l, err
	}
	err = in.checkExisting(&l)
	return l, err
}

// checkExisting refuses a call that asks for an interface that is there, and
// says how a new one is to be.
func (in *launchInterfaceInput) checkExisting(l *launchInterface) error {
	if l.id == "" {
		return nil
	}
	if what := firstGiven([]givenPart{
		{"a subnet ID", in.SubnetID != ""},
		{"security groups", len(in.GroupIDs) > 0},
		{"private IP addresses", l.want.namesAny() || in.SecondaryCount > 0 || in.IPv6Count != nil},
		{"a description", in.Description != ""},
		{"a public IP address", in.Public != nil},
		{"connection tracking", in.Timeouts.isSet()},
		{"delete on termination as true", l.deleteOnTermination},
	}); what != "" {
		return vpc.Errorf(vpc.InvalidParameterCombination, "A network interface may not specify a network interface ID and %s", what)
	}
	return nil
}

// A givenPart is a part of a call, and whether the call has it.
type givenPart struct {
	name  string
	given bool
}

// firstGiven returns the name of the first part that a call has, "" for none.
func firstGiven(parts []givenPart) string {
	for _, p := range parts {
		if p.given {
			return p.name
		}
	}
	return ""
}

// checkCount refuses to launch several instances with what only one can have.
func (l *launchInterface) checkCount(most int) error {
	if most > 1 && (l.id != "" || l.want.namesAny()) {
		return vpc.Errorf(vpc.InvalidParameterCombination, "A network interface ID or an IP address can only be specified when a single instance is launched.")
	}
	return nil
}

// A plannedInterface is a launchInterface whose nouns have been found.
type plannedInterface struct {
	launchInterface
	existing *vpc.NetworkInterface // nil: a new one
	subnet   *vpc.Subnet
	groups   []vpc.GroupID // of a new one
}

// vpcSite is a launch's place in a VPC.
func (r *request) vpcSite(tx *store.Tx, l *launch) (*site, error) {
	plan, err := r.planInterfaces(tx, l)
	if err != nil {
		return nil, err
	}
	wantsPublic := len(plan) == 1 && plan[0].wantsPublic()
	room, public, err := r.roomFor(tx, l, plan, wantsPublic)
	if err != nil {
		return nil, err
	}
	return &site{room: room, settle: func(i *vpc.Instance, index int) error {
		i.Network, i.Zone = plan[0].subnet.Network, plan[0].subnet.Zone
		for _, p := range plan {
			n, err := r.launchedInterface(tx, &p)
			if err != nil {
				return err
			}
			r.attach(n, i, p.device, p.deleteOnTermination)
			if p.device > 0 {
				i.Secondary = append(i.Secondary, n.ID)
				tx.PutInterface(n)
				continue
			}
			if wantsPublic {
				n.Public, n.AutoPublic = map[netip.Addr]netip.Addr{n.Primary(): public[index]}, true
			}
			showInterface(i, n)
			tx.PutInterface(n)
		}
		return nil
	}}, nil
}

// wantsPublic reports whether the only interface of an instance gets a public
// address of the pool.
func (p *plannedInterface) wantsPublic() bool {
	if p.existing != nil {
		return false
	}
	if p.public != nil {
		return *p.public
	}
	return p.subnet.MapPublicIP
}

// planInterfaces finds the nouns that the interfaces of a launch name. All
// interfaces of an instance are in one VPC and one zone.
func (r *request) planInterfaces(tx *store.Tx, l *launch) ([]plannedInterface, error) {
	if err := checkInterfaceCount(l.template.Type, len(l.interfaces)); err != nil {
		return nil, err
	}
	plan := make([]plannedInterface, len(l.interfaces))
	for i, wanted := range l.interfaces {
		p := &plan[i]
		p.launchInterface = wanted
		if err := r.findPlanned(tx, l, p); err != nil {
			return nil, err
		}
		switch first := plan[0].subnet; {
		case p.subnet.Network != first.Network:
			return nil, vpc.Errorf(vpc.InvalidParameterCombination, "You may not attach a network interface to an instance if they are not in the same VPC")
		case p.subnet.Zone != first.Zone:
			return nil, vpc.Errorf(vpc.InvalidParameterCombination, "You may not attach a network interface to an instance if they are not in the same availability zone")
		case l.zone != "" && l.zone != first.Zone:
			return nil, vpc.Errorf(vpc.InvalidParameterValue, "The subnet '%s' is in the availability zone %s, not in %s.", first.ID, first.Zone, l.zone)
		}
	}
	return plan, nil
}

// findPlanned finds the nouns of one interface.
func (r *request) findPlanned(tx *store.Tx, l *launch, p *plannedInterface) (err error) {
	if p.id != "" {
		return r.findExisting(tx, l, p)
	}
	if p.subnetID != "" {
		p.subnet, err = r.subnetByID(tx.Reader, p.subnetID)
	} else {
		p.subnet, err = r.defaultSubnet(tx.Reader, l.zone)
	}
	if err != nil {
		return err
	}
	if err := checkAddressCount(l.template.Type, p.want.countIPv4(), p.want.countIPv6(p.subnet)); err != nil {
		return err
	}
	ids := p.groupIDs
	for _, name := range p.groupNames {
		g, err := r.groupByName(tx.Reader, name)
		if err != nil {
			return err
		}
		ids = append(slices.Clone(ids), string(g.ID))
	}
	p.groups, err = r.subnetGroups(tx.Reader, p.subnet, ids)
	return err
}

func (r *request) findExisting(tx *store.Tx, l *launch, p *plannedInterface) error {
	n, err := r.interfaceByID(tx.Reader, p.id)
	switch {
	case err != nil:
		return err
	case n.Requester != "":
		return errManaged(n)
	case n.Instance != "":
		return errInUse(n)
	}
	p.existing = n
	if p.subnet, err = r.subnetByID(tx.Reader, string(n.Subnet)); err != nil {
		return err
	}
	return checkAddressCount(l.template.Type, len(ipv4Of(n)), len(ipv6Of(n)))
}

// defaultSubnet returns the default subnet of a zone, or of the first zone that
// has one.
func (r *request) defaultSubnet(reader store.Reader, zone vpc.Zone) (*vpc.Subnet, error) {
	v, _ := reader.DefaultVPC(r.Region, r.Account.ID)
	if v == nil {
		return nil, errNoDefaultVPC
	}
	var found *vpc.Subnet
	for _, s := range reader.Subnets(r.Region, r.Account.ID) {
		if s.Network == v.ID && s.DefaultForZone && (zone == "" || s.Zone == zone) && (found == nil || s.Zone < found.Zone) {
			found = s
		}
	}
	if found == nil {
		return nil, vpc.Errorf(vpc.MissingInput, "No default subnet for availability zone: '%s'.", or(zone, "null"))
	}
	return found, nil
}

// roomFor returns for how many instances there are interfaces and addresses, and
// the public addresses that they are to have.
func (r *request) roomFor(tx *store.Tx, l *launch, plan []plannedInterface, wantsPublic bool) (int, []netip.Addr, error) {
	room, fresh := l.most, 0
	needs := map[vpc.SubnetID]int{} // of one instance, of no name
	for _, p := range plan {
		if p.existing == nil {
			fresh++
			needs[p.subnet.ID] += p.want.anyIPv4()
		}
	}
	if fresh > 0 {
		if room = min(room, r.interfacesLeft(tx)/fresh); room < l.least {
			return 0, nil, errInterfaceLimit()
		}
	}
	for _, p := range plan {
		need := needs[p.subnet.ID]
		if need == 0 {
			continue
		}
		room = min(room, len(ipv4Block(p.subnet).free(tx, need*l.most))/need)
		if room < l.least {
			return 0, nil, vpc.Errorf(vpc.InsufficientFreeAddressesInSubnet,
				"There are not enough free addresses in subnet '%s' to satisfy the requested number of instances.", p.subnet.ID)
		}
	}
	if !wantsPublic {
		return room, nil, nil
	}
	public := r.freePublic(tx, room)
	if len(public) < l.least {
		return 0, nil, errNoPublic(len(public), l.least)
	}
	return len(public), public, nil
}

func errNoPublic(left, needed int) error {
	return vpc.Errorf(vpc.InsufficientAddressCapacity, "Not enough free addresses to satisfy your request: %d are left and %d are needed.", left, needed)
}

// launchedInterface returns an interface for one instance, a copy that is the
// caller's to put.
func (r *request) launchedInterface(tx *store.Tx, p *plannedInterface) (*vpc.NetworkInterface, error) {
	if p.existing != nil {
		n := *p.existing
		return &n, nil
	}
	return r.newInterface(tx, p.subnet, p.want, vpc.NetworkInterface{
		Groups: p.groups, Description: p.description, Timeouts: p.timeouts, Tags: p.tags,
	})
}
