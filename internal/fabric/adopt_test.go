package fabric

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ringfence/internal/fabric/initproto"
)

// reopen is what the next daemon does.
func reopen(t testing.TB, f *Fabric) *Fabric {
	t.Helper()
	next, err := Open(Config{Name: f.name, DataDir: f.dataDir, Log: f.log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(next.Close)
	return next
}

func adoptedIDs(t testing.TB, f *Fabric, keep ...string) []string {
	t.Helper()
	adopted, err := f.Adopt(t.Context(), keep...)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, a := range adopted {
		ids = append(ids, fmt.Sprintf("%s generation %d port %s", a.ID, a.Generation, a.Ports[0].Name))
	}
	return ids
}

func TestAdopt(t *testing.T) {
	f := open(t)
	well, dead, portless, unknown := instance(0x102), instance(0x103), instance(0x104), instance(0x105)
	well.Generation = 7
	for _, m := range []Machine{well, dead, portless, unknown, outside(7)} {
		boot(t, f, m)
	}
	if _, err := f.Prepare(t.Context(), instance(0x106)); err != nil { // and never booted
		t.Fatal(err)
	}
	first, err := initproto.Ping(t.Context(), initproto.SocketPath(f.dataDir, well.ID))
	if err != nil {
		t.Fatal(err)
	}
	kill(t, f, dead.ID)
	if err := f.RemovePorts(portless.Ports[0].Name); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.statePath(unknown.ID), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}

	next := reopen(t, f)
	want := []string{"i-00000102 generation 7 port p258", "outside-203.0.113.7 generation 1 port p7"}
	for range 2 { // adopting again changes nothing
		if got := adoptedIDs(t, next); !slices.Equal(got, want) {
			t.Errorf("adopted\n%q, want\n%q", got, want)
		}
	}
	hello, err := initproto.Ping(t.Context(), initproto.SocketPath(f.dataDir, well.ID))
	if err != nil || hello != first {
		t.Errorf("the adopted init is %+v, was %+v (%v)", hello, first, err)
	}
	ports, err := next.Ports()
	if err != nil || len(ports) != 2 {
		t.Errorf("ports are left: %v %v", ports, err)
	}
	// What was not adopted boots again, at the same address.
	for _, m := range []Machine{dead, portless, unknown} {
		boot(t, next, m)
		mustRun(t, next, m.ID, "true")
	}
}

// kill kills the init of a machine, as an accident would.
func kill(t testing.TB, f *Fabric, id string) {
	t.Helper()
	s, err := f.readState(id)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(s.Init.PID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := f.Wait(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

func TestWait(t *testing.T) {
	f := open(t)
	m := instance(0x102)
	boot(t, f, m)
	ended := make(chan error)
	go func() { ended <- f.Wait(t.Context(), m.ID) }()
	if err := f.Shutdown(t.Context(), m.ID); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := f.Wait(t.Context(), m.ID); err != nil {
		t.Errorf("waiting for a machine that has ended: %v", err)
	}
}

// Shutdown lets programs end by themselves.
func TestShutdown(t *testing.T) {
	f := open(t)
	m := instance(0x102)
	m.Command = []string{"sh", "-c", "trap 'echo said good bye; exit' TERM; echo waits; while :; do sleep 0.01; done"}
	boot(t, f, m)
	eventually(t, "the command's start", func() bool { return count(t, f, m.ID, "waits\n") == 1 })
	if err := f.Shutdown(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	if got := count(t, f, m.ID, "said good bye\n"); got != 1 {
		t.Error("the command was killed")
	}
}

// What is not there is removed without complaint.
func TestRemoveAgain(t *testing.T) {
	f := open(t)
	boot(t, f, instance(0x102))
	for range 2 {
		if err := f.Remove(t.Context(), "i-00000102"); err != nil {
			t.Error(err)
		}
	}
	for _, err := range []error{f.RemovePorts("none"), f.RemoveHostLink(), f.Shutdown(t.Context(), "none"), f.Stop(t.Context(), "none")} {
		if err != nil {
			t.Error(err)
		}
	}
}

// traces lists what carries the name of f on this host.
func traces(t testing.TB, f *Fabric) []string {
	t.Helper()
	var found []string
	processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range processes {
		text, _ := os.ReadFile(path) // it may have ended meanwhile
		if bytes.Contains(text, []byte("\x00init\x00"+f.name+"\x00")) {
			found = append(found, "process "+strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, f.dataDir) || strings.Contains(line, f.name+"-dp") {
			found = append(found, "mount "+line)
		}
	}
	for _, pattern := range []string{"/sys/fs/cgroup/ringfence-" + f.name, "/sys/fs/cgroup/*/ringfence-" + f.name + "*/*", "/sys/fs/cgroup/*/ringfence-" + f.name,
		namespacePath(f.name), "/sys/class/net/" + f.name + "*"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, paths...)
	}
	return found
}

// Twenty instances come and go, and leave nothing.
func TestNothingIsLeft(t *testing.T) {
	f := open(t)
	before := openFiles(t)
	for n := range 20 {
		boot(t, f, instance(n+1))
	}
	for n := range 20 {
		if err := f.Remove(t.Context(), instance(n+1).ID); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(filepath.Join(f.dataDir, "instances"))
	if err != nil || len(entries) != 0 {
		t.Errorf("directories are left: %v %v", entries, err)
	}
	ports, err := f.Ports()
	if err != nil || len(ports) != 0 {
		t.Errorf("ports are left: %v %v", ports, err)
	}
	// A namespace that no process is in lives by an open file.
	if after := openFiles(t); after > before {
		t.Errorf("%d files are open, %d were before", after, before)
	}
	if err := f.Clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := traces(t, f); len(left) > 0 {
		t.Errorf("left:\n%s", strings.Join(left, "\n"))
	}
}

func openFiles(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// Two fabrics live side by side, and cleaning one leaves the other alone.
func TestTwoFabrics(t *testing.T) {
	f, other := open(t), open(t)
	boot(t, f, instance(0x102))
	boot(t, other, instance(0x102))
	boot(t, other, outside(7)) // its mounts were copied from a host that has f's namespace
	if err := f.Clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := traces(t, f); len(left) > 0 {
		t.Errorf("left:\n%s", strings.Join(left, "\n"))
	}
	mustRun(t, other, "i-00000102", "true")
	mustRun(t, other, "outside-203.0.113.7", "true")
}

// crashEnv makes the test binary a daemon that boots and removes machines until
// it is killed. Its value is name, space, data directory.
const crashEnv = "FABRIC_TEST_CRASH"

func daemonToBeKilled(config string) {
	name, dataDir, _ := strings.Cut(config, " ")
	f, err := Open(Config{Name: name, DataDir: dataDir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	for n := 0; ; n++ {
		m := instance(n%3 + 1)
		m.Generation = n
		p, err := f.Prepare(ctx, m)
		if err == nil {
			err = p.Boot(ctx)
		}
		second := subnetPort(n%3+1, 1, "10.0.1", "2001:db8:0:101::")
		if err == nil {
			err = f.SetPort(m.ID, second)
		}
		if err == nil && n%4 == 1 {
			err = f.UnsetPort(m.ID, second)
		}
		if err == nil && n%2 == 0 {
			err = f.Remove(ctx, m.ID)
		}
		if err != nil {
			panic(err)
		}
		fmt.Println(n)
	}
}

// A daemon is killed at any moment; the next one adopts what runs, and can boot
// the rest and remove all of it.
func TestKilledDaemon(t *testing.T) {
	f := open(t)
	for try := range 12 {
		daemon := exec.Command("/proc/self/exe")
		daemon.Env = append(os.Environ(), crashEnv+"="+f.name+" "+f.dataDir)
		out, err := daemon.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := daemon.Start(); err != nil {
			t.Fatal(err)
		}
		// It has begun; then some moment of some boot.
		if _, err := out.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(try*7) * time.Millisecond)
		if err := daemon.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := daemon.Wait(); err == nil {
			t.Fatal("the daemon has ended by itself")
		}

		next := reopen(t, f)
		adopted, err := next.Adopt(t.Context())
		if err != nil {
			t.Fatalf("try %d: %v", try, err)
		}
		known := 0
		for _, a := range adopted {
			known += len(a.Ports)
			if got, want := mustRun(t, next, a.ID, "ls /sys/class/net | grep -c eth"), fmt.Sprint(len(a.Ports)); got != want {
				t.Errorf("try %d: %s has %s devices, want %s", try, a.ID, got, want)
			}
		}
		ports, err := next.Ports()
		if err != nil || len(ports) != known {
			t.Errorf("try %d: %d machines with %d ports have ports %v (%v)", try, len(adopted), known, ports, err)
		}
		for n := range 3 {
			boot(t, next, instance(n+1))
		}
		if try%2 == 0 {
			if err := next.Clean(t.Context()); err != nil {
				t.Fatalf("try %d: %v", try, err)
			}
			if left := traces(t, f); len(left) > 0 {
				t.Fatalf("try %d left:\n%s", try, strings.Join(left, "\n"))
			}
		}
	}
}
