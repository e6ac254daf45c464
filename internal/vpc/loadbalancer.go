package vpc

import (
	"strings"
	"time"
)

// A LoadBalancer is a Classic load balancer: listeners in front, instances
// behind, and a node in each zone or subnet that it is enabled for (ELB API
// reference 2012-06-01, LoadBalancerDescription). Its nodes are network
// interfaces, which have LoadBalancer set to ID.
type LoadBalancer struct {
	ID      LoadBalancerID // for ourselves; the API knows the name
	Account AccountID
	Region  Region
	Name    string
	DNSName string
	Scheme  Scheme
	Network NetworkID // ClassicNetwork, or a VPC
	Groups  []GroupID // in the order of the call; none in EC2-Classic

	// Nodes are in the order in which zones or subnets were enabled: not none,
	// and one for each zone.
	Nodes []LoadBalancerNode

	Listeners []Listener
	Policies  []LoadBalancerPolicy

	// BackendPolicies are the policies enabled for an instance port.
	BackendPolicies map[uint16][]string

	Instances   []InstanceID // in the order in which they were registered
	HealthCheck HealthCheck
	Attributes  LoadBalancerAttributes
	Created     time.Time
	Tags        []Tag
}

// IsClassic reports whether lb is in EC2-Classic.
func (lb *LoadBalancer) IsClassic() bool { return lb.Network == ClassicNetwork }

// A Scheme says from where a load balancer is reached.
type Scheme string

const (
	InternetFacing Scheme = "internet-facing" // by public addresses
	Internal       Scheme = "internal"        // by private ones; in VPCs only
)

// A LoadBalancerNode is where a load balancer is in one zone.
type LoadBalancerNode struct {
	Zone      Zone
	Subnet    SubnetID // ClassicSubnet in EC2-Classic
	Interface InterfaceID
}

// A Listener takes connections at a port of all nodes and passes them, or the
// requests in them, to a port of the instances.
type Listener struct {
	Protocol         ListenerProtocol
	Port             uint16
	InstanceProtocol ListenerProtocol
	InstancePort     uint16
	Certificate      string   // ARN of a ServerCertificate; "" for HTTP and TCP
	Policies         []string // enabled, by name
}

// A ListenerProtocol is one of four. A listener and its instances speak both at
// the layer of HTTP, or both at that of TCP.
type ListenerProtocol string

const (
	ListenHTTP  ListenerProtocol = "HTTP"
	ListenHTTPS ListenerProtocol = "HTTPS"
	ListenTCP   ListenerProtocol = "TCP"
	ListenSSL   ListenerProtocol = "SSL"
)

// ListenerProtocolNamed returns the protocol of a name, whatever its case.
func ListenerProtocolNamed(name string) (p ListenerProtocol, ok bool) {
	switch p := ListenerProtocol(strings.ToUpper(name)); p {
	case ListenHTTP, ListenHTTPS, ListenTCP, ListenSSL:
		return p, true
	}
	return "", false
}

// IsSecure reports whether p is spoken through TLS.
func (p ListenerProtocol) IsSecure() bool { return p == ListenHTTPS || p == ListenSSL }

// IsHTTP reports whether requests are understood, and not only bytes passed.
func (p ListenerProtocol) IsHTTP() bool { return p == ListenHTTP || p == ListenHTTPS }

// A LoadBalancerPolicy is a named set of attributes of one type, which does
// something once it is enabled for a listener or an instance port.
type LoadBalancerPolicy struct {
	Name       string
	Type       string            // such as LBCookieStickinessPolicyType
	Attributes []PolicyAttribute // in the order of the call; a name may come again
}

// A PolicyAttribute is a part of a LoadBalancerPolicy.
type PolicyAttribute struct{ Name, Value string }

// A HealthCheck says how a node finds out whether an instance can take traffic.
type HealthCheck struct {
	Target             string // such as HTTP:80/index.html or TCP:80
	Interval           int    // seconds between two checks, 5 to 300
	Timeout            int    // seconds to wait for an answer, 2 to 60 and below Interval
	UnhealthyThreshold int    // failures in a row until OutOfService, 2 to 10
	HealthyThreshold   int    // successes in a row until InService again, 2 to 10
}

// Port is that of instances which the check speaks to; 0 for a target that is none.
func (h HealthCheck) Port() uint16 {
	t, _ := ParseHealthTarget(h.Target)
	return t.Port
}

// LoadBalancerAttributes are what ModifyLoadBalancerAttributes changes.
type LoadBalancerAttributes struct {
	CrossZone        bool
	AccessLog        AccessLog
	Draining         bool
	DrainingTimeout  int    // seconds, 1 to 3600
	IdleTimeout      int    // seconds, 1 to 4000
	DesyncMitigation string // monitor, defensive or strictest
}

// An AccessLog says where requests are recorded. A bucket is a directory below
// the daemon's.
type AccessLog struct {
	Enabled      bool
	Bucket       string
	Prefix       string
	EmitInterval int // minutes, 5 or 60
}

// A ServerCertificate is what a secure listener shows its clients (IAM API
// reference, ServerCertificate).
type ServerCertificate struct {
	ID         string // ASCA and 17 more letters and digits
	Account    AccountID
	Name       string
	Path       string // begins and ends with /
	ARN        string
	Body       string // PEM, the certificate itself
	Chain      string // PEM, may be empty
	PrivateKey string // PEM; never shown
	Uploaded   time.Time
	Expires    time.Time
	Tags       []Tag
}

// InstanceHealth is what a load balancer's nodes have found out about a
// registered instance.
type InstanceHealth struct {
	LoadBalancer LoadBalancerID
	Node         InterfaceID // whose checks these are
	Instance     InstanceID
	State        HealthState
}

// A HealthState is what a node knows of an instance. The API makes InService,
// OutOfService or Unknown of it, with AWS's reason code and description.
type HealthState string

const (
	HealthUnchecked HealthState = "unchecked" // no check has ended yet
	HealthHealthy   HealthState = "healthy"
	HealthFailed    HealthState = "failed"    // has failed UnhealthyThreshold times in a row
	HealthRising    HealthState = "rising"    // succeeds again, not yet HealthyThreshold times
	HealthDraining  HealthState = "draining"  // deregistered, with connections that may end
	HealthForgotten HealthState = "forgotten" // not checked any more: the server drops what it knew
)

// IsCookieName reports whether a stickiness policy may follow a cookie of that
// name: a token (RFC 6265 §4.1.1), without the few characters that the proxy
// would take for a comment or a quote.
func IsCookieName(name string) bool {
	const others = "!$%&*+-.^_|~"
	for _, c := range name {
		isWord := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !isWord && !strings.ContainsRune(others, c) {
			return false
		}
	}
	return name != "" && len(name) <= 255
}
