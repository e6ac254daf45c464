package result

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var bridge = Row{Measure: "udp", Variant: "bridge", Unit: "packets/s", Base: "bridge"}.Sum([]float64{10, 20, 30}, []float64{10, 20, 30})

func ringfence(samples ...float64) Row {
	return Row{Measure: "udp", Variant: "ringfence", Rules: 10, Unit: "packets/s", Base: "bridge"}.Sum(samples, []float64{10, 20, 30})
}

func TestARatioIsTheMedianOfThoseOfTheRounds(t *testing.T) {
	got := ringfence(11, 24, 33)
	want := Row{
		Measure: "udp", Variant: "ringfence", Rules: 10, Median: 24, Unit: "packets/s",
		Base: "bridge", Ratio: 1.1, Min: 1.1, Max: 1.2, Low: 1.1, High: 1.2, Rounds: 3,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatHasNoBaseHasTheExtremesOfItsSamples(t *testing.T) {
	got := Row{Measure: "memory"}.Sum([]float64{3, 1, 2}, nil)
	if want := (Row{Measure: "memory", Median: 2, Min: 1, Max: 3, Rounds: 3}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestAFileIsReadAsItWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out", "result.json")
	want := []Row{bridge, ringfence(11, 22, 33), {Measure: "udp", Variant: "nft_set", Rules: 10, Note: "there is no nft"}}
	if err := Write(path, want); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNoFileOfResultsIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"not JSON": "hello", "no rows": "[]", "nameless": `[{"rules": 1}]`,
		"twice the same": `[{"measure":"udp","variant":"veth"},{"measure":"udp","variant":"veth"}]`,
	} {
		path := filepath.Join(t.TempDir(), "result.json")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if rows, err := Read(path); err == nil {
			t.Errorf("%s: read as %v", name, rows)
		}
	}
}

func TestTable(t *testing.T) {
	var b strings.Builder
	err := Table(&b, []Row{bridge, ringfence(11, 22, 33), {Measure: "tcp1", Variant: "nft_set", Rules: 10, Note: "there is no nft"}})
	if err != nil {
		t.Fatal(err)
	}
	expectLines(t, b.String(),
		"udp bridge 0 20.00 packets/s 1.000 1.000 1.000 1.000 to 1.000 3",
		"udp ringfence 10 22.00 packets/s 1.100 1.100 1.100 1.100 to 1.100 3",
		"tcp1 nft_set 10 - 0 there is no nft")
}

func TestCompareMarksWhatDiffersBeyondBothIntervals(t *testing.T) {
	old := []Row{ringfence(11, 22, 33), bridge, {Measure: "rss", Variant: "ringfence", Median: 100, Rounds: 1}}
	noisy := bridge
	noisy.Note = "not real-time"
	now := []Row{noisy, ringfence(12, 24, 36), {Measure: "udp", Variant: "veth", Median: 5, Rounds: 1}}
	var b strings.Builder
	if err := Compare(&b, "old", old, "new", now); err != nil {
		t.Fatal(err)
	}
	expectLines(t, b.String(),
		"udp ringfence 10 22.00 24.00 packets/s +9.1 % 1.100 1.200 *",
		"udp bridge 0 20.00 20.00 packets/s +0.0 % 1.000 1.000 not real-time",
		"rss ringfence 0 100.0 - - -",
		"udp veth 0 - 5.000 - -")
}

// expectLines looks for lines, whatever the space between their words.
func expectLines(t *testing.T, text string, want ...string) {
	t.Helper()
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	all := strings.Join(lines, "\n") + "\n"
	for _, w := range want {
		if !strings.Contains(all, w+"\n") {
			t.Errorf("there is no line %q in\n%s", w, text)
		}
	}
}

func TestInsertLeavesWhatPeopleHaveWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	page := "# Page\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nremarks\n"
	if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Insert(path, "figures", "new\n"); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.ReplaceAll(page, "old", "new"); string(got) != want {
		t.Errorf("the page is\n%s\nand not\n%s", got, want)
	}
	if err := Insert(path, "curves", ""); err == nil {
		t.Error("something was written to a page that has no place for it")
	}
}

func TestGroupByMeasureKeepsTheOrderOtherwise(t *testing.T) {
	rows := []Row{{Measure: "b", Rules: 1}, {Measure: "a", Rules: 1}, {Measure: "b", Rules: 2}, {Measure: "a", Rules: 0}}
	GroupByMeasure(rows)
	want := []Row{{Measure: "b", Rules: 1}, {Measure: "b", Rules: 2}, {Measure: "a", Rules: 1}, {Measure: "a", Rules: 0}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
}
