package elb

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringfence/internal/vpc"
)

// A node passes connections to the running instances of its zone, or with
// cross-zone load balancing to those of all enabled zones, at the addresses that
// they have now.
func TestTargets(t *testing.T) {
	instances := map[vpc.InstanceID]*vpc.Instance{
		"i-1": {ID: "i-1", Zone: "a", State: vpc.Running, PrivateAddr: netip.MustParseAddr("10.0.0.1")},
		"i-2": {ID: "i-2", Zone: "b", State: vpc.Running, PrivateAddr: netip.MustParseAddr("10.0.0.2")},
		"i-3": {ID: "i-3", Zone: "c", State: vpc.Running, PrivateAddr: netip.MustParseAddr("10.0.0.3")},
		"i-4": {ID: "i-4", Zone: "a", State: vpc.Stopped},
	}
	lb := &vpc.LoadBalancer{
		Nodes:     []vpc.LoadBalancerNode{{Zone: "a"}, {Zone: "b"}},
		Instances: []vpc.InstanceID{"i-5", "i-4", "i-3", "i-2", "i-1"},
	}
	node := &vpc.NetworkInterface{Zone: "a", Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.9")}}
	nouns := Nouns{Instance: func(id vpc.InstanceID) *vpc.Instance { return instances[id] }}
	targets := func() (ids []vpc.InstanceID) {
		for _, t := range NewSpec(lb, node, nouns).Targets {
			ids = append(ids, t.Instance)
		}
		return ids
	}
	if diff := cmp.Diff([]vpc.InstanceID{"i-1"}, targets()); diff != "" {
		t.Error(diff)
	}
	lb.Attributes.CrossZone = true
	if diff := cmp.Diff([]vpc.InstanceID{"i-1", "i-2"}, targets()); diff != "" {
		t.Error(diff)
	}
}

// What policies say goes to the listeners and instance ports that they are
// enabled for, and to no others.
func TestPolicies(t *testing.T) {
	lb := &vpc.LoadBalancer{
		Listeners: []vpc.Listener{
			{Protocol: vpc.ListenHTTPS, Port: 443, InstanceProtocol: vpc.ListenHTTPS, InstancePort: 8443, Certificate: "arn", Policies: []string{"weak", "hour"}},
			{Protocol: vpc.ListenTCP, Port: 25, InstanceProtocol: vpc.ListenTCP, InstancePort: 2525},
		},
		Policies: []vpc.LoadBalancerPolicy{
			vpc.NewTLSPolicy("weak", func(a string) bool { return a == "Protocol-TLSv1" || a == "AES128-SHA" }),
			{Name: "hour", Type: "LBCookieStickinessPolicyType", Attributes: []vpc.PolicyAttribute{{Name: "CookieExpirationPeriod", Value: "3600"}}},
			{Name: "line", Type: "ProxyProtocolPolicyType", Attributes: []vpc.PolicyAttribute{{Name: "ProxyProtocol", Value: "true"}}},
			{Name: "key", Type: "PublicKeyPolicyType", Attributes: []vpc.PolicyAttribute{{Name: "PublicKey", Value: "MFkw"}}},
			{Name: "keys", Type: "BackendServerAuthenticationPolicyType", Attributes: []vpc.PolicyAttribute{{Name: "PublicKeyPolicyName", Value: "key"}}},
		},
		BackendPolicies: map[uint16][]string{2525: {"line"}, 8443: {"keys"}},
	}
	node := &vpc.NetworkInterface{Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.9")}}
	got := NewSpec(lb, node, Nouns{Certificate: func(arn string) *vpc.ServerCertificate {
		return &vpc.ServerCertificate{ARN: arn, Body: "body", Chain: "chain", PrivateKey: "key"}
	}}).Listeners
	want := []Listener{
		{Protocol: vpc.ListenTCP, Port: 25, InstanceProtocol: vpc.ListenTCP, InstancePort: 2525, ProxyProtocol: true},
		{
			Protocol: vpc.ListenHTTPS, Port: 443, InstanceProtocol: vpc.ListenHTTPS, InstancePort: 8443, Certificate: "body\nchain\nkey",
			Negotiation: vpc.Negotiation{Protocols: []string{"TLSv1"}, Ciphers: []string{"AES128-SHA"}}, Cookie: &Cookie{Seconds: 3600}, PublicKeys: []string{"MFkw"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestVersions(t *testing.T) {
	for out, want := range map[string]string{
		"HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/\nStatus: x\n": "HAProxy 2.6.12",
		"HAProxy version 3.0.0 2024/05/29\n":                                              "HAProxy 3.0.0",
		"HAProxy version 2.4.22-0ubuntu0.22.04.2 2023/08/14\n":                            "",
		"nginx version: nginx/1.22.1\n":                                                   "",
	} {
		e, err := parseVersion("/usr/sbin/haproxy", out)
		if e.Version != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q (%v)", out, e.Version, err)
		}
	}
}
