package stats

import (
	"math"
	"slices"
	"testing"
)

func TestQuantile(t *testing.T) {
	tests := []struct {
		samples []float64
		q, want float64
	}{
		{[]float64{3}, 0.5, 3},
		{[]float64{3, 1, 2}, 0.5, 2},
		// Of an even number the median is between the two in the middle.
		{[]float64{4, 1, 2, 3}, 0.5, 2.5},
		{[]float64{4, 1, 2, 3}, 0, 1},
		{[]float64{4, 1, 2, 3}, 1, 4},
	}
	for _, tt := range tests {
		if got := Quantile(tt.samples, tt.q); got != tt.want {
			t.Errorf("Quantile(%v, %v) = %v, want %v", tt.samples, tt.q, got, tt.want)
		}
	}
	if got := Median(nil); !math.IsNaN(got) {
		t.Errorf("the median of nothing is %v, want NaN", got)
	}
}

func TestNearestRank(t *testing.T) {
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = 100 - i
	}
	for q, want := range map[float64]int{0.001: 1, 0.5: 50, 0.99: 99, 1: 100} {
		if got := NearestRank(slices.Clone(hundred), q); got != want {
			t.Errorf("NearestRank(1 to 100, %v) = %d, want %d", q, got, want)
		}
	}
}

// The expected order statistics are those of the sign test's tables.
func TestInterval95(t *testing.T) {
	for n, cut := range map[int]int{1: 0, 5: 0, 6: 0, 8: 0, 9: 1, 11: 1, 12: 2, 15: 3, 20: 5, 30: 9} {
		samples := make([]float64, n)
		for i := range samples {
			samples[i] = float64(i)
		}
		low, high := Interval95(samples)
		if low != float64(cut) || high != float64(n-1-cut) {
			t.Errorf("of %d samples the interval is from number %v to number %v, want %d and %d", n, low, high, cut, n-1-cut)
		}
	}
}

func TestPairedRatiosCancelWhatChangesBetweenRounds(t *testing.T) {
	got := Paired([]float64{11, 22, 5.5}, []float64{10, 20, 5})
	for _, r := range got {
		if math.Abs(r-1.1) > 1e-9 {
			t.Errorf("ratios are %v, want 1.1 each", got)
		}
	}
}
