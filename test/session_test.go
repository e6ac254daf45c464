package test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"
)

// A session is a program that runs in a machine, and whose lines are read and
// written.
type session struct {
	t     *testing.T
	what  string
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string // closed when it ends
	sent  int
}

// session starts a Python program in a machine.
func (d *daemon) session(where []string, program string, args ...string) *session {
	d.t.Helper()
	return d.converse(where, append([]string{"/usr/bin/python3", "-u", "-c", program}, args...)...)
}

// converse starts any command in a machine.
func (d *daemon) converse(where []string, command ...string) *session {
	d.t.Helper()
	line := slices.Concat(where, []string{"--"}, command)
	s := &session{t: d.t, what: fmt.Sprint(where), cmd: d.command("ringfence", line...), lines: make(chan string, 1000)}
	var err error
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		d.t.Fatal(err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	s.cmd.Stderr = d.log
	if err := s.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	go func() {
		defer close(s.lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			s.lines <- scanner.Text()
		}
	}()
	d.t.Cleanup(s.end)
	return s
}

// end ends the program.
func (s *session) end() {
	s.in.Close()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Errorf("end %s: %v", s.what, err)
	}
	for range s.lines { // until it ends
	}
	_ = s.cmd.Wait() // its status says nothing: the machine may be gone
}

// expect waits for a line.
func (s *session) expect(want string) {
	s.t.Helper()
	select {
	case line, ok := <-s.lines:
		if !ok || line != want {
			s.t.Fatalf("%s says %q (%v), want %q", s.what, line, ok, want)
		}
	case <-time.After(patience):
		s.t.Fatalf("%s does not say %q", s.what, want)
	}
}

// write sends a line.
func (s *session) write(line string) {
	s.t.Helper()
	if _, err := fmt.Fprintln(s.in, line); err != nil {
		s.t.Fatalf("write to %s: %v", s.what, err)
	}
}

// silent expects that nothing has come back so far.
func (s *session) silent() {
	s.t.Helper()
	select {
	case line, ok := <-s.lines:
		s.t.Errorf("%s says %q (%v), want nothing", s.what, line, ok)
	default:
	}
}

// exchange sends a line over the connection and waits for its echo.
func (s *session) exchange() {
	s.t.Helper()
	s.sent++
	s.write(fmt.Sprint("line ", s.sent))
	s.expect(fmt.Sprint("line ", s.sent))
}

// What runs in the machines.
const (
	echoServer = `
import os, socket, sys, threading
def serve(c):
    while data := c.recv(65536):
        c.sendall(data)
def accept(s):
    while True:
        threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
s = socket.create_server(("", 7000))
print("listening")
threading.Thread(target=accept, args=(s,), daemon=True).start()
sys.stdin.read()
os._exit(0)
`
	echoClient = `
import socket, sys
c = socket.create_connection((sys.argv[1], 7000), timeout=20)
print("connected")
f = c.makefile("rw")
for line in sys.stdin:
    f.write(line)
    f.flush()
    sys.stdout.write(f.readline())
    sys.stdout.flush()
`
	// What a receiver gets is counted when it is asked.
	receiver = `
import os, socket, sys, threading
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 9999))
got = 0
def receive():
    global got
    while s.recv(100):
        got += 1
threading.Thread(target=receive, daemon=True).start()
print("listening")
for line in sys.stdin:
    print("some" if got else "none")
os._exit(0)
`
	// A prober sends a datagram each millisecond, from ever new ports.
	prober = `
import os, socket, sys, threading, time
sent = 0
def send():
    global sent
    while True:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for _ in range(50):
            s.sendto(b"probe", (sys.argv[1], 9999))
            sent += 1
            time.sleep(0.001)
        s.close()
threading.Thread(target=send, daemon=True).start()
print("sending")
for line in sys.stdin:
    before = sent
    while sent < before + 20:
        time.sleep(0.001)
    print("sent")
os._exit(0)
`
)

// echo opens a connection from a machine to a server in an instance.
func (d *daemon) echo(server instance, client []string) *session {
	d.t.Helper()
	d.session(inside(server), echoServer).expect("listening")
	s := d.session(client, echoClient, server.public)
	s.expect("connected")
	s.exchange()
	return s
}
