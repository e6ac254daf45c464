package cli

import (
	"context"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ringfence/internal/admin"
)

// outputs are the forms of results: table is text by another name.
var outputs = []string{"text", "table", "json"}

// A command is what the commands of ringfence share: the world and the flags
// before or after the command's name.
type command struct {
	env      *Env
	dataDir  string
	endpoint string
	output   string // one of outputs
}

// daemon returns a client of the daemon on this machine.
func (c *command) daemon() (*admin.Client, error) {
	if c.endpoint != "" {
		return nil, usagef("this command asks the daemon of this machine and cannot use --endpoint; run it on the daemon's host")
	}
	return admin.NewClient(admin.SocketPath(c.dataDir)), nil
}

// withDaemon makes a command of a function that asks the daemon on this machine.
func (c *command) withDaemon(run func(ctx context.Context, d *admin.Client, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		d, err := c.daemon()
		if err != nil {
			return err
		}
		return daemonError(d, run(cmd.Context(), d, args))
	}
}

// newRoot builds the ringfence command.
func newRoot(env *Env) *cobra.Command {
	c := &command{env: env}
	root := &cobra.Command{
		Use:   "ringfence",
		Short: "A firewall for groups of machines that speaks the EC2 API",
		Long: "ringfence looks after a ringfenced daemon: a firewall for groups of machines that speaks\n" +
			"the EC2 API, and really filters packets.",
		Example:       "  eval \"$(sudo ringfence env --profile classic)\"\n  aws ec2 describe-security-groups",
		Args:          unknownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true, // Main tells them
		SilenceUsage:  true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if !slices.Contains(outputs, c.output) {
				return usagef("--output is text or json, not %q", c.output)
			}
			return nil
		},
	}
	root.Version = readVersion().String()
	root.SetVersionTemplate("{{.Version}}\n")
	root.SuggestionsMinimumDistance = 2
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%v (see %s --help)", err, cmd.CommandPath())
	})
	flags := root.PersistentFlags()
	flags.StringVar(&c.dataDir, "data-dir", env.dataDir(), "the daemon's data `directory` (RINGFENCE_DATA_DIR)")
	flags.StringVar(&c.endpoint, "endpoint", "", "`URL` of a daemon on another machine")
	flags.StringVar(&c.output, "output", "text", "`form` of the result: text or json")
	if err := root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(outputs, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // there is no such flag
	}

	root.AddGroup(
		&cobra.Group{ID: "look", Title: "To look:"},
		&cobra.Group{ID: "use", Title: "To use:"},
		&cobra.Group{ID: "tools", Title: "Tools of 2012:"},
	)
	root.SetHelpCommandGroupID("look")
	root.CompletionOptions.DisableDefaultCmd = true // completionCommand refuses shells that it does not know
	root.AddCommand(
		c.statusCommand(), c.psCommand(), c.groupsCommand(), c.rulesCommand(), c.explainCommand(), c.doctorCommand(), c.connectionsCommand(), c.watchCommand(), c.versionCommand(),
		c.envCommand(), c.runCommand(), c.execCommand(), c.outsideCommand(), c.accountCommand(), c.installToolsCommand(), c.tourCommand(), c.completionCommand(),
	)
	for _, t := range tools() {
		root.AddCommand(c.toolCommand(t))
	}
	root.InitDefaultHelpCmd()
	help, _, _ := root.Find([]string{"help"})
	help.Args = knownCommand
	return root
}

// toolCommand makes an old tool a command of ringfence. The tool parses its own
// flags.
func (c *command) toolCommand(t *tool) *cobra.Command {
	return &cobra.Command{
		Use:                t.usage(),
		Aliases:            t.names[1:],
		Short:              strings.ToUpper(t.about[:1]) + t.about[1:],
		GroupID:            "tools",
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runTool(cmd.Context(), c.env, t, args)
		},
	}
}

// exactly returns a check that a command has n arguments.
func exactly(n int) cobra.PositionalArgs { return between(n, n) }

// atLeast returns a check that a command has n arguments or more.
func atLeast(n int) cobra.PositionalArgs { return between(n, math.MaxInt) }

// between returns a check whose message shows how to call the command.
func between(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return usagef("usage: %s %s, as in:\n%s", cmd.Parent().CommandPath(), cmd.Use, cmd.Example)
		}
		return nil
	}
}

// knownCommand is the check of help, which otherwise shows the commands there are
// and succeeds.
func knownCommand(cmd *cobra.Command, args []string) error {
	found, rest, err := cmd.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return unknownCommand(found, rest)
	}
	return nil
}

// unknownCommand is the check of the root: it is called only with words that are
// no command.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "see ringfence --help"
	if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
		hint = "did you mean " + strings.Join(similar, " or ") + "?"
	}
	return usagef("there is no command %q: %s", args[0], hint)
}
