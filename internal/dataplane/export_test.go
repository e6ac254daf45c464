package dataplane

import (
	"testing"

	"github.com/cilium/ebpf"

	"ringfence/internal/policy"
)

// TickRate is how many ticks of the programs' clock a second has.
var TickRate = tickRate

// RunInStep is Run for Options.Step, which is called with the lock held.
func (d *Dataplane) RunInStep(port policy.Port, frame []byte) (policy.Verdict, error) {
	v, _, err := d.run(&d.objects.kernelPrograms, port, frame)
	return v, err
}

// Repeat runs the program of a port over a frame many times, in the kernel.
// Unlike Run it waits for nobody.
func (d *Dataplane) Repeat(port policy.Port, frame []byte, times int) error {
	_, err := measure(d.objects.FromInterface, port, frame, times)
	return err
}

// WithMapSize makes a map smaller than it usually is.
func (o Options) WithMapSize(name string, size uint32) Options {
	o.mapSizes = map[string]uint32{name: size}
	return o
}

// Entries counts what is in the maps that rules and places are written to.
func (d *Dataplane) Entries(t testing.TB) map[string]int {
	t.Helper()
	n := make(map[string]int)
	for name, m := range map[string]*ebpf.Map{
		"identities": d.objects.Identities, "cidrs": d.objects.Cidrs, "l4": d.objects.L4, "locations": d.objects.Locations,
		"publics": d.objects.Publics, "routes": d.objects.Routes,
	} {
		n[name] = 0
		var key, value []byte
		entries := m.Iterate()
		for entries.Next(&key, &value) {
			n[name]++
		}
		if err := entries.Err(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range d.tables.ports.len() {
		if d.tables.ports.at(i).Number != 0 {
			n["ports"]++
		}
	}
	for _, judges := range []*shared[kernelJudges]{d.sets.in, d.subnets.in} {
		for i := range judges.len() {
			if judges.at(i).Identity != 0 {
				n["judges"]++
			}
		}
	}
	n["slots"] = len(d.slotIndexes.taken)
	for _, u := range d.ruleIndexes.byID {
		if u.slots > 0 {
			n["rules"]++
		}
	}
	return n
}
