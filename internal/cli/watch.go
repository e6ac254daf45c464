package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"ringfence/internal/admin"
)

func (c *command) watchCommand() *cobra.Command {
	var question admin.WatchRequest
	var count int
	cmd := &cobra.Command{
		Use:   "watch INSTANCE [--drops] [--count N]",
		Short: "Show verdicts of an instance as they are reached, with their rules",
		Long: "Show what becomes of an instance's packets, one line each: of those that open a connection, and\n" +
			"of those that are dropped. The rule is the one that decided at this instance; where the other end\n" +
			"has dropped the packet, its network interface is named. Addresses are as rules see them.\n\n" +
			"INSTANCE is the id of an instance or of a network interface. Where packets come faster than they\n" +
			"can be shown, a line says how many were left out. Ctrl-C ends it.",
		Example:           "  ringfence watch i-cfd732a6\n  ringfence watch i-cfd732a6 --drops --count 1 --output json",
		GroupID:           "look",
		Args:              exactly(1),
		ValidArgsFunction: c.completes(1, instanceIDs),
		RunE: c.withDaemon(func(ctx context.Context, d *admin.Client, args []string) error {
			if count < 0 {
				return usagef("--count is 1 or more, or 0 for no end, not %d", count)
			}
			question.Party = args[0]
			write := c.writeVerdict
			if c.output == "json" {
				write = func(v *admin.Verdict) error { return json.NewEncoder(c.env.Stdout).Encode(v) }
			}
			shown := 0
			err := d.Watch(ctx, question, func() {
				fmt.Fprintf(c.env.Stderr, "watching %s; Ctrl-C ends it\n", question.Party)
			}, func(v *admin.Verdict) error {
				if err := write(v); err != nil {
					return fmt.Errorf("print result: %w", err)
				}
				if v.Lost == 0 {
					shown++
				}
				if shown == count && count > 0 {
					return errEnough
				}
				return nil
			})
			switch {
			case errors.Is(err, errEnough), ctx.Err() != nil:
				return nil // as the user wishes
			case errors.Is(err, io.EOF):
				return fmt.Errorf("%s is watched no longer: it is gone, or the daemon has ended", question.Party)
			}
			return err
		}),
	}
	cmd.Flags().BoolVar(&question.Drops, "drops", false, "only what is dropped")
	cmd.Flags().IntVar(&count, "count", 0, "end after `N` verdicts; 0: go on")
	return cmd
}

// errEnough ends a watch that has shown what was asked for.
var errEnough = errors.New("enough")

// writeVerdict prints a line whose columns stand below each other as a rule: who
// watches does not wait for a table to be whole.
func (c *command) writeVerdict(v *admin.Verdict) error {
	if v.Lost > 0 {
		_, err := fmt.Fprintf(c.env.Stdout, "%d more were not shown\n", v.Lost)
		return err
	}
	reason := v.Reason
	if v.DecidedAt != "" {
		reason += " at " + string(v.DecidedAt)
	}
	_, err := fmt.Fprintf(c.env.Stdout, "%s  %-3s  %s  %-6s  %-21s -> %-21s  %-21s  %s\n", v.Time.Local().Format("15:04:05.000"), v.Direction,
		c.env.paint(verdictColour(v.Verdict), fmt.Sprintf("%-5s", v.Verdict)), firstNonEmpty(v.Proto, "-"),
		firstNonEmpty(v.Source, "-"), firstNonEmpty(v.Destination, "-"), firstNonEmpty(string(v.Rule), "-"), reason)
	return err
}
