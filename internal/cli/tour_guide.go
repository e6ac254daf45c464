package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"ringfence/internal/admin"
)

// A guide types the commands of a tour, prints what comes of them, and looks
// whether it is right. After the first thing that is not, it does nothing more
// but say so: its methods may be called one after another, and err looked at in
// the end.
type guide struct {
	ctx    context.Context
	env    *Env
	c      *command
	daemon *admin.Client
	self   string   // this program
	vars   []string // the environment of what is typed
	err    error

	sessions []*tourSession
	launched []string   // ids of instances
	undoing  [][]string // commands that remove what was made, in their order
	keyFile  string     // of the last key pair
}

func (c *command) newGuide(ctx context.Context, t *tour) (*guide, error) {
	d, err := c.daemon()
	if err != nil {
		return nil, err
	}
	s, err := d.Status(ctx)
	if err != nil {
		return nil, daemonError(d, err)
	}
	key, err := readProfile(c.dataDir, tourProfile)
	if err != nil {
		return nil, err
	}
	for _, program := range t.programs {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("the tour needs %s: install it first", program)
		}
	}
	g := &guide{ctx: ctx, env: c.env, c: c, daemon: d, vars: append(os.Environ(), "RINGFENCE_DATA_DIR="+c.dataDir)}
	for _, v := range environment(key.Access, key.Secret, "us-east-1", s.Endpoint) {
		g.vars = append(g.vars, v.name+"="+v.value)
	}
	g.self, err = c.env.Executable()
	return g, err
}

// failf stops the tour.
func (g *guide) failf(format string, args ...any) {
	if g.err == nil {
		g.err = fmt.Errorf(format, args...)
	}
}

// say tells the visitor what comes next.
func (g *guide) say(text string) {
	if g.err == nil {
		fmt.Fprintf(g.env.Stdout, "\n# %s\n", strings.ReplaceAll(text, "\n", "\n# "))
	}
}

// expect stops the tour if what the guide says is not so.
func (g *guide) expect(ok bool, format string, args ...any) {
	switch what := fmt.Sprintf(format, args...); {
	case g.err != nil:
	case !ok:
		g.failf("by the EC2 User Guide this should be so, and is not: %s", what)
	default:
		fmt.Fprintln(g.env.Stdout, g.env.paint(green, "ok:"), what)
	}
}

// run types a command that must succeed, and returns what it prints.
func (g *guide) run(args ...string) string {
	out, err := g.try(args...)
	if err != nil {
		g.failf("%s: %w", typed(args), err)
	}
	return out
}

// try types a command, and returns and prints what it prints.
func (g *guide) try(args ...string) (string, error) {
	if g.err != nil {
		return "", nil
	}
	g.prompt(typed(args))
	out, err := g.perform(g.ctx, args)
	fmt.Fprint(g.env.Stdout, out)
	return out, err
}

// prompt shows what is typed.
func (g *guide) prompt(line string) { fmt.Fprintf(g.env.Stdout, "\n$ %s\n", line) }

// perform runs a command that was typed.
func (g *guide) perform(ctx context.Context, args []string) (string, error) {
	var out bytes.Buffer
	cmd := g.prepare(ctx, args)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := g.env.watch(typed(args), cmd.Run)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return out.String(), err
}

// prepare makes a process of what was typed: all commands are this program's.
func (g *guide) prepare(ctx context.Context, args []string) *exec.Cmd {
	if args[0] == "ringfence" {
		args = args[1:]
	}
	cmd := exec.CommandContext(ctx, g.self, args...)
	cmd.Env = g.vars
	return cmd
}

// typed is a command as one would type it.
func typed(args []string) string {
	words := slices.Clone(args)
	for i, w := range words {
		if !plainWord.MatchString(w) {
			words[i] = `"` + w + `"`
		}
	}
	return strings.Join(words, " ")
}

// plainWord needs no quotes. The words of tours hold nothing that double quotes
// do not quote.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@=,+-]+$`)

// undo notes a command that removes what was just made.
func (g *guide) undo(args ...string) {
	if g.err == nil {
		g.undoing = append([][]string{args}, g.undoing...)
	}
}

// settle waits until the rules are enforced.
func (g *guide) settle() {
	if g.err != nil {
		return
	}
	s, err := g.daemon.Status(g.ctx)
	if err == nil {
		_, err = g.c.awaitRevision(g.ctx, g.daemon, s)
	}
	if err != nil {
		g.failf("wait until the rules are enforced: %w", err)
	}
}

// cleanUp removes what was made, also after the visitor has left.
func (g *guide) cleanUp() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(g.ctx), time.Minute)
	defer cancel()
	fmt.Fprintf(g.env.Stdout, "\n# The tour removes what it has made.\n")
	for _, args := range g.leftovers() {
		g.prompt(typed(args))
		out, err := g.perform(ctx, args)
		fmt.Fprint(g.env.Stdout, out)
		if err != nil {
			return fmt.Errorf("%s: %w", typed(args), err)
		}
		if args[0] == terminate {
			if err := g.awaitStates(ctx, stateTerminated, g.launched); err != nil {
				return err
			}
		}
	}
	return g.removeKeyFile()
}

const terminate = "ec2-terminate-instances"

// leftovers are the commands that remove what was made.
func (g *guide) leftovers() [][]string {
	if len(g.launched) == 0 {
		return g.undoing
	}
	return append([][]string{append([]string{terminate}, g.launched...)}, g.undoing...)
}

// tellLeft says what the tour leaves.
func (g *guide) tellLeft() {
	fmt.Fprintf(g.env.Stdout, "\n# The tour leaves what it has made. To remove it:\n")
	for _, args := range g.leftovers() {
		fmt.Fprintln(g.env.Stdout, typed(args))
	}
	if g.keyFile != "" {
		fmt.Fprintln(g.env.Stdout, typed([]string{"rm", "-r", filepath.Dir(g.keyFile)}))
	}
}
