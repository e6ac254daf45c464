// Elb measures what a load balancer's node passes on, against HAProxy with a
// configuration written by hand and the reverse proxy of Go's library. All
// three run side by side, each a process of its own, in the network namespace
// that the program is started in, and take turns:
//
//	make bench-balancer   # which makes a namespace for it; ≤ 2 minutes
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"ringfence/bench/internal/result"
	"ringfence/internal/elb"
)

var (
	setups = flag.Int("setups", 12, "`times` that all proxies are started")
	rounds = flag.Int("rounds", 6, "`times` that each is measured then")
	sample = flag.Duration("sample", 80*time.Millisecond, "how long a load lasts")
)

func main() {
	flag.Parse()
	switch flag.Arg(0) { // what this program starts of itself
	case "node":
		os.Exit(elb.Main(flag.Args()[1:]))
	case "go":
		exitOn(serveGo(flag.Arg(1), flag.Arg(2)))
		return
	}
	debug.SetGCPercent(-1)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exitOn(compare(ctx))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "elb:", err)
		os.Exit(1)
	}
}

// A measure is a load: so many clients at once ask for pages of a size.
type measure struct {
	name, unit string
	port       uint16 // of the instance that has the pages
	size       int    // bytes
	clients    int
	kept       bool    // a client asks over one connection, or over a new one each time
	scale      float64 // from pages per second to the unit
}

var measures = []measure{
	{name: "requests", unit: "requests/s", port: smallPort, size: smallPage, clients: 8, kept: true, scale: 1},
	{name: "connections", unit: "connections/s", port: smallPort, size: smallPage, clients: 8, scale: 1},
	{name: "bulk", unit: "Gbit/s", port: largePort, size: largePage, clients: 4, kept: true, scale: 8 * largePage / 1e9},
}

// A run is what was measured: a sample of each round, by measure and proxy.
type run map[string][]float64

// compare measures all proxies, and prints a line for each of them and each
// measure.
func compare(ctx context.Context) error {
	if err := startInstances(); err != nil {
		return err
	}
	r := make(run)
	for i := range *setups {
		err := r.setUp(ctx, inTurn(i))
		if ctx.Err() != nil {
			return errors.New("interrupted; everything is removed")
		}
		if err != nil {
			return err
		}
	}
	var rows []result.Row
	for _, m := range measures {
		for _, p := range proxies {
			row := result.Row{Measure: m.name, Variant: p.name, Unit: m.unit, Base: byHand}
			rows = append(rows, row.Sum(r[m.name+p.name], r[m.name+byHand]))
		}
	}
	return result.Table(os.Stdout, rows)
}

// setUp starts all proxies afresh and measures them. A process is by up to 10 %
// faster or slower than the next one of the same program for as long as it runs,
// so a single start would say nothing.
func (r run) setUp(ctx context.Context, list []proxy) (err error) {
	dir, err := os.MkdirTemp("", "elb") // HAProxy must reach it, and a socket's path is short
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, p := range list {
		end, err := p.start(ctx, dir)
		if err != nil {
			return fmt.Errorf("start %s: %w", p.name, err)
		}
		defer end()
	}
	for i := range *rounds {
		if err := r.round(ctx, inTurn(i)); err != nil {
			return err
		}
	}
	return nil
}

// round takes every measure of every proxy once.
func (r run) round(ctx context.Context, list []proxy) error {
	for _, m := range measures {
		for _, p := range list {
			runtime.GC()            // and not while the clock runs
			time.Sleep(*sample / 4) // what is left to do of the load before is not this one's
			rate, err := m.take(p)
			if err != nil {
				return fmt.Errorf("%s of %s: %w", m.name, p.name, err)
			}
			r[m.name+p.name] = append(r[m.name+p.name], rate)
		}
	}
	return nil
}

// inTurn are the proxies in one of their orders, of which there are as many as
// rounds, so that nobody comes more often than others first or after somebody.
func inTurn(i int) []proxy {
	turn := slices.Concat(proxies[i%len(proxies):], proxies[:i%len(proxies)])
	if i/len(proxies)%2 == 1 {
		slices.Reverse(turn)
	}
	return turn
}
