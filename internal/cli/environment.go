package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

func (c *command) envCommand() *cobra.Command {
	var profile, region string
	cmd := &cobra.Command{
		Use:   "env [--profile PROFILE] [--region REGION]",
		Short: "Print shell commands that point AWS clients at the daemon",
		Long: "Print shell commands that point AWS clients, and the EC2 and ELB tools of 2012, at the daemon.\n\n" +
			"AWS CLIs before 2.13 (1.29) do not look at AWS_ENDPOINT_URL; a shell function hands it to them.",
		Example: "  eval \"$(sudo ringfence env --profile classic)\"",
		GroupID: "use",
		Args:    exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			endpoint := c.endpoint
			if endpoint == "" {
				d, err := c.daemon()
				if err != nil {
					return err
				}
				s, err := d.Status(cmd.Context())
				if err != nil {
					return daemonError(d, err)
				}
				endpoint = s.Endpoint
			}
			key, err := readProfile(c.dataDir, profile)
			if err != nil {
				return err
			}
			vars := environment(key.Access, key.Secret, region, strings.TrimRight(endpoint, "/"))
			return c.print(asMap(vars), func(w io.Writer) error { return writeEnvironment(w, vars) })
		},
	}
	cmd.Flags().StringVar(&profile, "profile", defaultProfile, "`profile` of the daemon's credentials file: default or classic")
	cmd.Flags().StringVar(&region, "region", "us-east-1", "`region` that clients call")
	c.complete(cmd, "profile", profiles)
	return cmd
}

// A variable is one of the environment's.
type variable struct{ name, value string }

// environment is what clients look at: the first five are for today's SDKs and
// CLIs, the rest for the tools of 2012, which have no variable for the region
// but one URL for each.
func environment(access, secret, region, endpoint string) []variable {
	return []variable{
		{"AWS_ACCESS_KEY_ID", access},
		{"AWS_SECRET_ACCESS_KEY", secret},
		{"AWS_DEFAULT_REGION", region},
		{"AWS_REGION", region},
		{"AWS_ENDPOINT_URL", endpoint},
		{"AWS_ACCESS_KEY", access},
		{"AWS_SECRET_KEY", secret},
		{"EC2_URL", endpoint + "/" + region + "/"},
		{"AWS_ELB_URL", endpoint + "/" + region + "/"},
	}
}

func asMap(vars []variable) map[string]string {
	m := make(map[string]string, len(vars))
	for _, v := range vars {
		m[v.name] = v.value
	}
	return m
}

// awsFunction hands the endpoint to AWS CLIs that do not look for it themselves.
// To the others it tells nothing new, and an --endpoint-url of the user's comes
// later and wins.
const awsFunction = `aws() {
  if [ -n "${AWS_ENDPOINT_URL-}" ]; then
    command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"
  else
    command aws "$@"
  fi
}
`

func writeEnvironment(w io.Writer, vars []variable) error {
	var b strings.Builder
	for _, v := range vars {
		fmt.Fprintf(&b, "export %s=%s\n", v.name, shellQuote(v.value))
	}
	// A token of another account's session would be sent along.
	b.WriteString("unset AWS_SESSION_TOKEN AWS_SECURITY_TOKEN AWS_DELEGATION_TOKEN\n")
	b.WriteString(awsFunction)
	_, err := io.WriteString(w, b.String())
	return err
}

// shellQuote returns s as one word of a POSIX shell.
func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
