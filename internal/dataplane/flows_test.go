package dataplane_test

import (
	"testing"

	"ringfence/internal/dataplane"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// TestFlows lists and cuts more flows than are read at a time, each of them
// once, and leaves those alone that are not meant.
func TestFlows(t *testing.T) {
	const many = 10000
	rules := []*vpc.Rule{allow("sgr-all", "sg-server", 0, 65535, "0.0.0.0/0")}
	withPair(t, dataplane.Options{MaxFlows: 2 * many, HalfOpen: 2 * many}, rules, func(p *pair) {
		for port := range uint16(many) {
			p.expect("opening", p.send(clientPort, 1+port, 80, policy.SYN), policy.Admitted)
		}
		listed := make(map[uint16]int)
		err := p.Flows(func(f *dataplane.Flow) bool {
			if f.Client.Addr.Addr() != clientAddr || f.Server.Addr.Addr() != serverAddr || f.Server.Rule != "sgr-all" || f.Server.Tracked || f.ClientPackets != 1 {
				t.Errorf("%+v", f)
			}
			listed[f.Client.Addr.Port()]++
			return true
		})
		if err != nil || len(listed) != many {
			t.Errorf("%d flows are listed, want %d (%v)", len(listed), many, err)
		}
		for port, n := range listed {
			if n != 1 {
				t.Errorf("the flow of port %d is listed %d times", port, n)
			}
		}

		odd := func(f *dataplane.Flow) bool { return f.Client.Addr.Port()%2 == 1 }
		for _, want := range []int{many / 2, 0} { // who is cut is not cut again
			if n, err := p.Cut(odd); err != nil || n != want {
				t.Errorf("%d flows are cut, want %d (%v)", n, want, err)
			}
		}
		p.expect("answer of one that is cut", p.send(serverPort, 80, 1, policy.SYN|policy.ACK), policy.Revoked)
		p.expect("answer of another", p.send(serverPort, 80, 2, policy.SYN|policy.ACK), policy.Known)
	})
}
