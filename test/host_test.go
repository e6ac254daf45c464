package test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// remains lists what is left of a daemon on this host.
func (d *daemon) remains() []string {
	d.t.Helper()
	var left []string
	found := func(kind, what string) { left = append(left, kind+" "+what) }
	for _, pattern := range []string{"/run/netns/" + d.name + "-*", "/run/ringfence/" + d.name + ".lock", "/run/ringfence/bpf/" + d.name, "/run/ringfence/bpf/" + d.name + "/*"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			d.t.Fatal(err)
		}
		for _, p := range paths {
			found("file", p)
		}
	}
	links, err := net.Interfaces()
	if err != nil {
		d.t.Fatal(err)
	}
	for _, l := range links {
		if strings.HasPrefix(l.Name, d.name) {
			found("link", l.Name)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		d.t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, d.dataDir) || strings.Contains(line, "/"+d.name+"-") {
			found("mount", strings.TrimSpace(line))
		}
	}
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		d.t.Fatal(err)
	}
	for _, p := range processes {
		// One that has just ended has no files any more.
		exe, _ := os.Readlink(p + "/exe")
		command, _ := os.ReadFile(p + "/cmdline")
		if strings.HasPrefix(exe, d.dataDir) || strings.Contains(string(command), d.dataDir) {
			found("process", fmt.Sprintf("%s %q", p, command))
		}
	}
	err = filepath.WalkDir("/sys/fs/cgroup", func(path string, e fs.DirEntry, err error) error {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if e != nil && e.IsDir() && strings.Contains(e.Name(), d.name) {
			found("cgroup", path)
		}
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return left
}

// TestEphemeralLeavesNothing ends a daemon that keeps nothing.
func TestEphemeralLeavesNothing(t *testing.T) {
	d := start(t)
	d.launch("ami-fba54092", "-n", "3")
	d.run("outside", "--ip", "203.0.113.7", "--", "true")
	if _, err := exec.LookPath("/usr/sbin/haproxy"); err == nil {
		lb := d.run("elb-create-lb", "front", "-l", "protocol=http,lb-port=80,instance-port=80", "-z", "us-east-1a")
		eventually(t, "the load balancer answers", func() bool { return strings.HasSuffix(d.fetch("http://"+strings.Fields(lb)[1]+"/"), "503") })
	}
	if len(d.remains()) < 5 {
		t.Errorf("while it runs there is only %q", d.remains())
	}
	d.stop(syscall.SIGTERM)
	if left := d.remains(); len(left) > 0 {
		t.Errorf("what is left:\n%s", strings.Join(left, "\n"))
	}
	if files, err := os.ReadDir(d.dataDir); err != nil || len(files) > 0 {
		t.Errorf("the data directory has %v: %v", files, err)
	}
}

// TestClean removes what a daemon has left behind that was killed, and keeps
// its data: the next one boots the instances anew, at the same addresses.
func TestClean(t *testing.T) {
	d := startLasting(t)
	i := d.launch("ami-fba54092")[0]
	d.run("ec2-create-group", "kept", "-d", "still here")
	d.stop(syscall.SIGKILL)
	if len(d.remains()) < 5 {
		t.Errorf("of a killed daemon there is only %q", d.remains())
	}
	if out, err := d.command("ringfenced", "clean", "--name", d.name).CombinedOutput(); err != nil {
		t.Fatalf("clean: %v\n%s", err, out)
	}
	if left := d.remains(); len(left) > 0 {
		t.Errorf("what is left:\n%s", strings.Join(left, "\n"))
	}
	d.start()
	if again := d.await("running", i.id)[0]; again != i {
		t.Errorf("the instance was %v, now it is %v", i, again)
	}
	eventually(t, "the instance runs commands", func() bool {
		_, _, status := d.try("exec", i.id, "--", "true")
		return status == 0
	})
	d.run("ec2-describe-group", "kept")
}

// TestSideBySide runs two daemons, whose instances have the same addresses and
// never meet, and refuses a third that would take what they have.
func TestSideBySide(t *testing.T) {
	a, b := start(t), start(t)
	for _, d := range []*daemon{a, b} {
		d.run("ec2-authorize", "default", "-P", "tcp", "-p", "22", "-s", "203.0.113.7/32")
	}
	first, second := a.launch("ami-eca54085")[0], b.launch("ami-eca54085")[0]
	if first.private != second.private || first.public != second.public {
		t.Errorf("addresses %v and %v: want the same", first, second)
	}
	a.run("ec2-revoke", "default", "-P", "tcp", "-p", "22", "-s", "203.0.113.7/32")
	a.settle()
	b.settle()
	a.expect("the first daemon's", a.scan(outside("203.0.113.7"), first.public, "22"), "[] open, 1 filtered, 0 closed")
	b.expect("the second one's", b.scan(outside("203.0.113.7"), second.public, "22"), "[22] open, 0 filtered, 0 closed")

	pid := fmt.Sprint(a.process.Process.Pid)
	address := strings.TrimPrefix(a.endpoint, "http://")
	tests := []struct {
		name, dataDir, listen string
		says                  []string
	}{
		{a.name, t.TempDir(), "127.0.0.1:0", []string{a.name, pid}},
		{a.name + "x", a.dataDir, "127.0.0.1:0", []string{a.dataDir, pid}},
		{a.name + "x", t.TempDir(), address, []string{address, "taken"}},
		{"far-too-long", t.TempDir(), "127.0.0.1:0", []string{"far-too-long", "8"}},
		{a.name + "x", t.TempDir(), "0.0.0.0:0", []string{"0.0.0.0:0", "TLS"}},
	}
	for _, tt := range tests {
		c := a.command("ringfenced", "dev", "--name", tt.name, "--data-dir", tt.dataDir, "--listen", tt.listen, "--no-host-route", "--ephemeral")
		out, err := c.CombinedOutput()
		if _, ok := errors.AsType[*exec.ExitError](err); !ok {
			t.Errorf("%v: %v", tt, err)
		}
		message := tail(out, 1)
		for _, says := range tt.says {
			if !strings.Contains(message, says) {
				t.Errorf("%v says %q and not %q", tt, message, says)
			}
		}
	}

	// Nobody cleans up behind a daemon that runs.
	out, err := a.command("ringfenced", "clean", "--name", a.name).CombinedOutput()
	if err == nil || !strings.Contains(string(out), pid) {
		t.Errorf("clean: %v: %s", err, out)
	}

	// The end of one is nothing to the other.
	a.stop(syscall.SIGTERM)
	b.expect("the second one's", b.scan(outside("203.0.113.7"), second.public, "22"), "[22] open, 0 filtered, 0 closed")
}

// TestHostLink reaches an instance from the host itself, which is outside host
// .1. The host is a network namespace here, so that no route is in the way and
// this machine's own are left alone.
func TestHostLink(t *testing.T) {
	d := newDaemon(t, "--ephemeral")
	d.flags = d.flags[:1] // with the link
	holder := exec.Command("unshare", "--net", "cat")
	in, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := holder.Wait(); err != nil {
			t.Error(err)
		}
	})
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	held := fmt.Sprintf("/proc/%d/ns/net", holder.Process.Pid)
	eventually(t, "the namespace is there", func() bool {
		its, err := os.Readlink(held)
		return err == nil && its != own
	})
	d.enter = []string{"nsenter", "--net=" + held, "--"}
	on := func(args ...string) (string, error) {
		out, err := d.command(args[0], args[1:]...).CombinedOutput()
		return string(out), err
	}
	if out, err := on("ip", "link", "set", "lo", "up"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	d.start()

	i := d.launch("ami-fba54092")[0]
	url := "http://" + i.public + "/"
	if out, err := on("curl", "-sf", "--max-time", "2", url); err == nil {
		t.Errorf("the instance is reached without a rule: %s", out)
	}
	d.run("ec2-authorize", "default", "-P", "tcp", "-p", "80", "-s", "203.0.113.1/32")
	d.settle()
	if out, err := on("curl", "-sf", "--max-time", "10", url); err != nil || !strings.Contains(out, i.id) {
		t.Errorf("the instance is not reached: %v: %s", err, out)
	}
	d.stop(syscall.SIGTERM)
	if left := d.remains(); len(left) > 0 {
		t.Errorf("what is left:\n%s", strings.Join(left, "\n"))
	}
	if out, err := on("ip", "-brief", "address"); err != nil || len(strings.Split(strings.TrimSpace(out), "\n")) != 1 {
		t.Errorf("links are left: %v:\n%s", err, out)
	}
	if out, err := on("ip", "route"); err != nil || out != "" {
		t.Errorf("routes are left: %v:\n%s", err, out)
	}
}
