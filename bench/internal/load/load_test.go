package load

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"ringfence/bench/internal/netns"
)

func TestARealTimeThreadThatIsStoppedSoonIsToldOf(t *testing.T) {
	for _, c := range []struct {
		runtime, period string
		cut             bool
	}{
		{"950000", "1000000", false}, {"-1", "1000000", false}, {"1000000", "1000000", false}, {"", "", false},
		{"100000", "1000000", true}, {"0", "1000000", true}, {"950000", "2000000", true}, {"much", "1000000", true},
	} {
		directory := t.TempDir()
		for name, text := range map[string]string{"sched_rt_runtime_us": c.runtime, "sched_rt_period_us": c.period} {
			if text == "" {
				continue // a kernel without the setting
			}
			if err := os.WriteFile(filepath.Join(directory, name), []byte(text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := cutShort(directory); (err != nil) != c.cut {
			t.Errorf("%q of %q: %v", c.runtime, c.period, err)
		}
	}
}

// Both ends must be: the one that accepts sends as much in Requests.
func TestEveryConnectionIsCubicWhateverTheMachineUses(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, for a network namespace")
	}
	in, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := in.Set("ipv4/tcp_congestion_control", "reno"); err != nil {
		t.Fatal(err)
	}
	from, to, err := Ends{Client: in, Server: in, ServerAddr: netip.MustParseAddr("127.0.0.1")}.connect(1)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append(from, to...) {
		if got, err := unix.GetsockoptString(int(s), unix.IPPROTO_TCP, unix.TCP_CONGESTION); got != Congestion {
			t.Errorf("a connection has %q, %v, want %s", got, err, Congestion)
		}
	}
	if err := closeAll(append(from, to...)); err != nil {
		t.Error(err)
	}
}
