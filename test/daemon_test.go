package test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// binaries is where TestMain has built ringfence and ringfenced.
var binaries struct {
	dir string
	err error
}

func TestMain(m *testing.M) {
	flag.Parse()
	// Tests that run beside others wait for health checks, not for processors.
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	os.Exit(run(m))
}

// run builds the binaries once, for all tests that start them.
func run(m *testing.M) int {
	if os.Getuid() == 0 {
		dir, err := os.MkdirTemp("", "ringfence-test-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		build := exec.Command("go", "build", "-o", dir, "ringfence/cmd/...")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			binaries.err = fmt.Errorf("build: %w\n%s", err, out)
		}
		binaries.dir = dir
	}
	return m.Run()
}

// patience bounds every wait for something that must happen.
const patience = 30 * time.Second

// A daemon is a real ringfenced dev, with a name and a data directory of its
// own.
type daemon struct {
	t        *testing.T
	name     string
	dataDir  string
	flags    []string
	listen   string
	endpoint string   // once it is ready
	profile  string   // of the credentials that clients use
	enter    []string // what commands begin with; see TestHostLink
	process  *exec.Cmd
	log      *os.File
}

// start starts a daemon that keeps nothing and is gone after the test.
func start(t *testing.T, flags ...string) *daemon {
	t.Helper()
	d := newDaemon(t, append(flags, "--ephemeral")...)
	d.start()
	return d
}

// startLasting starts a daemon that can be started again.
func startLasting(t *testing.T, flags ...string) *daemon {
	t.Helper()
	d := newDaemon(t, flags...)
	t.Cleanup(func() {
		if out, err := d.command("ringfenced", "clean", "--name", d.name, "--data-dir", d.dataDir).CombinedOutput(); err != nil {
			t.Errorf("clean: %v\n%s", err, out)
		}
	})
	d.start()
	return d
}

func newDaemon(t *testing.T, flags ...string) *daemon {
	t.Helper()
	needRoot(t)
	if binaries.err != nil {
		t.Fatal(binaries.err)
	}
	log, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{
		t: t, name: "e" + strings.ToLower(rand.Text()[:6]), dataDir: t.TempDir(), log: log, listen: "127.0.0.1:0",
		profile: "classic",
		flags:   append(flags, "--no-host-route"),
	}
	t.Cleanup(func() {
		if t.Failed() {
			b, err := os.ReadFile(log.Name())
			t.Logf("log of %s (%v):\n%s", d.name, err, tail(b, 60))
		}
	})
	return d
}

func tail(b []byte, lines int) string {
	all := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// forTest is the daemon for a subtest that runs beside others.
func (d *daemon) forTest(t *testing.T) *daemon {
	its := *d
	its.t = t
	return &its
}

// start starts the daemon and waits until it is ready.
func (d *daemon) start() {
	d.t.Helper()
	args := append([]string{"dev", "--name", d.name, "--data-dir", d.dataDir, "--listen", d.listen}, d.flags...)
	d.process = d.command("ringfenced", args...)
	d.process.Stderr = d.log
	out, err := d.process.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.process.Start(); err != nil {
		d.t.Fatal(err)
	}
	process := d.process
	d.t.Cleanup(func() {
		if process.ProcessState == nil {
			d.stop(syscall.SIGTERM)
		}
	})
	line := firstLine(out)
	if d.endpoint = strings.TrimPrefix(line, "ready "); d.endpoint == line {
		d.t.Fatalf("the daemon says %q instead of ready", line)
	}
}

// firstLine is "" if there is none within patience.
func firstLine(r io.Reader) string {
	lines := make(chan string, 1)
	go func() {
		s := bufio.NewScanner(r)
		s.Scan()
		lines <- s.Text()
	}()
	select {
	case line := <-lines:
		return line
	case <-time.After(patience):
		return ""
	}
}

// stop sends the daemon a signal and waits until it has ended.
func (d *daemon) stop(signal os.Signal) {
	d.t.Helper()
	if err := d.process.Process.Signal(signal); err != nil {
		d.t.Errorf("signal daemon: %v", err)
	}
	err := d.process.Wait()
	var exit *exec.ExitError
	if signal == syscall.SIGTERM && err != nil || err != nil && !errors.As(err, &exit) {
		d.t.Errorf("the daemon ends: %v", err)
	}
}

// command prepares a command, ours or the host's. The old tools call as account
// 111122223333, which is on EC2-Classic.
func (d *daemon) command(name string, args ...string) *exec.Cmd {
	if strings.HasPrefix(name, "ringfence") {
		name = filepath.Join(binaries.dir, name)
	}
	line := slices.Concat(d.enter, []string{name}, args)
	c := exec.Command(line[0], line[1:]...)
	c.Env = []string{
		"PATH=" + binaries.dir + ":/usr/bin:/usr/sbin:/bin:/sbin", "HOME=" + d.dataDir,
		"RINGFENCE_DATA_DIR=" + d.dataDir, "AWS_PROFILE=classic",
	}
	return c
}

// run runs ringfence and returns what it prints; it must succeed.
func (d *daemon) run(args ...string) string {
	d.t.Helper()
	out, stderr, status := d.try(args...)
	if status != 0 {
		d.t.Fatalf("ringfence %q: status %d\n%s%s", args, status, out, stderr)
	}
	return out
}

// try runs ringfence and returns all that comes of it.
func (d *daemon) try(args ...string) (stdout, stderr string, status int) {
	d.t.Helper()
	c := d.command("ringfence", args...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); c.ProcessState == nil {
		d.t.Fatalf("ringfence %q: %v", args, err)
	}
	return out.String(), errs.String(), c.ProcessState.ExitCode()
}

// settle returns when the newest rules are enforced.
func (d *daemon) settle() {
	d.t.Helper()
	d.run("status", "--wait")
}

// An instance is what ec2-describe-instances says of one.
type instance struct{ id, state, public, private string }

// launch launches instances and returns them when they run.
func (d *daemon) launch(args ...string) []instance {
	d.t.Helper()
	var ids []string
	for _, fields := range records(d.run(append([]string{"ec2-run-instances"}, args...)...), "INSTANCE") {
		ids = append(ids, fields[1])
	}
	return d.await("running", ids...)
}

// await returns instances when all are in a state.
func (d *daemon) await(state string, ids ...string) []instance {
	d.t.Helper()
	var list []instance
	eventually(d.t, fmt.Sprintf("%v are %s", ids, state), func() bool {
		list = nil
		for _, f := range records(d.run(append([]string{"ec2-describe-instances"}, ids...)...), "INSTANCE") {
			if f[5] != state {
				return false
			}
			list = append(list, instance{id: f[1], state: f[5], public: f[16], private: f[17]})
		}
		return len(list) == len(ids)
	})
	slices.SortFunc(list, func(a, b instance) int { return slices.Index(ids, a.id) - slices.Index(ids, b.id) })
	return list
}

// records are the fields of an old tool's lines of one kind.
func records(out, kind string) [][]string {
	var list [][]string
	for line := range strings.Lines(out) {
		if f := strings.Split(strings.TrimRight(line, "\n"), "\t"); f[0] == kind {
			list = append(list, f)
		}
	}
	return list
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("real daemons take long; left out by -short")
	}
	if os.Getuid() != 0 {
		t.Skip("needs root, for BPF programs and network namespaces")
	}
}
