package elb

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/vpc"
)

// A Spec says what a node does. It is sent to the node's process as JSON, which
// may be older than who sends it: fields are added, never changed.
type Spec struct {
	Account vpc.AccountID
	Region  vpc.Region
	Name    string     // of the load balancer
	Address netip.Addr // of the node itself

	Listeners []Listener // by port
	Targets   []Target   // by instance

	HealthCheck     vpc.HealthCheck
	IdleTimeout     int // seconds
	DrainingTimeout int // seconds that connections to a deregistered instance have; 0: they are cut
	Desync          string
	AccessLog       vpc.AccessLog
}

// A Listener is one of a load balancer's, with what its policies say.
type Listener struct {
	Protocol         vpc.ListenerProtocol
	Port             uint16
	InstanceProtocol vpc.ListenerProtocol
	InstancePort     uint16

	// Of secure listeners.
	Certificate string // PEM: the certificate, its chain, its private key
	Negotiation vpc.Negotiation

	Cookie        *Cookie
	ProxyProtocol bool // instances are told the client by a line (PROXY protocol, version 1)

	// PublicKeys are the keys of which an instance must show one, DER of
	// SubjectPublicKeyInfo in base 64; any will do if there are none.
	PublicKeys []string
}

// A Cookie binds a client to an instance.
type Cookie struct {
	Application string // the cookie of the instances' own that ours comes with; "" is none
	Seconds     int    // until it expires, without Application; 0: at the end of the browser's session
}

// A Target is an instance that connections may be passed to.
type Target struct {
	Instance vpc.InstanceID
	Address  netip.Addr
}

// Nouns are where NewSpec looks up what a load balancer names. The functions
// answer nil for what is not there.
type Nouns struct {
	Instance    func(vpc.InstanceID) *vpc.Instance
	Certificate func(arn string) *vpc.ServerCertificate
}

// NewSpec says what the node of lb that has an interface does.
func NewSpec(lb *vpc.LoadBalancer, node *vpc.NetworkInterface, nouns Nouns) *Spec {
	s := &Spec{
		Account: lb.Account, Region: lb.Region, Name: lb.Name, Address: node.Primary(),
		HealthCheck: lb.HealthCheck, IdleTimeout: lb.Attributes.IdleTimeout,
		Desync: lb.Attributes.DesyncMitigation, AccessLog: lb.Attributes.AccessLog,
	}
	if lb.Attributes.Draining {
		s.DrainingTimeout = lb.Attributes.DrainingTimeout
	}
	for _, l := range lb.Listeners {
		s.Listeners = append(s.Listeners, newListener(lb, l, nouns))
	}
	slices.SortFunc(s.Listeners, func(a, b Listener) int { return int(a.Port) - int(b.Port) })
	for _, id := range lb.Instances {
		if i := nouns.Instance(id); i != nil && isTarget(lb, node, i) {
			s.Targets = append(s.Targets, Target{i.ID, i.PrivateAddr})
		}
	}
	slices.SortFunc(s.Targets, func(a, b Target) int { return strings.Compare(string(a.Instance), string(b.Instance)) })
	return s
}

// isTarget reports whether the node of lb passes connections to i: it runs, in
// the node's zone or, with cross-zone load balancing, in any that is enabled.
func isTarget(lb *vpc.LoadBalancer, node *vpc.NetworkInterface, i *vpc.Instance) bool {
	if i.State != vpc.Running || !i.PrivateAddr.IsValid() {
		return false
	}
	if !lb.Attributes.CrossZone {
		return i.Zone == node.Zone
	}
	return slices.ContainsFunc(lb.Nodes, func(n vpc.LoadBalancerNode) bool { return n.Zone == i.Zone })
}

func newListener(lb *vpc.LoadBalancer, l vpc.Listener, nouns Nouns) Listener {
	out := Listener{Protocol: l.Protocol, Port: l.Port, InstanceProtocol: l.InstanceProtocol, InstancePort: l.InstancePort}
	if l.Protocol.IsSecure() {
		out.Negotiation = vpc.NegotiationOf(vpc.PredefinedTLSPolicy(vpc.DefaultTLSPolicy).Attributes)
		if c := nouns.Certificate(l.Certificate); c != nil {
			out.Certificate = strings.Join([]string{c.Body, c.Chain, c.PrivateKey}, "\n")
		}
	}
	for _, p := range policiesOf(lb, l.Policies) {
		out.enable(p)
	}
	for _, p := range policiesOf(lb, lb.BackendPolicies[l.InstancePort]) {
		switch p.Type {
		case vpc.ProxyProtocolPolicy:
			out.ProxyProtocol = strings.EqualFold(p.Attribute(vpc.ProxyProtocol), "true")
		case vpc.BackendAuthPolicy:
			out.PublicKeys = publicKeys(lb, p)
		}
	}
	return out
}

// enable gives l what a policy enabled for it says.
func (l *Listener) enable(p vpc.LoadBalancerPolicy) {
	switch p.Type {
	case vpc.SSLNegotiation:
		l.Negotiation = vpc.NegotiationOf(p.Attributes)
	case vpc.LBCookiePolicy:
		seconds, err := strconv.Atoi(p.Attribute(vpc.CookiePeriod))
		if err != nil {
			seconds = 0 // the attribute is optional
		}
		l.Cookie = &Cookie{Seconds: seconds}
	case vpc.AppCookiePolicy:
		l.Cookie = &Cookie{Application: p.Attribute(vpc.CookieName)}
	}
}

// publicKeys are those of the policies that p names.
func publicKeys(lb *vpc.LoadBalancer, p vpc.LoadBalancerPolicy) []string {
	var names, keys []string
	for _, a := range p.Attributes {
		if a.Name == vpc.PublicKeyHolder {
			names = append(names, a.Value)
		}
	}
	for _, p := range policiesOf(lb, names) {
		keys = append(keys, p.Attribute(vpc.PublicKey))
	}
	return keys
}

// policiesOf are lb's policies of those names.
func policiesOf(lb *vpc.LoadBalancer, names []string) []vpc.LoadBalancerPolicy {
	var list []vpc.LoadBalancerPolicy
	for _, p := range lb.Policies {
		if slices.Contains(names, p.Name) {
			list = append(list, p)
		}
	}
	return list
}

// server is the name that HAProxy knows a target by, behind a listener.
func (l Listener) server(t Target) string { return fmt.Sprintf("%s:%d", t.Instance, l.InstancePort) }

// cookieValue says which server a client is bound to. It is the same at every
// node, and on another instance port another.
func cookieValue(server string) string {
	sum := sha256.Sum256([]byte(server))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// How the names of all frontends and backends begin.
const (
	frontendPrefix = "port-"
	backendPrefix  = "instances-"
)

// frontend and backend are the names by which HAProxy knows the two sides of a
// listener.
func (l Listener) frontend() string { return fmt.Sprint(frontendPrefix, l.Port) }
func (l Listener) backend() string  { return fmt.Sprint(backendPrefix, l.Port) }

// decodeKey reads a public key: base 64, in lines or not, as PEM or as the bare
// key of a PublicKeyPolicyType.
func decodeKey(text string) ([]byte, error) {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") {
			lines = append(lines, line)
		}
	}
	return base64.StdEncoding.DecodeString(strings.Join(lines, ""))
}
