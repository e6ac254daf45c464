package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestAChartIsSVGWithItsWords(t *testing.T) {
	c := Chart{
		Title: "packets by rules", X: "rules", Y: "ratio", LogX: true,
		Curves: []Curve{{Name: "ringfence", Points: []Point{{10, 1.1, 1, 1.2}, {10_000, 1.1, 1.1, 1.1}}}, {Name: "not measured"}},
		Level:  1, LevelName: "a bridge",
	}
	var b bytes.Buffer
	if err := c.Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"packets by rules", "ringfence", "a bridge"} {
		if !strings.Contains(b.String(), word) {
			t.Errorf("%q is not in the drawing", word)
		}
	}
	if strings.Contains(b.String(), "not measured") {
		t.Error("a curve without points is named")
	}
	for d := xml.NewDecoder(&b); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
