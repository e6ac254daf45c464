package dataplane_test

import (
	"fmt"
	"testing"

	"ringfence/internal/dataplane"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// As many rules as one interface may have are judged up to the last one.
func TestLastRules(t *testing.T) {
	const most = 1 << 16
	ports := map[int]uint16{0: 80, 32767: 81, 32768: 82, most - 2: 83, most - 1: 84} // the ends of vectors of chunks
	rules := make([]*vpc.Rule, most)
	for i := range rules {
		port := uint16(2000)
		if p, ok := ports[i]; ok {
			port = p
		}
		rules[i] = allow(vpc.RuleID(fmt.Sprintf("sgr-%06d", i)), "sg-server", port, port, []string{"10.254.0.0/16", "0.0.0.0/0"}[i%2])
	}
	withPair(t, dataplane.Options{MaxFlows: fewFlows}, rules, func(p *pair) {
		for i, port := range ports {
			f := policy.Frame{
				Src: clientAddr, Dst: serverAddr, SrcMAC: vpc.MACOf(clientAddr), DstMAC: vpc.MACOf(serverAddr),
				Proto: vpc.TCP, SrcPort: 2000, DstPort: port, Flags: policy.SYN,
			}
			got, _, err := p.Run(clientPort, f.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if want := (policy.Verdict{Accept: true, Reason: policy.Admitted, Rule: rules[i].ID, To: serverPort}); got != want {
				t.Errorf("port %d: %+v, want %+v", port, got, want)
			}
		}
		p.expect("a port without a rule", p.send(clientPort, 2000, 85, policy.SYN), policy.NoIngressRule)
	})
}
