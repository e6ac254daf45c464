package api

import (
	"net/netip"
	"slices"
	"strings"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// A balancerPlace is where a node of a load balancer is to be: a zone of
// EC2-Classic, or a subnet.
type balancerPlace struct {
	zone   vpc.Zone
	subnet *vpc.Subnet // nil in EC2-Classic
}

// leastFree is how many addresses a subnet must have left for a node (ELB User
// Guide, "Prepare your VPC and EC2 instances").
const leastFree = 8

// nodeRequester is who has made the interfaces of nodes.
const nodeRequester = string(vpc.ELBAccount)

// placeBalancer finds the network of a new load balancer, and where in it its
// nodes are to be.
func (r *request) placeBalancer(tx *store.Tx, lb *vpc.LoadBalancer, in *createBalancerInput) ([]balancerPlace, error) {
	if len(in.Subnets) > 0 {
		places, err := r.subnetPlaces(tx, in.Subnets)
		if err != nil {
			return nil, err
		}
		lb.Network = places[0].subnet.Network
		return places, r.checkGateway(tx.Reader, lb)
	}
	if r.Account.Platform == vpc.PlatformClassic {
		lb.Network = vpc.ClassicNetwork
		if lb.Scheme == vpc.Internal {
			return nil, vpc.Errorf(vpc.InvalidScheme, "Internal load balancers are not supported in EC2-Classic.")
		}
	} else {
		v, _ := tx.DefaultVPC(r.Region, r.Account.ID)
		if v == nil {
			return nil, errInvalid("There is no default VPC for this account; specify subnets")
		}
		lb.Network = v.ID
		if err := r.checkGateway(tx.Reader, lb); err != nil {
			return nil, err
		}
	}
	return r.zonePlaces(tx, lb, in.Zones)
}

// zonePlaces finds the places of zones: those of EC2-Classic, or the default
// subnets of a default VPC.
func (r *request) zonePlaces(tx *store.Tx, lb *vpc.LoadBalancer, names []string) ([]balancerPlace, error) {
	var places []balancerPlace
	for _, name := range names {
		zone := vpc.Zone(name)
		if !slices.Contains(zonesOf(r.Region), zone) {
			return nil, errInvalid("The requested Availability Zone(s) are not valid: %s", name)
		}
		if slices.ContainsFunc(places, func(p balancerPlace) bool { return p.zone == zone }) {
			continue
		}
		p := balancerPlace{zone: zone}
		if !lb.IsClassic() {
			s := r.defaultSubnetIn(tx.Reader, lb.Network, zone)
			if s == nil {
				return nil, vpc.Errorf(vpc.InvalidSubnet, "Default subnet not found in Availability Zone %s", zone)
			}
			p.subnet = s
		}
		places = append(places, p)
	}
	return places, nil
}

func (r *request) defaultSubnetIn(reader store.Reader, network vpc.NetworkID, zone vpc.Zone) *vpc.Subnet {
	for _, s := range r.subnetsOf(reader, network) {
		if s.DefaultForZone && s.Zone == zone {
			return s
		}
	}
	return nil
}

// subnetPlaces finds the places of subnets, which are of one VPC and in a zone
// each.
func (r *request) subnetPlaces(tx *store.Tx, ids []string) ([]balancerPlace, error) {
	var places []balancerPlace
	for _, id := range ids {
		s := tx.Subnet(r.Region, r.Account.ID, vpc.SubnetID(id))
		if s == nil {
			return nil, vpc.Errorf(vpc.SubnetNotFound, "The subnet ID '%s' does not exist", id)
		}
		for _, p := range places {
			switch {
			case p.subnet.Network != s.Network:
				return nil, errConfiguration("The subnets '%s' and '%s' do not belong to the same VPC.", p.subnet.ID, s.ID)
			case p.zone == s.Zone:
				return nil, errSameZone()
			}
		}
		places = append(places, balancerPlace{s.Zone, s})
	}
	return places, nil
}

func errSameZone() error {
	return errConfiguration("A load balancer cannot be attached to multiple subnets in the same Availability Zone.")
}

// checkGateway refuses an internet-facing load balancer in a VPC that has no
// internet gateway.
func (r *request) checkGateway(reader store.Reader, lb *vpc.LoadBalancer) error {
	if lb.Scheme != vpc.InternetFacing || slices.ContainsFunc(reader.Gateways(r.Region, r.Account.ID), func(g *vpc.InternetGateway) bool {
		return g.Network == lb.Network
	}) {
		return nil
	}
	return vpc.Errorf(vpc.InvalidSubnet, "VPC %s has no internet gateway", lb.Network)
}

// addNodes makes the nodes of a load balancer, a copy, in places where it has
// none. A place that it has already is passed over.
func (r *request) addNodes(tx *store.Tx, lb *vpc.LoadBalancer, places []balancerPlace) error {
	lb.Nodes = slices.Clone(lb.Nodes)
	for _, p := range places {
		i := slices.IndexFunc(lb.Nodes, func(n vpc.LoadBalancerNode) bool { return n.Zone == p.zone })
		switch {
		case i >= 0 && (p.subnet == nil || lb.Nodes[i].Subnet == p.subnet.ID):
			continue
		case i >= 0:
			return errSameZone()
		}
		n, err := r.newNode(tx, lb, p)
		if err != nil {
			return err
		}
		tx.PutInterface(n)
		lb.Nodes = append(lb.Nodes, vpc.LoadBalancerNode{Zone: p.zone, Subnet: n.Subnet, Interface: n.ID})
	}
	return nil
}

// newNode returns the interface of a node, which is the caller's to put.
func (r *request) newNode(tx *store.Tx, lb *vpc.LoadBalancer, p balancerPlace) (*vpc.NetworkInterface, error) {
	template := vpc.NetworkInterface{
		Description: "ELB " + lb.Name, Requester: nodeRequester, LoadBalancer: lb.ID,
		Groups: slices.Sorted(slices.Values(lb.Groups)),
	}
	if p.subnet == nil {
		return r.newClassicNode(tx, p.zone, template)
	}
	if len(ipv4Block(p.subnet).free(tx, leastFree)) < leastFree {
		return nil, vpc.Errorf(vpc.InvalidSubnet, "Not enough IP space available in %s. ELB requires at least %d free IP addresses in each subnet.", p.subnet.ID, leastFree)
	}
	n, err := r.newInterface(tx, p.subnet, wantedAddresses{moreIPv6: new(int)}, template)
	if err != nil || lb.Scheme == vpc.Internal {
		return n, err
	}
	public := r.freePublic(tx, 1)
	if len(public) == 0 {
		return nil, errNoPublic(0, 1)
	}
	givePublic(n, n.Primary(), public[0])
	return n, nil
}

// newClassicNode returns the interface of a node in EC2-Classic. It is the
// service's own, and in amazon-elb-sg as all of them are.
func (r *request) newClassicNode(tx *store.Tx, zone vpc.Zone, n vpc.NetworkInterface) (*vpc.NetworkInterface, error) {
	at, err := r.endpoints(tx, r.Region, 1, 1)
	if err != nil {
		return nil, err
	}
	n.ID = newIDUnless("eni", r.Account.Era, func(id vpc.InterfaceID) bool { return tx.Interface(r.Region, vpc.ELBAccount, id) != nil })
	n.Number = vpc.InterfaceNumber(tx.Take(store.InterfaceNumbers, 1))
	n.Account, n.Region, n.Zone = vpc.ELBAccount, r.Region, zone
	n.Network, n.NetworkNo = vpc.ClassicNetwork, tx.NetworkNumber(r.Region, vpc.ClassicNetwork)
	n.Subnet, n.SubnetNo = vpc.ClassicSubnet, tx.SubnetNumber(r.Region, vpc.ClassicSubnet)
	n.Groups = []vpc.GroupID{r.elbGroup(tx).ID}
	n.Identity = tx.Intern(n.Groups)
	n.Addresses = []netip.Addr{at[0].private}
	n.Public = map[netip.Addr]netip.Addr{at[0].private: at[0].public}
	return &n, nil
}

// removeNodes deletes the nodes of a load balancer, a copy, for which gone is
// true. One must be left.
func removeNodes(tx *store.Tx, lb *vpc.LoadBalancer, what string, gone func(vpc.LoadBalancerNode) bool) error {
	var left []vpc.LoadBalancerNode
	for _, n := range lb.Nodes {
		if gone(n) {
			deleteNode(tx, lb, n)
		} else {
			left = append(left, n)
		}
	}
	if len(left) == 0 {
		return errConfiguration("You must have at least one %s for the load balancer '%s'.", what, lb.Name)
	}
	lb.Nodes = left
	return nil
}

// deleteNode deletes the interface of a node.
func deleteNode(tx *store.Tx, lb *vpc.LoadBalancer, n vpc.LoadBalancerNode) {
	if i := nodeInterface(tx.Reader, lb, n); i != nil {
		tx.DeleteInterface(i)
	}
}

// nodeInterface returns the interface of a node.
func nodeInterface(reader store.Reader, lb *vpc.LoadBalancer, n vpc.LoadBalancerNode) *vpc.NetworkInterface {
	owner := lb.Account
	if lb.IsClassic() {
		owner = vpc.ELBAccount
	}
	return reader.Interface(lb.Region, owner, n.Interface)
}

// nodeAttachmentPrefix is how the ids of attachments begin that are the
// service's.
const nodeAttachmentPrefix = "ela-attach"

// nodeAttachment is what the interface of a node shows: it is attached to a
// machine of the service's, which is as old as the load balancer.
func nodeAttachment(reader store.Reader, n *vpc.NetworkInterface) *attachmentItem {
	_, digits, _ := strings.Cut(string(n.ID), "-")
	item := &attachmentItem{InstanceOwner: vpc.ELBAccount}
	item.ID, item.Device, item.Status = vpc.AttachmentID(nodeAttachmentPrefix+"-"+digits), 1, attached
	if lb := reader.LoadBalancer(n.LoadBalancer); lb != nil {
		item.Time = shownTime(lb.Created)
	}
	return item
}
