// Ringfence looks after a ringfenced daemon, and is the EC2 tools of 2012 when it
// is called by their names.
package main

import (
	"context"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"

	"ringfence/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := cli.Main(ctx, &cli.Env{
		Args:       os.Args,
		Stdin:      os.Stdin,
		Stdout:     os.Stdout,
		Stderr:     os.Stderr,
		Getenv:     os.Getenv,
		Transport:  http.DefaultTransport.(*http.Transport),
		Now:        time.Now,
		IsTerminal: func(f *os.File) bool { return term.IsTerminal(int(f.Fd())) },
		Executable: os.Executable,
	})
	stop()
	os.Exit(status)
}
