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

// What the first fragment of a datagram has told is forgotten for good: the
// lower half of the clock comes round after some weeks, and brings nothing back.
func TestFragmentsOfLongAgo(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to load BPF programs")
	}
	const outside, instance policy.Port = 11, 12
	err := fabric.Scratch([]int{int(outside), int(instance)}, func() error {
		d, err := dataplane.Open(dataplane.Options{})
		if err != nil {
			return err
		}
		defer d.Close()
		open(t, d, map[policy.Port]string{outside: "203.0.113.7", instance: "10.254.0.10"})
		hz, err := dataplane.TickRate()
		if err != nil {
			return err
		}
		send := func(at time.Duration, offset uint16, want policy.Reason) {
			t.Helper()
			d.StopClock(at)
			f := policy.Frame{
				Src: netip.MustParseAddr("203.0.113.7"), Dst: netip.MustParseAddr("203.0.113.40"),
				Proto: vpc.TCP, SrcPort: 1024, DstPort: 80, Flags: policy.SYN, ID: 7, Offset: offset, More: offset == 0, Payload: make([]byte, 20),
			}
			f.SrcMAC, f.DstMAC = vpc.MACOf(f.Src), vpc.MACOf(f.Dst)
			v, _, err := d.Run(outside, f.Bytes())
			if err != nil || v.Reason != want {
				t.Errorf("after %v: %v, want %v (%v)", at, v.Reason, want, err)
			}
		}
		const first, later = 0, 5
		round := (1 << 32) * time.Second / time.Duration(hz)
		send(time.Hour, first, policy.Admitted)
		send(time.Hour+time.Second, later, policy.Known)
		send(time.Hour+time.Second+round, later, policy.FragmentAlone)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
