// Progrun prints what the programs cost, by BPF test runs. Run it as root:
//
//	go run ./bench/progrun
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"ringfence/bench/internal/testrun"
	"ringfence/internal/dataplane"
)

const rounds = 7

func main() {
	flag.Parse()
	if err := measure(); err != nil {
		fmt.Fprintln(os.Stderr, "progrun:", err)
		os.Exit(1)
	}
}

// measure prints a table with the median of the rounds and their extremes.
func measure() error {
	table := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "rules\tempty program\testablished\tUDP one way\trefused\tSYN\tSYN-ACK\thandshake, cold\t\tmedian of 7 rounds (min to max), ns")
	for _, rules := range []int{10, 400, 1000, 10_000} {
		fmt.Fprintf(table, "%d\t", rules)
		err := testrun.With(rules, dataplane.Options{}, func(b *testrun.Bench) error {
			for _, m := range []func() (time.Duration, error){b.Loop, b.Established, b.OneWay, b.Refused, b.SYN, b.SYNACK, b.Handshake} {
				var all []time.Duration
				for range rounds {
					d, err := m()
					if err != nil {
						return err
					}
					all = append(all, d)
				}
				slices.Sort(all)
				fmt.Fprintf(table, "%d (%d to %d)\t", all[rounds/2].Nanoseconds(), all[0].Nanoseconds(), all[rounds-1].Nanoseconds())
			}
			return nil
		})
		if err != nil {
			return err
		}
		fmt.Fprintln(table, "\t")
	}
	return table.Flush()
}
