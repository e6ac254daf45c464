package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"time"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type runInstancesInput struct {
	dryRun
	ImageID        string             `aws:"ImageId,required"`
	MinCount       int                `aws:"MinCount,required"`
	MaxCount       int                `aws:"MaxCount,required"`
	GroupNames     []string           `aws:"SecurityGroup,bare"`
	GroupIDs       []string           `aws:"SecurityGroupId,bare"`
	SubnetID       string             `aws:"SubnetId"`
	Placement      placementInput     `aws:"Placement"`
	UserData       string             `aws:"UserData"`
	ClientToken    string             `aws:"ClientToken"`
	InstanceType   string             `aws:"InstanceType"`
	KeyName        string             `aws:"KeyName"`
	KernelID       string             `aws:"KernelId"`
	RamdiskID      string             `aws:"RamdiskId"`
	Monitoring     monitoringInput    `aws:"Monitoring"`
	BlockDevices   []blockDeviceInput `aws:"BlockDeviceMapping"`
	TagsOfInstance []tagSpecification `aws:"TagSpecification"`
}

type placementInput struct {
	Zone vpc.Zone `aws:"AvailabilityZone"`
}

type monitoringInput struct {
	Enabled bool `aws:"Enabled"`
}

// What an instance has when the call does not say (EC2 API reference,
// RunInstances; the ids are those of the EC2 User Guide 2012's samples).
const (
	defaultType    = "m1.small"
	defaultKernel  = "aki-94c527fd"
	defaultRamdisk = "ari-96c527ff"
)

const (
	maxUserData    = 16384 // bytes, before base64
	maxClientToken = 64    // characters, of ASCII
)

var typeName = regexp.MustCompile(`^[a-z][a-z0-9-]*\.[a-z0-9-]+$`)

// A launch is what a RunInstances call asks for, checked as far as it can be
// without the store.
type launch struct {
	least, most int
	template    vpc.Instance // what all instances have in common
	fingerprint string       // of the parameters, for the client token
}

// runInstances implements RunInstances in EC2-Classic: as many instances as
// there are addresses for, MaxCount at the most; fewer than MinCount and none
// is launched.
func (r *request) runInstances(ctx context.Context, in *runInstancesInput) (*reservationItem, error) {
	l, err := r.newLaunch(in)
	if err != nil {
		return nil, err
	}
	var out reservationItem
	err = r.update(ctx, func(tx *store.Tx) error {
		if in.ClientToken != "" {
			if done := tx.Token(r.Region, r.Account.ID, "RunInstances", in.ClientToken); done != nil {
				out, err = r.launchedBefore(tx, done, l.fingerprint)
				return err
			}
		}
		groups, err := r.launchGroups(tx, in)
		if err != nil {
			return err
		}
		reservation, instances, err := r.launch(tx, l, groups)
		if err != nil {
			return err
		}
		if in.ClientToken != "" {
			tx.PutToken(r.Region, r.Account.ID, in.ClientToken, &store.Token{
				Action: "RunInstances", Fingerprint: l.fingerprint, Reservation: reservation.ID, Created: l.template.LaunchTime,
			})
		}
		out = newReservationItem(tx.Reader, reservation, instances)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// newLaunch checks the parameters of a call by themselves.
func (r *request) newLaunch(in *runInstancesInput) (*launch, error) {
	if r.Account.Platform != vpc.PlatformClassic {
		return nil, errNotInVPC()
	}
	if in.SubnetID != "" {
		return nil, vpc.Errorf(vpc.InvalidSubnetIDNotFound, "The subnet ID '%s' does not exist", in.SubnetID)
	}
	if err := checkID(vpc.InvalidAMIIDMalformed, "ami", in.ImageID); err != nil {
		return nil, err
	}
	if err := r.checkCount(in.MinCount, in.MaxCount); err != nil {
		return nil, err
	}
	if err := checkClientToken(in.ClientToken); err != nil {
		return nil, err
	}
	if in.InstanceType != "" && !typeName.MatchString(in.InstanceType) {
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "Invalid value '%s' for InstanceType.", in.InstanceType)
	}
	zones := zonesOf(r.Region)
	if in.Placement.Zone != "" && !slices.Contains(zones, in.Placement.Zone) {
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "Invalid availability zone: [%s]", in.Placement.Zone)
	}
	userData, err := decodeUserData(in.UserData)
	if err != nil {
		return nil, err
	}
	volumes, err := volumesFor(in.BlockDevices)
	if err != nil {
		return nil, err
	}
	tags, err := tagsFor("instance", in.TagsOfInstance)
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	return &launch{least: in.MinCount, most: in.MaxCount, fingerprint: fingerprint(r.params), template: vpc.Instance{
		Account: r.Account.ID, Region: r.Region, Network: vpc.ClassicNetwork,
		Zone:  or(in.Placement.Zone, zones[0]),
		Image: vpc.ImageID(in.ImageID), Type: or(in.InstanceType, defaultType), KeyName: in.KeyName,
		Kernel: or(in.KernelID, defaultKernel), Ramdisk: or(in.RamdiskID, defaultRamdisk),
		UserData: userData, ClientToken: in.ClientToken, Monitoring: in.Monitoring.Enabled,
		LaunchTime: now, State: vpc.Pending, StateSince: now, Volumes: volumes, Tags: tags, Generation: 1,
	}}, nil
}

// or returns s, or what stands for it when it is empty.
func or[S ~string](s, otherwise S) S {
	if s == "" {
		return otherwise
	}
	return s
}

func (r *request) checkCount(least, most int) error {
	switch {
	case least < 1:
		return vpc.Errorf(vpc.InvalidParameterValue, "Value (%d) for parameter minCount is invalid. It must be at least 1.", least)
	case most < least:
		return vpc.Errorf(vpc.InvalidParameterValue, "Value (%d) for parameter maxCount is invalid. It must not be less than minCount.", most)
	case most > r.limit(instancesPerLaunch):
		return vpc.Errorf(vpc.InstanceLimitExceeded, "Your quota allows for %d instances in one launch. You requested %d.", r.limit(instancesPerLaunch), most)
	}
	return nil
}

func checkClientToken(token string) error {
	if len(token) > maxClientToken || slices.ContainsFunc([]byte(token), func(c byte) bool { return c < ' ' || c > '~' }) {
		return vpc.Errorf(vpc.InvalidParameterValue, "Value (%s) for parameter clientToken is invalid. It must be at most %d ASCII characters.", token, maxClientToken)
	}
	return nil
}

func decodeUserData(s string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, vpc.Errorf(vpc.InvalidUserDataMalformed, "Invalid BASE64 encoding of user data")
	}
	if len(data) > maxUserData {
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "User data is limited to %d bytes", maxUserData)
	}
	return data, nil
}

// fingerprint tells two calls with one client token apart. Whether it is a dry
// run does not count.
func fingerprint(params map[string]string) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if name != "DryRun" {
			h.Write([]byte(name + "\x00" + params[name] + "\x00"))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

func errOtherParameters() error {
	return vpc.Errorf(vpc.IdempotentParameterMismatch,
		"Arguments on this idempotent request are inconsistent with arguments used in previous request(s).")
}

// launchedBefore is the answer to a call whose client token was used before.
func (r *request) launchedBefore(tx *store.Tx, done *store.Token, fingerprint string) (reservationItem, error) {
	if done.Fingerprint != fingerprint {
		return reservationItem{}, errOtherParameters()
	}
	var instances []*vpc.Instance
	for _, i := range tx.Instances(r.Region, r.Account.ID) {
		if i.Reservation == done.Reservation {
			instances = append(instances, i)
		}
	}
	slices.SortFunc(instances, func(a, b *vpc.Instance) int { return cmp.Compare(a.LaunchIndex, b.LaunchIndex) })
	return newReservationItem(tx.Reader, tx.Reservation(r.Region, r.Account.ID, done.Reservation), instances), nil
}

// launchGroups finds the groups that a call names, each once, in its order;
// none means the default group.
func (r *request) launchGroups(tx *store.Tx, in *runInstancesInput) ([]vpc.GroupID, error) {
	names := in.GroupNames
	if len(names)+len(in.GroupIDs) == 0 {
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
	for _, id := range in.GroupIDs {
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

// launch writes a reservation and its instances.
func (r *request) launch(tx *store.Tx, l *launch, groups []vpc.GroupID) (*vpc.Reservation, []*vpc.Instance, error) {
	addresses, err := r.endpoints(tx, r.Region, l.least, l.most)
	if err != nil {
		return nil, nil, err
	}
	reservation := &vpc.Reservation{
		ID:      vpc.ReservationID(newID("r", r.Account.Era)),
		Account: r.Account.ID, Region: r.Region, Groups: groups,
	}
	tx.PutReservation(reservation)
	number := tx.Take(store.InterfaceNumbers, uint64(len(addresses)))
	var instances []*vpc.Instance
	for index, at := range addresses {
		i := l.template
		i.ID, i.Reservation, i.LaunchIndex = newInstanceID(tx, r.Account.Era), reservation.ID, index
		i.Groups = groups
		i.Volumes = slices.Clone(i.Volumes)
		for v := range i.Volumes {
			i.Volumes[v].ID = newID("vol", r.Account.Era)
		}
		attachClassic(tx, &i, at, vpc.InterfaceNumber(number)+vpc.InterfaceNumber(index), r.Account.Era)
		tx.PutInstance(&i)
		instances = append(instances, &i)
	}
	return reservation, instances, nil
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
		tx.DeleteInterface(n)
	}
	i.Interface, i.PrivateAddr, i.PublicAddr = "", netip.Addr{}, netip.Addr{}
}
