package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"ringfence/bench/internal/bed"
	"ringfence/bench/internal/chart"
	"ringfence/bench/internal/result"
)

// A report is the part of docs/benchmarks.md that a run writes, and the
// drawings in the directory beside it.
type report struct {
	rows []result.Row
	run  *run
	path string
}

func (r report) write(ctx context.Context) error {
	var t bytes.Buffer
	t.WriteString(result.Machine(ctx, "make bench"))
	fmt.Fprintf(&t, "\n%d rounds in %d set-ups, %v of load for each sample. ",
		r.run.rounds, r.run.rounds/r.run.plan.rounds, r.run.plan.sample)
	t.WriteString("Each cell is the median of the ratios to the bridge in the same round, and its 95 % interval.\n\n")
	r.matrix(&t)
	for _, drawing := range []struct{ file, measure, title string }{
		{"udp.svg", "udp", "Packets in a second, by rules"},
		{"connections.svg", "crr", "New connections in a second, by rules"},
	} {
		name := result.Beside(r.path, drawing.file)
		if err := r.curves(drawing.measure, drawing.title).Save(filepath.Join(filepath.Dir(r.path), name)); err != nil {
			return err
		}
		fmt.Fprintf(&t, "\n![%s](%s)\n", drawing.title, name)
	}
	t.WriteString("\nAll figures, with the extremes of the rounds:\n\n```\n")
	if err := result.Table(&t, r.rows); err != nil {
		return err
	}
	t.WriteString("```\n")
	return result.Insert(r.path, "figures", t.String())
}

// matrix has a line for each variant and a column for each figure.
func (r report) matrix(t *bytes.Buffer) {
	t.WriteString("| |")
	var figures []figure
	for _, m := range measures {
		figures = append(figures, m.figures...)
	}
	for _, f := range figures {
		name := f.name
		if f.less {
			name += " ↓"
		}
		fmt.Fprintf(t, " %s |", name)
	}
	t.WriteString("\n|---|" + strings.Repeat("---|", len(figures)) + "\n")
	cells := make(map[result.Key]result.Row)
	for _, row := range r.rows {
		cells[row.Key()] = row
	}
	line := func(title, variant string, rules int) {
		fmt.Fprintf(t, "| %s |", title)
		for _, f := range figures {
			switch row := cells[result.Key{Measure: f.name, Variant: variant, Rules: rules}]; {
			case row.Rounds == 0:
				t.WriteString(" |")
			case row.Variant == row.Base:
				fmt.Fprintf(t, " %s %s |", result.Figure(row.Median), row.Unit)
			default:
				fmt.Fprintf(t, " **%.3f** %.3f–%.3f |", row.Ratio, row.Low, row.High)
			}
		}
		t.WriteString("\n")
	}
	for _, v := range r.run.variants {
		line(v.String(), v.Name, v.Rules)
	}
	for _, p := range pairs {
		line(fmt.Sprintf("%s %d / %s %d", p.variant, p.rules, p.base, p.baseRules), p.name, p.rules)
	}
}

// curves are a figure's ratio to the bridge, by the number of rules.
func (r report) curves(measure, title string) chart.Chart {
	c := chart.Chart{Title: title, X: "rules", Y: "ratio to a bridge without a firewall", LogX: true, Level: 1, LevelName: bed.Bridge}
	for _, name := range []string{"ringfence", "nft_set", "iptables"} {
		curve := chart.Curve{Name: name}
		for _, row := range r.rows {
			if row.Measure == measure && row.Variant == name && row.Rounds > 0 {
				curve.Points = append(curve.Points, chart.Point{X: float64(row.Rules), Y: row.Ratio, Low: row.Low, High: row.High})
			}
		}
		c.Curves = append(c.Curves, curve)
	}
	return c
}
