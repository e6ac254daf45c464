package api

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type describeNetworkInterfacesInput struct {
	dryRun
	filters
	paging
	IDs []string `aws:"NetworkInterfaceId,bare"`
}

type describeNetworkInterfacesOutput struct {
	Interfaces []interfaceItem `aws:"networkInterfaceSet"`
	NextToken  string          `aws:"nextToken,omitempty"`
}

// describeNetworkInterfaces implements DescribeNetworkInterfaces. The interfaces
// of EC2-Classic are not shown. Who asks for an attachment by its id also meets
// one that is no more: clients wait until it is detached.
func (r *request) describeNetworkInterfaces(ctx context.Context, in *describeNetworkInterfacesInput) (*describeNetworkInterfacesOutput, error) {
	match, err := interfaceFilters.match(in.Filters)
	if err != nil {
		return nil, err
	}
	if len(in.IDs) > 0 && in.MaxResults != nil {
		return nil, errNamedInPages("networkInterfaceIds")
	}
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	interfaces, err := r.describedInterfaces(v.Reader, in.IDs)
	if err != nil {
		return nil, err
	}
	items := map[vpc.InterfaceID]interfaceItem{}
	var matching []*vpc.NetworkInterface
	showsDetached := in.names("attachment.attachment-id")
	for _, n := range interfaces {
		item := newInterfaceItem(v.Reader, n)
		if showsDetached && n.Detached != nil {
			item.showDetached(n.Detached)
		}
		if match(item) {
			items[n.ID] = item
			matching = append(matching, n)
		}
	}
	page, next, err := paginate(in.paging, matching, interfaceOrder)
	if err != nil {
		return nil, err
	}
	out := &describeNetworkInterfacesOutput{NextToken: next}
	for _, n := range page {
		out.Interfaces = append(out.Interfaces, items[n.ID])
	}
	return out, nil
}

// interfaceOrder sorts interfaces by when they were made.
func interfaceOrder(n *vpc.NetworkInterface) string { return fmt.Sprintf("%010d", n.Number) }

// describedInterfaces finds the interfaces with ids, all of which must exist;
// without ids all there are.
func (r *request) describedInterfaces(reader store.Reader, ids []string) ([]*vpc.NetworkInterface, error) {
	if len(ids) == 0 {
		return slices.DeleteFunc(reader.Interfaces(r.Region, r.Account.ID), func(n *vpc.NetworkInterface) bool {
			return n.Network == vpc.ClassicNetwork
		}), nil
	}
	var list []*vpc.NetworkInterface
	for _, id := range ids {
		n, err := r.interfaceByID(reader, id)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list, nil
}

// interfaceFilters are the filters of DescribeNetworkInterfaces (EC2 API
// reference).
var interfaceFilters = filterTable[interfaceItem]{
	values: map[string]func(interfaceItem) []string{
		"network-interface-id": func(n interfaceItem) []string { return []string{string(n.ID)} },
		"availability-zone":    func(n interfaceItem) []string { return []string{string(n.Zone)} },
		"availability-zone-id": func(n interfaceItem) []string { return []string{n.Zone.ID()} },
		"description":          func(n interfaceItem) []string { return []string{n.Description} },
		"interface-type":       func(n interfaceItem) []string { return []string{n.Type} },
		"mac-address":          func(n interfaceItem) []string { return []string{n.MAC} },
		"owner-id":             func(n interfaceItem) []string { return []string{string(n.Owner)} },
		"private-dns-name":     func(n interfaceItem) []string { return present(n.PrivateDNSName) },
		"requester-id":         func(n interfaceItem) []string { return present(n.Requester) },
		"requester-managed":    func(n interfaceItem) []string { return []string{strconv.FormatBool(n.RequesterManaged)} },
		"source-dest-check":    func(n interfaceItem) []string { return []string{strconv.FormatBool(n.SourceDestCheck)} },
		"status":               func(n interfaceItem) []string { return []string{n.Status} },
		"subnet-id":            func(n interfaceItem) []string { return []string{string(n.Subnet)} },
		"vpc-id":               func(n interfaceItem) []string { return []string{string(n.Network)} },

		"group-id":   func(n interfaceItem) []string { return groupItemIDs(n.Groups) },
		"group-name": func(n interfaceItem) []string { return groupItemNames(n.Groups) },

		"private-ip-address":              func(n interfaceItem) []string { return []string{n.PrivateAddr} },
		"addresses.private-ip-address":    ofAddresses(func(a privateAddressItem) string { return a.Address }),
		"addresses.primary":               ofAddresses(func(a privateAddressItem) string { return strconv.FormatBool(a.Primary) }),
		"ipv6-addresses.ipv6-address":     func(n interfaceItem) []string { return ipv6Texts(n.IPv6Addresses) },
		"addresses.association.public-ip": ofAssociations(func(a *associationItem) string { return a.Public }),
		"addresses.association.owner-id":  ofAssociations(func(a *associationItem) string { return a.Owner }),

		"association.public-ip":       ofAssociation(func(a *associationItem) string { return a.Public }),
		"association.public-dns-name": ofAssociation(func(a *associationItem) string { return a.DNSName }),
		"association.ip-owner-id":     ofAssociation(func(a *associationItem) string { return a.Owner }),
		"association.allocation-id":   ofAssociation(func(a *associationItem) string { return string(a.Allocation) }),
		"association.association-id":  ofAssociation(func(a *associationItem) string { return string(a.Association) }),

		"attachment.attachment-id":         ofAttachment(func(a *attachmentItem) string { return string(a.ID) }),
		"attachment.instance-id":           ofAttachment(func(a *attachmentItem) string { return string(a.Instance) }),
		"attachment.instance-owner-id":     ofAttachment(func(a *attachmentItem) string { return string(a.InstanceOwner) }),
		"attachment.device-index":          ofAttachment(func(a *attachmentItem) string { return strconv.Itoa(a.Device) }),
		"attachment.status":                ofAttachment(func(a *attachmentItem) string { return a.Status }),
		"attachment.attach-time":           ofAttachment(func(a *attachmentItem) string { return filterTime(a.Time) }),
		"attachment.delete-on-termination": ofAttachment(func(a *attachmentItem) string { return strconv.FormatBool(a.DeleteOnTermination) }),
	},
	tags: func(n interfaceItem) []vpc.Tag { return vpcTags(n.Tags) },
}

// The functions here make a filter of a part that an interface may have, once or
// several times. An empty value is none.

func ofAttachment(part func(*attachmentItem) string) func(interfaceItem) []string {
	return func(n interfaceItem) []string {
		if n.Attachment == nil {
			return nil
		}
		return present(part(n.Attachment))
	}
}

func ofAssociation(part func(*associationItem) string) func(interfaceItem) []string {
	return func(n interfaceItem) []string {
		if n.Association == nil {
			return nil
		}
		return present(part(n.Association))
	}
}

func ofAddresses(part func(privateAddressItem) string) func(interfaceItem) []string {
	return func(n interfaceItem) []string {
		var values []string
		for _, a := range n.Addresses {
			values = append(values, part(a))
		}
		return values
	}
}

func ofAssociations(part func(*associationItem) string) func(interfaceItem) []string {
	return func(n interfaceItem) []string {
		var values []string
		for _, a := range n.Addresses {
			if a.Association != nil {
				values = append(values, part(a.Association))
			}
		}
		return values
	}
}

type describeInterfaceAttributeInput struct {
	interfaceInput
	Attribute string `aws:"Attribute"`
}

type describeInterfaceAttributeOutput struct {
	ID              vpc.InterfaceID `aws:"networkInterfaceId"`
	Description     *textItem       `aws:"description"`
	SourceDestCheck *boolItem       `aws:"sourceDestCheck"`
	Groups          *[]groupItem    `aws:"groupSet"`
	Attachment      *attachmentItem `aws:"attachment"`
	AutoPublic      *bool           `aws:"associatePublicIpAddress"`
}

// textItem and boolItem are values of attributes in an answer.
type textItem struct {
	Value string `aws:"value"`
}

type boolItem struct {
	Value bool `aws:"value"`
}

// describeInterfaceAttribute implements DescribeNetworkInterfaceAttribute.
func (r *request) describeInterfaceAttribute(ctx context.Context, in *describeInterfaceAttributeInput) (*describeInterfaceAttributeOutput, error) {
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	n, err := r.interfaceByID(v.Reader, in.ID)
	if err != nil {
		return nil, err
	}
	item := newInterfaceItem(v.Reader, n)
	out := &describeInterfaceAttributeOutput{ID: n.ID}
	switch in.Attribute {
	case "description":
		out.Description = &textItem{n.Description}
	case "sourceDestCheck":
		out.SourceDestCheck = &boolItem{!n.NoSourceDestCheck}
	case "groupSet":
		out.Groups = &item.Groups
	case "attachment":
		out.Attachment = item.Attachment
	case "associatePublicIpAddress":
		out.AutoPublic = &n.AutoPublic
	case "":
		return nil, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter attribute")
	default:
		return nil, errAttribute(in.Attribute)
	}
	return out, nil
}

// errAttribute is the error for an attribute that a noun does not have.
func errAttribute(name string) error {
	return vpc.Errorf(vpc.InvalidParameterValue, "Value (%s) for parameter attribute is invalid. Unknown attribute.", name)
}

func groupItemIDs(items []groupItem) []string {
	ids := make([]string, len(items))
	for i, g := range items {
		ids[i] = string(g.ID)
	}
	return ids
}

func groupItemNames(items []groupItem) []string {
	names := make([]string, len(items))
	for i, g := range items {
		names[i] = g.Name
	}
	return names
}

func ipv6Texts(items []ipv6Item) []string {
	texts := make([]string, len(items))
	for i, a := range items {
		texts[i] = a.Address
	}
	return texts
}
