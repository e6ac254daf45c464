// Package stats sums up what was measured again and again: medians, other
// quantiles, and how far a median can be trusted. Nothing is assumed of how
// samples are distributed.
package stats

import (
	"cmp"
	"math"
	"slices"
)

// Median is the middle of some samples, NaN of none.
func Median(samples []float64) float64 { return Quantile(samples, 0.5) }

// Quantile is the value that a share q of the samples, 0 to 1, does not exceed,
// interpolated between two of them. Of none it is NaN.
func Quantile(samples []float64, q float64) float64 {
	if len(samples) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(samples))
	at := q * float64(len(sorted)-1)
	below := int(at)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
}

// NearestRank is the smallest sample that a share q of all, above 0 up to 1,
// does not exceed. It sorts the samples. There must be one.
func NearestRank[T cmp.Ordered](samples []T, q float64) T {
	slices.Sort(samples)
	return samples[max(0, int(math.Ceil(q*float64(len(samples))))-1)]
}

// Interval95 is between which samples the median of all possible ones lies with
// a probability of at least 95 %: the two order statistics of the sign test.
// Fewer than six samples cannot say that much; the interval is then from the
// least to the greatest, as it is for six to eight.
func Interval95(samples []float64) (low, high float64) {
	n := len(samples)
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	sorted := slices.Sorted(slices.Values(samples))
	// As many as can be cut off at each end: the chance that k or fewer of n
	// samples are on one side of the median is that of a fair coin.
	cut, tail, term := 0, 0.0, math.Pow(0.5, float64(n))
	for k := range n / 2 {
		tail += term
		if tail > 0.025 {
			break
		}
		cut = k
		term *= float64(n-k) / float64(k+1)
	}
	return sorted[cut], sorted[n-1-cut]
}

// Paired divides each sample by the one of the same round, so that what differs
// from one round to the next cancels out.
func Paired(samples, base []float64) []float64 {
	ratios := make([]float64, min(len(samples), len(base)))
	for i := range ratios {
		ratios[i] = samples[i] / base[i]
	}
	return ratios
}
