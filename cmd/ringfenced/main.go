// Ringfenced is the daemon: the API, and the agent that enforces what the API
// is told.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"ringfence/internal/elb"
	"ringfence/internal/fabric"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "init" {
		os.Exit(fabric.InitMain(os.Args[2:])) // of a machine; nothing else has run by now
	}
	if len(os.Args) > 1 && os.Args[1] == "balancer" {
		os.Exit(elb.Main(os.Args[2:])) // of a load balancer's machine
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "ringfenced:", err)
		os.Exit(1)
	}
}
