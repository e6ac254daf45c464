package dataplane_test

import (
	"maps"
	"testing"
	"time"

	"ringfence/internal/dataplane"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// What an interface has lost goes on counting when it is gone, and takes no room
// from those that come.
func TestDropsOfInterfacesThatAreGone(t *testing.T) {
	type counts map[vpc.InterfaceNumber]uint64
	withPair(t, dataplane.Options{MaxFlows: fewFlows}.WithMapSize("drops", 2), nil, func(p *pair) {
		counted := func() counts {
			drops, err := p.Drops()
			if err != nil {
				t.Fatal(err)
			}
			n := make(counts)
			for _, d := range drops {
				n[d.Interface] += d.Packets
			}
			return n
		}
		server := *p.host.Interface("eni-1")
		want := counts{}
		for range 3 {
			const packets = 5
			for i := range uint16(packets) {
				p.expect("a refused one", p.send(clientPort, 2000+i, 80, policy.SYN), policy.NoIngressRule)
			}
			want[server.Number] = packets
			if got := counted(); !maps.Equal(got, want) {
				t.Fatalf("counted %v, want %v", got, want)
			}
			next := server
			next.Number++
			if err := p.apply(&vpc.Feed{Interfaces: []*vpc.NetworkInterface{&next}}); err != nil {
				t.Fatal(err)
			}
			delete(want, server.Number)
			want[0] += packets
			for deadline := time.Now().Add(10 * time.Second); !maps.Equal(counted(), want); {
				if time.Now().After(deadline) {
					t.Fatalf("counted %v, want %v", counted(), want)
				}
				if err := p.apply(&vpc.Feed{}); err != nil {
					t.Fatal(err)
				}
			}
			if err := p.Connect(p.host, serverPort); err != nil {
				t.Fatal(err)
			}
			server = next
		}
	})
}
