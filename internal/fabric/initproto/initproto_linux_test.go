package initproto

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// pair returns both ends of a conversation.
func pair(t *testing.T) (client, server *Conn) {
	t.Helper()
	l, err := Listen(filepath.Join(t.TempDir(), "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := Dial(t.Context(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	client, server = NewConn(c), NewConn(s)
	t.Cleanup(func() {
		client.Close()
		server.Close()
	})
	return client, server
}

func TestMessages(t *testing.T) {
	client, server := pair(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	long := strings.Repeat("x", 1<<20) // more than a socket takes at once
	sent := []struct {
		m     Message
		files []*os.File
	}{
		{Message{Ask: true}, nil},
		{Message{Exec: &Command{Args: []string{"echo", long}, Env: []string{"A=b"}, TTY: true, Size: WindowSize{24, 80}}}, nil},
		{Message{Exec: &Command{Args: []string{"true"}}}, []*os.File{w, w, w}},
		{Message{Signal: 15}, nil},
		{Message{Started: true}, []*os.File{w}},
		{Message{Exit: &Exit{Status: 127, Reason: "not found"}}, nil},
	}
	failed := make(chan error, 1)
	go func() {
		for _, s := range sent {
			if err := client.Send(s.m, s.files...); err != nil {
				failed <- err
				return
			}
		}
		w.Close()
		failed <- client.Close()
	}()
	for _, s := range sent {
		m, files, err := server.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(m, s.m) || len(files) != len(s.files) {
			t.Errorf("got %+.100v with %d files, want %+.100v with %d", m, len(files), s.m, len(s.files))
		}
		closeAll(files)
	}
	if _, _, err := server.Receive(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last message: %v, want io.EOF", err)
	}
	if err := <-failed; err != nil {
		t.Error(err)
	}
	// No copy of a passed file is left: the pipe has no writer.
	if _, err := r.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the pipe says %v, want io.EOF", err)
	}
}

func TestSocketInADeepDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("deep/", 40))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, InitSocket)
	for range 2 { // the second replaces the first
		l, err := Listen(path)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Dial(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		l.Close()
	}
}

// answer lets an init say m to whoever connects, and returns its socket.
func answer(t *testing.T, m Message) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), InitSocket)
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		u, err := l.AcceptUnix()
		if err != nil {
			return
		}
		c := NewConn(u)
		defer c.Close()
		if _, _, err := c.Receive(); err == nil && m != (Message{}) {
			_ = c.Send(m)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return path
}

func TestPing(t *testing.T) {
	want := Hello{Instance: "i-1", Generation: 3, BootID: "x", PID: 42}
	if got, err := Ping(t.Context(), answer(t, Message{Hello: &want})); got != want || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := Ping(t.Context(), answer(t, Message{Started: true})); err == nil {
		t.Error("an answer without a hello was taken for one")
	}
	if _, err := Ping(t.Context(), filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no init: %v", err)
	}
}

func TestPingOfAnInitThatHangs(t *testing.T) {
	path := filepath.Join(t.TempDir(), InitSocket)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := Ping(ctx, path); err == nil {
		t.Error("no answer, no error")
	}
}

func TestShutdownAnswers(t *testing.T) {
	if err := Shutdown(t.Context(), answer(t, Message{})); err != nil {
		t.Errorf("an init that ends: %v", err)
	}
	if err := Shutdown(t.Context(), filepath.Join(t.TempDir(), "none")); err != nil {
		t.Errorf("no init: %v", err)
	}
	if err := Shutdown(t.Context(), answer(t, Message{Started: true})); err == nil {
		t.Error("an init that goes on is no error")
	}
}

func TestExecThatBreaksOff(t *testing.T) {
	for _, m := range []Message{{}, {Started: true}} {
		if _, err := Exec(t.Context(), answer(t, m), Command{Args: []string{"true"}}); err == nil {
			t.Errorf("after %+v and no more: no error", m)
		}
	}
}

func TestQueries(t *testing.T) {
	var wire bytes.Buffer
	sent := []Query{{"udp", []byte("question")}, {"tcp", []byte{}}, {"tcp", bytes.Repeat([]byte{1}, 65535)}}
	for _, q := range sent {
		if err := WriteQuery(&wire, q); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range sent {
		got, err := ReadQuery(&wire)
		if err != nil || got.Network != want.Network || !bytes.Equal(got.Message, want.Message) {
			t.Errorf("got %.40v, %v, want %.40v", got, err, want)
		}
	}
	if _, err := ReadQuery(&wire); err != io.EOF {
		t.Errorf("after the last query: %v", err)
	}
	for _, q := range []Query{{"sctp", nil}, {"udp", make([]byte, 65536)}} {
		if err := WriteQuery(&wire, q); err == nil {
			t.Errorf("%.40v was sent", q)
		}
	}
	for _, text := range []string{"x\x00\x01a", "u\x00", "u\x00\x05abc"} {
		if _, err := ReadQuery(strings.NewReader(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func TestExecInAMachineThatEnds(t *testing.T) {
	for _, answers := range [][]Message{nil, {{Started: true}}} {
		l, err := Listen(filepath.Join(t.TempDir(), "socket"))
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			defer l.Close()
			u, err := l.AcceptUnix()
			if err != nil {
				return // the test has failed
			}
			init := NewConn(u)
			defer init.Close()
			_, files, _ := init.Receive()
			closeAll(files)
			for _, m := range answers {
				_ = init.Send(m)
			}
		}()
		if _, err := Exec(t.Context(), l.Addr().String(), Command{Args: []string{"true"}}); !errors.Is(err, errEnded) {
			t.Errorf("after %d answers: error is %v, want %v", len(answers), err, errEnded)
		}
	}
}
