// Package command is how the programs that measure begin and end.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
)

// Run is all that main does: it takes flags and nothing beside them, and ends the
// program with what run returns. While another program measures, run is not
// called. Ctrl-C, SIGTERM and a terminal that is closed end the context; run then
// removes what it has made, and writes no results.
func Run(name string, run func(context.Context) error) {
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(flag.CommandLine.Output(), "%s: %q is no flag\n", name, flag.Arg(0))
		flag.Usage()
		os.Exit(2)
	}
	if err := runAlone("@ringfence-bench", run); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// runAlone is Run without its flags. Of those who give one address only one runs:
// it is abstract, so whatever ends the program also frees it (unix(7)).
func runAlone(address string, run func(context.Context) error) error {
	only, err := net.Listen("unix", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return errors.New("another benchmark runs here, and each would spoil the other's figures: wait for its end")
	}
	if err != nil {
		return fmt.Errorf("keep other benchmarks away: %w", err)
	}
	defer only.Close()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	err = run(ctx)
	if ctx.Err() != nil {
		return errors.New("interrupted; everything is removed")
	}
	return err
}
