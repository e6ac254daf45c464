package vpc

import (
	"slices"
	"strings"
)

// A Negotiation is what a secure listener agrees to, as an SSLNegotiation policy
// says.
type Negotiation struct {
	Protocols   []string // such as TLSv1.2
	Ciphers     []string // by OpenSSL's names, the preferred one first
	ServerOrder bool     // the listener's preference counts, not the client's
}

// NegotiationOf reads the attributes of a policy. They are all there, and the
// ciphers in order of preference (invariant of NewTLSPolicy).
func NegotiationOf(attributes []PolicyAttribute) Negotiation {
	var n Negotiation
	for _, a := range attributes {
		protocol, isProtocol := strings.CutPrefix(a.Name, tlsProtocolsPrefix)
		switch {
		case a.Value != tlsAttributeOn:
		case a.Name == ServerCipherOrder:
			n.ServerOrder = true
		case isProtocol:
			n.Protocols = append(n.Protocols, protocol)
		default:
			n.Ciphers = append(n.Ciphers, a.Name)
		}
	}
	return n
}

// lostCiphers are parts of the names of ciphers that OpenSSL 3 does not have, or
// that need other things than a certificate.
var lostCiphers = []string{"RC4", "RC2", "DES-", "SEED", "IDEA", "KRB5", "PSK", "ADH-"}

// Unavailable lists what of n no load balancer here can do: OpenSSL 3 has
// neither SSL 2.0 and 3.0, nor RC4, triple DES and other old ciphers, and HAProxy
// takes a range of versions.
func (n Negotiation) Unavailable() []string {
	var missing []string
	has := func(p string) bool { return slices.Contains(n.Protocols, p) }
	for _, p := range n.Protocols {
		if !slices.Contains(upToTLS12, p) {
			missing = append(missing, p)
		}
	}
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
