package cli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// completionTimeout bounds what a shell waits for after a Tab.
const completionTimeout = 2 * time.Second

// A completion proposes words, each perhaps with a tab and a description.
type completion func(ctx context.Context, c *command, who *caller) ([]string, error)

// completes makes a completion one of the first most words of a command.
func (c *command) completes(most int, words completion) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
		defer cancel()
		who := &caller{}
		for name, value := range map[string]*string{"profile": &who.profile, "region": &who.region} {
			if f := cmd.Flags().Lookup(name); f != nil {
				*value = f.Value.String()
			}
		}
		all, err := words(ctx, c, who)
		if err != nil {
			cobra.CompDebugln(err.Error(), false) // with nobody to ask there is nothing to propose
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var fitting []string
		for _, w := range all {
			if strings.HasPrefix(w, begun) {
				fitting = append(fitting, w)
			}
		}
		return fitting, cobra.ShellCompDirectiveNoFileComp
	}
}

// complete makes a completion that of a flag's value.
func (c *command) complete(cmd *cobra.Command, flag string, words completion) {
	propose := c.completes(1, words)
	err := cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		return propose(cmd, nil, begun)
	})
	if err != nil {
		panic(err) // the command has no such flag
	}
}

func instanceIDs(ctx context.Context, c *command, who *caller) ([]string, error) {
	api, err := c.api(ctx, who)
	if err != nil {
		return nil, err
	}
	answers, err := api.instances(ctx)
	var words []string
	for _, i := range answers {
		if i.State.Name != stateTerminated {
			words = append(words, i.ID+"\t"+cell(strings.TrimSpace(i.State.Name+" "+nameOf(i.Tags))))
		}
	}
	return words, err
}

func groupNames(ctx context.Context, c *command, who *caller) ([]string, error) {
	api, err := c.api(ctx, who)
	if err != nil {
		return nil, err
	}
	groups, err := api.securityGroups(ctx)
	var words []string
	for _, g := range groups {
		words = append(words, g.Name+"\t"+cell(g.Description), g.ID+"\t"+cell(g.Name))
	}
	return words, err
}

func imageIDs(ctx context.Context, c *command, who *caller) ([]string, error) {
	api, err := c.api(ctx, who)
	if err != nil {
		return nil, err
	}
	var out struct {
		Images []struct {
			ID   string `aws:"imageId"`
			Name string `aws:"name"`
		} `aws:"imagesSet"`
	}
	err = api.call(ctx, "DescribeImages", &struct{}{}, &out)
	var words []string
	for _, i := range out.Images {
		words = append(words, i.ID+"\t"+cell(i.Name))
	}
	return words, err
}

func profiles(_ context.Context, c *command, _ *caller) ([]string, error) {
	_, names, err := readCredentials(c.dataDir)
	return names, err
}

func (c *command) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "completion bash|zsh|fish",
		Short:     "Print what a shell needs to complete commands, ids and names",
		Example:   "  eval \"$(ringfence completion bash)\"",
		GroupID:   "use",
		Args:      exactly(1),
		ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch args[0] {
			case "bash":
				return cmd.Root().GenBashCompletionV2(c.env.Stdout, true)
			case "zsh":
				return cmd.Root().GenZshCompletion(c.env.Stdout)
			case "fish":
				return cmd.Root().GenFishCompletion(c.env.Stdout, true)
			default:
				return usagef("completion is for bash, zsh or fish, not for %q", args[0])
			}
		},
	}
}
