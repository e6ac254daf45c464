package api

import (
	"math"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// A site is where a launch puts its instances.
type site struct {
	room   int           // for how many there are addresses
	groups []vpc.GroupID // of the reservation; EC2-Classic's

	// settle gives the instance with an index, which is the caller's to put, its
	// place in the network.
	settle func(i *vpc.Instance, index int) error
}

// launch writes a reservation and its instances.
func (r *request) launch(tx *store.Tx, l *launch) (*vpc.Reservation, []*vpc.Instance, error) {
	find := r.vpcSite
	if len(l.interfaces) == 0 {
		find = r.classicSite
	}
	key, err := r.launchKey(tx, l.template.KeyName)
	if err != nil {
		return nil, nil, err
	}
	allowed := *l
	if allowed.most = min(l.most, r.instancesLeft(tx)); allowed.most < l.least {
		return nil, nil, vpc.Errorf(vpc.InstanceLimitExceeded,
			"You have requested more instances (%d) than your current instance limit of %d allows for the specified instance type.", l.least, r.limits[runningInstances])
	}
	at, err := find(tx, &allowed)
	if err != nil {
		return nil, nil, err
	}
	reservation := &vpc.Reservation{
		ID:      vpc.ReservationID(newID("r", r.Account.Era)),
		Account: r.Account.ID, Region: r.Region, Groups: at.groups,
	}
	tx.PutReservation(reservation)
	var instances []*vpc.Instance
	for index := range at.room {
		i := l.template
		i.PublicKey = key
		i.ID, i.Reservation, i.LaunchIndex = newInstanceID(tx, r.Account.Era), reservation.ID, index
		i.Volumes = slices.Clone(i.Volumes)
		for v := range i.Volumes {
			i.Volumes[v].ID = newID("vol", r.Account.Era)
		}
		if err := at.settle(&i, index); err != nil {
			return nil, nil, err
		}
		tx.PutInstance(&i)
		instances = append(instances, &i)
	}
	return reservation, instances, nil
}

// instancesLeft is how many more instances may be there, if an operator has given
// a limit. Amazon's own default is for machines that cost something.
func (r *request) instancesLeft(tx *store.Tx) int {
	left, given := r.limits[runningInstances]
	if !given {
		return math.MaxInt
	}
	for _, i := range tx.Instances(r.Region, r.Account.ID) {
		if i.State == vpc.Pending || i.State == vpc.Running {
			left--
		}
	}
	return left
}

// newInstanceID returns an id that no instance has.
func newInstanceID(tx *store.Tx, era vpc.Era) vpc.InstanceID {
	for {
		id := vpc.InstanceID(newID("i", era))
		if tx.Instance(id) == nil {
			return id
		}
	}
}

// classicSite is a launch's place in EC2-Classic.
func (r *request) classicSite(tx *store.Tx, l *launch) (*site, error) {
	groups, err := r.classicGroups(tx, l)
	if err != nil {
		return nil, err
	}
	addresses, err := r.endpoints(tx, r.Region, l.least, l.most)
	if err != nil {
		return nil, err
	}
	number := vpc.InterfaceNumber(tx.Take(store.InterfaceNumbers, uint64(len(addresses))))
	return &site{room: len(addresses), groups: groups, settle: func(i *vpc.Instance, index int) error {
		i.Network, i.Zone, i.Groups = vpc.ClassicNetwork, or(l.zone, zonesOf(r.Region)[0]), groups
		attachClassic(tx, i, addresses[index], number+vpc.InterfaceNumber(index), r.Account.Era)
		return nil
	}}, nil
}

// classicGroups finds the groups that a call names, each once, in its order;
// none means the default group.
func (r *request) classicGroups(tx *store.Tx, l *launch) ([]vpc.GroupID, error) {
	names := l.groupNames
	if len(names)+len(l.groupIDs) == 0 {
		names = []string{vpc.DefaultGroupName}
	}
	var groups []vpc.GroupID
	add := func(g *vpc.SecurityGroup, err error) error {
		switch {
		case err != nil:
			return err
		case !g.IsClassic():
			return vpc.Errorf(vpc.InvalidParameterCombination, "VPC security groups may not be used for a non-VPC launch")
		case !slices.Contains(groups, g.ID):
			groups = append(groups, g.ID)
		}
		return nil
	}
	for _, id := range l.groupIDs {
		if err := add(r.groupByID(tx.Reader, id)); err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		if err := add(r.groupByName(tx.Reader, name)); err != nil {
			return nil, err
		}
	}
	if len(groups) > r.limit(groupsPerInstance) {
		return nil, vpc.Errorf(vpc.SecurityGroupsPerInstanceLimitExceeded, "The maximum number of security groups per instance has been reached.")
	}
	return groups, nil
}
