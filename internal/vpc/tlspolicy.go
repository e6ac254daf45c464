package vpc

import (
	"slices"
	"strings"
)

// DefaultTLSPolicy is the predefined policy of a secure listener that nobody
// has given one (ELB User Guide, "Update the SSL negotiation configuration").
const DefaultTLSPolicy = "ELBSecurityPolicy-2016-08"

// The attributes of an SSLNegotiation policy that are no ciphers.
const (
	ReferencePolicy    = "Reference-Security-Policy" // the predefined policy that the others were taken from
	ServerCipherOrder  = "Server-Defined-Cipher-Order"
	tlsAttributeOn     = "true"
	tlsAttributeOff    = "false"
	tlsProtocolsPrefix = "Protocol-"
)

// tlsProtocols are what the attributes that name protocols end in, in the order
// in which ELB tells them.
var tlsProtocols = []string{"SSLv2", "TLSv1", "SSLv3", "TLSv1.1", "TLSv1.2"}

// TLSPolicyAttributes are the names of what an SSLNegotiation policy says yes or
// no to, in the order in which ELB tells them.
func TLSPolicyAttributes() []string {
	var names []string
	for _, p := range tlsProtocols {
		names = append(names, tlsProtocolsPrefix+p)
	}
	return slices.Concat(names, []string{ServerCipherOrder}, tlsCiphers)
}

// NewTLSPolicy returns an SSLNegotiation policy that says yes to the attributes
// in on, and no to all others.
func NewTLSPolicy(name string, on func(attribute string) bool) LoadBalancerPolicy {
	p := LoadBalancerPolicy{Name: name, Type: SSLNegotiation}
	for _, a := range TLSPolicyAttributes() {
		value := tlsAttributeOff
		if on(a) {
			value = tlsAttributeOn
		}
		p.Attributes = append(p.Attributes, PolicyAttribute{a, value})
	}
	return p
}

// PredefinedTLSPolicies are the policies that everyone may refer to, the newest
// first (ELB User Guide, "Predefined SSL security policies for Classic Load
// Balancers", and its editions of 2014).
func PredefinedTLSPolicies() []LoadBalancerPolicy {
	policies := make([]LoadBalancerPolicy, len(predefinedTLS))
	for i, d := range predefinedTLS {
		policies[i] = NewTLSPolicy(d.name, func(attribute string) bool {
			switch {
			case attribute == ServerCipherOrder:
				return d.serverOrder
			case strings.HasPrefix(attribute, tlsProtocolsPrefix):
				return slices.Contains(d.protocols, attribute[len(tlsProtocolsPrefix):])
			}
			return slices.ContainsFunc(d.ciphers, func(list []string) bool { return slices.Contains(list, attribute) })
		})
	}
	return policies
}

// PredefinedTLSPolicy returns the predefined policy of a name, nil if there is
// none.
func PredefinedTLSPolicy(name string) *LoadBalancerPolicy {
	for _, p := range PredefinedTLSPolicies() {
		if p.Name == name {
			return &p
		}
	}
	return nil
}

// A tlsDefinition is a predefined policy, with its ciphers as a union of lists.
type tlsDefinition struct {
	name        string
	protocols   []string
	serverOrder bool
	ciphers     [][]string
}

var (
	upToTLS12 = []string{"TLSv1", "TLSv1.1", "TLSv1.2"}

	// ciphersTLS12 need TLS 1.2; those of ciphersAES work with all versions.
	ciphersTLS12 = []string{
		"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-RSA-AES128-SHA256",
		"ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-RSA-AES256-SHA384",
		"AES128-GCM-SHA256", "AES128-SHA256", "AES256-GCM-SHA384", "AES256-SHA256",
	}
	ciphersAES = []string{
		"ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA", "ECDHE-ECDSA-AES256-SHA", "AES128-SHA", "AES256-SHA",
	}
	cipher3DES = []string{"DES-CBC3-SHA"}
	ciphersDHE = []string{"DHE-RSA-AES128-SHA", "DHE-DSS-AES128-SHA"}

	// ciphers2014 are those that went with RC4 in 2015.
	ciphers2014 = []string{"CAMELLIA128-SHA", "EDH-RSA-DES-CBC3-SHA", "ECDHE-RSA-RC4-SHA", "RC4-SHA", "ECDHE-ECDSA-RC4-SHA"}

	ciphers2011 = []string{
		"DHE-RSA-AES128-SHA", "AES128-SHA", "AES256-SHA", "DHE-DSS-AES128-SHA", "CAMELLIA128-SHA", "EDH-RSA-DES-CBC3-SHA", "DES-CBC3-SHA",
		"RC4-SHA", "DHE-RSA-AES256-SHA", "DHE-DSS-AES256-SHA", "DHE-RSA-CAMELLIA256-SHA", "DHE-DSS-CAMELLIA256-SHA", "CAMELLIA256-SHA",
		"EDH-DSS-DES-CBC3-SHA", "DHE-RSA-CAMELLIA128-SHA", "DHE-DSS-CAMELLIA128-SHA", "RC4-MD5",
	}

	// ciphersOpenSSL are what OpenSSL offered by default beyond those of 2011.
	ciphersOpenSSL = []string{"DHE-DSS-SEED-SHA", "DHE-RSA-SEED-SHA", "SEED-SHA", "IDEA-CBC-SHA"}
)

var predefinedTLS = []tlsDefinition{
	{DefaultTLSPolicy, upToTLS12, true, [][]string{ciphersTLS12, ciphersAES}},
	{"ELBSecurityPolicy-TLS-1-2-2017-01", []string{"TLSv1.2"}, true, [][]string{ciphersTLS12}},
	{"ELBSecurityPolicy-TLS-1-1-2017-01", []string{"TLSv1.1", "TLSv1.2"}, true, [][]string{ciphersTLS12, ciphersAES}},
	{"ELBSecurityPolicy-2015-05", upToTLS12, true, [][]string{ciphersTLS12, ciphersAES, cipher3DES}},
	{"ELBSecurityPolicy-2015-03", upToTLS12, true, [][]string{ciphersTLS12, ciphersAES, cipher3DES, ciphersDHE}},
	{"ELBSecurityPolicy-2015-02", upToTLS12, true, [][]string{ciphersTLS12, ciphersAES, ciphersDHE}},
	{"ELBSecurityPolicy-2014-10", upToTLS12, true, [][]string{ciphersTLS12, ciphersAES, cipher3DES, ciphersDHE, ciphers2014}},
	{"ELBSecurityPolicy-2014-01", append([]string{"SSLv3"}, upToTLS12...), true, [][]string{ciphersTLS12, ciphersAES, cipher3DES, ciphersDHE, ciphers2014}},
	{"ELBSecurityPolicy-2011-08", []string{"SSLv3", "TLSv1"}, false, [][]string{ciphers2011}},
	{"ELBSample-ELBDefaultCipherPolicy", []string{"SSLv3", "TLSv1"}, false, [][]string{ciphers2011}},
	{"ELBSample-OpenSSLDefaultCipherPolicy", []string{"SSLv3", "TLSv1"}, false, [][]string{ciphers2011, ciphersOpenSSL}},
}

// tlsCiphers are the ciphers that a policy may name, by OpenSSL's names (ELB User
// Guide, "SSL negotiation configurations for Classic Load Balancers").
var tlsCiphers = []string{
	"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-RSA-AES128-SHA256",
	"ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA", "DHE-RSA-AES128-SHA", "ECDHE-ECDSA-AES256-GCM-SHA384",
	"ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-RSA-AES256-SHA384", "ECDHE-RSA-AES256-SHA",
	"ECDHE-ECDSA-AES256-SHA", "AES128-GCM-SHA256", "AES128-SHA256", "AES128-SHA", "AES256-GCM-SHA384", "AES256-SHA256",
	"AES256-SHA", "DHE-DSS-AES128-SHA", "CAMELLIA128-SHA", "EDH-RSA-DES-CBC3-SHA", "DES-CBC3-SHA", "ECDHE-RSA-RC4-SHA", "RC4-SHA",
	"ECDHE-ECDSA-RC4-SHA", "DHE-DSS-AES256-GCM-SHA384", "DHE-RSA-AES256-GCM-SHA384", "DHE-RSA-AES256-SHA256",
	"DHE-DSS-AES256-SHA256", "DHE-RSA-AES256-SHA", "DHE-DSS-AES256-SHA", "DHE-RSA-CAMELLIA256-SHA", "DHE-DSS-CAMELLIA256-SHA",
	"CAMELLIA256-SHA", "EDH-DSS-DES-CBC3-SHA", "DHE-DSS-AES128-GCM-SHA256", "DHE-RSA-AES128-GCM-SHA256",
	"DHE-RSA-AES128-SHA256", "DHE-DSS-AES128-SHA256", "DHE-RSA-CAMELLIA128-SHA", "DHE-DSS-CAMELLIA128-SHA",
	"ADH-AES128-GCM-SHA256", "ADH-AES128-SHA", "ADH-AES128-SHA256", "ADH-AES256-GCM-SHA384", "ADH-AES256-SHA",
	"ADH-AES256-SHA256", "ADH-CAMELLIA128-SHA", "ADH-CAMELLIA256-SHA", "ADH-DES-CBC3-SHA", "ADH-DES-CBC-SHA", "ADH-RC4-MD5",
	"ADH-SEED-SHA", "DES-CBC-SHA", "DHE-DSS-SEED-SHA", "DHE-RSA-SEED-SHA", "EDH-DSS-DES-CBC-SHA", "EDH-RSA-DES-CBC-SHA",
	"IDEA-CBC-SHA", "RC4-MD5", "SEED-SHA", "DES-CBC3-MD5", "DES-CBC-MD5", "RC2-CBC-MD5", "PSK-AES256-CBC-SHA",
	"PSK-3DES-EDE-CBC-SHA", "KRB5-DES-CBC3-SHA", "KRB5-DES-CBC3-MD5", "PSK-AES128-CBC-SHA", "PSK-RC4-SHA", "KRB5-RC4-SHA",
	"KRB5-RC4-MD5", "KRB5-DES-CBC-SHA", "KRB5-DES-CBC-MD5", "EXP-EDH-RSA-DES-CBC-SHA", "EXP-EDH-DSS-DES-CBC-SHA",
	"EXP-ADH-DES-CBC-SHA", "EXP-DES-CBC-SHA", "EXP-RC2-CBC-MD5", "EXP-KRB5-RC2-CBC-SHA", "EXP-KRB5-DES-CBC-SHA",
	"EXP-KRB5-RC2-CBC-MD5", "EXP-KRB5-DES-CBC-MD5", "EXP-ADH-RC4-MD5", "EXP-RC4-MD5", "EXP-KRB5-RC4-SHA", "EXP-KRB5-RC4-MD5",
}
