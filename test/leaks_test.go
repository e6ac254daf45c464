package test

import (
	"bufio"
	"flag"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var launches = flag.Int("launches", 100, "instances to launch and terminate in the search for leaks")

// TestNothingLeaks launches and terminates instances, in batches, and looks for
// what is left of them: in the daemon, in the kernel and in files.
func TestNothingLeaks(t *testing.T) {
	const batch = 50
	d := start(t)
	d.run("ec2-authorize", "default", "-P", "tcp", "-p", "22", "-s", "203.0.113.0/24")
	cycle := func() {
		var ids []string
		for _, i := range d.launch("ami-eca54085", "-n", fmt.Sprint(batch)) {
			ids = append(ids, i.id)
		}
		d.run("exec", ids[0], "--", "true")
		d.run(append([]string{"ec2-terminate-instances"}, ids...)...)
		d.await("terminated", ids...)
		eventually(t, "the machines are gone", func() bool { return len(d.machines()) == 0 })
	}
	cycle() // what is made once is there from then on
	before := d.inventory()
	began := time.Now()
	for n := 0; n < *launches; n += batch {
		cycle()
	}
	t.Logf("%d launches and terminations in %v", *launches, time.Since(began).Round(time.Second))

	var after inventory
	eventually(t, "the daemon is at rest", func() bool {
		after = d.inventory()
		return after.goroutines <= before.goroutines && after.files <= before.files
	})
	t.Logf("goroutines %d, then %d; open files %d, then %d; %d MiB, then %d", before.goroutines, after.goroutines, before.files, after.files, before.megabytes, after.megabytes)
	for _, what := range after.remains {
		if !slices.Contains(before.remains, what) {
			t.Errorf("is new: %s", what)
		}
	}
	if after.flows > before.flows {
		t.Errorf("%d flows are remembered, %d before", after.flows, before.flows)
	}
}

// An inventory is what there is of a daemon.
type inventory struct {
	goroutines, files, flows, megabytes int
	remains                             []string
}

func (d *daemon) inventory() inventory {
	d.t.Helper()
	http.DefaultClient.CloseIdleConnections()
	i := inventory{
		goroutines: d.gauge("go_goroutines"), files: d.gauge("process_open_fds"), flows: d.gauge("ringfence_flows"), megabytes: d.gauge("process_resident_memory_bytes") >> 20,
		remains: d.remains(),
	}
	for _, pattern := range []string{d.dataDir + "/*", d.dataDir + "/instances/*", "/run/ringfence/" + d.name + "*"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			d.t.Fatal(err)
		}
		i.remains = append(i.remains, files...)
	}
	return i
}

// gauge is the value of one of the daemon's metrics without labels.
func (d *daemon) gauge(name string) int {
	d.t.Helper()
	r, err := http.Get(d.endpoint + "/metrics")
	if err != nil {
		d.t.Fatal(err)
	}
	defer r.Body.Close()
	for lines := bufio.NewScanner(r.Body); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				d.t.Fatalf("metric %s: %v", name, err)
			}
			return int(value)
		}
	}
	d.t.Fatalf("there is no metric %s", name)
	return 0
}
