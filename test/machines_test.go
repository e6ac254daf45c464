package test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMachines looks at what instances and outside hosts are to their users.
func TestMachines(t *testing.T) {
	d := start(t)
	script := filepath.Join(t.TempDir(), "user-data")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho boots >> /root/booted\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	d.run("ec2-create-group", "web", "-d", "web servers")
	d.run("ec2-authorize", "web", "-P", "tcp", "-p", "80")
	i := d.launch("ami-fba54092", "-g", "web", "-g", "default", "-f", script)[0]

	t.Run("exec", func(t *testing.T) {
		if _, _, status := d.try("exec", i.id, "--", "sh", "-c", "exit 37"); status != 37 {
			t.Errorf("status %d, want the command's 37", status)
		}
		if out := d.run("exec", i.id, "hostname"); strings.TrimSpace(out) != "ip-"+strings.ReplaceAll(i.private, ".", "-") {
			t.Errorf("host name %q", out)
		}
		if _, errs, status := d.try("exec", "i-00000000", "--", "true"); status != 1 || !strings.Contains(errs, "The instance ID 'i-00000000' does not exist") {
			t.Errorf("status %d: %s", status, errs)
		}
	})
	t.Run("outside", func(t *testing.T) {
		if _, _, status := d.try("outside", "--", "sh", "-c", "exit 38"); status != 38 {
			t.Errorf("status %d, want the command's 38", status)
		}
		_, errs, status := d.try("outside", "--ip", i.public, "--", "true")
		if status != 1 || !strings.Contains(errs, i.public+" is the public address of "+i.id) {
			t.Errorf("status %d: %s", status, errs)
		}
	})
	t.Run("metadata", func(t *testing.T) {
		for path, want := range map[string]string{
			"meta-data/instance-id": i.id, "meta-data/local-ipv4": i.private, "meta-data/public-ipv4": i.public,
			"meta-data/security-groups": "default\nweb", "user-data": "#!/bin/sh\necho boots >> /root/booted",
		} {
			out := d.run("exec", i.id, "--", "curl", "-sf", "--max-time", "10", "http://169.254.169.254/latest/"+path)
			if path == "meta-data/security-groups" {
				out = strings.Join(slices.Sorted(slices.Values(strings.Fields(out))), "\n")
			}
			if strings.TrimSpace(out) != want {
				t.Errorf("%s is %q, want %q", path, out, want)
			}
		}
	})
	t.Run("names", func(t *testing.T) {
		name := records(d.run("ec2-describe-instances", i.id), "INSTANCE")[0][3]
		for _, tt := range []struct {
			where []string
			want  string
		}{{inside(i), i.private}, {outside("203.0.113.7"), i.public}} {
			if out := d.run(append(tt.where, "--", "getent", "ahostsv4", name)...); !strings.HasPrefix(out, tt.want+" ") {
				t.Errorf("%v: %s is %q, want %s", tt.where, name, out, tt.want)
			}
		}
		for _, where := range [][]string{inside(i), outside("203.0.113.7")} {
			if out := d.run(append(where, "--", "getent", "hosts", i.public)...); !strings.HasSuffix(strings.TrimSpace(out), " "+name) {
				t.Errorf("%v: the name of %s is %q, want %s", where, i.public, out, name)
			}
		}
		if out, _, status := d.try("outside", "--", "getent", "hosts", i.private); status == 0 {
			t.Errorf("outside %s is %q", i.private, out)
		}
		page := d.run("outside", "--", "curl", "-sf", "--max-time", "10", "http://"+name+"/")
		if !strings.Contains(page, i.id) {
			t.Errorf("the web server says %q", page)
		}
	})
	boots := func(i instance, want int) {
		t.Helper()
		eventually(t, "the user data has run", func() bool {
			out, _, _ := d.try("exec", i.id, "--", "cat", "/root/booted")
			return strings.Count(out, "boots") == want
		})
	}
	t.Run("user data", func(t *testing.T) {
		boots(i, 1)
		if _, err := os.Stat("/root/booted"); err == nil {
			t.Error("what an instance writes is on the host")
		}
	})
	t.Run("reboot", func(t *testing.T) {
		born := []string{"exec", i.id, "--", "cut", "-d", " ", "-f", "22", "/proc/1/stat"}
		before := d.run(born...)
		d.run("ec2-reboot-instances", i.id)
		eventually(t, "the instance is another boot", func() bool {
			after, _, status := d.try(born...)
			return status == 0 && after != before
		})
		if again := d.await("running", i.id)[0]; again != i {
			t.Errorf("it was %v, now it is %v", i, again)
		}
		d.run("exec", i.id, "--", "test", "-e", "/root/booted")
		d.run("outside", "--", "curl", "-sf", "--retry", "20", "--retry-connrefused", "--retry-delay", "1", "--max-time", "30", "http://"+i.public+"/")
	})
	t.Run("stop and start", func(t *testing.T) {
		d.run("ec2-stop-instances", i.id)
		d.await("stopped", i.id)
		if _, errs, status := d.try("exec", i.id, "--", "true"); status != 1 || !strings.Contains(errs, "stopped") {
			t.Errorf("status %d: %s", status, errs)
		}
		other := d.launch("ami-eca54085")[0]
		d.run("ec2-start-instances", i.id)
		again := d.await("running", i.id)[0]
		if again.private == i.private || again.public == other.public {
			t.Errorf("it was %v, now it is %v; another is %v", i, again, other)
		}
		d.run("exec", i.id, "--", "test", "-e", "/root/booted")
		page := d.run("outside", "--", "curl", "-sf", "--max-time", "10", "http://"+again.public+"/")
		if !strings.Contains(page, again.private) {
			t.Errorf("the web server says %q", page)
		}
		i = again
	})
	t.Run("terminate", func(t *testing.T) {
		if _, errs, status := d.try("ec2-delete-group", "web"); status != 1 || !strings.Contains(errs, "InvalidGroup.InUse") {
			t.Errorf("delete a group in use: status %d: %s", status, errs)
		}
		name := records(d.run("ec2-describe-instances", i.id), "INSTANCE")[0][3]
		d.run("outside", "--", "getent", "ahostsv4", name)
		d.run("ec2-terminate-instances", i.id)
		d.await("terminated", i.id)
		d.settle()
		if out, _, status := d.try("outside", "--", "getent", "ahostsv4", name); status == 0 {
			t.Errorf("%s is still known: %q", name, out)
		}
		d.run("ec2-delete-group", "web")
		d.run("outside", "--ip", i.public, "--", "true") // the address is free
	})
}

// TestReset empties a daemon that allows it, and only such a one.
func TestReset(t *testing.T) {
	d := start(t, "--test-api")
	d.run("ec2-create-group", "web", "-d", "web servers")
	i := d.launch("ami-eca54085")[0]
	reset := func(d *daemon) int {
		t.Helper()
		r, err := http.Post(d.endpoint+"/_ringfence/reset", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		return r.StatusCode
	}
	if status := reset(d); status != http.StatusOK && status != http.StatusNoContent {
		t.Errorf("status %d", status)
	}
	if _, _, status := d.try("ec2-describe-group", "web"); status != 1 {
		t.Error("the group is still there")
	}
	d.settle()
	eventually(t, "the instance is gone", func() bool {
		_, _, status := d.try("exec", i.id, "--", "true")
		return status == 1
	})
	again := d.launch("ami-eca54085")[0]
	d.run("exec", again.id, "--", "true")
	if again.id == i.id {
		t.Errorf("%s is back", i.id)
	}

	// Also in the middle of a launch.
	for range 3 {
		d.run("ec2-run-instances", "ami-eca54085", "-n", "3")
		reset(d)
	}
	d.settle()
	eventually(t, "all machines are gone", func() bool { return len(d.machines()) == 0 })

	if status := reset(start(t)); status == http.StatusOK {
		t.Error("a daemon without --test-api is emptied")
	}
}
