package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/bench/internal/daemon"
	"ringfence/bench/internal/result"
	"ringfence/bench/internal/testrun"
	"ringfence/internal/dataplane"
)

func TestACallIsComparedWithThePeersOfTheSameRounds(t *testing.T) {
	ms := time.Millisecond
	ours := series{rates: []float64{100, 300, 200}, times: []time.Duration{ms}}
	theirs := series{rates: []float64{10, 20, 10}, times: []time.Duration{ms}}
	row := ours.rows("authorize", "ringfence", 16, &theirs)[0]
	if row.Variant != "ringfence_16" || row.Base != "peer_16" || row.Median != 200 || row.Ratio != 15 || row.Rounds != 3 {
		t.Errorf("the row is %+v, want 15 times peer_16", row)
	}
	// Where the peer failed there is nothing to compare with.
	theirs.err = errors.Join(errors.New("broken"), errors.New("broken"))
	if row := ours.rows("authorize", "ringfence", 16, &theirs)[0]; row.Base != "" || row.Ratio != 0 {
		t.Errorf("the row is %+v, want no ratio", row)
	}
	if row := theirs.rows("authorize", "peer", 16, &theirs)[0]; row.Rounds != 0 || row.Note != "broken" {
		t.Errorf("the row is %+v, want a note and no figure", row)
	}
}

func TestEndpointsTakeTurns(t *testing.T) {
	ours, theirs := &endpoint{name: "ours"}, &endpoint{name: "theirs"}
	broken := errors.New("broken")
	var order []string
	all, err := takeTurns([]*endpoint{ours, theirs}, func(e *endpoint, _ *series) error {
		order = append(order, e.name)
		if e == theirs && len(order) > 3 {
			return broken
		}
		return nil
	})
	if err != nil || !errors.Is(all[1].err, broken) {
		t.Errorf("turns end with %v, and those of the peer with %v, want nil and %v", err, all[1].err, broken)
	}
	want := []string{"ours", "theirs", "theirs", "ours", "ours", "theirs", "ours", "ours", "ours"}
	if !slices.Equal(order, want) {
		t.Errorf("the order is %v, want %v: none of a peer that has failed", order, want)
	}
	if _, err := takeTurns([]*endpoint{ours}, func(*endpoint, *series) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("turns end with %v, want %v", err, broken)
	}
}

func TestPercentiles(t *testing.T) {
	times := make([]time.Duration, 100)
	for i := range times {
		times[i] = time.Duration(100-i) * time.Millisecond
	}
	rows := percentiles("call", "idle", 0, times)
	for i, want := range []result.Row{
		{Measure: "call_p50", Variant: "idle", Unit: "ms", Median: 50, Min: 1, Max: 100, Rounds: 100},
		{Measure: "call_p99", Variant: "idle", Unit: "ms", Median: 99, Min: 1, Max: 100, Rounds: 100},
	} {
		if rows[i] != want {
			t.Errorf("row is %+v, want %+v", rows[i], want)
		}
	}
}

func TestCallsAreMadeOverSomeConnectionsUntilOneFails(t *testing.T) {
	broken := errors.New("broken")
	e := &endpoint{name: "ours", url: "http://127.0.0.1:1"}
	var s series
	err := e.hammer(t.Context(), 3, time.Hour, func(*endpoint, context.Context, *daemon.Connection) error { return broken }, &s)
	if !errors.Is(err, broken) || len(s.times) != 3 {
		t.Errorf("%d calls end with %v, want 3 with %v", len(s.times), err, broken)
	}
}

func TestACurveHasThePointsOfWhatGrows(t *testing.T) {
	rows := []result.Row{
		{Measure: "new_by_rules", Rules: 10, Median: 300},
		{Measure: "new_by_members", Rules: 10, Median: 200},
		{Measure: "new_by_rules", Rules: 1000, Median: 310},
	}
	c := curve(rows, "new", "rules")
	if len(c.Points) != 2 || c.Points[1].X != 1000 || c.Points[1].Y != 310 {
		t.Errorf("the curve is %+v", c)
	}
}

// A local member is one put of its address, its port, and the epoch.
func TestAMemberThatJoinsIsOnePut(t *testing.T) {
	if os.Geteuid() != 0 || testing.Short() {
		t.Skip("needs root, for BPF programs, and a second")
	}
	steps := 0
	err := testrun.With(10, dataplane.Options{Step: func() { steps++ }}, func(b *testrun.Bench) error {
		if err := populate(b); err != nil {
			return err
		}
		for _, local := range []bool{false, true} {
			steps = 0
			if err := errors.Join(join(b, local), leave(b, local)); err != nil {
				return err
			}
			if most := 10; steps > most {
				t.Errorf("joining and leaving changes the kernel's state %d times, want at most %d", steps, most)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPacketsCostSomethingWhateverGrows(t *testing.T) {
	if os.Geteuid() != 0 || testing.Short() {
		t.Skip("needs root, for BPF programs, and seconds")
	}
	for _, g := range growths {
		err := testrun.With(fewRules, dataplane.Options{}, func(b *testrun.Bench) error {
			rows, err := g.run(b, 3)
			for _, row := range rows {
				if row.Median <= 0 || row.Rounds == 0 {
					t.Errorf("of 3 %s: %+v", g.of, row)
				}
			}
			return err
		})
		if err != nil {
			t.Errorf("3 %s: %v", g.of, err)
		}
	}
}

func TestEachOfManyHasItsMemory(t *testing.T) {
	if os.Geteuid() != 0 || testing.Short() {
		t.Skip("needs root, for BPF programs, and seconds")
	}
	for _, g := range growths {
		err := testrun.With(admitting, dataplane.Options{MaxFlows: allFlows}, func(b *testrun.Bench) error {
			rows, err := g.run(b, many)
			i := slices.IndexFunc(rows, func(r result.Row) bool { return r.Measure == "memory" })
			if err == nil && (i < 0 || rows[i].Median < 100 || rows[i].Median > 10_000) {
				t.Errorf("of %d %s: %+v, want some hundred or thousand bytes for each", many, g.of, rows)
			}
			return err
		})
		if err != nil {
			t.Errorf("%d %s: %v", many, g.of, err)
		}
	}
}

func TestAReportHasItsTableAndItsCurves(t *testing.T) {
	was := *page
	t.Cleanup(func() { *page = was })
	*page = filepath.Join(t.TempDir(), "benchmarks.md")
	if err := os.WriteFile(*page, []byte("<!-- control: begin -->\n<!-- control: end -->\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var rows []result.Row
	for _, d := range drawings {
		for _, size := range []int{10, 1000} {
			rows = append(rows, result.Row{Measure: d.measure + byGrowth + "rules", Rules: size, Median: 80, Min: 40, Max: 300, Rounds: 51})
		}
	}
	if err := report(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(*page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"change_by_rules", "(benchmarks/change.svg)"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page has no %q:\n%s", want, text)
		}
	}
	for _, d := range drawings {
		if _, err := os.Stat(filepath.Join(filepath.Dir(*page), "benchmarks", d.file)); err != nil {
			t.Error(err)
		}
	}
}
