package api

import (
	"fmt"
	"net/netip"
	"time"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// interfaceFace is what an interface shows of itself, by itself and as a part of
// an instance.
type interfaceFace struct {
	ID              vpc.InterfaceID `aws:"networkInterfaceId"`
	Subnet          vpc.SubnetID    `aws:"subnetId"`
	Network         vpc.NetworkID   `aws:"vpcId"`
	Description     string          `aws:"description"`
	Owner           vpc.AccountID   `aws:"ownerId"`
	Status          string          `aws:"status"`
	MAC             string          `aws:"macAddress"`
	PrivateAddr     string          `aws:"privateIpAddress"`
	PrivateDNSName  string          `aws:"privateDnsName,omitempty"`
	SourceDestCheck bool            `aws:"sourceDestCheck"`
	Groups          []groupItem     `aws:"groupSet"`
	IPv6Addresses   []ipv6Item      `aws:"ipv6AddressesSet,since=2016-11-15"`
	Type            string          `aws:"interfaceType,since=2016-11-15"`
	Timeouts        *timeoutsItem   `aws:"connectionTrackingConfiguration,since=2016-11-15"`
}

type ipv6Item struct {
	Address string `aws:"ipv6Address"`
}

type timeoutsItem struct {
	TCPEstablished int `aws:"tcpEstablishedTimeout,omitempty"`
	UDPStream      int `aws:"udpStreamTimeout,omitempty"`
	UDP            int `aws:"udpTimeout,omitempty"`
}

// interfaceItem is an interface in an answer (EC2 API reference,
// NetworkInterface).
type interfaceItem struct {
	interfaceFace
	Zone             vpc.Zone             `aws:"availabilityZone"`
	Requester        string               `aws:"requesterId,omitempty"`
	RequesterManaged bool                 `aws:"requesterManaged"`
	Attachment       *attachmentItem      `aws:"attachment"`
	Association      *associationItem     `aws:"association"`
	Addresses        []privateAddressItem `aws:"privateIpAddressesSet,since=2012-07-20"`
	Tags             []tagItem            `aws:"tagSet"`
}

type attachmentItem struct {
	instanceAttachmentItem
	Instance      vpc.InstanceID `aws:"instanceId,omitempty"`
	InstanceOwner vpc.AccountID  `aws:"instanceOwnerId"`
}

type associationItem struct {
	instanceAssociationItem
	Allocation  vpc.AllocationID  `aws:"allocationId,omitempty"`
	Association vpc.AssociationID `aws:"associationId,omitempty"`
}

type privateAddressItem struct {
	instanceAddressItem
	Association *associationItem `aws:"association"`
}

// instanceInterfaceItem is an interface of an instance in an answer (EC2 API
// reference, InstanceNetworkInterface).
type instanceInterfaceItem struct {
	interfaceFace
	Attachment  instanceAttachmentItem   `aws:"attachment"`
	Association *instanceAssociationItem `aws:"association"`
	Addresses   []instancePrivateItem    `aws:"privateIpAddressesSet,since=2012-07-20"`
}

type instanceAttachmentItem struct {
	ID                  vpc.AttachmentID `aws:"attachmentId"`
	Device              int              `aws:"deviceIndex"`
	Status              string           `aws:"status"`
	Time                time.Time        `aws:"attachTime"`
	DeleteOnTermination bool             `aws:"deleteOnTermination"`
}

type instanceAssociationItem struct {
	Public  string `aws:"publicIp"`
	DNSName string `aws:"publicDnsName"`
	Owner   string `aws:"ipOwnerId"` // the account, or amazon for an address of the pool
}

type instanceAddressItem struct {
	Address string `aws:"privateIpAddress"`
	DNSName string `aws:"privateDnsName,omitempty"`
	Primary bool   `aws:"primary"`
}

type instancePrivateItem struct {
	instanceAddressItem
	Association *instanceAssociationItem `aws:"association"`
}

// What is the same of every interface.
const (
	interfaceType = "interface"
	poolOwner     = "amazon" // of public addresses that no account keeps
	attached      = "attached"
	detached      = "detached"
)

func newInterfaceItem(reader store.Reader, n *vpc.NetworkInterface) interfaceItem {
	v := reader.VPC(n.Region, n.Account, n.Network)
	item := interfaceItem{
		interfaceFace: newInterfaceFace(reader, v, n),
		Zone:          n.Zone, Requester: n.Requester, RequesterManaged: n.Requester != "", Tags: tagItems(n.Tags),
	}
	if n.Attachment != nil {
		item.Attachment = &attachmentItem{newInstanceAttachmentItem(n.Attachment), n.Instance, n.Account}
	}
	if n.IsBalancerNode() {
		item.Attachment = nodeAttachment(reader, n)
	}
	for i, a := range ipv4Of(n) {
		association := newAssociationItem(reader, v, n, a)
		item.Addresses = append(item.Addresses, privateAddressItem{newInstanceAddressItem(v, n, i), association})
	}
	item.Association = item.Addresses[0].Association
	return item
}

// showDetached shows the attachment that an interface had last.
func (item *interfaceItem) showDetached(d *vpc.Detachment) {
	item.Attachment = &attachmentItem{newInstanceAttachmentItem(&d.Attachment), d.Instance, item.Owner}
	item.Attachment.Status = detached
}

func newInstanceInterfaceItem(reader store.Reader, n *vpc.NetworkInterface) instanceInterfaceItem {
	v := reader.VPC(n.Region, n.Account, n.Network)
	item := instanceInterfaceItem{interfaceFace: newInterfaceFace(reader, v, n), Attachment: newInstanceAttachmentItem(n.Attachment)}
	for i, a := range ipv4Of(n) {
		address := instancePrivateItem{instanceAddressItem: newInstanceAddressItem(v, n, i)}
		if full := newAssociationItem(reader, v, n, a); full != nil {
			address.Association = &full.instanceAssociationItem
		}
		item.Addresses = append(item.Addresses, address)
	}
	item.Association = item.Addresses[0].Association
	return item
}

func newInterfaceFace(reader store.Reader, v *vpc.VPC, n *vpc.NetworkInterface) interfaceFace {
	face := interfaceFace{
		ID: n.ID, Subnet: n.Subnet, Network: n.Network, Description: n.Description, Owner: n.Account,
		Status: interfaceStatus(n), MAC: macText(n.MAC()), SourceDestCheck: !n.NoSourceDestCheck,
		PrivateAddr: n.Primary().String(), PrivateDNSName: privateNameIn(v, n.Primary()),
		Groups: groupItems(reader, n.Region, n.Groups), Type: interfaceType,
	}
	for _, a := range ipv6Of(n) {
		face.IPv6Addresses = append(face.IPv6Addresses, ipv6Item{a.String()})
	}
	if n.Timeouts != (vpc.ConnectionTimeouts{}) {
		face.Timeouts = new(timeoutsItem(n.Timeouts))
	}
	return face
}

func newInstanceAttachmentItem(a *vpc.Attachment) instanceAttachmentItem {
	return instanceAttachmentItem{ID: a.ID, Device: a.Device, Status: attached, Time: shownTime(a.Time), DeleteOnTermination: a.DeleteOnTermination}
}

func newInstanceAddressItem(v *vpc.VPC, n *vpc.NetworkInterface, index int) instanceAddressItem {
	a := n.Addresses[index]
	return instanceAddressItem{Address: a.String(), DNSName: privateNameIn(v, a), Primary: index == 0}
}

// newAssociationItem says what public address a private one has, nil for none.
func newAssociationItem(reader store.Reader, v *vpc.VPC, n *vpc.NetworkInterface, private netip.Addr) *associationItem {
	public, ok := n.Public[private]
	if !ok {
		return nil
	}
	item := &associationItem{instanceAssociationItem: instanceAssociationItem{
		Public: public.String(), DNSName: publicNameIn(v, public), Owner: poolOwner,
	}}
	if e := reader.Address(n.Region, n.Account, public); e != nil {
		item.Owner, item.Allocation, item.Association = string(e.Account), e.Allocation, e.Association
	}
	return item
}

// publicNameIn is the name of a public address of a VPC, "" where the VPC gives
// none (Amazon VPC User Guide, "DNS attributes for your VPC").
func publicNameIn(v *vpc.VPC, a netip.Addr) string {
	if v == nil || !v.DNSSupport || !v.DNSHostnames {
		return ""
	}
	return vpc.PublicDNSName(v.Region, a)
}

// privateNameIn is the name of a private address of a VPC, "" where interfaces
// show none.
func privateNameIn(v *vpc.VPC, a netip.Addr) string {
	if v == nil || !v.DNSSupport || !v.DNSHostnames {
		return ""
	}
	return vpc.PrivateDNSName(v.Region, a)
}

// ipv4Of returns the IPv4 addresses of an interface, the primary one first.
func ipv4Of(n *vpc.NetworkInterface) []netip.Addr {
	end := 0
	for end < len(n.Addresses) && n.Addresses[end].Is4() {
		end++
	}
	return n.Addresses[:end:end]
}

// ipv6Of returns the IPv6 addresses of an interface, which follow the others.
func ipv6Of(n *vpc.NetworkInterface) []netip.Addr { return n.Addresses[len(ipv4Of(n)):] }

func interfaceStatus(n *vpc.NetworkInterface) string {
	if n.Instance == "" && !n.IsBalancerNode() {
		return "available"
	}
	return "in-use"
}

func macText(mac [6]byte) string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5])
}
