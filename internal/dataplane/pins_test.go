package dataplane_test

import (
	"bytes"
	"errors"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ringfence/internal/dataplane"
	"ringfence/internal/fabric"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// TestOtherSize opens pins of a table of another size: the daemon must not
// throw away what is enforced by itself, and says what to do.
func TestOtherSize(t *testing.T) {
	needRoot(t)
	pins := pinsOf(t)
	d, err := dataplane.Open(dataplane.Options{Pins: pins, MaxFlows: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = dataplane.Open(dataplane.Options{Pins: pins, MaxFlows: 2000})
	if err == nil || !strings.Contains(err.Error(), "run ringfenced clean first") {
		t.Errorf("Open says %v", err)
	}
}

// pinsOf is a place for the pins of a test.
func pinsOf(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if err := dataplane.MountPins(root); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(root, 0); err != nil {
			t.Error(err)
		}
	})
	return filepath.Join(root, "test")
}

// TestNobodyAtHome sends a frame between subnets while no process has the
// programs open: the kernel goes on with what is pinned, and rewrites it.
func TestNobodyAtHome(t *testing.T) {
	needRoot(t)
	const alice, carol policy.Port = 11, 13
	a, c := netip.MustParseAddr("10.0.1.10"), netip.MustParseAddr("10.0.2.12")
	router := [6]byte{0x02, 0x52, 0, 0, 0, 1}
	pins := pinsOf(t)
	err := fabric.Wires([]int{int(alice), int(carol)}, func(wires map[int]*fabric.Wire) error {
		d, err := dataplane.Open(dataplane.Options{Pins: pins, MaxFlows: 1024})
		if err != nil {
			return err
		}
		feed := openVPC()
		feed.Interfaces = []*vpc.NetworkInterface{inVPC(0, 2, a), inVPC(1, 3, c)}
		h := policy.NewHost(policy.RevokeAWS)
		if err := d.Apply(h, h.Apply(feed)); err != nil {
			return err
		}
		for port, id := range map[policy.Port]vpc.InterfaceID{alice: "eni-0", carol: "eni-1"} {
			h.Connect(port, policy.Plug{Interface: id})
			if err := errors.Join(d.Attach(port, false), d.Connect(h, port)); err != nil {
				return err
			}
		}
		if err := d.Close(); err != nil {
			return err
		}
		sent := policy.Frame{SrcMAC: vpc.MACOf(a), DstMAC: router, Src: a, Dst: c, Proto: vpc.UDP, SrcPort: 40000, DstPort: 53}
		want := sent
		want.SrcMAC, want.DstMAC = router, vpc.MACOf(c)
		if err := wires[int(alice)].Send(sent.Bytes()); err != nil {
			return err
		}
		got, err := wires[int(carol)].Receive(10 * time.Second)
		if !bytes.Equal(got, want.Bytes()) {
			t.Errorf("arrives\n%x, want\n%x", got, want.Bytes())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
