package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"ringfence/internal/admin"
)

const (
	pollEvery = 20 * time.Millisecond
	tellAfter = 2 * time.Second // when a person starts to wonder
)

func (c *command) statusCommand() *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use:     "status [--wait]",
		Short:   "Show how far the daemon and its agents are",
		Example: "  ringfence status --wait",
		GroupID: "look",
		Args:    exactly(0),
		RunE: c.withDaemon(func(ctx context.Context, d *admin.Client, _ []string) error {
			s, err := d.Status(ctx)
			if err == nil && wait {
				s, err = c.awaitRevision(ctx, d, s)
			}
			if err != nil {
				return err
			}
			return c.print(s, func(w io.Writer) error { return c.writeStatus(w, s) })
		}),
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "return when all agents enforce what is true now")
	return cmd
}

// awaitRevision waits until all agents have applied the revision that s has, and
// returns the status then. Later changes are not waited for.
func (c *command) awaitRevision(ctx context.Context, d *admin.Client, s *admin.Status) (*admin.Status, error) {
	target := s.Revision
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	tell := time.NewTimer(tellAfter)
	defer tell.Stop()
	for s.Enforced < target || !s.Ready {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tell.C:
			fmt.Fprintf(c.env.Stderr, "waiting for revision %d: %d is enforced\n", target, s.Enforced)
		case <-tick.C:
		}
		var err error
		if s, err = d.Status(ctx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (c *command) writeStatus(w io.Writer, s *admin.Status) error {
	applied := 0
	for _, a := range s.Agents {
		if a.Applied >= s.Revision {
			applied++
		}
	}
	state := c.env.paint(green, "ready")
	if !s.Ready {
		state = c.env.paint(red, "not ready")
	}
	t := newTable(w)
	fmt.Fprintf(t, "state\t%s\n", state)
	fmt.Fprintf(t, "endpoint\t%s\n", s.Endpoint)
	fmt.Fprintf(t, "revision\t%d\n", s.Revision)
	fmt.Fprintf(t, "enforced\t%d, the newest on %d of %d\n", s.Enforced, applied, len(s.Agents))
	if err := t.Flush(); err != nil {
		return err
	}
	if len(s.Agents) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	fmt.Fprintf(t, "HOST\tAPPLIED\tPROXY\n")
	for _, a := range s.Agents {
		fmt.Fprintf(t, "%s\t%d\t%s\n", a.Host, a.Applied, cmp.Or(a.Proxy.Version, "none"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, a := range s.Agents {
		if a.Proxy.Problem != "" {
			fmt.Fprintf(w, "\n%s: %s\n", a.Host, a.Proxy.Problem)
		}
	}
	return nil
}
