// Package result is the file that a benchmark writes and the table that it
// prints, so that runs can be laid side by side.
package result

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"ringfence/bench/internal/stats"
)

// A Row says what one measure of one variant came to. Measure, Variant and
// Rules name it: no two rows of a file have the same.
type Row struct {
	Measure string  `json:"measure"`
	Variant string  `json:"variant"`
	Rules   int     `json:"rules"`
	Median  float64 `json:"median"`
	Unit    string  `json:"unit"`

	// Ratio is the median of the ratios to Base in the same round, and Low and
	// High are its 95 % interval. Where there were no rounds it is that of the two
	// medians, without an interval; where there is no base all are 0.
	Base  string  `json:"base,omitempty"`
	Ratio float64 `json:"ratio"`
	Min   float64 `json:"min"` // of the ratios; of the samples where there is no interval
	Max   float64 `json:"max"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`

	Rounds int    `json:"rounds"`         // 0: not measured, Note says why
	Note   string `json:"note,omitempty"` // what spoils the figure
}

// Key names a row.
type Key struct {
	Measure, Variant string
	Rules            int
}

func (r Row) Key() Key { return Key{r.Measure, r.Variant, r.Rules} }

// Sum fills in a row from its samples, and those of the base in the same
// rounds; base may be nil.
func (r Row) Sum(samples, base []float64) Row {
	r.Rounds = len(samples)
	if r.Rounds == 0 {
		return r
	}
	r.Median = stats.Median(samples)
	spread := samples
	if base != nil {
		spread = stats.Paired(samples, base)
		r.Ratio = stats.Median(spread)
		r.Low, r.High = stats.Interval95(spread)
	}
	r.Min, r.Max = stats.Quantile(spread, 0), stats.Quantile(spread, 1)
	return r
}

// GroupByMeasure brings rows of one measure together, in the order in which each
// measure comes first.
func GroupByMeasure(rows []Row) {
	first := make(map[string]int)
	for i, r := range rows {
		if _, ok := first[r.Measure]; !ok {
			first[r.Measure] = i
		}
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return first[a.Measure] - first[b.Measure] })
}

// Write writes rows to a file, and makes its directory. The file is whole or
// not there.
func Write(path string, rows []Row) error {
	text, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return fmt.Errorf("encode results: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	partial := path + ".partial"
	if err := os.WriteFile(partial, append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(partial, path)
}

// Read reads the rows of a file that Write has written.
func Read(path string) ([]Row, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var rows []Row
	if err := json.Unmarshal(text, &rows); err != nil {
		return nil, fmt.Errorf("%s is no file of results: %w", path, err)
	}
	seen := make(map[Key]bool)
	for _, r := range rows {
		if r.Measure == "" || r.Variant == "" {
			return nil, fmt.Errorf("%s is no file of results: a row has no measure or no variant", path)
		}
		if seen[r.Key()] {
			return nil, fmt.Errorf("%s has two rows of %v", path, r.Key())
		}
		seen[r.Key()] = true
	}
	if len(rows) == 0 {
		return nil, errors.New(path + " has no results")
	}
	return rows, nil
}
