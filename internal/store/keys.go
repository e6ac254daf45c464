package store

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"ringfence/internal/vpc"
)

// The layout is /rf/1/<region>/<account>/<kind>/<id>, with "-" for the region
// or the account of what belongs to none. An id may have several parts. The
// part of a key up to its last slash is its collection.
//
//	-/-/account/<account>                     Account
//	-/-/accesskey/<access key>                → account
//	-/-/counter/<name>                        last number handed out
//	-/-/identity/<hash of the set of groups>  → number
//	-/-/network/<region>/<network>            → number
//	-/-/subnet/<region>/<subnet>              → number
//	-/-/home/<instance or load balancer>      → region and account
//	-/-/public/<address>                      → interface
//	-/-/elastic/<address>                     → region and account that keep it
//	-/-/block/<IPv6 block>                    → VPC
//	-/<account>/certificate/<name>            ServerCertificate
//	-/<account>/certificateuse/<name>/<load balancer>  a listener shows it
//	-/-/epoch                                 put by Reset
//	-/-/stage/<id>                            a staged transaction
//	<region>/-/home/<group>                   → account
//	<region>/-/ip/<network>/<address>         → interface
//	<region>/-/cursor/<subnet>[/ipv6]         last private address given out
//	…/group/<group>                           SecurityGroup
//	…/rule/<group>/<rule>                     Rule
//	…/name/<network>/<name>                   → group
//	…/ref/<group>/<user>                      who keeps the group from being deleted
//	…/interface/<interface>                   NetworkInterface
//	…/instance/<instance>                     Instance
//	…/reservation/<reservation>               Reservation
//	…/vpc/<vpc>                               VPC
//	…/default/vpc                             → VPC that is or was the default one
//	…/vpcsubnet/<subnet>                      Subnet
//	…/gateway/<internet gateway>              InternetGateway
//	…/routetable/<route table>                RouteTable
//	…/acl/<acl>                               NetworkACL
//	…/address/<address>                       Address
//	…/loadbalancer/<load balancer>            LoadBalancer
//	…/loadbalancername/<name>                 → load balancer
//	…/keypair/<name>                          KeyPair
//	…/token/<action>/<client token>           what a call with a client token has done
//
// A collection that transactions scan has a marker: the key that is the
// collection itself. Whoever writes a key of the collection puts the marker
// too, so one compare of the marker stands for the whole range. References have
// one marker for all groups of an account in a region: an instance is in up to 500
// groups, and one transaction cannot put so many.
const root = "/rf/1/"

const noRegion, noAccount = "-", "-"

const (
	epochKey      = root + "-/-/epoch"
	counterPrefix = root + "-/-/counter/"
	stagePrefix   = root + "-/-/stage/"
)

// key joins the parts of a key; parts that users choose are escaped.
func key(region vpc.Region, account vpc.AccountID, kind string, id ...string) string {
	var b strings.Builder
	b.WriteString(root)
	b.WriteString(string(region))
	b.WriteByte('/')
	b.WriteString(string(account))
	b.WriteByte('/')
	b.WriteString(kind)
	for _, part := range id {
		b.WriteByte('/')
		b.WriteString(part)
	}
	return b.String()
}

// kindOf returns the kind of a key, "" for a marker or a key of another layout.
func kindOf(k string) string {
	rest, ok := strings.CutPrefix(k, root)
	if !ok || strings.HasSuffix(k, "/") {
		return ""
	}
	parts := strings.SplitN(rest, "/", 4)
	if len(parts) < 3 {
		return ""
	}
	return parts[2]
}

// collectionOf returns k up to and with its last slash.
func collectionOf(k string) string { return k[:strings.LastIndexByte(k, '/')+1] }

// markerOf returns the marker that stands for the collection of k.
func markerOf(k string) string {
	parts := strings.SplitAfterN(k[len(root):], "/", 4) // region, account, kind
	if len(parts) == 4 && parts[2] == "ref/" {
		return root + strings.Join(parts[:3], "")
	}
	return collectionOf(k)
}

// isMarked reports whether the collection of k has a marker.
func isMarked(k string) bool {
	switch kindOf(k) {
	case "account", "group", "rule", "name", "ref", "interface", "instance", "reservation",
		"vpc", "vpcsubnet", "gateway", "routetable", "acl", "address", "block", "keypair",
		"loadbalancer", "certificate", "certificateuse":
		return true
	}
	return false
}

func accountKey(id vpc.AccountID) string { return key(noRegion, noAccount, "account", string(id)) }

func accessKeyKey(accessKey string) string {
	return key(noRegion, noAccount, "accesskey", url.PathEscape(accessKey))
}

func counterKey(c Counter) string { return counterPrefix + string(c) }

func identityKey(groups []vpc.GroupID) string {
	h := sha256.New()
	for _, g := range groups {
		h.Write([]byte(g))
		h.Write([]byte{'\n'})
	}
	return key(noRegion, noAccount, "identity", hex.EncodeToString(h.Sum(nil)))
}

func networkKey(r vpc.Region, n vpc.NetworkID) string {
	return key(noRegion, noAccount, "network", string(r), string(n))
}

func subnetNumberKey(r vpc.Region, s vpc.SubnetID) string {
	return key(noRegion, noAccount, "subnet", string(r), string(s))
}

// homeKey is where to look for a noun that is known only by its id. Groups are
// known within a region: amazon-elb-sg has one id in several of them.
func homeKey(r vpc.Region, id string) string { return key(r, noAccount, "home", url.PathEscape(id)) }

func publicKey(a netip.Addr) string { return key(noRegion, noAccount, "public", a.String()) }

func elasticKey(a netip.Addr) string { return key(noRegion, noAccount, "elastic", a.String()) }

func blockKey(block string) string {
	return key(noRegion, noAccount, "block", url.PathEscape(block))
}

func stageKey(id string) string { return stagePrefix + id }

func ipKey(r vpc.Region, n vpc.NetworkID, a netip.Addr) string {
	return key(r, noAccount, "ip", string(n), a.String())
}

// cursorKey is of a subnet and of the family that a belongs to.
func cursorKey(r vpc.Region, s vpc.SubnetID, a netip.Addr) string {
	if a.Is6() {
		return key(r, noAccount, "cursor", string(s), "ipv6")
	}
	return key(r, noAccount, "cursor", string(s))
}

func groupKey(r vpc.Region, a vpc.AccountID, id vpc.GroupID) string {
	return key(r, a, "group", string(id))
}

func ruleKey(r vpc.Region, a vpc.AccountID, g vpc.GroupID, id vpc.RuleID) string {
	return key(r, a, "rule", string(g), string(id))
}

// nameKey is the claim of a group's name. In a VPC names that differ in case
// only are one name (EC2 API reference, CreateSecurityGroup).
func nameKey(r vpc.Region, a vpc.AccountID, n vpc.NetworkID, name string) string {
	if n != vpc.ClassicNetwork {
		name = strings.ToLower(name)
	}
	return key(r, a, "name", string(n), url.PathEscape(name))
}

func refKey(r vpc.Region, a vpc.AccountID, g vpc.GroupID, user string) string {
	return key(r, a, "ref", string(g), user)
}

func interfaceKey(r vpc.Region, a vpc.AccountID, id vpc.InterfaceID) string {
	return key(r, a, "interface", string(id))
}

func instanceKey(r vpc.Region, a vpc.AccountID, id vpc.InstanceID) string {
	return key(r, a, "instance", string(id))
}

func reservationKey(r vpc.Region, a vpc.AccountID, id vpc.ReservationID) string {
	return key(r, a, "reservation", string(id))
}

func vpcKey(r vpc.Region, a vpc.AccountID, id vpc.NetworkID) string {
	return key(r, a, "vpc", string(id))
}

func defaultVPCKey(r vpc.Region, a vpc.AccountID) string { return key(r, a, "default", "vpc") }

func subnetKey(r vpc.Region, a vpc.AccountID, id vpc.SubnetID) string {
	return key(r, a, "vpcsubnet", string(id))
}

func gatewayKey(r vpc.Region, a vpc.AccountID, id vpc.GatewayID) string {
	return key(r, a, "gateway", string(id))
}

func routeTableKey(r vpc.Region, a vpc.AccountID, id vpc.RouteTableID) string {
	return key(r, a, "routetable", string(id))
}

func addressKey(r vpc.Region, a vpc.AccountID, public string) string {
	return key(r, a, "address", public)
}

func aclKey(r vpc.Region, a vpc.AccountID, id vpc.ACLID) string {
	return key(r, a, "acl", string(id))
}

func loadBalancerKey(r vpc.Region, a vpc.AccountID, id vpc.LoadBalancerID) string {
	return key(r, a, "loadbalancer", string(id))
}

func loadBalancerNameKey(r vpc.Region, a vpc.AccountID, name string) string {
	return key(r, a, "loadbalancername", url.PathEscape(name))
}

// certificateKey has no region, as IAM has none. Names that differ in case only
// are one name (IAM User Guide, "IAM and AWS STS quotas").
func certificateKey(a vpc.AccountID, name string) string {
	return key(noRegion, a, "certificate", url.PathEscape(strings.ToLower(name)))
}

func certificateUseKey(a vpc.AccountID, name string, user vpc.LoadBalancerID) string {
	return key(noRegion, a, "certificateuse", url.PathEscape(strings.ToLower(name)), string(user))
}

func keyPairKey(r vpc.Region, a vpc.AccountID, name string) string {
	return key(r, a, "keypair", url.PathEscape(name))
}

func tokenKey(r vpc.Region, a vpc.AccountID, action, token string) string {
	return key(r, a, "token", action, url.PathEscape(token))
}

// canonicalGroups returns groups sorted and without repetition.
func canonicalGroups(groups []vpc.GroupID) []vpc.GroupID {
	return slices.Compact(slices.Sorted(slices.Values(groups)))
}
