package store

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"ringfence/internal/vpc"
)

// A source is what nouns are read from: a snapshot, or a transaction.
type source interface {
	get(k string) any
	scan(collection string, f func(k string, noun any) bool)
	count(collection string) int
}

// A Reader finds nouns. What does not exist is nil, or an empty list.
type Reader struct{ src source }

// lookup returns the noun at k, nil if there is none.
func lookup[T any](r Reader, k string) *T {
	noun, _ := r.src.get(k).(*T)
	return noun
}

// list returns the nouns of a collection in the order of their keys.
func list[T any](r Reader, collection string) []*T {
	var nouns []*T
	r.src.scan(collection, func(_ string, noun any) bool {
		if n, ok := noun.(*T); ok {
			nouns = append(nouns, n)
		}
		return true
	})
	return nouns
}

// Account returns the account with an id.
func (r Reader) Account(id vpc.AccountID) *vpc.Account {
	return lookup[vpc.Account](r, accountKey(id))
}

// AccountWithKey returns the account that an access key belongs to.
func (r Reader) AccountWithKey(accessKey string) *vpc.Account {
	id := lookup[vpc.AccountID](r, accessKeyKey(accessKey))
	if id == nil {
		return nil
	}
	return r.Account(*id)
}

// Accounts returns all accounts by rising id.
func (r Reader) Accounts() []*vpc.Account {
	return list[vpc.Account](r, collectionOf(accountKey("")))
}

// Group returns the group with an id, whoever owns it.
func (r Reader) Group(region vpc.Region, id vpc.GroupID) *vpc.SecurityGroup {
	home := lookup[Home](r, homeKey(region, string(id)))
	if home == nil {
		return nil
	}
	return lookup[vpc.SecurityGroup](r, groupKey(region, home.Account, id))
}

// GroupNamed returns an account's group with a name in a network. In a VPC case
// makes no difference.
func (r Reader) GroupNamed(region vpc.Region, account vpc.AccountID, network vpc.NetworkID, name string) *vpc.SecurityGroup {
	id := lookup[vpc.GroupID](r, nameKey(region, account, network, name))
	if id == nil {
		return nil
	}
	return lookup[vpc.SecurityGroup](r, groupKey(region, account, *id))
}

// Groups returns an account's groups by rising id.
func (r Reader) Groups(region vpc.Region, account vpc.AccountID) []*vpc.SecurityGroup {
	return list[vpc.SecurityGroup](r, collectionOf(groupKey(region, account, "")))
}

// CountGroups returns how many groups an account has in a network.
func (r Reader) CountGroups(region vpc.Region, account vpc.AccountID, network vpc.NetworkID) int {
	return r.src.count(collectionOf(nameKey(region, account, network, "")))
}

// Rules returns the rules of g in the order in which they were added.
func (r Reader) Rules(g *vpc.SecurityGroup) []*vpc.Rule {
	rules := list[vpc.Rule](r, collectionOf(ruleKey(g.Region, g.Account, g.ID, "")))
	slices.SortFunc(rules, func(a, b *vpc.Rule) int {
		if a.Position != b.Position {
			return cmp.Compare(a.Position, b.Position)
		}
		return vpc.CompareRules(a, b)
	})
	return rules
}

// Users returns who keeps g from being deleted, its own rules included.
func (r Reader) Users(g *vpc.SecurityGroup) []*User {
	return list[User](r, collectionOf(refKey(g.Region, g.Account, g.ID, "")))
}

// Interface returns an account's interface with an id.
func (r Reader) Interface(region vpc.Region, account vpc.AccountID, id vpc.InterfaceID) *vpc.NetworkInterface {
	return lookup[vpc.NetworkInterface](r, interfaceKey(region, account, id))
}

// Interfaces returns an account's interfaces by rising id.
func (r Reader) Interfaces(region vpc.Region, account vpc.AccountID) []*vpc.NetworkInterface {
	return list[vpc.NetworkInterface](r, collectionOf(interfaceKey(region, account, "")))
}

// Instance returns the instance with an id, wherever it is and whoever owns it.
func (r Reader) Instance(id vpc.InstanceID) *vpc.Instance {
	home := lookup[Home](r, homeKey(noRegion, string(id)))
	if home == nil {
		return nil
	}
	return lookup[vpc.Instance](r, instanceKey(home.Region, home.Account, id))
}

// Instances returns an account's instances by rising id, terminated ones too.
func (r Reader) Instances(region vpc.Region, account vpc.AccountID) []*vpc.Instance {
	return list[vpc.Instance](r, collectionOf(instanceKey(region, account, "")))
}

// Reservation returns an account's reservation with an id.
func (r Reader) Reservation(region vpc.Region, account vpc.AccountID, id vpc.ReservationID) *vpc.Reservation {
	return lookup[vpc.Reservation](r, reservationKey(region, account, id))
}

// VPC returns an account's VPC with an id.
func (r Reader) VPC(region vpc.Region, account vpc.AccountID, id vpc.NetworkID) *vpc.VPC {
	return lookup[vpc.VPC](r, vpcKey(region, account, id))
}

// VPCs returns an account's VPCs by rising id.
func (r Reader) VPCs(region vpc.Region, account vpc.AccountID) []*vpc.VPC {
	return list[vpc.VPC](r, collectionOf(vpcKey(region, account, "")))
}

// DefaultVPC returns an account's default VPC. One that was deleted is nil, and
// had.
func (r Reader) DefaultVPC(region vpc.Region, account vpc.AccountID) (v *vpc.VPC, had bool) {
	id := lookup[vpc.NetworkID](r, defaultVPCKey(region, account))
	if id == nil {
		return nil, false
	}
	return r.VPC(region, account, *id), true
}

// Subnet returns an account's subnet with an id.
func (r Reader) Subnet(region vpc.Region, account vpc.AccountID, id vpc.SubnetID) *vpc.Subnet {
	return lookup[vpc.Subnet](r, subnetKey(region, account, id))
}

// Subnets returns an account's subnets by rising id.
func (r Reader) Subnets(region vpc.Region, account vpc.AccountID) []*vpc.Subnet {
	return list[vpc.Subnet](r, collectionOf(subnetKey(region, account, "")))
}

// Gateway returns an account's internet gateway with an id.
func (r Reader) Gateway(region vpc.Region, account vpc.AccountID, id vpc.GatewayID) *vpc.InternetGateway {
	return lookup[vpc.InternetGateway](r, gatewayKey(region, account, id))
}

// Gateways returns an account's internet gateways by rising id.
func (r Reader) Gateways(region vpc.Region, account vpc.AccountID) []*vpc.InternetGateway {
	return list[vpc.InternetGateway](r, collectionOf(gatewayKey(region, account, "")))
}

// RouteTable returns an account's route table with an id.
func (r Reader) RouteTable(region vpc.Region, account vpc.AccountID, id vpc.RouteTableID) *vpc.RouteTable {
	return lookup[vpc.RouteTable](r, routeTableKey(region, account, id))
}

// RouteTables returns an account's route tables by rising id.
func (r Reader) RouteTables(region vpc.Region, account vpc.AccountID) []*vpc.RouteTable {
	return list[vpc.RouteTable](r, collectionOf(routeTableKey(region, account, "")))
}

// Address returns an account's Elastic IP address.
func (r Reader) Address(region vpc.Region, account vpc.AccountID, public netip.Addr) *vpc.Address {
	return lookup[vpc.Address](r, addressKey(region, account, public.String()))
}

// Addresses returns an account's Elastic IP addresses.
func (r Reader) Addresses(region vpc.Region, account vpc.AccountID) []*vpc.Address {
	return list[vpc.Address](r, collectionOf(addressKey(region, account, "")))
}

// InterfaceAt returns the interface that has a private address in a network,
// whoever owns it.
func (r Reader) InterfaceAt(region vpc.Region, network vpc.NetworkID, a netip.Addr) vpc.InterfaceID {
	if id := lookup[vpc.InterfaceID](r, ipKey(region, network, a)); id != nil {
		return *id
	}
	return ""
}

// ACL returns an account's network ACL with an id.
func (r Reader) ACL(region vpc.Region, account vpc.AccountID, id vpc.ACLID) *vpc.NetworkACL {
	return lookup[vpc.NetworkACL](r, aclKey(region, account, id))
}

// ACLs returns an account's network ACLs by rising id.
func (r Reader) ACLs(region vpc.Region, account vpc.AccountID) []*vpc.NetworkACL {
	return list[vpc.NetworkACL](r, collectionOf(aclKey(region, account, "")))
}

// LoadBalancer returns the load balancer with an id, whoever owns it.
func (r Reader) LoadBalancer(id vpc.LoadBalancerID) *vpc.LoadBalancer {
	home := lookup[Home](r, homeKey(noRegion, string(id)))
	if home == nil {
		return nil
	}
	return lookup[vpc.LoadBalancer](r, loadBalancerKey(home.Region, home.Account, id))
}

// LoadBalancerNamed returns an account's load balancer with a name.
func (r Reader) LoadBalancerNamed(region vpc.Region, account vpc.AccountID, name string) *vpc.LoadBalancer {
	id := lookup[vpc.LoadBalancerID](r, loadBalancerNameKey(region, account, name))
	if id == nil {
		return nil
	}
	return lookup[vpc.LoadBalancer](r, loadBalancerKey(region, account, *id))
}

// LoadBalancers returns an account's load balancers by rising id.
func (r Reader) LoadBalancers(region vpc.Region, account vpc.AccountID) []*vpc.LoadBalancer {
	return list[vpc.LoadBalancer](r, collectionOf(loadBalancerKey(region, account, "")))
}

// Certificate returns an account's server certificate with a name, in which
// case makes no difference.
func (r Reader) Certificate(account vpc.AccountID, name string) *vpc.ServerCertificate {
	return lookup[vpc.ServerCertificate](r, certificateKey(account, name))
}

// CertificateWithARN returns an account's server certificate with an ARN, which
// ends in its name.
func (r Reader) CertificateWithARN(account vpc.AccountID, arn string) *vpc.ServerCertificate {
	if arn == "" {
		return nil
	}
	c := r.Certificate(account, arn[strings.LastIndexByte(arn, '/')+1:])
	if c == nil || c.ARN != arn {
		return nil
	}
	return c
}

// Certificates returns an account's server certificates by name.
func (r Reader) Certificates(account vpc.AccountID) []*vpc.ServerCertificate {
	return list[vpc.ServerCertificate](r, collectionOf(certificateKey(account, "")))
}

// CertificateUsers returns the load balancers that show a certificate, of all
// regions.
func (r Reader) CertificateUsers(c *vpc.ServerCertificate) []*vpc.LoadBalancerID {
	return list[vpc.LoadBalancerID](r, collectionOf(certificateUseKey(c.Account, c.Name, "")))
}

// KeyPair returns an account's key pair with a name.
func (r Reader) KeyPair(region vpc.Region, account vpc.AccountID, name string) *vpc.KeyPair {
	return lookup[vpc.KeyPair](r, keyPairKey(region, account, name))
}

// KeyPairs returns an account's key pairs.
func (r Reader) KeyPairs(region vpc.Region, account vpc.AccountID) []*vpc.KeyPair {
	return list[vpc.KeyPair](r, collectionOf(keyPairKey(region, account, "")))
}

// Token returns what the call of an action with a client token has done.
func (r Reader) Token(region vpc.Region, account vpc.AccountID, action, token string) *Token {
	return lookup[Token](r, tokenKey(region, account, action, token))
}

// EveryInstance returns the instances of all accounts and regions.
func (v *View) EveryInstance() []*vpc.Instance { return list[vpc.Instance](v.Reader, root) }

// EveryLoadBalancer returns the load balancers of all accounts and regions.
func (v *View) EveryLoadBalancer() []*vpc.LoadBalancer { return list[vpc.LoadBalancer](v.Reader, root) }
