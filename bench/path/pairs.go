package main

import (
	"fmt"

	"ringfence/bench/internal/result"
)

// pairs are variants that should be equally fast.
var pairs = []struct {
	name      string
	variant   string
	rules     int
	base      string
	baseRules int
}{
	{"ringfence_10000_over_10", "ringfence", 10_000, "ringfence", 10},
	{"ringfence_events_over_none", "ringfence_events", 1000, "ringfence", 1000},
}

// pairRows are the ratios within pairs, of the same rounds, of those of which
// both were measured.
func (r *run) pairRows() []result.Row {
	var rows []result.Row
	for _, p := range pairs {
		for _, m := range measures {
			for _, f := range m.figures {
				one := r.samples[column{f.name, p.variant, p.rules}]
				base := r.samples[column{f.name, p.base, p.baseRules}]
				if len(one) == 0 || len(base) == 0 {
					continue
				}
				row := result.Row{
					Measure: f.name, Variant: p.name, Rules: p.rules, Unit: f.unit,
					Base: fmt.Sprintf("%s %d", p.base, p.baseRules), Note: r.note(f, ""),
				}
				rows = append(rows, row.Sum(one, base))
			}
		}
	}
	return rows
}
