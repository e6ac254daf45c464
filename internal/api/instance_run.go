package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"time"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type runInstancesInput struct {
	dryRun
	ImageID    string   `aws:"ImageId,required"`
	MinCount   int      `aws:"MinCount,required"`
	MaxCount   int      `aws:"MaxCount,required"`
	GroupNames []string `aws:"SecurityGroup,bare"`
	GroupIDs   []string `aws:"SecurityGroupId,bare,since=2011-01-01"`
	launchAddressInput
	launchOptionsInput
	Interfaces   []launchInterfaceInput `aws:"NetworkInterface,since=2011-11-15"`
	Placement    placementInput         `aws:"Placement"`
	UserData     string                 `aws:"UserData"`
	ClientToken  string                 `aws:"ClientToken,since=2010-08-31"`
	InstanceType string                 `aws:"InstanceType"`
	KeyName      string                 `aws:"KeyName"`
	KernelID     string                 `aws:"KernelId"`
	RamdiskID    string                 `aws:"RamdiskId"`
	Monitoring   monitoringInput        `aws:"Monitoring,since=2009-04-04"`
	EBSOptimized bool                   `aws:"EbsOptimized,since=2012-07-20"`
	KeepAlive    bool                   `aws:"DisableApiTermination,since=2009-10-31"`
	KeepRunning  bool                   `aws:"DisableApiStop,since=2016-11-15"`
	AtShutdown   string                 `aws:"InstanceInitiatedShutdownBehavior,since=2009-10-31"`
	BlockDevices []blockDeviceInput     `aws:"BlockDeviceMapping"`
	Tags         []tagSpecification     `aws:"TagSpecification,since=2016-11-15"`
}

// launchAddressInput asks for one interface without naming it.
type launchAddressInput struct {
	SubnetID    string             `aws:"SubnetId,since=2009-07-15"`
	PrivateAddr string             `aws:"PrivateIpAddress,since=2011-01-01"`
	IPv6        []ipv6AddressInput `aws:"Ipv6Address,since=2016-11-15"`
	IPv6Count   *int               `aws:"Ipv6AddressCount,since=2016-11-15"`
	PrimaryIPv6 bool               `aws:"EnablePrimaryIpv6"`
}

type placementInput struct {
	Zone    vpc.Zone `aws:"AvailabilityZone"`
	Tenancy string   `aws:"Tenancy,since=2011-02-28"`
}

type monitoringInput struct {
	Enabled bool `aws:"Enabled"`
}

// What an instance has when the call does not say (EC2 API reference,
// RunInstances; the ids are those of the EC2 User Guide 2012's samples).
const (
	defaultType    = "m1.small"     // in EC2-Classic
	defaultVPCType = "m5.large"     // as no type of the time of m1.small has IPv6
	defaultKernel  = "aki-94c527fd" // of a paravirtual one
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

	zone       vpc.Zone          // asked for; "": any
	interfaces []launchInterface // of each instance; none in EC2-Classic
	groupNames []string          // in EC2-Classic, and of the only interface
	groupIDs   []string
}

// runInstances implements RunInstances: as many instances as there are
// addresses for, MaxCount at the most; fewer than MinCount and none is launched.
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
		reservation, instances, err := r.launch(tx, l)
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
		return nil, errInstanceType(in.InstanceType)
	}
	zones := zonesOf(r.Region)
	switch {
	case in.Placement.Zone != "" && !slices.Contains(zones, in.Placement.Zone):
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "Invalid availability zone: [%s]", in.Placement.Zone)
	case !slices.Contains([]string{"", defaultTenancy}, in.Placement.Tenancy):
		return nil, vpc.Errorf(vpc.UnsupportedOperation, "The tenancy %s is not supported by ringfence.", in.Placement.Tenancy)
	case !slices.Contains([]string{"", stopAtShutdown, terminateAtShutdown}, in.AtShutdown):
		return nil, errShutdownBehavior(in.AtShutdown)
	}
	if err := in.checkOptions(); err != nil {
		return nil, err
	}
	if err := checkPrimaryIPv6(in.PrimaryIPv6); err != nil {
		return nil, err
	}
	userData, err := decodeUserData(in.UserData)
	if err != nil {
		return nil, err
	}
	volumes, err := volumesFor(in.BlockDevices)
	if err != nil {
		return nil, err
	}
	interfaces, err := r.launchInterfaces(in)
	if err != nil {
		return nil, err
	}
	taggable, usualType := []string{"instance", "volume"}, defaultType
	if len(interfaces) > 0 {
		taggable, usualType = append(taggable, "network-interface"), defaultVPCType
	}
	tags, err := tagsForEach(in.Tags, taggable...)
	if err != nil {
		return nil, err
	}
	for i := range volumes {
		volumes[i].Tags = tags["volume"]
	}
	for i := range interfaces {
		interfaces[i].tags = tags["network-interface"]
	}
	profile, err := in.Profile.arn(r.Account.ID)
	if err != nil {
		return nil, err
	}
	instanceType := or(in.InstanceType, usualType)
	if err := in.CPU.check(instanceType); err != nil {
		return nil, err
	}
	kernel, ramdisk := usualKernel(instanceType)
	now := time.Now().UTC()
	l := &launch{
		least: in.MinCount, most: in.MaxCount, fingerprint: fingerprint(r.params),
		zone: in.Placement.Zone, interfaces: interfaces, groupNames: in.GroupNames, groupIDs: in.GroupIDs,
		template: vpc.Instance{
			Account: r.Account.ID, Region: r.Region,
			Image: vpc.ImageID(in.ImageID), Type: instanceType, KeyName: in.KeyName,
			Kernel: or(in.KernelID, kernel), Ramdisk: or(in.RamdiskID, ramdisk),
			UserData: userData, ClientToken: in.ClientToken, Monitoring: in.Monitoring.Enabled, EBSOptimized: in.EBSOptimized,
			CPUCredits: in.Credits.CPU, Profile: profile,
			NoAutoRecovery: in.Maintenance.AutoRecovery == recoveryDisabled, NoCapacity: in.Capacity.Preference == capacityNone,
			KeepAlive: in.KeepAlive, KeepRunning: in.KeepRunning, TerminateAtShutdown: in.AtShutdown == terminateAtShutdown,
			LaunchTime: now, State: vpc.Pending, StateSince: now, Volumes: volumes, Tags: tags["instance"], Generation: 1,
		},
	}
	in.Metadata.change(&l.template.Metadata)
	return l, nil
}

// usualKernel is what instances of a type boot when nobody says otherwise:
// nothing that has a name, unless they are paravirtual.
func usualKernel(instanceType string) (kernel, ramdisk string) {
	if !isParavirtual(instanceType) {
		return "", ""
	}
	return defaultKernel, defaultRamdisk
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
