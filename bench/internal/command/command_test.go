package command

import (
	"context"
	"crypto/rand"
	"strings"
	"syscall"
	"testing"
)

func TestOnlyOneProgramMeasuresAtATime(t *testing.T) {
	address := "@" + rand.Text()
	nothing := func(context.Context) error { return nil }
	err := runAlone(address, func(context.Context) error {
		if err := runAlone(address, nothing); err == nil || !strings.Contains(err.Error(), "another benchmark") {
			t.Errorf("a second one beside the first ends with %v", err)
		}
		return nil
	})
	if err != nil {
		t.Errorf("the first one ends with %v", err)
	}
	if err := runAlone(address, nothing); err != nil {
		t.Errorf("one after it ends with %v", err)
	}
}

func TestAClosedTerminalInterrupts(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM} {
		err := runAlone("@"+rand.Text(), func(ctx context.Context) error {
			if err := syscall.Kill(syscall.Getpid(), signal); err != nil {
				return err
			}
			<-ctx.Done()
			return nil
		})
		if err == nil || !strings.Contains(err.Error(), "interrupted") {
			t.Errorf("%v ends it with %v", signal, err)
		}
	}
}
