package vpc

import (
	"slices"
	"strings"
)

// SSLNegotiationPolicyType is the type of the policies that say how a secure
// listener negotiates.
const SSLNegotiationPolicyType = "SSLNegotiationPolicyType"

// The attributes of an SSL negotiation policy that are not names of ciphers.
// Protocols are Protocol- and one of SSLProtocols.
const (
	referencePolicyAttribute = "Reference-Security-Policy"
	serverOrderAttribute     = "Server-Defined-Cipher-Order"
	protocolPrefix           = "Protocol-"
)

// DefaultSSLPolicy is what a secure listener without a policy negotiates by.
const DefaultSSLPolicy = "ELBSecurityPolicy-2016-08"

// A Negotiation is what a secure listener agrees to.
type Negotiation struct {
	Protocols   []string // of SSLProtocols
	Ciphers     []string // by OpenSSL's names, the preferred one first
	ServerOrder bool     // the listener's preference counts, not the client's
}

// SSLProtocols are those that a policy may name, oldest first.
func SSLProtocols() []string { return []string{"SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2"} }

// SSLCiphers are those that a policy may name: all that any predefined policy
// has, in order of preference.
func SSLCiphers() []string {
	return slices.Concat(modernCiphers, dheCiphers, camelliaCiphers, tripleDES, rc4Ciphers)
}

// NegotiationOf reads an SSL negotiation policy. Its ciphers are in the order
// of the attributes. A policy that refers to a predefined one is that one.
func NegotiationOf(attributes []PolicyAttribute) Negotiation {
	var n Negotiation
	for _, a := range attributes {
		protocol, isProtocol := strings.CutPrefix(a.Name, protocolPrefix)
		switch {
		case a.Name == referencePolicyAttribute:
			if predefined, ok := PredefinedSSLPolicy(a.Value); ok {
				return predefined
			}
		case !strings.EqualFold(a.Value, "true"):
		case a.Name == serverOrderAttribute:
			n.ServerOrder = true
		case isProtocol:
			n.Protocols = append(n.Protocols, protocol)
		default:
			n.Ciphers = append(n.Ciphers, a.Name)
		}
	}
	return n
}

// Unavailable lists what of n no load balancer here can do: OpenSSL 3 has
// neither SSL 3.0, nor RC4, nor triple DES; HAProxy takes a range of versions.
func (n Negotiation) Unavailable() []string {
	var missing []string
	for _, p := range n.Protocols {
		if !slices.Contains(SSLProtocols()[1:], p) {
			missing = append(missing, p)
		}
	}
	has := func(p string) bool { return slices.Contains(n.Protocols, p) }
	if has("TLSv1") && has("TLSv1.2") && !has("TLSv1.1") {
		missing = append(missing, "TLSv1 and TLSv1.2 without TLSv1.1")
	}
	for _, c := range n.Ciphers {
		if slices.ContainsFunc(lostCiphers, func(part string) bool { return strings.Contains(c, part) }) {
			missing = append(missing, c)
		}
	}
	return missing
}

// lostCiphers are parts of the names of ciphers that OpenSSL 3 does not have, or
// that need other things than a certificate.
var lostCiphers = []string{"RC4", "RC2", "DES-", "SEED", "IDEA", "KRB5", "PSK", "ADH-"}

// Attributes are those of a policy that negotiates as n does: all that a policy
// may name, true or false, as DescribeLoadBalancerPolicies shows them.
func (n Negotiation) Attributes() []PolicyAttribute {
	truth := map[bool]string{false: "false", true: "true"}
	var list []PolicyAttribute
	for _, p := range SSLProtocols() {
		list = append(list, PolicyAttribute{protocolPrefix + p, truth[slices.Contains(n.Protocols, p)]})
	}
	list = append(list, PolicyAttribute{serverOrderAttribute, truth[n.ServerOrder]})
	for _, c := range n.Ciphers {
		list = append(list, PolicyAttribute{c, "true"})
	}
	for _, c := range SSLCiphers() {
		if !slices.Contains(n.Ciphers, c) {
			list = append(list, PolicyAttribute{c, "false"})
		}
	}
	return list
}

// PredefinedSSLPolicy finds a policy of the service's own by its name.
func PredefinedSSLPolicy(name string) (Negotiation, bool) {
	for _, p := range predefinedSSLPolicies {
		if p.name == name {
			return p.Negotiation, true
		}
	}
	return Negotiation{}, false
}

// PredefinedSSLPolicies are the names of the service's own policies, the newest
// first.
func PredefinedSSLPolicies() []string {
	var names []string
	for _, p := range predefinedSSLPolicies {
		names = append(names, p.name)
	}
	return names
}

// The ciphers of the predefined policies, in their order (User Guide for
// Classic Load Balancers, "Predefined SSL security policies").
var (
	modernCiphers = []string{
		"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-RSA-AES128-SHA256",
		"ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
		"ECDHE-ECDSA-AES256-SHA384", "ECDHE-RSA-AES256-SHA384", "ECDHE-RSA-AES256-SHA", "ECDHE-ECDSA-AES256-SHA",
		"AES128-GCM-SHA256", "AES128-SHA256", "AES128-SHA", "AES256-GCM-SHA384", "AES256-SHA256", "AES256-SHA",
	}
	tls12Ciphers    = slices.DeleteFunc(slices.Clone(modernCiphers), func(c string) bool { return strings.HasSuffix(c, "-SHA") })
	dheCiphers      = []string{"DHE-RSA-AES128-SHA", "DHE-RSA-AES256-SHA", "DHE-RSA-AES128-SHA256", "DHE-RSA-AES256-SHA256", "DHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES256-GCM-SHA384"}
	camelliaCiphers = []string{"CAMELLIA128-SHA", "CAMELLIA256-SHA", "DHE-RSA-CAMELLIA128-SHA", "DHE-RSA-CAMELLIA256-SHA"}
	tripleDES       = []string{"DES-CBC3-SHA", "EDH-RSA-DES-CBC3-SHA"}
	rc4Ciphers      = []string{"ECDHE-RSA-RC4-SHA", "ECDHE-ECDSA-RC4-SHA", "RC4-SHA", "RC4-MD5"}

	tls10Protocols = []string{"TLSv1", "TLSv1.1", "TLSv1.2"}
	oldProtocols   = []string{"SSLv3", "TLSv1"}
	oldCiphers     = []string{
		"AES128-SHA", "AES256-SHA", "DHE-RSA-AES128-SHA", "DHE-RSA-AES256-SHA", "CAMELLIA128-SHA", "CAMELLIA256-SHA",
		"DHE-RSA-CAMELLIA128-SHA", "DHE-RSA-CAMELLIA256-SHA", "DES-CBC3-SHA", "EDH-RSA-DES-CBC3-SHA", "RC4-SHA", "RC4-MD5",
	}
)

type predefinedSSLPolicy struct {
	name string
	Negotiation
}

var predefinedSSLPolicies = []predefinedSSLPolicy{
	{"ELBSecurityPolicy-TLS-1-2-2017-01", Negotiation{[]string{"TLSv1.2"}, tls12Ciphers, true}},
	{"ELBSecurityPolicy-TLS-1-1-2017-01", Negotiation{[]string{"TLSv1.1", "TLSv1.2"}, modernCiphers, true}},
	{DefaultSSLPolicy, Negotiation{tls10Protocols, modernCiphers, true}},
	{"ELBSecurityPolicy-2015-05", Negotiation{tls10Protocols, slices.Concat(modernCiphers, tripleDES[:1]), true}},
	{"ELBSecurityPolicy-2015-03", Negotiation{tls10Protocols, slices.Concat(modernCiphers, dheCiphers[:1], tripleDES[:1]), true}},
	{"ELBSecurityPolicy-2015-02", Negotiation{tls10Protocols, slices.Concat(modernCiphers, dheCiphers[:1]), true}},
	{"ELBSecurityPolicy-2014-10", Negotiation{tls10Protocols, slices.Concat(modernCiphers, dheCiphers[:1], tripleDES[:1], rc4Ciphers[2:3]), true}},
	{"ELBSecurityPolicy-2014-01", Negotiation{slices.Concat(oldProtocols[:1], tls10Protocols), slices.Concat(modernCiphers, dheCiphers[:1], tripleDES[:1], rc4Ciphers[:3]), true}},
	{"ELBSecurityPolicy-2011-08", Negotiation{oldProtocols, oldCiphers, false}},
	{"ELBSample-ELBDefaultNegotiationPolicy", Negotiation{oldProtocols, oldCiphers, false}},
	{"ELBSample-ELBDefaultCipherPolicy", Negotiation{oldProtocols, oldCiphers, false}},
	{"ELBSample-OpenSSLDefaultNegotiationPolicy", Negotiation{oldProtocols, oldCiphers, false}},
}
