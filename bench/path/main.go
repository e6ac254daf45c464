// Path measures the way of packets through ringfence against that over a bare
// link, a bridge, a router, nftables and iptables, all side by side on this
// machine. It needs root, and makes all that it measures in network namespaces
// that go with it:
//
//	go run ./bench/path          # ≤ 20 minutes; writes docs/benchmarks.md
//	go run ./bench/path -quick   # ≤ 3 minutes; fails only if something is broken
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"ringfence/bench/internal/bed"
	"ringfence/bench/internal/command"
	"ringfence/bench/internal/load"
	"ringfence/bench/internal/result"
)

var (
	quick = flag.Bool("quick", false, "measure for minutes only, which is enough to see that everything works")
	only  = flag.String("only", "", "measure only variants with one of these names, comma-separated, and what they are compared with")
	out   = flag.String("out", "bench/out/result.json", "`file` for the results")
	page  = flag.String("page", "docs/benchmarks.md", "`file` for the report, with its curves beside it; not written with -quick or -only")
)

var (
	full  = plan{setups: 5, rounds: 6, sample: 250 * time.Millisecond, curves: true, budget: 13 * time.Minute}
	short = plan{setups: 3, rounds: 3, sample: 100 * time.Millisecond, budget: 2 * time.Minute}
)

func main() {
	// No garbage is collected while the clock runs, and whoever wakes up finds a
	// processor of Go's, whatever the ends of a load hold.
	debug.SetGCPercent(-1)
	runtime.GOMAXPROCS(runtime.NumCPU() + 4)
	command.Run("path", compareWithPeers)
}

func compareWithPeers(ctx context.Context) error {
	r, err := newRun()
	if err != nil {
		return err
	}
	bar := newBar(r)
	err = r.all(ctx)
	if barErr := bar.Finish(); err == nil {
		err = barErr
	}
	if err != nil {
		return err
	}
	alone, err := programs(ctx)
	if err != nil {
		return err
	}
	rows := slices.Concat(r.rows(), r.pairRows(), alone)
	result.GroupByMeasure(rows)
	if err := result.Table(os.Stdout, rows); err != nil {
		return err
	}
	if err := result.Write(*out, rows); err != nil {
		return err
	}
	if *quick || *only != "" {
		return nil
	}
	return report{rows: rows, run: r, path: *page}.write(ctx)
}

// newRun finds out what this machine can do, and says what it cannot.
func newRun() (*run, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("network namespaces and BPF programs need root: sudo make bench")
	}
	r := &run{plan: full, notes: make(map[string]string), samples: make(map[column][]float64)}
	if *quick {
		r.plan = short
	}
	if err := load.ProbeRealtime(); err != nil {
		r.general = "not real-time"
		fmt.Fprintf(os.Stderr, "figures are disturbed by whatever else runs here: %v\n", err)
	}
	client, server, err := load.CPUs()
	if err != nil {
		return nil, err
	}
	r.oneCPU = client == server
	r.variants, err = r.plan.variants(strings.FieldsFunc(*only, func(c rune) bool { return c == ',' }))
	if err != nil {
		return nil, err
	}
	for _, v := range r.variants {
		if missing := v.Missing(); missing != "" {
			r.leaveOut(v, missing)
		}
	}
	if len(r.notes) == len(r.variants) {
		return nil, errors.New("nothing is left to measure")
	}
	return r, nil
}

// variants are those that are measured: all, or those with a name and their
// bases. A name that nobody has is an error.
func (p plan) variants(names []string) ([]bed.Variant, error) {
	all := slices.DeleteFunc(bed.Variants(), func(v bed.Variant) bool { return onlyForCurves(v) && !p.curves })
	if len(names) == 0 {
		return all, nil
	}
	wanted := make(map[string]bool)
	for _, name := range names {
		i := slices.IndexFunc(all, func(v bed.Variant) bool { return v.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no variant %s", name)
		}
		wanted[name], wanted[all[i].Base] = true, true
	}
	return slices.DeleteFunc(all, func(v bed.Variant) bool { return !wanted[v.Name] }), nil
}

// newBar shows how far a run is, where somebody is looking.
func newBar(r *run) *progressbar.ProgressBar {
	steps := 0
	for _, v := range r.variants {
		if r.notes[v.String()] != "" {
			continue
		}
		each := 1 // to set it up
		for _, m := range measures {
			if r.wants(m, v) {
				each += r.plan.rounds
			}
		}
		steps += each * r.plan.setups
	}
	bar := progressbar.NewOptions(steps,
		progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetVisibility(term.IsTerminal(int(os.Stderr.Fd()))),
		progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(true))
	r.step = func(what string) {
		bar.Describe(fmt.Sprintf("%-30s", what))
		_ = bar.Add(1) // what cannot be shown is not worth a failure
	}
	return bar
}
