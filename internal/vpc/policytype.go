package vpc

// The types of the policies of load balancers, and the names of their attributes
// (ELB API reference, DescribeLoadBalancerPolicyTypes). Those of SSLNegotiation
// are TLSPolicyAttributes.
const (
	SSLNegotiation      = "SSLNegotiationPolicyType" // which protocols and ciphers a secure listener takes
	ProxyProtocolPolicy = "ProxyProtocolPolicyType"
	PublicKeyPolicy     = "PublicKeyPolicyType"
	BackendAuthPolicy   = "BackendServerAuthenticationPolicyType"
	AppCookiePolicy     = "AppCookieStickinessPolicyType"
	LBCookiePolicy      = "LBCookieStickinessPolicyType"

	ProxyProtocol   = "ProxyProtocol"
	PublicKey       = "PublicKey"
	PublicKeyHolder = "PublicKeyPolicyName" // of a BackendAuthPolicy: a PublicKeyPolicy
	CookieName      = "CookieName"
	CookiePeriod    = "CookieExpirationPeriod"
)

// Attribute is the value of p's attribute of a name, "" if it has none.
func (p *LoadBalancerPolicy) Attribute(name string) string {
	for _, a := range p.Attributes {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}
