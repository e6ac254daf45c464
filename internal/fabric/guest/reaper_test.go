package guest

import (
	"os"
	"os/signal"
	"testing"

	"golang.org/x/sys/unix"
)

// A child may have ended before anybody waits for it: with all processors busy,
// run begins late.
func TestCollectsWhatEndedBefore(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	r := newReaper()
	defer signal.Stop(r.childEnds)
	defer close(r.jobs)
	ready := make(chan error)
	go r.runStarter(false, ready)
	if err := <-ready; err != nil {
		t.Fatal(err)
	}
	pid, ended, err := r.start(process{path: "/bin/sh", args: []string{"sh", "-c", "exit 3"}, files: [3]*os.File{null, null, null}})
	if err != nil {
		t.Fatal(err)
	}
	// Returns when the child has ended, and leaves it to be collected.
	if err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	<-r.childEnds
	r.collect()
	if status := <-ended; status.ExitStatus() != 3 {
		t.Errorf("status %d, want 3", status.ExitStatus())
	}
}
