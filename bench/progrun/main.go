// Progrun prints what the programs cost, by BPF test runs. Run it as root:
//
//	go run ./bench/progrun
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"ringfence/bench/internal/command"
	"ringfence/bench/internal/testrun"
	"ringfence/internal/dataplane"
)

const rounds = 7

func main() { command.Run("progrun", measure) }

// measure prints a table with the median of the rounds and their extremes.
func measure(ctx context.Context) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "where\trules\tempty program\testablished\tUDP one way\trefused\tSYN\tSYN-ACK\tboth\tcold\t\tmedian of 7 rounds (min to max), ns")
	for _, s := range settings {
		if err := ctx.Err(); err != nil {
			return err
		}
		fmt.Fprintf(table, "%s\t%d\t", s.Name, s.Rules)
		err := testrun.In(s, dataplane.Options{}, func(b *testrun.Bench) error {
			for _, m := range []func() (time.Duration, error){b.Loop, b.Established, b.OneWay, b.Refused, b.SYN, b.SYNACK, b.Both, b.Handshake} {
				cell, err := repeat(m)
				if err != nil {
					return err
				}
				fmt.Fprintf(table, "%s\t", cell)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		fmt.Fprintln(table, "\t")
	}
	return table.Flush()
}

var settings = []testrun.Setting{
	testrun.Classic.With(10), testrun.Classic.With(400), testrun.Classic.With(1000), testrun.Classic.With(10_000),
	testrun.Near.With(10), testrun.Far.With(10), testrun.Far.Harder(1000), testrun.Far6.With(10), testrun.Far6.Harder(1000),
	testrun.Internet.With(0), testrun.Internet.Harder(0),
}

// repeat measures in some rounds; a dash stands for what test runs cannot
// measure.
func repeat(m func() (time.Duration, error)) (string, error) {
	var all []time.Duration
	for range rounds {
		d, err := m()
		if errors.Is(err, testrun.ErrChanges) {
			return "-", nil
		}
		if err != nil {
			return "", err
		}
		all = append(all, d)
	}
	slices.Sort(all)
	return fmt.Sprintf("%d (%d to %d)", all[rounds/2].Nanoseconds(), all[0].Nanoseconds(), all[rounds-1].Nanoseconds()), nil
}
