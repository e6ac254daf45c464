package bed

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"ringfence/bench/internal/load"
)

// Each variant is built, passes and drops what it should, carries every kind of
// load for a moment, and leaves nothing behind.
func TestVariants(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, for network namespaces")
	}
	if testing.Short() {
		t.Skip("takes seconds")
	}
	seen := make(map[string]bool)
	for _, v := range Variants() {
		if seen[v.Name] { // with more rules it takes longer, and is the same
			continue
		}
		seen[v.Name] = true
		t.Run(v.String(), func(t *testing.T) {
			if missing := v.Missing(); missing != "" {
				t.Skip(missing)
			}
			before := leftovers(t)
			b, err := New(t.Context(), v)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Check(); err != nil {
				t.Error(err)
			}
			carry(t, b.Ends)
			if err := b.Close(); err != nil {
				t.Error(err)
			}
			if after := leftovers(t); after != before {
				t.Errorf("links and open files are %s, and were %s before", after, before)
			}
		})
	}
}

func TestABedThatTellsNoEventsFailsWhereTheyAreWanted(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, for network namespaces")
	}
	if testing.Short() {
		t.Skip("waits for seconds")
	}
	b, err := New(t.Context(), Variant{Name: "ringfence", Rules: 10, build: through(shape{}, false)})
	if err != nil {
		t.Fatal(err)
	}
	b.told = make(chan struct{})
	if err := b.Check(); err == nil || !strings.Contains(err.Error(), "no event") {
		t.Errorf("the check ends with %v", err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func carry(t *testing.T, e load.Ends) {
	t.Helper()
	o := load.Options{Duration: 20 * time.Millisecond}
	if bits, err := load.Streams(e, 2, o); err != nil || bits <= 0 {
		t.Errorf("streams carry %v bits/s: %v", bits, err)
	}
	if n, err := load.Datagrams(e, o); err != nil || n <= 0 {
		t.Errorf("datagrams: %v/s: %v", n, err)
	}
	if times, err := load.Requests(e, o); err != nil || times.P50 <= 0 || times.P99 < times.P50 {
		t.Errorf("requests take %+v: %v", times, err)
	}
	if times, err := load.Connections(e, o); err != nil || times.PerSecond <= 0 {
		t.Errorf("connections take %+v: %v", times, err)
	}
}

// leftovers are what a bed could leave: links in the namespace of this program,
// and open files, of which every namespace, map and program is one.
func leftovers(t *testing.T) string {
	t.Helper()
	links, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d and %d", len(links), len(files))
}
