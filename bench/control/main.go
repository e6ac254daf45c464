// Control measures what is not the way of packets: how soon a change of rules
// meets them, what changes cost, how fast calls are answered, and how all of it
// grows. Run it as root after make build:
//
//	go run ./bench/control
//	go run ./bench/control -peer http://127.0.0.1:5000   # calls of another endpoint, too
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"ringfence/bench/internal/command"
	"ringfence/bench/internal/probe"
	"ringfence/bench/internal/result"
	"ringfence/bench/internal/stats"
)

var (
	binary     = flag.String("daemon", "bin/ringfenced", "`binary` of the daemon")
	peer       = flag.String("peer", "", "`URL` of another EC2 endpoint to compare calls with; anybody must be let in")
	only       = flag.String("only", "", "measure only these parts, comma-separated: reactions, members, calls, memory, growth")
	changes    = flag.Int("changes", 500, "rules to authorise and revoke, each time looking when packets meet it")
	interfaces = flag.Int("interfaces", 100_000, "network interfaces in the view whose memory is measured")
	long       = flag.Duration("for", 2*time.Second, "how long calls of one kind are made")
	out        = flag.String("out", "bench/out/control.json", "`file` for the results")
	page       = flag.String("page", "docs/benchmarks.md", "`file` for the report, with its curves beside it; not written with -only")

	target = flag.String("probe", "", "address to send SYNs to: used by the program itself, on the internet side")
	flood  = flag.Int("flood", 0, "datagrams to send beside them in a second: likewise")
)

func main() {
	command.Run("control", func(ctx context.Context) error {
		if *target != "" {
			return serveProbes()
		}
		return measure(ctx)
	})
}

// A part is one kind of measurements.
type part struct {
	name string
	run  func(context.Context) ([]result.Row, error)
}

// parts are what is measured, in this order.
var parts = []part{
	{"reactions", reactions},
	{"members", members},
	{"calls", calls},
	{"memory", memory},
	{"growth", grow},
}

// chosen are the parts that -only names, or all.
func chosen() ([]part, error) {
	if *only == "" {
		return parts, nil
	}
	names := strings.Split(*only, ",")
	for _, name := range names {
		if !slices.ContainsFunc(parts, func(p part) bool { return p.name == name }) {
			return nil, fmt.Errorf("there is no part %q", name)
		}
	}
	return slices.DeleteFunc(slices.Clone(parts), func(p part) bool { return !slices.Contains(names, p.name) }), nil
}

func measure(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return errors.New("network namespaces and BPF programs need root: sudo make bench-control")
	}
	wanted, err := chosen()
	if err != nil {
		return err
	}
	if *changes < 1 || *changes > lastPort-firstPort {
		return fmt.Errorf("of changes there are 1 to %d, not %d", lastPort-firstPort, *changes)
	}
	if *peer != "" { // before everything else is measured in vain
		if err := thePeer().answers(ctx); err != nil {
			return err
		}
	}
	var rows []result.Row
	for _, p := range wanted {
		fmt.Fprintf(os.Stderr, "%s …\n", p.name)
		more, err := p.run(ctx)
		if err := errors.Join(err, ctx.Err()); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		rows = append(rows, more...)
	}
	result.GroupByMeasure(rows)
	if err := result.Table(os.Stdout, rows); err != nil {
		return err
	}
	if err := result.Write(*out, rows); err != nil {
		return err
	}
	if *only != "" {
		return nil
	}
	return report(ctx, rows)
}

// serveProbes is what the program does on the internet side.
func serveProbes() error {
	to, err := netip.ParseAddr(*target)
	if err != nil {
		return err
	}
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		if *flood == 0 {
			stopped <- nil
			return
		}
		stopped <- probe.Flood(netip.AddrPortFrom(to, floodPort), *flood, stop)
	}()
	err = probe.Serve(os.Stdin, os.Stdout, probe.Outside, to)
	close(stop)
	return errors.Join(err, <-stopped)
}

// percentiles are the rows of the median and the 99th percentile of some times.
func percentiles(measure, variant string, rules int, times []time.Duration) []result.Row {
	var rows []result.Row
	for _, q := range []struct {
		name string
		at   float64
	}{{"p50", 0.5}, {"p99", 0.99}} {
		rows = append(rows, result.Row{
			Measure: measure + "_" + q.name, Variant: variant, Rules: rules, Unit: "ms",
			Median: milliseconds(stats.NearestRank(times, q.at)),
			Min:    milliseconds(times[0]), Max: milliseconds(times[len(times)-1]), Rounds: len(times),
		})
	}
	return rows
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
