package cli

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"ringfence/internal/admin"
	"ringfence/internal/fabric/initproto"
	"ringfence/internal/vpc"
)

func (c *command) execCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "exec INSTANCE [--] COMMAND [ARG ...]",
		Short:   "Run a command inside an instance",
		Long:    "Run a command inside an instance. The exit status is the command's.",
		Example: "  ringfence exec i-cfd732a6 -- ip address",
		GroupID: "use",
		Args: func(cmd *cobra.Command, args []string) error {
			return atLeast(2)(cmd, withoutDashes(args))
		},
		ValidArgsFunction: c.completes(1, instanceIDs),
		RunE: c.withDaemon(func(ctx context.Context, d *admin.Client, args []string) error {
			args = withoutDashes(args)
			where, err := d.Exec(ctx, vpc.InstanceID(args[0]))
			if err != nil {
				return err
			}
			return c.runIn(ctx, where.Init, args[1:])
		}),
	}
	cmd.Flags().SetInterspersed(false) // the rest are the command's flags
	return cmd
}

// withoutDashes removes the -- between the instance and the command. The flag
// parser takes only those that come before the instance.
func withoutDashes(args []string) []string {
	if len(args) > 1 && args[1] == "--" {
		return slices.Delete(slices.Clone(args), 1, 2)
	}
	return args
}

func (c *command) outsideCommand() *cobra.Command {
	var question admin.OutsideRequest
	cmd := &cobra.Command{
		Use:   "outside [--ip ADDRESS] [--] COMMAND [ARG ...]",
		Short: "Run a command on a host on the internet side",
		Long: "Run a command on a host on the internet side. It is made if it is not there.\n" +
			"The exit status is the command's. IPv6 addresses are of 2001:db8:8000::/33.",
		Example: "  ringfence outside --ip 203.0.113.7 -- nmap -Pn -p1-100 203.0.113.12",
		GroupID: "use",
		Args:    atLeast(1),
		RunE: c.withDaemon(func(ctx context.Context, d *admin.Client, args []string) error {
			host, err := d.Outside(ctx, question)
			if err != nil {
				return err
			}
			return c.runIn(ctx, host.Init, args)
		}),
	}
	cmd.Flags().StringVar(&question.IP, "ip", "", "`address` of the host, default the 203.0.113.7 of the EC2 User Guide 2012")
	cmd.Flags().SetInterspersed(false)
	return cmd
}

// runIn runs a command in the machine whose init listens on socket, with our
// own files. Signals go to the command.
func (c *command) runIn(ctx context.Context, socket string, args []string) error {
	// A signal ends the command, and that ends this one: not the other way.
	ctx = context.WithoutCancel(ctx)
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)

	env := c.env
	status, err := initproto.Exec(ctx, socket, initproto.Command{
		Args:    args,
		TTY:     env.IsTerminal(env.Stdin) && env.IsTerminal(env.Stdout),
		Stdin:   env.Stdin,
		Stdout:  env.Stdout,
		Stderr:  env.Stderr,
		Signals: signals,
	})
	if err != nil {
		return &execError{err, status}
	}
	if status != 0 {
		return exitStatus(status)
	}
	return nil
}

// An execError says why a command could not be run. Its status is the shell's
// for that, 0 when there is none.
type execError struct {
	err    error
	status int
}

func (e *execError) Error() string { return e.err.Error() }
func (e *execError) Unwrap() error { return e.err }
