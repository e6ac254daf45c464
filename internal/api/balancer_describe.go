package api

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// marking is part of every input of ELB whose answer comes in pages.
type marking struct {
	Marker   string `aws:"Marker"`
	PageSize *int   `aws:"PageSize"`
}

// maxMarked is how many items a page of ELB may hold, and holds when the call
// does not say (ELB API reference, DescribeLoadBalancers).
const maxMarked = 400

// balancerPage returns the page that a call of ELB asks for, see markPage.
func balancerPage[T any](m marking, items []T, name func(T) string) (page []T, next string, err error) {
	size := maxMarked
	if m.PageSize != nil {
		size = *m.PageSize
	}
	if size < 1 || size > maxMarked {
		return nil, "", errInvalid("PageSize must be between 1 and %d, inclusive", maxMarked)
	}
	return markPage(m.Marker, size, items, name)
}

// markPage returns a page of items that are sorted by name, and the marker of the
// next one, "" after the last.
func markPage[T any](marker string, size int, items []T, name func(T) string) (page []T, next string, err error) {
	if marker != "" {
		after, ok := keyOfToken(marker)
		if !ok {
			return nil, "", errInvalid("The marker '%.100s' is invalid", marker)
		}
		for len(items) > 0 && name(items[0]) <= after {
			items = items[1:]
		}
	}
	if len(items) <= size {
		return items, "", nil
	}
	return items[:size], tokenAfter(name(items[size-1])), nil
}

type describeBalancersInput struct {
	marking
	Names []string `aws:"LoadBalancerNames,bare"`
}

type describeBalancersOutput struct {
	Balancers  []balancerItem `aws:"LoadBalancerDescriptions"`
	NextMarker string         `aws:"NextMarker,omitempty"`
}

// describeBalancers implements DescribeLoadBalancers.
func (r *request) describeBalancers(ctx context.Context, in *describeBalancersInput) (*describeBalancersOutput, error) {
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	balancers, err := named(in.Names, func(name string) (*vpc.LoadBalancer, error) { return r.balancer(v.Reader, name) },
		func() []*vpc.LoadBalancer { return v.LoadBalancers(r.Region, r.Account.ID) })
	if err != nil {
		return nil, err
	}
	slices.SortFunc(balancers, func(a, b *vpc.LoadBalancer) int { return strings.Compare(a.Name, b.Name) })
	page, next, err := balancerPage(in.marking, balancers, func(lb *vpc.LoadBalancer) string { return lb.Name })
	if err != nil {
		return nil, err
	}
	out := &describeBalancersOutput{NextMarker: next}
	for _, lb := range page {
		out.Balancers = append(out.Balancers, newBalancerItem(v.Reader, lb))
	}
	return out, nil
}

// balancerItem is a load balancer in an answer (ELB API reference,
// LoadBalancerDescription).
type balancerItem struct {
	Name           string                    `aws:"LoadBalancerName"`
	DNSName        string                    `aws:"DNSName"`
	HostedZone     string                    `aws:"CanonicalHostedZoneName,omitempty"`
	HostedZoneID   string                    `aws:"CanonicalHostedZoneNameID"`
	Listeners      []listenerDescriptionItem `aws:"ListenerDescriptions"`
	Policies       policiesItem              `aws:"Policies"`
	Backends       []backendItem             `aws:"BackendServerDescriptions"`
	Zones          []vpc.Zone                `aws:"AvailabilityZones"`
	Subnets        []vpc.SubnetID            `aws:"Subnets"`
	Network        vpc.NetworkID             `aws:"VPCId,omitempty"`
	Instances      []balancerInstanceItem    `aws:"Instances"`
	HealthCheck    healthCheckItem           `aws:"HealthCheck"`
	SourceGroup    sourceGroupItem           `aws:"SourceSecurityGroup"`
	SecurityGroups []vpc.GroupID             `aws:"SecurityGroups"`
	Created        time.Time                 `aws:"CreatedTime"`
	Scheme         vpc.Scheme                `aws:"Scheme"`
}

type listenerDescriptionItem struct {
	Listener listenerItem `aws:"Listener"`
	Policies []string     `aws:"PolicyNames"`
}

type listenerItem struct {
	Protocol         vpc.ListenerProtocol `aws:"Protocol"`
	Port             uint16               `aws:"LoadBalancerPort"`
	InstanceProtocol vpc.ListenerProtocol `aws:"InstanceProtocol"`
	InstancePort     uint16               `aws:"InstancePort"`
	Certificate      string               `aws:"SSLCertificateId,omitempty"`
}

type policiesItem struct {
	AppCookie []appCookieItem `aws:"AppCookieStickinessPolicies"`
	LBCookie  []lbCookieItem  `aws:"LBCookieStickinessPolicies"`
	Other     []string        `aws:"OtherPolicies"`
}

type appCookieItem struct {
	Name   string `aws:"PolicyName"`
	Cookie string `aws:"CookieName"`
}

type lbCookieItem struct {
	Name   string `aws:"PolicyName"`
	Period string `aws:"CookieExpirationPeriod,omitempty"`
}

type backendItem struct {
	Port     uint16   `aws:"InstancePort"`
	Policies []string `aws:"PolicyNames"`
}

type balancerInstanceItem struct {
	ID vpc.InstanceID `aws:"InstanceId"`
}

type sourceGroupItem struct {
	Owner string `aws:"OwnerAlias"`
	Name  string `aws:"GroupName"`
}

func newBalancerItem(reader store.Reader, lb *vpc.LoadBalancer) balancerItem {
	item := balancerItem{
		Name: lb.Name, DNSName: lb.DNSName, HostedZoneID: hostedZoneID(lb.Region), Policies: newPoliciesItem(lb.Policies),
		Zones: nodeZones(lb), Subnets: nodeSubnets(lb), HealthCheck: newHealthCheckItem(lb.HealthCheck),
		SourceGroup: newSourceGroupItem(reader, lb), SecurityGroups: lb.Groups, Created: lb.Created, Scheme: lb.Scheme,
		Instances: balancerInstanceItems(lb.Instances),
	}
	if lb.Scheme == vpc.InternetFacing {
		item.HostedZone = lb.DNSName
	}
	if !lb.IsClassic() {
		item.Network = lb.Network
	}
	for _, l := range lb.Listeners {
		item.Listeners = append(item.Listeners, listenerDescriptionItem{
			listenerItem{l.Protocol, l.Port, l.InstanceProtocol, l.InstancePort, l.Certificate}, l.Policies,
		})
	}
	for _, port := range slices.Sorted(maps.Keys(lb.BackendPolicies)) {
		item.Backends = append(item.Backends, backendItem{port, lb.BackendPolicies[port]})
	}
	return item
}

func newPoliciesItem(policies []vpc.LoadBalancerPolicy) policiesItem {
	var item policiesItem
	for _, p := range policies {
		switch p.Type {
		case vpc.AppCookiePolicy:
			item.AppCookie = append(item.AppCookie, appCookieItem{p.Name, p.Attribute(vpc.CookieName)})
		case vpc.LBCookiePolicy:
			item.LBCookie = append(item.LBCookie, lbCookieItem{p.Name, p.Attribute(vpc.CookiePeriod)})
		default:
			item.Other = append(item.Other, p.Name)
		}
	}
	return item
}

// newSourceGroupItem is the group that the rules of instances name as their
// source: in EC2-Classic amazon-elb-sg, in a VPC the first of the load
// balancer's own.
func newSourceGroupItem(reader store.Reader, lb *vpc.LoadBalancer) sourceGroupItem {
	if lb.IsClassic() {
		return sourceGroupItem{string(vpc.ELBAccount), vpc.ELBGroupName}
	}
	item := sourceGroupItem{Owner: string(lb.Account)}
	if g := reader.Group(lb.Region, lb.Groups[0]); g != nil {
		item.Name = g.Name
	}
	return item
}

func balancerInstanceItems(ids []vpc.InstanceID) []balancerInstanceItem {
	return each(ids, func(id vpc.InstanceID) balancerInstanceItem { return balancerInstanceItem{id} })
}

// hostedZoneID is the id of the zone that the DNS names of a region's load
// balancers are in: in us-east-1 that of the ELB Developer Guide 2012, elsewhere
// that of the AWS General Reference, "Elastic Load Balancing endpoints".
func hostedZoneID(region vpc.Region) string {
	switch region {
	case "us-east-1":
		return "Z3DZXE0Q79N41H"
	case "us-east-2":
		return "Z3AADJGX6KTTL2"
	case "us-west-1":
		return "Z368ELLRRE2KJ0"
	case "us-west-2":
		return "Z1H1FL5HABSF5"
	case "eu-west-1":
		return "Z32O12XQLNTSW2"
	case "eu-central-1":
		return "Z215JYRZR1TBD5"
	case "ap-northeast-1":
		return "Z14GRHDCWA56QT"
	case "ap-southeast-1":
		return "Z1LMS91P8CMLE5"
	case "ap-southeast-2":
		return "Z1GM3OXH4ZPM65"
	case "sa-east-1":
		return "Z2P70J7HTTTPLU"
	}
	return "Z35SXDOTRQ7X7K"
}

type describeAccountLimitsInput struct{ marking }

type describeAccountLimitsOutput struct {
	Limits     []limitItem `aws:"Limits"`
	NextMarker string      `aws:"NextMarker,omitempty"`
}

type limitItem struct {
	Name string `aws:"Name"`
	Max  string `aws:"Max"`
}

// describeAccountLimits implements DescribeAccountLimits.
func (r *request) describeAccountLimits(_ context.Context, in *describeAccountLimitsInput) (*describeAccountLimitsOutput, error) {
	var limits []limitItem
	for _, name := range []string{listenersPerBalancer, loadBalancers, instancesPerBalancer} {
		limits = append(limits, limitItem{name, strconv.Itoa(r.limit(name))})
	}
	page, next, err := balancerPage(in.marking, limits, func(l limitItem) string { return l.Name })
	return &describeAccountLimitsOutput{page, next}, err
}
