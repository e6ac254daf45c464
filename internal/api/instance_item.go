package api

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// reservationItem is a reservation with its instances in an answer.
type reservationItem struct {
	ID        vpc.ReservationID `aws:"reservationId"`
	OwnerID   vpc.AccountID     `aws:"ownerId"`
	Groups    []groupItem       `aws:"groupSet"`
	Instances []instanceItem    `aws:"instancesSet"`
}

// groupItem is a group that a noun is in. Groups had no ids before 2011, and
// their name stood where the id is now.
type groupItem struct {
	OldName string      `aws:"groupId,until=2010-12-31"`
	ID      vpc.GroupID `aws:"groupId,since=2011-01-01"`
	Name    string      `aws:"groupName,since=2011-01-01"`
}

// instanceItem is an instance in an answer (EC2 API reference, Instance).
type instanceItem struct {
	ID                 vpc.InstanceID          `aws:"instanceId"`
	Image              vpc.ImageID             `aws:"imageId"`
	State              stateItem               `aws:"instanceState"`
	PrivateDNSName     string                  `aws:"privateDnsName"`
	DNSName            string                  `aws:"dnsName"`
	Reason             string                  `aws:"reason"`
	KeyName            string                  `aws:"keyName,omitempty"`
	LaunchIndex        int                     `aws:"amiLaunchIndex"`
	ProductCodes       []productCodeItem       `aws:"productCodes"`
	Type               string                  `aws:"instanceType"`
	LaunchTime         time.Time               `aws:"launchTime"`
	Placement          placementItem           `aws:"placement"`
	Kernel             string                  `aws:"kernelId,omitempty"`
	Ramdisk            string                  `aws:"ramdiskId,omitempty"`
	Monitoring         monitoringItem          `aws:"monitoring,since=2009-04-04"`
	Subnet             vpc.SubnetID            `aws:"subnetId,since=2009-04-04,omitempty"`
	Network            vpc.NetworkID           `aws:"vpcId,since=2009-04-04,omitempty"`
	PrivateAddr        string                  `aws:"privateIpAddress,since=2009-04-04,omitempty"`
	PublicAddr         string                  `aws:"ipAddress,since=2009-04-04,omitempty"`
	IPv6Addr           string                  `aws:"ipv6Address,since=2016-11-15,omitempty"`
	SourceDestCheck    *bool                   `aws:"sourceDestCheck,since=2011-01-01"`
	Groups             []groupItem             `aws:"groupSet,since=2011-07-15"`
	StateReason        *stateReasonItem        `aws:"stateReason,since=2009-10-31"`
	Architecture       string                  `aws:"architecture,since=2009-10-31"`
	RootDeviceType     string                  `aws:"rootDeviceType,since=2009-10-31"`
	RootDeviceName     string                  `aws:"rootDeviceName,since=2009-10-31"`
	BlockDevices       []blockDeviceItem       `aws:"blockDeviceMapping,since=2009-10-31"`
	VirtualizationType string                  `aws:"virtualizationType,since=2010-08-31"`
	ClientToken        string                  `aws:"clientToken,since=2010-08-31"`
	Tags               []tagItem               `aws:"tagSet,since=2010-08-31"`
	Hypervisor         string                  `aws:"hypervisor,since=2010-08-31"`
	Interfaces         []instanceInterfaceItem `aws:"networkInterfaceSet,since=2011-11-15"` // EC2-Classic shows none
	EBSOptimized       bool                    `aws:"ebsOptimized,since=2012-07-20"`
	instanceOptionsItem
}

type stateItem struct {
	Code int    `aws:"code"`
	Name string `aws:"name"`
}

type productCodeItem struct {
	Code string `aws:"productCode"`
}

type placementItem struct {
	Zone      vpc.Zone `aws:"availabilityZone"`
	GroupName string   `aws:"groupName,since=2010-08-31"`
	Tenancy   string   `aws:"tenancy,since=2011-01-01"`
}

type monitoringItem struct {
	State string `aws:"state"`
}

type stateReasonItem struct {
	Code    string `aws:"code"`
	Message string `aws:"message"`
}

type blockDeviceItem struct {
	Device string  `aws:"deviceName"`
	EBS    ebsItem `aws:"ebs"`
}

type ebsItem struct {
	Volume              string    `aws:"volumeId"`
	Status              string    `aws:"status"`
	AttachTime          time.Time `aws:"attachTime"`
	DeleteOnTermination bool      `aws:"deleteOnTermination"`
}

// What every instance says about its virtual machine.
const (
	architecture   = "x86_64"
	rootDeviceType = "ebs"
	rootDevice     = "/dev/sda1"
	hypervisor     = "xen"
)

// How an instance is a virtual machine.
const (
	paravirtual = "paravirtual"
	hvm         = "hvm"
)

func newReservationItem(reader store.Reader, r *vpc.Reservation, instances []*vpc.Instance) reservationItem {
	item := reservationItem{ID: r.ID, OwnerID: r.Account, Groups: groupItems(reader, r.Region, r.Groups)}
	for _, i := range instances {
		item.Instances = append(item.Instances, newInstanceItem(reader, i))
	}
	return item
}

// groupItems leaves out groups that exist no more.
func groupItems(reader store.Reader, region vpc.Region, ids []vpc.GroupID) []groupItem {
	var items []groupItem
	for _, id := range ids {
		if g := reader.Group(region, id); g != nil {
			items = append(items, groupItem{OldName: g.Name, ID: g.ID, Name: g.Name})
		}
	}
	return items
}

func newInstanceItem(reader store.Reader, i *vpc.Instance) instanceItem {
	item := instanceItem{
		ID: i.ID, Image: i.Image, State: newStateItem(i.State), Reason: reasonText(i),
		KeyName: i.KeyName, LaunchIndex: i.LaunchIndex, Type: i.Type, LaunchTime: shownTime(i.LaunchTime),
		Placement: placementItem{Zone: i.Zone, Tenancy: "default"},
		Kernel:    i.Kernel, Ramdisk: i.Ramdisk, Monitoring: monitoringItem{"disabled"},
		Architecture: architecture, RootDeviceType: rootDeviceType, RootDeviceName: rootDevice,
		VirtualizationType: virtualization(i.Type), Hypervisor: hypervisor,
		ClientToken: i.ClientToken, Tags: tagItems(i.Tags), EBSOptimized: i.EBSOptimized,
		instanceOptionsItem: newInstanceOptionsItem(i),
	}
	if i.Monitoring {
		item.Monitoring.State = "enabled"
	}
	if i.StateReason.Code != "" {
		item.StateReason = &stateReasonItem{i.StateReason.Code, i.StateReason.Message}
	}
	if i.State == vpc.Terminated {
		return item
	}
	item.Groups = groupItems(reader, i.Region, i.Groups)
	if i.State != vpc.Pending {
		for _, v := range i.Volumes {
			item.BlockDevices = append(item.BlockDevices,
				blockDeviceItem{v.Device, ebsItem{v.ID, "attached", shownTime(i.LaunchTime), v.DeleteOnTermination}})
		}
		item.PrivateAddr, item.PublicAddr = shownAddr(i.PrivateAddr), shownAddr(i.PublicAddr)
		item.PrivateDNSName, item.DNSName = vpc.PrivateDNSName(i.Region, i.PrivateAddr), vpc.PublicDNSName(i.Region, i.PublicAddr)
	}
	if i.Network != vpc.ClassicNetwork {
		item.showPlace(reader, i)
	}
	return item
}

// showPlace says where in a VPC an instance is. Its private address is its own
// from the launch on.
func (item *instanceItem) showPlace(reader store.Reader, i *vpc.Instance) {
	v := reader.VPC(i.Region, i.Account, i.Network)
	for _, n := range interfacesOf(reader, i) {
		item.Interfaces = append(item.Interfaces, newInstanceInterfaceItem(reader, n))
		if n.Attachment.Device == 0 {
			item.Subnet, item.Network, item.SourceDestCheck = n.Subnet, n.Network, new(!n.NoSourceDestCheck)
			if ipv6 := ipv6Of(n); len(ipv6) > 0 {
				item.IPv6Addr = ipv6[0].String()
			}
		}
	}
	item.PrivateAddr, item.PrivateDNSName = shownAddr(i.PrivateAddr), vpc.PrivateDNSName(i.Region, i.PrivateAddr)
	if i.State != vpc.Pending {
		item.DNSName = publicNameIn(v, i.PublicAddr)
	}
}

// interfacesOf returns the interfaces of an instance by rising device.
func interfacesOf(reader store.Reader, i *vpc.Instance) []*vpc.NetworkInterface {
	var list []*vpc.NetworkInterface
	for _, id := range slices.Concat([]vpc.InterfaceID{i.Interface}, i.Secondary) {
		if n := reader.Interface(i.Region, i.Account, id); n != nil {
			list = append(list, n)
		}
	}
	slices.SortFunc(list, func(a, b *vpc.NetworkInterface) int { return cmp.Compare(a.Attachment.Device, b.Attachment.Device) })
	return list
}

func newStateItem(s vpc.InstanceState) stateItem { return stateItem{int(s), s.String()} }

// shownTime is a time as the API prints it: in whole seconds.
func shownTime(t time.Time) time.Time { return t.Truncate(time.Second) }

// shownAddr is an address as the API prints it: nothing for none.
func shownAddr(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// reasonText is the reason of the last state change in its old form.
func reasonText(i *vpc.Instance) string {
	switch {
	case i.StateReason.Code == "":
		return ""
	case i.StateReason == userShutdown:
		return fmt.Sprintf("User initiated (%s)", i.StateSince.UTC().Format("2006-01-02 15:04:05 MST"))
	default:
		return i.StateReason.Code
	}
}
