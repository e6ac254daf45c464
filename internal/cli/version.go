package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// A version says what this program was built from.
type version struct {
	Version  string `json:"version"`
	Revision string `json:"revision"` // of the repository; "" outside of one
	Modified bool   `json:"modified"` // the working tree had changes
	Go       string `json:"go"`
}

func (v version) String() string {
	changed := ""
	if v.Modified {
		changed = ", modified"
	}
	return fmt.Sprintf("ringfence %s (%s%s, %s)", v.Version, firstNonEmpty(v.Revision, "no revision"), changed, v.Go)
}

func (c *command) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print what this program was built from",
		Example: "  ringfence version",
		GroupID: "look",
		Args:    exactly(0),
		RunE: func(*cobra.Command, []string) error {
			v := readVersion()
			return c.print(v, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, v)
				return err
			})
		},
	}
}

func readVersion() version {
	v := version{Version: "unknown", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.Version = info.Main.Version
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}
