package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"ringfence/internal/admin"
	"ringfence/internal/vpc"
)

func (c *command) accountCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "account",
		Short:   "Create and list accounts, and show their keys",
		Example: "  ringfence account list",
		GroupID: "use",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usagef("account needs a verb, create, list or keys, as in:\n%s", cmd.Example)
		},
	}
	cmd.AddCommand(c.accountCreateCommand(), c.accountListCommand(), c.accountKeysCommand())
	return cmd
}

func (c *command) accountCreateCommand() *cobra.Command {
	var platform, era string
	cmd := &cobra.Command{
		Use:   "create ID [--platform vpc|classic] [--era 2012|modern]",
		Short: "Create an account and print its section of a credentials file",
		Long: "Create an account and print its section of a credentials file. The daemon's own file gets it too.\n\n" +
			"A platform of classic has EC2-Classic, vpc a default VPC in each region; the era decides quotas and the\n" +
			"length of ids.",
		Example: "  ringfence account create 444455556666 --platform classic",
		Args:    exactly(1),
		RunE: c.withDaemon(func(ctx context.Context, d *admin.Client, args []string) error {
			if err := checkAccountID(args[0]); err != nil {
				return err
			}
			a, err := d.CreateAccount(ctx, admin.NewAccount{
				ID: vpc.AccountID(args[0]), Platform: vpc.Platform(platform), Era: vpc.Era(era),
			})
			if err != nil {
				return err
			}
			return c.printSection(a)
		}),
	}
	cmd.Flags().StringVar(&platform, "platform", "", "`platform`: vpc (the default) or classic")
	cmd.Flags().StringVar(&era, "era", "", "`era`: 2012 (the default of classic) or modern")
	return cmd
}

// checkAccountID refuses what is no account's id: twelve digits.
func checkAccountID(id string) error {
	if len(id) != 12 || strings.Trim(id, "0123456789") != "" {
		return usagef("%q is no account: an account has twelve digits, such as 444455556666", id)
	}
	return nil
}

// printSection prints an account's section of a credentials file.
func (c *command) printSection(a *admin.Account) error {
	return c.print(a, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n", a.Profile, a.AccessKey, a.SecretKey)
		return err
	})
}

func (c *command) accountKeysCommand() *cobra.Command {
	var rotate bool
	cmd := &cobra.Command{
		Use:   "keys ID [--rotate]",
		Short: "Print an account's section of a credentials file again",
		Long: "Print an account's section of a credentials file again. With --rotate the account gets new keys first:\n" +
			"calls that are signed with the old ones are refused from then on.",
		Example: "  ringfence account keys 444455556666",
		Args:    exactly(1),
		RunE: c.withDaemon(func(ctx context.Context, d *admin.Client, args []string) error {
			if err := checkAccountID(args[0]); err != nil {
				return err
			}
			account := findAccount
			if rotate {
				account = rotateKeys
			}
			a, err := account(ctx, d, vpc.AccountID(args[0]))
			if err != nil {
				return err
			}
			return c.printSection(a)
		}),
	}
	cmd.Flags().BoolVar(&rotate, "rotate", false, "give the account new keys")
	return cmd
}

// rotateKeys gives the account with an id new keys.
func rotateKeys(ctx context.Context, d *admin.Client, id vpc.AccountID) (*admin.Account, error) {
	return d.RotateKeys(ctx, id)
}

// findAccount asks for the account with an id.
func findAccount(ctx context.Context, d *admin.Client, id vpc.AccountID) (*admin.Account, error) {
	list, err := d.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range list {
		if a.ID == id {
			return &a, nil
		}
	}
	return nil, fmt.Errorf("there is no account %s: make it with: ringfence account create %s", id, id)
}

func (c *command) accountListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List all accounts",
		Example: "  ringfence account list",
		Args:    exactly(0),
		RunE: c.withDaemon(func(ctx context.Context, d *admin.Client, _ []string) error {
			list, err := d.Accounts(ctx)
			if err != nil {
				return err
			}
			return c.print(list, func(w io.Writer) error {
				t := newTable(w)
				fmt.Fprintf(t, "ACCOUNT\tPLATFORM\tERA\tPROFILE\tACCESS KEY\n")
				for _, a := range list {
					fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", a.ID, a.Platform, a.Era, a.Profile, a.AccessKey)
				}
				return t.Flush()
			})
		}),
	}
}
