package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"ringfence/internal/admin"
)

func (c *command) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Look for load balancers whose ports no rule opens",
		Long: "Look for load balancers of all accounts whose ports no rule of a group opens: their own\n" +
			"ports for clients, or the ports of instances and health checks for their nodes.\n\n" +
			"The exit status is 1 when something is found.",
		Example: "  ringfence doctor",
		GroupID: "look",
		Args:    exactly(0),
		RunE: c.withDaemon(func(ctx context.Context, d *admin.Client, _ []string) error {
			found, err := d.Doctor(ctx)
			if err != nil {
				return err
			}
			err = c.print(found, func(w io.Writer) error {
				for _, f := range found {
					if _, err := fmt.Fprintf(w, "%s %s %s: %s\n", f.Account, f.Region, f.Noun, f.Message); err != nil {
						return err
					}
				}
				return nil
			})
			if err == nil && len(found) > 0 {
				return exitStatus(exitFailure)
			}
			return err
		}),
	}
}
