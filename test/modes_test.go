package test

import (
	"bufio"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestModes runs a daemon as on a kernel before 6.6, with few flows, and
// cutting every flow with its rule. It is restarted in between.
func TestModes(t *testing.T) {
	d := startLasting(t, "--clsact", "--max-flows", "1000", "--revoke", "strict")
	d.run("ec2-authorize", "default", "-P", "tcp", "-p", "7000", "-s", "203.0.113.7/32")
	i := d.launch("ami-eca54085")[0]
	d.settle()
	d.expect("scan", d.scan(outside("203.0.113.8"), i.public, "1-20"), "[] open, 20 filtered, 0 closed")
	echo := d.echo(i, outside("203.0.113.7"))
	received := d.session(inside(i), receiver)
	received.expect("listening")
	probe := d.session(outside("203.0.113.8"), prober, i.public)
	probe.expect("sending")
	d.stop(syscall.SIGTERM)
	echo.exchange()
	probe.write("more")
	probe.expect("sent")
	d.start()
	echo.exchange()
	received.write("got?")
	received.expect("none")

	d.run("ec2-revoke", "default", "-P", "tcp", "-p", "7000", "-s", "203.0.113.7/32")
	d.settle()
	echo.write("cut")
	eventually(t, "the line is dropped and counted", func() bool { return d.dropped("revoked") > 0 })
	echo.silent()
}

// dropped is how many packets the kernel has dropped for a reason, as
// /metrics tells.
func (d *daemon) dropped(reason string) int {
	d.t.Helper()
	r, err := http.Get(d.endpoint + "/metrics")
	if err != nil {
		d.t.Fatal(err)
	}
	defer r.Body.Close()
	sum := 0
	for lines := bufio.NewScanner(r.Body); lines.Scan(); {
		line := lines.Text()
		if !strings.HasPrefix(line, "ringfence_dropped_packets_total{") || !strings.Contains(line, `reason="`+reason+`"`) {
			continue
		}
		var n int
		if _, err := fmt.Sscan(line[strings.LastIndex(line, " "):], &n); err != nil {
			d.t.Fatalf("%q: %v", line, err)
		}
		sum += n
	}
	return sum
}

// TestBornClosed probes an address before, while and after an instance gets it
// that listens from its first moment on.
func TestBornClosed(t *testing.T) {
	d := start(t)
	first := d.launch("ami-eca54085")[0]
	addr, err := netip.ParseAddr(first.public)
	if err != nil {
		t.Fatal(err)
	}
	next := addr.Next().String() // the lowest free one: 203.0.113.6
	probe := d.session(outside("203.0.113.8"), prober, next)
	probe.expect("sending")
	script := filepath.Join(t.TempDir(), "user-data")
	if err := os.WriteFile(script, []byte("#!/usr/bin/python3 -u\n"+listener), 0o644); err != nil {
		t.Fatal(err)
	}
	d.run("ec2-create-group", "closed", "-d", "nobody")
	i := d.launch("ami-eca54085", "-g", "closed", "-f", script)[0]
	if i.public != next {
		t.Fatalf("the instance has %s, the probes went to %s", i.public, next)
	}
	eventually(t, "the instance listens", func() bool {
		_, _, status := d.try("exec", i.id, "--", "test", "-e", "/tmp/listening")
		return status == 0
	})
	got := func() bool {
		probe.write("more")
		probe.expect("sent")
		_, _, status := d.try("exec", i.id, "--", "test", "-e", "/tmp/got")
		return status == 0
	}
	if got() {
		t.Error("probes arrive that no rule admits")
	}
	d.run("ec2-authorize", "closed", "-P", "udp", "-p", "9999", "-s", "203.0.113.8/32")
	d.settle()
	eventually(t, "probes arrive that a rule admits", got)
}

// A listener leaves files that tell what it has come to.
const listener = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 9999))
open("/tmp/listening", "w").close()
s.recv(100)
open("/tmp/got", "w").close()
`

// TestManyInstances launches 20 at once and reaches the last of them by name of
// group, and terminates them.
func TestManyInstances(t *testing.T) {
	d := start(t)
	list := d.launch("ami-eca54085", "-n", "20")
	last := list[len(list)-1]
	d.run("exec", list[0].id, "--", "ping", "-c", "1", "-W", "10", last.private)
	ids := []string{"ec2-terminate-instances"}
	for _, i := range list {
		ids = append(ids, i.id)
	}
	d.run(ids...)
	d.await("terminated", ids[1:]...)
	again := d.launch("ami-eca54085")[0]
	if again.public != list[0].public {
		t.Errorf("the lowest free address is %s, an instance gets %s", list[0].public, again.public)
	}
	d.run("exec", again.id, "--", "true")
	if n := len(d.machines()); n != 1 {
		t.Errorf("%d machines have directories: %v", n, d.machines())
	}
}

func (d *daemon) machines() []string {
	d.t.Helper()
	list, err := filepath.Glob(filepath.Join(d.dataDir, "instances", "*"))
	if err != nil {
		d.t.Fatal(fmt.Errorf("list machines: %w", err))
	}
	return list
}
