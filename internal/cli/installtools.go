package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

func (c *command) installToolsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "install-tools DIR",
		Short:   "Make links so that the EC2 and ELB tools of 2012 are found by their names",
		Example: "  sudo ringfence install-tools /usr/local/bin",
		GroupID: "use",
		Args:    exactly(1),
		RunE: func(_ *cobra.Command, args []string) error {
			made, err := installTools(c.env, args[0])
			if err != nil {
				return err
			}
			return c.print(made, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "%d links in %s\n", len(made), args[0])
				return err
			})
		},
	}
}

// installTools links every name of every tool to this program, and returns the
// names. A link that is there is replaced, a file of any other kind is not.
func installTools(env *Env, dir string) ([]string, error) {
	program, err := env.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make links: %w", err)
	}
	var names []string
	for _, t := range tools() {
		for _, name := range t.names {
			if err := replaceLink(program, filepath.Join(dir, name)); err != nil {
				return nil, err
			}
			names = append(names, name)
		}
	}
	return names, nil
}

func replaceLink(target, link string) error {
	info, err := os.Lstat(link)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("make links: %w", err)
	case info.Mode()&fs.ModeSymlink == 0:
		return fmt.Errorf("%s is there and is no link: remove it, or choose another directory", link)
	default:
		if err := os.Remove(link); err != nil {
			return fmt.Errorf("make links: %w", err)
		}
	}
	if err := os.Symlink(target, link); err != nil {
		return fmt.Errorf("make links: %w", err)
	}
	return nil
}
