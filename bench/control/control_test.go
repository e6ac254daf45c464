package main

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"ringfence/bench/internal/result"
	"ringfence/bench/internal/testrun"
	"ringfence/internal/dataplane"
)

func TestACallIsComparedWithThePeersOfAsManyConnections(t *testing.T) {
	theirs := []result.Row{
		{Measure: "authorize", Variant: "peer_1", Median: 10, Rounds: 5},
		{Measure: "authorize", Variant: "peer_16", Note: "a call failed"},
		{Measure: "describe_group", Variant: "peer_1", Median: 1, Rounds: 5},
	}
	ours := result.Row{Measure: "authorize", Variant: "ringfence_1", Median: 100, Rounds: 5}
	compare(&ours, theirs)
	if ours.Base != "peer_1" || ours.Ratio != 10 {
		t.Errorf("the row is %+v, want ten times peer_1", ours)
	}
	// Where the peer failed there is nothing to compare with.
	ours = result.Row{Measure: "authorize", Variant: "ringfence_16", Median: 100, Rounds: 5}
	compare(&ours, theirs)
	if ours.Ratio != 0 {
		t.Errorf("the row is %+v, want no ratio", ours)
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
	_, times, err := hammer(t.Context(), 3, func(context.Context) error { return broken })
	if !errors.Is(err, broken) || len(times) != 3 {
		t.Errorf("%d calls end with %v, want 3 with %v", len(times), err, broken)
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
