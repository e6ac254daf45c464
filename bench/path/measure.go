package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"ringfence/bench/internal/bed"
	"ringfence/bench/internal/load"
	"ringfence/bench/internal/result"
)

// A measure is what one sample finds out: a figure or several.
type measure struct {
	figures []figure
	run     func(load.Ends, load.Options) ([]float64, error)

	// curve measures are those in which the number of rules can be felt: they
	// are also taken of the variants that are there only for their rules.
	curve bool
}

// A figure is one column of the results.
type figure struct {
	name, unit string
	less       bool // is better
	tcp        bool // needs a CPU for each end
}

var measures = []measure{
	{figures: []figure{{name: "tcp1", unit: "Gbit/s", tcp: true}}, run: streams(1)},
	{figures: []figure{{name: "tcp4", unit: "Gbit/s", tcp: true}}, run: streams(4)},
	{figures: []figure{{name: "tcp1_nogso", unit: "Gbit/s", tcp: true}}, run: withoutSegmentation(streams(1))},
	{figures: []figure{{name: "udp", unit: "packets/s"}}, run: datagrams, curve: true},
	{figures: []figure{{name: "rr_p50", unit: "µs", less: true}, {name: "rr_p99", unit: "µs", less: true}}, run: requests},
	{
		figures: []figure{{name: "crr", unit: "connections/s"}, {name: "crr_p50", unit: "µs", less: true}, {name: "crr_p99", unit: "µs", less: true}},
		run:     connections, curve: true,
	},
}

func streams(n int) func(load.Ends, load.Options) ([]float64, error) {
	return func(e load.Ends, o load.Options) ([]float64, error) {
		bits, err := load.Streams(e, n, o)
		return []float64{bits / 1e9}, err
	}
}

// withoutSegmentation takes a measure with packets of at most the link's MTU.
func withoutSegmentation(run func(load.Ends, load.Options) ([]float64, error)) func(load.Ends, load.Options) ([]float64, error) {
	return func(e load.Ends, o load.Options) ([]float64, error) {
		if err := load.SetSegmentation(e.Client, false); err != nil {
			return nil, err
		}
		values, err := run(e, o)
		return values, errors.Join(err, load.SetSegmentation(e.Client, true))
	}
}

func datagrams(e load.Ends, o load.Options) ([]float64, error) {
	n, err := load.Datagrams(e, o)
	return []float64{n}, err
}

func requests(e load.Ends, o load.Options) ([]float64, error) {
	t, err := load.Requests(e, o)
	return []float64{microseconds(t.P50), microseconds(t.P99)}, err
}

func connections(e load.Ends, o load.Options) ([]float64, error) {
	t, err := load.Connections(e, o)
	return []float64{t.PerSecond, microseconds(t.P50), microseconds(t.P99)}, err
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// A column is one figure of one variant.
type column struct {
	figure  string
	variant string
	rules   int
}

// A run is all that is measured.
type run struct {
	plan     plan
	variants []bed.Variant
	notes    map[string]string // why a variant is missing, by String
	general  string            // what spoils every figure
	oneCPU   bool
	samples  map[column][]float64 // one of each round
	rounds   int
	step     func(string) // is told what is done next
}

// A plan says how much is measured.
type plan struct {
	setups, rounds int           // rounds of each set-up
	sample         time.Duration // of load
	curves         bool          // also take variants that are there only for their rules
	budget         time.Duration // no set-up is begun after it, once there are enough rounds
}

// enough rounds are as many as an interval of 95 % needs.
const enough = 7

// all measures everything: each set-up builds all beds afresh, and each round
// takes every measure of every bed, back and forth.
func (r *run) all(ctx context.Context) error {
	began := time.Now()
	for range r.plan.setups {
		if r.rounds >= enough && time.Since(began) > r.plan.budget {
			return nil
		}
		if err := r.setUp(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) setUp(ctx context.Context) (err error) {
	var beds []*bed.Bed
	defer func() {
		for _, b := range beds {
			err = errors.Join(err, b.Close())
		}
	}()
	for _, v := range r.variants {
		if r.notes[v.String()] != "" {
			continue
		}
		r.step("set up " + v.String())
		b, err := build(ctx, v)
		if err != nil && !isOurs(v) && ctx.Err() == nil {
			r.leaveOut(v, firstLine(err))
			continue
		}
		if err != nil {
			return err
		}
		beds = append(beds, b)
	}
	for range r.plan.rounds {
		if err := r.round(ctx, beds); err != nil {
			return err
		}
	}
	return nil
}

// leaveOut says why a variant is missing, at once and in its rows.
func (r *run) leaveOut(v bed.Variant, why string) {
	r.notes[v.String()] = why
	fmt.Fprintf(os.Stderr, "%s is left out: %s\n", v, why)
}

// isOurs tells ringfence, and what it is compared with, from the others: one of
// those that cannot be had is left out.
func isOurs(v bed.Variant) bool {
	return strings.HasPrefix(v.Name, "ringfence") || v.Name == v.Base
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// build builds a bed that does what it should.
func build(ctx context.Context, v bed.Variant) (*bed.Bed, error) {
	b, err := bed.New(ctx, v)
	if err != nil {
		return nil, err
	}
	if err := b.Check(); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// round takes every measure of every bed once. Every other round goes backwards,
// so that nobody always comes first.
func (r *run) round(ctx context.Context, beds []*bed.Bed) error {
	for _, m := range measures {
		for i := range beds {
			if r.rounds%2 == 1 {
				i = len(beds) - 1 - i
			}
			if !r.wants(m, beds[i].Variant) {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			r.step(fmt.Sprintf("%s: %s", m.figures[0].name, beds[i]))
			if err := r.take(m, beds[i]); err != nil {
				return fmt.Errorf("%s of %s: %w", m.figures[0].name, beds[i], err)
			}
		}
	}
	r.rounds++
	return nil
}

// wants reports whether a measure is taken of a variant. The peers are there
// with other numbers of rules only for the curves.
func (r *run) wants(m measure, v bed.Variant) bool { return !onlyForCurves(v) || m.curve }

func onlyForCurves(v bed.Variant) bool {
	return v.Rules != 0 && v.Rules != 1000 && !strings.HasPrefix(v.Name, "ringfence")
}

// take takes one sample. Garbage is collected before it and not meanwhile, and
// what waits for a CPU gets it in the pause: the kernel would otherwise take it
// from the load.
func (r *run) take(m measure, b *bed.Bed) error {
	runtime.GC()
	time.Sleep(r.plan.sample / 10)
	values, err := m.run(b.Ends, load.Options{Duration: r.plan.sample, Realtime: r.general == ""})
	if err != nil {
		return err
	}
	for i, f := range m.figures {
		c := column{f.name, b.Name, b.Rules}
		r.samples[c] = append(r.samples[c], values[i])
	}
	return nil
}

// rows are the results, one for each figure of each variant.
func (r *run) rows() []result.Row {
	var rows []result.Row
	for _, m := range measures {
		for _, f := range m.figures {
			for _, v := range r.variants {
				if !r.wants(m, v) {
					continue
				}
				row := result.Row{Measure: f.name, Variant: v.Name, Rules: v.Rules, Unit: f.unit, Base: v.Base, Note: r.note(f, r.notes[v.String()])}
				rows = append(rows, row.Sum(r.samples[column{f.name, v.Name, v.Rules}], r.samples[column{f.name, v.Base, 0}]))
			}
		}
	}
	return rows
}

// note is what spoils a figure, beside a reason that its variant may have.
func (r *run) note(f figure, reason string) string {
	notes := slices.DeleteFunc([]string{reason, r.general}, func(n string) bool { return n == "" })
	if f.tcp && r.oneCPU {
		notes = append(notes, "both ends on one CPU")
	}
	if r.rounds < enough {
		notes = append(notes, fmt.Sprintf("only %d rounds", r.rounds))
	}
	return strings.Join(notes, "; ")
}
