package result

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Table prints one line for each row: the median, its ratio to the base with
// the extremes of all rounds, and the 95 % interval of the ratio.
func Table(w io.Writer, rows []Row) error {
	var padded bytes.Buffer
	t := tabwriter.NewWriter(&padded, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "measure\tvariant\trules\tmedian\tunit\tratio\tmin\tmax\t95 % interval\trounds\t")
	last := ""
	for _, r := range rows {
		if last != "" && r.Measure != last {
			fmt.Fprintln(t, "\t\t\t\t\t\t\t\t\t\t")
		}
		last = r.Measure
		fmt.Fprintf(t, "%s\t%s\t%d\t", r.Measure, r.Variant, r.Rules)
		switch {
		case r.Rounds == 0:
			fmt.Fprint(t, "-\t\t\t\t\t\t0\t")
		case r.Ratio == 0:
			fmt.Fprintf(t, "%s\t%s\t\t%s\t%s\t\t%d\t", Figure(r.Median), r.Unit, Figure(r.Min), Figure(r.Max), r.Rounds)
		case r.Low == 0: // not of rounds: the extremes are those of the samples
			fmt.Fprintf(t, "%s\t%s\t%.3f\t%s\t%s\t\t%d\t", Figure(r.Median), r.Unit, r.Ratio, Figure(r.Min), Figure(r.Max), r.Rounds)
		default:
			fmt.Fprintf(t, "%s\t%s\t%.3f\t%.3f\t%.3f\t%.3f to %.3f\t%d\t",
				Figure(r.Median), r.Unit, r.Ratio, r.Min, r.Max, r.Low, r.High, r.Rounds)
		}
		if r.Note != "" {
			fmt.Fprint(t, " "+r.Note)
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(padded.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// Figure writes a number with four digits that count.
func Figure(v float64) string {
	if v == 0 {
		return "0"
	}
	decimals := max(0, 3-int(math.Floor(math.Log10(math.Abs(v)))))
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// Compare prints two files of results side by side: rows that both have with
// how the second differs from the first, then those that only one has. A
// difference is marked where the two 95 % intervals of the ratios do not touch;
// what spoils a figure follows.
func Compare(w io.Writer, nameA string, a []Row, nameB string, b []Row) error {
	inB := make(map[Key]Row, len(b))
	for _, r := range b {
		inB[r.Key()] = r
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "measure\tvariant\trules\t%s\t%s\tunit\tchange\tratio\tratio\t\t\n", nameA, nameB)
	line := func(of, x, y Row) {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", of.Measure, of.Variant, of.Rules,
			median(x), median(y), of.Unit, change(x, y), ratio(x), ratio(y), apart(x, y), notes(x, y))
	}
	for _, x := range a {
		line(x, x, inB[x.Key()])
		delete(inB, x.Key())
	}
	for _, y := range b {
		if _, left := inB[y.Key()]; left {
			line(y, Row{}, y)
		}
	}
	return t.Flush()
}

func median(r Row) string {
	if r.Rounds == 0 {
		return "-"
	}
	return Figure(r.Median)
}

func ratio(r Row) string {
	if r.Rounds == 0 || r.Ratio == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3f", r.Ratio)
}

// change is by how much the second is more, or less, than the first: by the
// ratios to the base, if there are any, for those do not depend on how busy the
// machine was.
func change(a, b Row) string {
	from, to := a.Median, b.Median
	if a.Ratio != 0 && b.Ratio != 0 {
		from, to = a.Ratio, b.Ratio
	}
	if a.Rounds == 0 || b.Rounds == 0 || from == 0 {
		return ""
	}
	return fmt.Sprintf("%+.1f %%", 100*(to/from-1))
}

func apart(a, b Row) string {
	if a.Low != 0 && b.Low != 0 && (a.High < b.Low || b.High < a.Low) {
		return "*"
	}
	return ""
}

// notes are what spoils one of the figures, or both.
func notes(a, b Row) string {
	said := slices.Compact([]string{a.Note, b.Note})
	return strings.Join(slices.DeleteFunc(said, func(n string) bool { return n == "" }), " | ")
}
