package bed

import (
	"fmt"
	"time"

	"ringfence/bench/internal/load"
)

// dropped is how long nothing comes of a connection that is taken for dropped.
// A firewall that lets pass what it should not does so at once.
const dropped = 100 * time.Millisecond

// Check fails unless the bed lets pass what it should and drops what it should:
// the load of package load passes; a port without a rule, and the way from the
// server to the client, are open exactly where there is no firewall; and where
// there are to be events, one comes.
func (b *Bed) Check() error {
	if err := load.Passes(b.Ends); err != nil {
		return fmt.Errorf("%s does not let the load pass: %w", b, err)
	}
	within := dropped
	if b.Open {
		within = load.Patience
	}
	back := load.Ends{Client: b.Server, Server: b.Client, ClientAddr: b.ServerAddr, ServerAddr: b.ClientAddr}
	for _, way := range []struct {
		ends load.Ends
		port int
		what string
	}{
		{b.Ends, load.RefusedPort, "to a port without a rule"},
		{back, load.StreamPort, "from the server to the client"},
	} {
		connects, err := load.Connects(way.ends, way.port, within)
		if err != nil {
			return err
		}
		if connects && !b.Open {
			return fmt.Errorf("%s lets a connection pass %s", b, way.what)
		}
		if !connects && b.Open {
			return fmt.Errorf("%s has no firewall, and yet a connection %s does not pass", b, way.what)
		}
	}
	if b.told == nil {
		return nil
	}
	select {
	case <-b.told:
		return nil
	case <-time.After(load.Patience):
		return fmt.Errorf("%s tells no event, not even of what it has dropped", b)
	}
}
