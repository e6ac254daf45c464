package cli

import (
	"context"

	"github.com/spf13/cobra"
)

// A caller says as whom, and in which region, a command of ringfence calls the
// API.
type caller struct {
	profile string // of the daemon's credentials file; "" for what the environment says
	region  string // likewise
}

// callerFlags gives a command --profile and --region, which say who calls.
func (c *command) callerFlags(cmd *cobra.Command, who *caller) {
	cmd.Flags().StringVar(&who.profile, "profile", "", "`profile` of the daemon's credentials file: default or classic (AWS_PROFILE)")
	cmd.Flags().StringVar(&who.region, "region", "", "`region` (AWS_DEFAULT_REGION; default us-east-1)")
	c.complete(cmd, "profile", profiles)
}

// withAPI makes a command of a function that calls the API as who.
func (c *command) withAPI(who *caller, run func(ctx context.Context, api *apiClient, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		api, err := c.api(cmd.Context(), who)
		if err != nil {
			return err
		}
		return run(cmd.Context(), api, args)
	}
}

// api returns a client of the API that calls as who. It finds its way as the EC2
// tools do.
func (c *command) api(ctx context.Context, who *caller) (*apiClient, error) {
	a := &arguments{values: map[string][]string{}}
	given := map[string]string{"region": who.region, "profile": who.profile, "endpoint": c.endpoint}
	if c.dataDir != c.env.dataDir() {
		given["data-dir"] = c.dataDir
	}
	for name, value := range given {
		if value != "" {
			a.values[name] = []string{value}
		}
	}
	return newAPIClient(ctx, c.env, ec2Suite, a)
}
