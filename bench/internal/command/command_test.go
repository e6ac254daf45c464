package command

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"ringfence/bench/internal/netns"
)

// inside runs a test in a network namespace, where nobody else measures.
func inside(t *testing.T, fn func() error) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, for a network namespace")
	}
	in, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := in.Do(fn); err != nil {
		t.Error(err)
	}
}

func TestOnlyOneProgramMeasuresAtATime(t *testing.T) {
	inside(t, func() error {
		nothing := func(context.Context) error { return nil }
		err := runAlone(func(context.Context) error {
			if err := runAlone(nothing); err == nil || !strings.Contains(err.Error(), "another benchmark") {
				t.Errorf("a second one beside the first ends with %v", err)
			}
			return nil
		})
		return errors.Join(err, runAlone(nothing)) // nobody else now
	})
}

func TestAClosedTerminalInterrupts(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM} {
		inside(t, func() error {
			err := runAlone(func(ctx context.Context) error {
				if err := syscall.Kill(os.Getpid(), signal); err != nil {
					return err
				}
				<-ctx.Done()
				return nil
			})
			if err == nil || !strings.Contains(err.Error(), "interrupted") {
				t.Errorf("%v ends it with %v", signal, err)
			}
			return nil
		})
	}
}
