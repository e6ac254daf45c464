package test

import (
	"os"
	"syscall"
	"testing"
)

// TestRestart ends a daemon, politely and not, and starts it again. Instances
// and their connections know nothing of it, and what is refused is refused all
// the time.
func TestRestart(t *testing.T) {
	for name, signal := range map[string]os.Signal{"SIGTERM": syscall.SIGTERM, "SIGKILL": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) { testRestart(t, signal) })
	}
}

func testRestart(t *testing.T, signal os.Signal) {
	d := startLasting(t)
	d.run("ec2-authorize", "default", "-P", "tcp", "-p", "7000", "-s", "203.0.113.7/32")
	i := d.launch("ami-eca54085")[0]
	d.settle()
	born := []string{"exec", i.id, "--", "cut", "-d", " ", "-f", "22", "/proc/1/stat"}
	before := d.run(born...)
	echo := d.echo(i, outside("203.0.113.7"))
	received := d.session(inside(i), receiver)
	received.expect("listening")
	probe := d.session(outside("203.0.113.8"), prober, i.public)
	probe.expect("sending")

	d.stop(signal)
	echo.exchange()
	probe.write("more")
	probe.expect("sent")
	d.start()
	echo.exchange()
	probe.write("more")
	probe.expect("sent")
	received.write("got?")
	received.expect("none")
	d.expect("scan after the restart", d.scan(outside("203.0.113.8"), i.public, "22,7000"), "[] open, 2 filtered, 0 closed")
	if again := d.await("running", i.id)[0]; again != i {
		t.Errorf("the instance was %v, now it is %v", i, again)
	}
	if after := d.run(born...); before == "" || after != before {
		t.Errorf("the instance was born at %q, now at %q", before, after)
	}

	// The daemon is in charge: a rule lets the probes in, and its revocation
	// ends it.
	d.run("ec2-authorize", "default", "-P", "udp", "-p", "9999", "-s", "203.0.113.8/32")
	d.settle()
	probe.write("more")
	probe.expect("sent")
	received.write("got?")
	received.expect("some")
	d.run("ec2-revoke", "default", "-P", "tcp", "-p", "7000", "-s", "203.0.113.7/32")
	d.settle()
	echo.exchange()
	d.expect("a revoked port", d.scan(outside("203.0.113.7"), i.public, "7000"), "[] open, 1 filtered, 0 closed")
}

// TestKillWhileLaunching kills the daemon while instances are being made, and
// finds all of them running after the next start; and while they are ended.
func TestKillWhileLaunching(t *testing.T) {
	d := startLasting(t)
	var ids []string
	for range 3 {
		for _, fields := range records(d.run("ec2-run-instances", "ami-eca54085", "-n", "4"), "INSTANCE") {
			ids = append(ids, fields[1])
		}
		d.stop(syscall.SIGKILL)
		d.start()
	}
	list := d.await("running", ids...)
	for _, i := range list[1:] {
		d.run("exec", list[0].id, "--", "ping", "-c", "1", "-W", "10", i.private)
	}
	d.expect("scan", d.scan(outside("203.0.113.7"), list[5].public, "1-20"), "[] open, 20 filtered, 0 closed")
	ended, kept := ids[:6], ids[6:]
	d.run(append([]string{"ec2-terminate-instances"}, ended...)...)
	d.stop(syscall.SIGKILL)
	d.start()
	d.await("terminated", ended...)
	d.await("running", kept...)
	eventually(t, "the machines of ended instances are gone", func() bool { return len(d.machines()) == len(kept)+1 }) // and the outside host
	d.run("exec", kept[0], "--", "ping", "-c", "1", "-W", "10", list[len(list)-1].private)
}
