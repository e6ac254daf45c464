package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/bench/internal/bed"
	"ringfence/bench/internal/result"
)

// variants are those of a plan that a test asks for.
func variants(t *testing.T, p plan, names ...string) []bed.Variant {
	t.Helper()
	list, err := p.variants(names)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestVariantsAreNamedByNameAndRules(t *testing.T) {
	seen := make(map[string]bool)
	for _, v := range variants(t, full) {
		if seen[v.String()] {
			t.Errorf("two variants are called %s", v)
		}
		seen[v.String()] = true
		if v.Base == v.Name && !v.Open {
			t.Errorf("%s is a base and has a firewall", v)
		}
	}
}

func TestAQuickRunLeavesOutWhatIsThereForTheCurves(t *testing.T) {
	for _, v := range variants(t, short) {
		if onlyForCurves(v) {
			t.Errorf("%s is in it", v)
		}
	}
}

func TestWhatIsAskedForComesWithItsBase(t *testing.T) {
	var names []string
	for _, v := range variants(t, short, "nft_set") {
		names = append(names, v.String())
	}
	if want := []string{"bridge", "nft_set 1000"}; !slices.Equal(names, want) {
		t.Errorf("variants are %v, want %v", names, want)
	}
}

func TestAVariantThatThereIsNotCannotBeAskedFor(t *testing.T) {
	if list, err := short.variants([]string{"veth", "vteh"}); err == nil || !strings.Contains(err.Error(), "vteh") {
		t.Errorf("variants are %v, %v", list, err)
	}
}

func TestARunOfNothingIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := newRun(); err == nil || !strings.Contains(err.Error(), "nothing is left") {
		t.Errorf("without ip(8) a run begins with %v", err)
	}
}

func TestAPairIsMarkedAsItsVariantsAre(t *testing.T) {
	r := aRun(t)
	r.general, r.oneCPU, r.rounds = "not real-time", true, 2
	for _, row := range r.pairRows() {
		if row.Measure == "tcp1" && row.Note != "not real-time; both ends on one CPU; only 2 rounds" {
			t.Errorf("the row of %s has the note %q", row.Variant, row.Note)
		}
	}
}

// aRun is one whose samples are known: those of a variant with n letters in its
// name are n.
func aRun(t *testing.T) *run {
	t.Helper()
	r := &run{
		plan: full, variants: variants(t, full), rounds: enough,
		notes: map[string]string{"nft_set 1000": "there is no nft"}, samples: make(map[column][]float64),
	}
	for _, v := range r.variants {
		for _, m := range measures {
			for _, f := range m.figures {
				if r.wants(m, v) && r.notes[v.String()] == "" {
					r.samples[column{f.name, v.Name, v.Rules}] = slices.Repeat([]float64{float64(len(v.Name))}, enough)
				}
			}
		}
	}
	return r
}

func TestRowsHaveTheirRatiosAndWhatIsMissingSaysWhy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "result.json")
	if err := result.Write(path, aRun(t).rows()); err != nil {
		t.Fatal(err)
	}
	rows, err := result.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		want := float64(len(row.Variant)) / float64(len(row.Base))
		switch {
		case row.Variant == "nft_set" && row.Rules == 1000:
			if row.Rounds != 0 || row.Note != "there is no nft" {
				t.Errorf("a variant that is missing has the row %+v", row)
			}
		case row.Ratio != want || row.Rounds != enough || row.Note != "":
			t.Errorf("row is %+v, want the ratio %v of %d rounds", row, want, enough)
		}
	}
}

func TestAReportHasACellForEachVariantAndItsCurves(t *testing.T) {
	page := filepath.Join(t.TempDir(), "benchmarks.md")
	if err := os.WriteFile(page, []byte("<!-- figures: begin -->\n<!-- figures: end -->\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := aRun(t)
	if err := (report{rows: append(r.rows(), r.pairRows()...), run: r, path: page}).write(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| ringfence 10000 |", "| iptables 10 |", "| ringfence 10000 / ringfence 10 | **1.000** 1.000–1.000 |", "(benchmarks/udp.svg)", "tcp1_nogso"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page has no %q:\n%s", want, text)
		}
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(page), "benchmarks", "connections.svg")); err != nil {
		t.Error(err)
	}
}

// Two set-ups of a moment each go back and forth over both variants, and end
// with nothing in place.
func TestARunTakesEverySampleOfEveryRound(t *testing.T) {
	if os.Geteuid() != 0 || testing.Short() {
		t.Skip("needs root, for network namespaces, and a second")
	}
	var steps []string
	r := &run{
		plan:     plan{setups: 2, rounds: 2, sample: 10 * time.Millisecond},
		variants: variants(t, short, "veth"), notes: make(map[string]string), samples: make(map[column][]float64),
		general: "not real-time", step: func(s string) { steps = append(steps, s) },
	}
	if err := r.all(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, row := range r.rows() {
		if row.Rounds != 4 || row.Median <= 0 || row.Note != "not real-time; only 4 rounds" {
			t.Errorf("row is %+v", row)
		}
	}
	first := steps[2:] // after the two set-ups
	if want := []string{"tcp1: bridge", "tcp1: veth"}; !slices.Equal(first[:2], want) {
		t.Errorf("the first round begins with %v, want %v", first[:2], want)
	}
	second := first[2*len(measures):]
	if want := []string{"tcp1: veth", "tcp1: bridge"}; !slices.Equal(second[:2], want) {
		t.Errorf("the second round begins with %v, want %v", second[:2], want)
	}
}

func TestAnInterruptedRunEndsBetweenTwoSamples(t *testing.T) {
	if os.Geteuid() != 0 || testing.Short() {
		t.Skip("needs root, for network namespaces")
	}
	ctx, interrupt := context.WithCancel(t.Context())
	taken := 0
	r := &run{
		plan: full, variants: variants(t, short, "veth"), notes: make(map[string]string), samples: make(map[column][]float64),
		general: "not real-time", step: func(s string) {
			if strings.HasPrefix(s, "udp") {
				interrupt()
			}
			taken++
		},
	}
	r.plan.sample = 10 * time.Millisecond
	if err := r.all(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("the run ends with %v after %d steps, want %v", err, taken, context.Canceled)
	}
}

func TestAPeerThatCannotBeHadIsLeftOut(t *testing.T) {
	for name, ours := range map[string]bool{"ringfence_heavy": true, "bridge": true, "iptables": false, "veth": false} {
		v := bed.Variant{Name: name, Base: bed.Bridge}
		if got := isOurs(v); got != ours {
			t.Errorf("isOurs(%s) = %v", name, got)
		}
	}
	if got := firstLine(fmt.Errorf("build: %w", errors.New("no\nnft"))); got != "build: no" {
		t.Errorf("a note is %q", got)
	}
}
