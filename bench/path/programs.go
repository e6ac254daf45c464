package main

import (
	"context"
	"time"

	"ringfence/bench/internal/result"
	"ringfence/bench/internal/testrun"
	"ringfence/internal/dataplane"
)

// programs are the rows about what the programs alone cost each packet, by test
// runs with everything in the CPU's caches.
func programs(ctx context.Context) ([]result.Row, error) {
	var rows []result.Row
	for _, rules := range []int{10, 1000, 10_000} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		err := testrun.With(rules, dataplane.Options{}, func(b *testrun.Bench) error {
			for _, m := range []struct {
				name string
				run  func() (time.Duration, error)
			}{{"prog_established", b.Established}, {"prog_new", b.SYN}, {"prog_denied", b.Refused}} {
				var samples []float64
				for range enough {
					took, err := m.run()
					if err != nil {
						return err
					}
					samples = append(samples, float64(took.Nanoseconds()))
				}
				rows = append(rows, result.Row{Measure: m.name, Variant: "ringfence", Rules: rules, Unit: "ns"}.Sum(samples, nil))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return rows, ctx.Err()
}
