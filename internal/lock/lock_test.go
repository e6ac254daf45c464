package lock_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"ringfence/internal/lock"
)

// holderEnv names the file that a process of its own is to lock.
const holderEnv = "RINGFENCE_TEST_LOCK"

func TestMain(m *testing.M) {
	if path := os.Getenv(holderEnv); path != "" {
		if _, err := lock.Acquire(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println("held")
		_, _ = bufio.NewReader(os.Stdin).ReadByte() // until killed
	}
	os.Exit(m.Run())
}

func TestOneHasALockAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	f, err := lock.Acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = lock.Acquire(path)
	held, ok := errors.AsType[*lock.HeldError](err)
	if !ok || held.PID != os.Getpid() || held.Path != path {
		t.Errorf("a second time: %v", err)
	}
	if want := fmt.Sprintf("%s is locked by process %d", path, os.Getpid()); err.Error() != want {
		t.Errorf("said is %q, want %q", err, want)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the file is gone, and somebody may be opening it: %v", err)
	}
	f, err = lock.Acquire(path)
	if err != nil {
		t.Fatalf("after it is closed: %v", err)
	}
	f.Close()
}

// A process that is killed has its lock no more.
func TestLockEndsWithItsProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), holderEnv+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the process said %q: %v", line, err)
	}
	_, err = lock.Acquire(path)
	if held, ok := errors.AsType[*lock.HeldError](err); !ok || held.PID != cmd.Process.Pid {
		t.Errorf("while process %d has it: %v", cmd.Process.Pid, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the process was not killed")
	}
	f, err := lock.Acquire(path)
	if err != nil {
		t.Fatalf("after its end: %v", err)
	}
	f.Close()
}

// Between locking and writing nobody knows who it is.
func TestHolderThatHasNotSaidItsName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	f, err := lock.Acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, text := range []string{"", "12x"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = lock.Acquire(path)
		if held, ok := errors.AsType[*lock.HeldError](err); !ok || held.PID != 0 || !strings.HasSuffix(err.Error(), "by another process") {
			t.Errorf("with %q in the file: %v", text, err)
		}
	}
}

func TestLockWithoutADirectory(t *testing.T) {
	if _, err := lock.Acquire(filepath.Join(t.TempDir(), "no", "lock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("err is %v", err)
	}
}

// Many take the same lock and give it up with its file; there is never more
// than one holder.
func TestRemove(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var holders atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				f, err := lock.Acquire(path)
				if _, held := errors.AsType[*lock.HeldError](err); held {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d hold the lock", n)
				}
				holders.Add(-1)
				if err := lock.Remove(f); err != nil {
					t.Error(err)
				}
				f.Close()
			}
		})
	}
	wg.Wait()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
}
