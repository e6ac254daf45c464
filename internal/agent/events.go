package agent

import (
	"context"
	"errors"
	"os"
	"sync"
)

// readEvents hands what the kernel tells to those who watch, and logs the drops
// of it, each with its reason and rule, until ctx is done. The kernel tells of some
// where nobody watches; the counters have all.
func (a *Agent) readEvents(ctx context.Context) {
	events, err := a.dataplane.Events()
	if err != nil {
		a.log.Error("read events", "err", err)
		return
	}
	var closing sync.WaitGroup
	defer closing.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	closing.Go(func() {
		<-ctx.Done()
		if err := events.Close(); err != nil {
			a.log.Error("close events", "err", err)
		}
	})
	for {
		e, err := events.Read()
		switch {
		case errors.Is(err, os.ErrClosed):
			return
		case err != nil:
			a.log.Error("read event", "err", err)
			return
		}
		a.watchers.hand(&e)
		if e.Reason.Accepts() {
			continue
		}
		a.log.Debug("drop", "reason", e.Reason.String(), "src", e.Src.String(), "dst", e.Dst.String(),
			"proto", e.Proto.String(), "rule", string(e.Rule), "bytes", e.Bytes)
	}
}
