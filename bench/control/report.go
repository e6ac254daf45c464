package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"

	"ringfence/bench/internal/chart"
	"ringfence/bench/internal/result"
)

// drawings show how measures grow.
var drawings = []struct{ file, measure, title, unit string }{
	{"packet.svg", "new", "What a first packet costs", "ns"},
	{"established.svg", "established", "What a packet of a known flow costs", "ns"},
	{"change.svg", "change", "What a change costs", "µs"},
}

// report writes a part of docs/benchmarks.md, and the drawings in the directory
// beside it.
func report(ctx context.Context, rows []result.Row) error {
	var t bytes.Buffer
	t.WriteString(result.Machine(ctx, "make bench-control") + "\n```\n")
	if err := result.Table(&t, rows); err != nil {
		return err
	}
	t.WriteString("```\n")
	for _, d := range drawings {
		c := chart.Chart{Title: d.title, X: "of them", Y: d.unit, LogX: true, LogY: d.unit == "µs"}
		for _, g := range growths {
			c.Curves = append(c.Curves, curve(rows, d.measure, g.of))
		}
		name := result.Beside(*page, d.file)
		if err := c.Save(filepath.Join(filepath.Dir(*page), name)); err != nil {
			return err
		}
		fmt.Fprintf(&t, "\n![%s](%s)\n", d.title, name)
	}
	return result.Insert(*page, "control", t.String())
}

// curve is how a measure grows with one thing, empty where it was not taken.
func curve(rows []result.Row, measure, of string) chart.Curve {
	c := chart.Curve{Name: of}
	for _, row := range rows {
		if row.Measure == measure+byGrowth+of {
			c.Points = append(c.Points, chart.Point{X: float64(row.Rules), Y: row.Median, Low: row.Median, High: row.Median})
		}
	}
	return c
}
