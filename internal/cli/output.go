package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"ringfence/internal/admin"
)

// print prints a result: as JSON when the user asks for it, otherwise by text.
func (c *command) print(result any, text func(io.Writer) error) error {
	if c.output == "json" {
		e := json.NewEncoder(c.env.Stdout)
		e.SetIndent("", "  ")
		if err := e.Encode(result); err != nil {
			return fmt.Errorf("print result: %w", err)
		}
		return nil
	}
	if err := text(c.env.Stdout); err != nil {
		return fmt.Errorf("print result: %w", err)
	}
	return nil
}

// newTable returns a writer that aligns the columns of lines whose fields end in
// tabs. The last column needs no tab.
func newTable(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 8, 2, ' ', 0) }

// A colour is a terminal's (ECMA-48, SGR).
type colour string

const (
	green  colour = "\x1b[32m"
	red    colour = "\x1b[31m"
	yellow colour = "\x1b[33m"
)

// paint colours a word that goes to Stdout, if that is a terminal and the user
// has not set NO_COLOR (no-color.org). Only the last column of a table may be
// painted: a colour has a width to a tabwriter.
func (env *Env) paint(c colour, word string) string {
	if env.Getenv("NO_COLOR") != "" || !env.IsTerminal(env.Stdout) {
		return word
	}
	return string(c) + word + "\x1b[0m"
}

// watch does something, and shows on a terminal that it goes on, and for how
// long.
func (env *Env) watch(what string, do func() error) error {
	if !env.IsTerminal(env.Stderr) {
		return do()
	}
	done := make(chan error, 1)
	go func() { done <- do() }()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	const clear = "\r\x1b[K"
	for began := time.Now(); ; {
		select {
		case err := <-done:
			fmt.Fprint(env.Stderr, clear)
			return err
		case <-tick.C:
			fmt.Fprintf(env.Stderr, clear+"… %ds  %.60s", int(time.Since(began).Seconds()), what)
		}
	}
}

// visible writes control characters as ^X, except for those of lines: what others
// have written is not to move a terminal's cursor.
func visible(text string) string {
	var b strings.Builder
	for _, r := range strings.ReplaceAll(text, "\r\n", "\n") {
		switch {
		case r == '\n' || r == '\t' || r >= ' ' && r != 0x7f:
			b.WriteRune(r)
		default:
			b.WriteByte('^')
			b.WriteRune(r ^ 0x40)
		}
	}
	return b.String()
}

// daemonError says what to do when the daemon cannot be asked.
func daemonError(d *admin.Client, err error) error {
	switch {
	case !errors.Is(err, admin.ErrNoDaemon):
		return err
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%s may not be opened by you: run this with sudo", d.Socket())
	default:
		return fmt.Errorf("no ringfenced answers at %s: start one with: sudo ringfenced dev", d.Socket())
	}
}
