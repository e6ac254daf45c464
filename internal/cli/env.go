package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ringfence/internal/awsquery"
)

// Env is all of the world that a command may touch.
type Env struct {
	// Args are the process's; Args[0] says which command it is.
	Args []string

	// Files, since they are handed on to the command that exec runs.
	Stdin, Stdout, Stderr *os.File

	Getenv     func(string) string
	Transport  *http.Transport // for calls of the API
	Now        func() time.Time
	IsTerminal func(*os.File) bool
	Executable func() (string, error) // path of this program
}

// Exit statuses. A command that runs another one has the other one's.
const (
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 130 // as a shell has it for SIGINT
)

// An exitStatus is an error that has been told already, or is none: a command
// that ran in an instance has ended with it.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// A usageError is a mistake on the command line.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// Main runs the command that env.Args asks for and returns its exit status.
func Main(ctx context.Context, env *Env) int {
	name := filepath.Base(env.Args[0])
	if t := findTool(name); t != nil {
		return env.conclude(runTool(ctx, env, t, env.Args[1:]))
	}
	if strings.HasPrefix(name, "ec2-") || strings.HasPrefix(name, "elb-") {
		fmt.Fprintf(env.Stderr, "%s is no tool that ringfence has: see ringfence --help\n", name)
		return exitFailure
	}
	root := newRoot(env)
	root.SetArgs(env.Args[1:])
	return env.conclude(root.ExecuteContext(ctx))
}

// conclude tells an error to the user, and returns the exit status that goes
// with it.
func (env *Env) conclude(err error) int {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[exitStatus](err); ok {
		return int(e)
	}
	if errors.Is(err, context.Canceled) {
		return exitInterrupted // the user knows why
	}
	text, status := message(err)
	fmt.Fprintln(env.Stderr, text)
	return status
}

// message is how an error is told: that of an old tool in its own words and always
// with status 1, others as the ringfence command does.
func message(err error) (text string, status int) {
	if e, ok := errors.AsType[*toolError](err); ok {
		return e.tool.family().message(e.tool, e.err), exitFailure
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		return "ringfence: " + err.Error(), exitUsage
	}
	if e, ok := errors.AsType[*awsquery.ResponseError](err); ok {
		err = e.Err // who is at fault is the tools' word
	}
	if e, ok := errors.AsType[*execError](err); ok && e.status != 0 {
		return "ringfence: " + err.Error(), e.status
	}
	return "ringfence: " + err.Error(), exitFailure
}

// defaultDataDir is the daemon's own default.
const defaultDataDir = "/var/lib/ringfence"

// dataDir is where the daemon keeps its socket and credentials, unless a flag
// says otherwise.
func (env *Env) dataDir() string {
	return firstNonEmpty(env.Getenv("RINGFENCE_DATA_DIR"), defaultDataDir)
}

func firstNonEmpty(candidates ...string) string {
	for _, s := range candidates {
		if s != "" {
			return s
		}
	}
	return ""
}
