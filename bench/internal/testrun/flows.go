package testrun

import (
	"math/rand/v2"
	"slices"
	"time"

	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// datagram is that of flow number i of those that Fill makes: from every port of
// the client to some of the server's.
func (b *Bench) datagram(i int) []byte {
	const ports = 60_000
	b.next = uint16(1024 + i%ports)
	return b.frame(vpc.UDP, false, uint16(1024+i/ports), 0)
}

// Fill makes the kernel remember n flows, of a datagram each.
func (b *Bench) Fill(n int) error {
	err := b.Follow(&vpc.Feed{Rules: []*vpc.Rule{{
		ID: "sgr-every-port", Group: ServerGroup, Proto: vpc.UDP, Ports: vpc.AllPorts, Peer: vpc.Peer{Group: ClientGroup},
	}}})
	if err != nil {
		return err
	}
	for i := range n {
		if err := b.expect(client, b.datagram(i), policy.Admitted); err != nil {
			return err
		}
	}
	return nil
}

// samples are how many packets Random takes.
const samples = 5000

// Random is the median of one more datagram of some of the n flows that Fill has
// made, picked at random, each run once: the more flows, the less of them is in
// the CPU's caches.
func (b *Bench) Random(n int) (time.Duration, error) {
	empty, err := b.clockCost()
	if err != nil {
		return 0, err
	}
	random := rand.New(rand.NewPCG(1, 2))
	var all []time.Duration
	for range samples {
		took, err := b.Dataplane.Measure(client, b.datagram(random.IntN(n)), 1)
		if err != nil {
			return 0, err
		}
		all = append(all, max(0, took-empty))
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}
