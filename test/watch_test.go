package test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A verdict is what ringfence watch --output json says of a packet.
type verdict struct {
	Direction, Verdict, Proto, Src, Dst, Rule, Reason, DecidedAt string
}

// A watch is a ringfence watch that runs.
type watch struct {
	t        *testing.T
	cmd      *exec.Cmd
	verdicts chan verdict
}

// watch begins one that misses nothing from now on.
func (d *daemon) watch(args ...string) *watch {
	d.t.Helper()
	w := &watch{t: d.t, cmd: d.command("ringfence", append([]string{"watch", "--output", "json"}, args...)...), verdicts: make(chan verdict, 1000)}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	notes, err := w.cmd.StderrPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := w.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = w.cmd.Process.Kill() }) // where the test has not ended it
	if note, err := bufio.NewReader(notes).ReadString('\n'); err != nil || !strings.HasPrefix(note, "watching ") {
		d.t.Fatalf("it begins with %q, error %v", note, err)
	}
	go func() {
		defer close(w.verdicts)
		for lines := json.NewDecoder(out); ; {
			var v verdict
			if lines.Decode(&v) != nil {
				return
			}
			w.verdicts <- v
		}
	}()
	return w
}

// next returns the next verdict that is about a protocol.
func (w *watch) next(proto string) verdict {
	w.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case v, ok := <-w.verdicts:
			if !ok {
				w.t.Fatal("the watch has ended")
			}
			if v.Proto == proto {
				return v
			}
		case <-deadline:
			w.t.Fatalf("no verdict about %s within %v", proto, patience)
		}
	}
}

// wait waits for the end and returns the exit status.
func (w *watch) wait() int {
	w.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case _, ok := <-w.verdicts:
			if ok {
				continue
			}
			_ = w.cmd.Wait() // the status says it
			return w.cmd.ProcessState.ExitCode()
		case <-deadline:
			w.t.Fatalf("the watch does not end within %v", patience)
		}
	}
}

// TestWatch looks on while somebody on the internet side knocks, and while two
// instances speak with each other.
func TestWatch(t *testing.T) {
	d := start(t)
	d.run("ec2-authorize", "default", "-p", "80")
	launched := d.launch("ami-fba54092", "-n", "2")
	web, other := launched[0], launched[1]
	d.settle()
	mary := outside("203.0.113.19")
	knock := func(port string) {
		d.try(append(mary, "--", "nmap", "-Pn", "-n", "-p"+port, "--max-retries", "0", web.public)...)
	}

	w := d.watch(web.id)
	knock("80")
	if v := w.next("tcp"); v.Direction != "in" || v.Verdict != "allow" || v.Dst != web.private+":80" || !strings.HasPrefix(v.Src, "203.0.113.19:") || v.Rule == "" {
		t.Errorf("an open port: %+v", v)
	}
	knock("81")
	if v := w.next("tcp"); v.Direction != "in" || v.Verdict != "drop" || v.Dst != web.private+":81" || v.Rule != "" || v.Reason != "no-ingress-rule" {
		t.Errorf("a closed port: %+v", v)
	}
	d.run("exec", other.id, "--", "ping", "-c", "1", web.private)
	if v := w.next("icmp"); v.Direction != "in" || v.Verdict != "allow" || v.Src != other.private {
		t.Errorf("from another member: %+v", v)
	}
	d.run("exec", web.id, "--", "ping", "-c", "1", other.private)
	if v := w.next("icmp"); v.Direction != "out" || v.Verdict != "allow" || v.Dst != other.private {
		t.Errorf("to another member: %+v", v)
	}
	if err := w.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if status := w.wait(); status != 0 {
		t.Errorf("Ctrl-C ends it with status %d", status)
	}

	// Drops alone, and only one of them.
	w = d.watch(web.id, "--drops", "--count", "1")
	knock("80")
	knock("82")
	if v := w.next("tcp"); v.Dst != web.private+":82" {
		t.Errorf("the first drop is %+v", v)
	}
	if status := w.wait(); status != 0 {
		t.Errorf("having seen enough, it ends with status %d", status)
	}

	// A daemon that ends does not wait for those who watch.
	w = d.watch(web.id)
	d.stop(os.Interrupt)
	if status := w.wait(); status != 1 {
		t.Errorf("with its daemon it ends with status %d", status)
	}
}
