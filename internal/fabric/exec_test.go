package fabric

import (
	"context"
	"io"
	"os"
	"os/signal"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ringfence/internal/fabric/initproto"
)

func TestExecStatus(t *testing.T) {
	f := open(t)
	m := instance(0x102)
	boot(t, f, m)
	for _, tt := range []struct {
		args   []string
		want   int
		reason string // in the error of a command that did not run
	}{
		{[]string{"true"}, 0, ""},
		{[]string{"sh", "-c", "exit 3"}, 3, ""},
		{[]string{"sh", "-c", "kill -9 $$"}, 137, ""},
		{[]string{"no-such-command"}, 127, "no-such-command"},
		{[]string{"/no/such/command"}, 127, "/no/such/command"},
		{[]string{"/etc/passwd"}, 126, "permission denied"},
		{[]string{"/etc"}, 126, "is a directory"},
		{nil, 126, "no command given"},
	} {
		got, err := initproto.Exec(t.Context(), initproto.SocketPath(f.dataDir, m.ID), initproto.Command{Args: tt.args})
		if got != tt.want || (err == nil) != (tt.reason == "") || err != nil && !strings.Contains(err.Error(), tt.reason) {
			t.Errorf("%q: got %d and error %v, want %d and %q", tt.args, got, err, tt.want, tt.reason)
		}
	}
}

// pipe returns a pipe whose ends are closed after the test.
func pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		w.Close()
	})
	return r, w
}

// A command in the background of its test.
type running struct {
	status chan int
	err    chan error
}

func startExec(ctx context.Context, f *Fabric, id string, cmd initproto.Command) running {
	r := running{make(chan int, 1), make(chan error, 1)}
	go func() {
		status, err := initproto.Exec(ctx, initproto.SocketPath(f.dataDir, id), cmd)
		r.status <- status
		r.err <- err
	}()
	return r
}

func TestExecFiles(t *testing.T) {
	f := open(t)
	m := instance(0x102)
	boot(t, f, m)
	in, inWriter := pipe(t)
	outReader, out := pipe(t)
	r := startExec(t.Context(), f, m.ID, initproto.Command{
		Args: []string{"sh", "-c", "pwd; echo $GREETING; cat"}, Env: []string{"GREETING=hello"}, Dir: "/usr", Stdin: in, Stdout: out,
	})
	if _, err := inWriter.WriteString("and good bye\n"); err != nil {
		t.Fatal(err)
	}
	inWriter.Close()
	if status := <-r.status; status != 0 {
		t.Fatalf("status %d, %v", status, <-r.err)
	}
	out.Close()
	text, err := io.ReadAll(outReader)
	if want := "/usr\nhello\nand good bye\n"; string(text) != want || err != nil {
		t.Errorf("got %q, %v, want %q", text, err, want)
	}
}

func TestExecSignals(t *testing.T) {
	f := open(t)
	m := instance(0x102)
	boot(t, f, m)
	outReader, out := pipe(t)
	signals := make(chan os.Signal)
	r := startExec(t.Context(), f, m.ID, initproto.Command{
		Args: []string{"sh", "-c", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done"}, Stdout: out, Signals: signals,
	})
	readLine(t, outReader)
	signals <- unix.SIGTERM
	if status := <-r.status; status != 5 {
		t.Errorf("status %d, %v", status, <-r.err)
	}
}

// A daemon that nohup started ignores SIGHUP; the programs of its machines do not.
func TestHangUpEndsProgramsOfDaemonThatIgnoresIt(t *testing.T) {
	signal.Ignore(unix.SIGHUP)
	t.Cleanup(func() { signal.Reset(unix.SIGHUP) })
	f := open(t)
	m := instance(0x102)
	boot(t, f, m)
	const killed = initproto.SignalStatus + int(unix.SIGHUP)
	status, err := initproto.Exec(t.Context(), initproto.SocketPath(f.dataDir, m.ID),
		initproto.Command{Args: []string{"sh", "-c", "kill -HUP $$"}})
	if status != killed || err != nil {
		t.Errorf("got %d and error %v, want %d", status, err, killed)
	}
}

// A command whose caller goes away is killed.
func TestExecCancelled(t *testing.T) {
	f := open(t)
	m := instance(0x102)
	boot(t, f, m)
	outReader, out := pipe(t)
	ctx, cancel := context.WithCancel(t.Context())
	r := startExec(ctx, f, m.ID, initproto.Command{Args: []string{"sh", "-c", "echo ready; sleep 1000"}, Stdout: out})
	readLine(t, outReader)
	cancel()
	if err := <-r.err; err == nil {
		t.Error("a cancelled Exec has no error")
	}
	out.Close()
	// The pipe ends when the last process that could write to it has.
	if _, err := io.ReadAll(outReader); err != nil {
		t.Error(err)
	}
}

func TestExecTerminal(t *testing.T) {
	f := open(t)
	m := instance(0x102)
	boot(t, f, m)
	in, inWriter := pipe(t)
	outReader, out := pipe(t)
	r := startExec(t.Context(), f, m.ID, initproto.Command{
		Args: []string{"sh", "-c", "tty; stty size; read line; echo got $line; exit 4"},
		TTY:  true, Size: initproto.WindowSize{Rows: 33, Columns: 111}, Stdin: in, Stdout: out,
	})
	if _, err := inWriter.WriteString("one line\n"); err != nil {
		t.Fatal(err)
	}
	if status := <-r.status; status != 4 {
		t.Errorf("status %d, %v", status, <-r.err)
	}
	out.Close()
	text, err := io.ReadAll(outReader)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/dev/pts/0\r\n", "33 111\r\n", "got one line\r\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in %q", want, text)
		}
	}
}

// readLine waits for a line of r.
func readLine(t testing.TB, r *os.File) {
	t.Helper()
	if err := r.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	if _, err := r.Read(buf); err != nil {
		t.Fatal(err)
	}
}
