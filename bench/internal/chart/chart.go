// Package chart draws curves as SVG.
package chart

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"math"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A Chart is one drawing.
type Chart struct {
	Title, X, Y string
	LogX, LogY  bool
	Curves      []Curve

	// Level, unless 0, is a height that the curves are compared with, drawn as a
	// dashed line with a name.
	Level     float64
	LevelName string
}

// A Curve joins points of rising X.
type Curve struct {
	Name   string
	Points []Point
}

// A Point has a value at X, and how far it may be off. Low and High are the same
// as Y where nothing is known of that. On a logarithmic axis all are above 0.
type Point struct{ X, Y, Low, High float64 }

const (
	width, height = 16 * vg.Centimeter, 10 * vg.Centimeter
	rightMargin   = 6 * vg.Millimeter // half of the last number below

	// Above the curves a line of the legend takes this share of their height.
	legendLine = 0.08
)

// Save draws c into a file, and makes its directory.
func (c Chart) Save(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(c.Write(f), f.Close())
}

// Write draws c as SVG.
func (c Chart) Write(w io.Writer) error {
	p := plot.New()
	p.BackgroundColor = color.White
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.Title, c.X, c.Y
	p.Add(plotter.NewGrid())
	if c.LogX {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	}
	if c.LogY {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	} else {
		p.Y.Min = 0
	}
	p.Legend.Top, p.Legend.Left = true, true // whatever a reader's font, names have room to their right
	p.Legend.XOffs, p.Legend.Padding = 2*vg.Millimeter, vg.Millimeter
	for i, curve := range c.Curves {
		if len(curve.Points) == 0 {
			continue // was not measured
		}
		if err := addCurve(p, curve, i); err != nil {
			return fmt.Errorf("draw %s of %q: %w", curve.Name, c.Title, err)
		}
	}
	if c.Level != 0 {
		if err := c.addLevel(p); err != nil {
			return err
		}
	}
	c.leaveRoom(p)
	image := vgsvg.New(width, height)
	p.Draw(draw.Crop(draw.New(image), 0, -rightMargin, 0, 0))
	_, err := image.WriteTo(w)
	return err
}

// leaveRoom raises the drawing's upper edge so that the legend covers no curve.
func (c Chart) leaveRoom(p *plot.Plot) {
	share := 1 + legendLine*float64(len(c.Curves)+1)
	if c.LogY {
		p.Y.Max *= math.Pow(p.Y.Max/p.Y.Min, share-1)
	} else {
		p.Y.Max *= share
	}
}

// points are a curve as the library takes it.
type points []Point

func (p points) Len() int                            { return len(p) }
func (p points) XY(i int) (x, y float64)             { return p[i].X, p[i].Y }
func (p points) YError(i int) (below, above float64) { return p[i].Y - p[i].Low, p[i].High - p[i].Y }

func addCurve(p *plot.Plot, c Curve, number int) error {
	line, marks, err := plotter.NewLinePoints(points(c.Points))
	if err != nil {
		return err
	}
	line.Color, line.Width = plotutil.Color(number), vg.Points(1.5)
	marks.Color, marks.Shape, marks.Radius = plotutil.Color(number), plotutil.Shape(number), vg.Points(2.5)
	bars, err := plotter.NewYErrorBars(points(c.Points))
	if err != nil {
		return err
	}
	bars.Color = plotutil.Color(number)
	p.Add(line, marks, bars)
	p.Legend.Add(c.Name, line, marks)
	return nil
}

func (c Chart) addLevel(p *plot.Plot) error {
	least, most := math.Inf(1), math.Inf(-1)
	for _, curve := range c.Curves {
		for _, point := range curve.Points {
			least, most = min(least, point.X), max(most, point.X)
		}
	}
	line, err := plotter.NewLine(plotter.XYs{{X: least, Y: c.Level}, {X: most, Y: c.Level}})
	if err != nil {
		return fmt.Errorf("draw %s of %q: %w", c.LevelName, c.Title, err)
	}
	line.LineStyle = draw.LineStyle{Color: color.Gray{Y: 100}, Width: vg.Points(1), Dashes: []vg.Length{vg.Points(4), vg.Points(3)}}
	p.Add(line)
	p.Legend.Add(c.LevelName, line)
	return nil
}
