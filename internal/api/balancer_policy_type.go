package api

import (
	"crypto/x509"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/vpc"
)

// How often an attribute may be given.
const (
	exactlyOne = "ONE"
	atMostOne  = "ZERO_OR_ONE"
	oneOrMore  = "ONE_OR_MORE"
)

// A policyType says what its policies may say.
type policyType struct {
	name, description string
	attributes        []policyAttributeType
}

type policyAttributeType struct {
	name, kind, cardinality string
	valid                   func(lb *vpc.LoadBalancer, value string) bool
}

// policyTypes are all types, in the order in which ELB tells them.
var policyTypes = []policyType{
	{vpc.SSLNegotiation, "Listener policy that defines the ciphers and protocols that will be accepted by the load balancer. " +
		"This policy can be associated only with HTTPS/SSL listeners.", tlsAttributeTypes()},
	{vpc.BackendAuthPolicy, "Policy that controls authentication to back-end server(s) and contains one or more policies, such as an instance of a PublicKeyPolicyType. " +
		"This policy can be associated only with back-end servers that are using HTTPS/SSL.",
		[]policyAttributeType{{vpc.PublicKeyHolder, "PolicyName", oneOrMore, isPublicKeyPolicy}}},
	{vpc.PublicKeyPolicy, "Policy containing a list of public keys to accept when authenticating the back-end server(s). " +
		"This policy cannot be applied directly to back-end servers or listeners but must be part of a BackendServerAuthenticationPolicyType.",
		[]policyAttributeType{{vpc.PublicKey, "String", exactlyOne, isPublicKey}}},
	{vpc.AppCookiePolicy, "Stickiness policy with session lifetimes controlled by the lifetime of the application-generated cookie. " +
		"This policy can be associated only with HTTP/HTTPS listeners.",
		[]policyAttributeType{{vpc.CookieName, "String", exactlyOne, isCookieName}}},
	{vpc.LBCookiePolicy, "Stickiness policy with session lifetimes controlled by the browser (user-agent) or a specified expiration period. " +
		"This policy can be associated only with HTTP/HTTPS listeners.",
		[]policyAttributeType{{vpc.CookiePeriod, "Long", atMostOne, isPeriod}}},
	{vpc.ProxyProtocolPolicy, "Policy that controls whether to include the IP address and port of the originating request for TCP messages. " +
		"This policy operates on TCP/SSL listeners only.",
		[]policyAttributeType{{vpc.ProxyProtocol, "Boolean", exactlyOne, isBoolean}}},
}

func tlsAttributeTypes() []policyAttributeType {
	types := []policyAttributeType{{vpc.ReferencePolicy, "String", atMostOne, isPredefinedTLSPolicy}}
	for _, name := range vpc.TLSPolicyAttributes() {
		types = append(types, policyAttributeType{name, "Boolean", atMostOne, isBoolean})
	}
	return types
}

func findPolicyType(name string) (policyType, error) {
	for _, t := range policyTypes {
		if t.name == name {
			return t, nil
		}
	}
	return policyType{}, vpc.Errorf(vpc.PolicyTypeNotFound, "There is no policy type with name %s", name)
}

// checkPolicy checks the attributes of a policy for lb against its type, and
// returns it as it is kept.
func checkPolicy(lb *vpc.LoadBalancer, p vpc.LoadBalancerPolicy) (vpc.LoadBalancerPolicy, error) {
	t, err := findPolicyType(p.Type)
	if err != nil {
		return p, err
	}
	count := map[string]int{}
	for _, a := range p.Attributes {
		i := slices.IndexFunc(t.attributes, func(k policyAttributeType) bool { return k.name == a.Name })
		switch {
		case i < 0:
			return p, errConfiguration("The attribute %s is not one of the policy type %s", a.Name, t.name)
		case !t.attributes[i].valid(lb, a.Value):
			return p, errConfiguration("The value '%.100s' is not valid for the attribute %s of the policy type %s", a.Value, a.Name, t.name)
		}
		count[a.Name]++
	}
	for _, k := range t.attributes {
		switch n := count[k.name]; {
		case n == 0 && k.cardinality != atMostOne:
			return p, errConfiguration("The policy type %s needs the attribute %s", t.name, k.name)
		case n > 1 && k.cardinality != oneOrMore:
			return p, errConfiguration("The attribute %s of the policy type %s can be given only once", k.name, t.name)
		}
	}
	if t.name == vpc.SSLNegotiation {
		return tlsPolicy(p)
	}
	return p, nil
}

// tlsPolicy returns a policy with every attribute of its type: as the predefined
// policy says that it refers to, or else yes to what it names. At least a
// protocol and a cipher must be among them.
func tlsPolicy(given vpc.LoadBalancerPolicy) (vpc.LoadBalancerPolicy, error) {
	reference := slices.IndexFunc(given.Attributes, func(a vpc.PolicyAttribute) bool { return a.Name == vpc.ReferencePolicy })
	if reference >= 0 {
		if len(given.Attributes) > 1 {
			return given, errConfiguration("The attribute %s cannot be given together with others", vpc.ReferencePolicy)
		}
		p := *vpc.PredefinedTLSPolicy(given.Attributes[reference].Value)
		p.Name, p.Attributes = given.Name, append([]vpc.PolicyAttribute{given.Attributes[reference]}, p.Attributes...)
		return p, checkNegotiation(p)
	}
	protocols, ciphers := 0, 0
	p := vpc.NewTLSPolicy(given.Name, func(attribute string) bool {
		on := slices.ContainsFunc(given.Attributes, func(a vpc.PolicyAttribute) bool {
			return a.Name == attribute && strings.EqualFold(a.Value, "true")
		})
		switch {
		case !on || attribute == vpc.ServerCipherOrder:
		case strings.HasPrefix(attribute, "Protocol-"):
			protocols++
		default:
			ciphers++
		}
		return on
	})
	if protocols == 0 || ciphers == 0 {
		return p, errConfiguration("A policy of the type %s must enable at least one protocol and one cipher", vpc.SSLNegotiation)
	}
	return p, checkNegotiation(p)
}

// checkNegotiation refuses a policy that no load balancer here could keep to.
func checkNegotiation(p vpc.LoadBalancerPolicy) error {
	if missing := vpc.NegotiationOf(p.Attributes).Unavailable(); len(missing) > 0 {
		return vpc.Errorf(vpc.UnsupportedOperation, "The policy %s is not supported by ringfence: it enables %s, which OpenSSL 3 and HAProxy cannot do.",
			p.Name, strings.Join(missing, ", "))
	}
	return nil
}

// The functions here say which values the attributes may have.

func isBoolean(_ *vpc.LoadBalancer, value string) bool {
	return strings.EqualFold(value, "true") || strings.EqualFold(value, "false")
}

func isPredefinedTLSPolicy(_ *vpc.LoadBalancer, value string) bool {
	return vpc.PredefinedTLSPolicy(value) != nil
}

// isPeriod takes 0 for as long as the browser runs.
func isPeriod(_ *vpc.LoadBalancer, value string) bool {
	_, err := strconv.ParseUint(value, 10, 31)
	return err == nil
}

// isCookieName refuses the cookies that the load balancer itself sets.
func isCookieName(_ *vpc.LoadBalancer, value string) bool {
	return vpc.IsCookieName(value) && value != "AWSELB" && value != "AWSELBCORS"
}

// isPublicKey takes a key in base64, without the lines around it.
func isPublicKey(_ *vpc.LoadBalancer, value string) bool {
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value), ""))
	if err != nil {
		return false
	}
	_, err = x509.ParsePKIXPublicKey(der)
	return err == nil
}

func isPublicKeyPolicy(lb *vpc.LoadBalancer, value string) bool {
	p := findPolicy(lb, value)
	return p != nil && p.Type == vpc.PublicKeyPolicy
}
