package dataplane_test

import (
	"net/netip"
	"os"
	"testing"
	"time"

	"ringfence/internal/dataplane"
	"ringfence/internal/fabric"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// TestMissingPrograms takes the programs off a live link. The namespace that
// the link is in forwards nothing by itself, so nothing passes any more; other
// links go on.
func TestMissingPrograms(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to load BPF programs")
	}
	const stripped, receiver, witness policy.Port = 11, 12, 13
	ports := []int{int(stripped), int(receiver), int(witness)}
	err := fabric.Wires(ports, func(wires map[int]*fabric.Wire) error {
		d, err := dataplane.Open(dataplane.Options{})
		if err != nil {
			return err
		}
		defer d.Close()
		for _, port := range []policy.Port{stripped, receiver, witness} {
			if err := d.Attach(port, false); err != nil {
				return err
			}
		}
		open(t, d, map[policy.Port]string{stripped: "10.254.0.10", receiver: "10.254.0.11", witness: "10.254.0.12"})

		send := func(from policy.Port, src string, sport uint16) {
			t.Helper()
			f := policy.Frame{Src: netip.MustParseAddr(src), Dst: netip.MustParseAddr("10.254.0.11"), Proto: vpc.TCP, SrcPort: sport, DstPort: 80, Flags: policy.SYN}
			f.SrcMAC, f.DstMAC = vpc.MACOf(f.Src), vpc.MACOf(f.Dst)
			if err := wires[int(from)].Send(f.Bytes()); err != nil {
				t.Error(err)
			}
		}
		// The first frame to arrive must be from sport: frames arrive in the
		// order in which they were sent, so those before it have not passed.
		next := func(sport uint16) {
			t.Helper()
			b, err := wires[int(receiver)].Receive(10 * time.Second)
			if err != nil || b == nil {
				t.Fatalf("nothing arrives (%v), want a frame from port %d", err, sport)
			}
			if p, _ := policy.ParseFrame(b); p.SrcPort != sport {
				t.Errorf("a frame from port %d arrives, want one from %d", p.SrcPort, sport)
			}
		}
		send(stripped, "10.254.0.10", 1)
		next(1)
		if err := d.Detach(stripped); err != nil {
			return err
		}
		send(stripped, "10.254.0.10", 2)
		send(witness, "10.254.0.12", 3)
		next(3)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
