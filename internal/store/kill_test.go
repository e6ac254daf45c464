package store

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"ringfence/internal/vpc"
)

const writerDirEnv = "RINGFENCE_STORE_WRITER_DIR"

// bigEvery is how often the writer makes a transaction that must be staged.
const bigEvery, bigSize = 10, 100

// writeUntilKilled writes to a store as fast as it can, prints what has been
// acknowledged, and never returns.
func writeUntilKilled(dir string) {
	s, err := Open(context.Background(), Options{Dir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("open")
	for i := 0; ; i++ {
		ids := []string{fmt.Sprintf("sg-%d", i)}
		if i%bigEvery == 0 {
			ids = nil
			for j := range bigSize {
				ids = append(ids, fmt.Sprintf("sg-%d-%d", i, j))
			}
		}
		_, err := s.Update(context.Background(), func(tx *Tx) error {
			for _, id := range ids {
				tx.PutGroup(group("killed", id))
			}
			return nil
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(strings.Join(ids, " "))
	}
}

// A process is killed while it writes, again and again. Every write that it
// has printed is there afterwards, and of each staged transaction all is there
// or nothing.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[string]bool{}
	for round := range 3 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), writerDirEnv+"="+dir)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for n := 0; lines.Scan(); n++ {
			if n > 0 {
				for _, id := range strings.Fields(lines.Text()) {
					acknowledged[id] = true
				}
			}
			if n == 25+13*round { // what is under way then differs each time
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := child.Wait(); err == nil || len(acknowledged) == 0 {
			t.Fatalf("round %d: the writer ended by itself: %v", round, err)
		}
		checkAcknowledged(t, dir, acknowledged)
	}
}

func checkAcknowledged(t *testing.T, dir string, acknowledged map[string]bool) {
	t.Helper()
	s := openIn(t, dir)
	defer s.Close()
	v := view(t, s)
	for id := range acknowledged {
		if v.Group("killed", vpc.GroupID(id)) == nil {
			t.Errorf("%s was acknowledged and is gone", id)
		}
	}
	sizes := map[string]int{}
	for _, g := range v.Groups("killed", albert) {
		if parts := strings.Split(string(g.ID), "-"); len(parts) == 3 {
			sizes[parts[1]]++
		}
	}
	for i, n := range sizes {
		if n != bigSize {
			t.Errorf("transaction %s shows %d of %d groups", i, n, bigSize)
		}
	}
}
