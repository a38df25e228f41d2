package report

import (
	"bytes"
	"fmt"
	"html/template"
	"image/color"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/ballast-k8s/ballast/simulator/demo"
)

// palette is Okabe and Ito's, which colour-blind readers can tell apart.
func palette() []string {
	return []string{"#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#999999"}
}

// colour is the colour of a class, as CSS writes it.
func colour(i int) string { return palette()[i%len(palette())] }

// armColour is the colour of the i-th scheduler: grey for stock, blue for Ballast.
func armColour(i int) color.Color {
	if i == 0 {
		return color.RGBA{R: 0x99, G: 0x99, B: 0x99, A: 0xff}
	}
	return color.RGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff}
}

// Sizes of the plots: two of them stand side by side in the page.
const (
	plotWidth  = 12 * vg.Centimeter
	plotHeight = 8 * vg.Centimeter
)

// newPlot returns an empty plot in the page's proportions.
func newPlot(title, x, y string) *plot.Plot {
	const titleSize, textSize = 11, 9 // points
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.TextStyle.Font.Size, p.Title.Padding = vg.Points(titleSize), vg.Points(4)
	for _, style := range []*text.Style{
		&p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle,
	} {
		style.Font.Size = vg.Points(textSize)
	}
	p.Legend.Padding = vg.Points(2)
	p.Legend.Left, p.Legend.Top = true, true // a browser's font may be wider than ours: text right of its sample has room
	return p
}

// headroom leaves a third of the height above the tallest bar, for the legend.
func headroom(p *plot.Plot) { p.Y.Min, p.Y.Max = 0, 4*p.Y.Max/3 }

// meansPlot shows the mean throughput of each scheduler on each park, and the bound as a line above it.
func meansPlot(result *demo.Result) (template.HTML, error) {
	if len(result.Parks) == 0 {
		return "", nil
	}
	p := newPlot("Mean throughput of a container", "", "1 = alone on a node")
	const width = vg.Centimeter
	var names []string
	for i, park := range result.Parks {
		names = append(names, fmt.Sprintf("%d nodes", park.Nodes))
		x := float64(i)
		line, err := plotter.NewLine(plotter.XYs{{X: x - 0.4, Y: park.Bound}, {X: x + 0.4, Y: park.Bound}})
		if err != nil {
			return "", fmt.Errorf("plotting the bound: %w", err)
		}
		line.Color, line.Width = color.RGBA{R: 0xd5, G: 0x5e, A: 0xff}, vg.Points(2)
		p.Add(line)
		if i == 0 {
			p.Legend.Add("upper bound", line)
		}
	}
	for k := range arms(result) {
		values := make(plotter.Values, len(result.Parks))
		for i, park := range result.Parks {
			values[i] = park.Arms[k].Verdict.Mean
		}
		if err := addBars(p, values, result.Parks[0].Arms[k].Name, k, arms(result), width); err != nil {
			return "", err
		}
	}
	headroom(p)
	p.NominalX(names...)
	return svg(p)
}

// distributionPlot shows the share of containers at or below each throughput.
func distributionPlot(park *demo.Park) (template.HTML, error) {
	p := newPlot("How many containers are slowed how much", "throughput, 1 = alone", "share of containers at or below")
	for i, arm := range park.Arms {
		sorted := slices.Sorted(slices.Values(arm.Verdict.Performances))
		points := make(plotter.XYs, 0, 2*len(sorted))
		for k, x := range sorted {
			points = append(points, plotter.XY{X: x, Y: float64(k) / float64(len(sorted))}, plotter.XY{X: x, Y: float64(k+1) / float64(len(sorted))})
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return "", fmt.Errorf("plotting the distribution: %w", err)
		}
		line.Color, line.Width = armColour(i), vg.Points(2)
		p.Add(line)
		p.Legend.Add(arm.Name, line)
	}
	p.Add(plotter.NewGrid())
	p.Y.Min, p.Y.Max = 0, 1
	return svg(p)
}

// classPlot shows the mean throughput of each class under each scheduler.
func classPlot(classes []string, park *demo.Park) (template.HTML, error) {
	p := newPlot("Who gains, who pays", "", "mean throughput, 1 = alone")
	const width = 0.5 * vg.Centimeter
	for k, arm := range park.Arms {
		if err := addBars(p, arm.Verdict.ByClass, arm.Name, k, len(park.Arms), width); err != nil {
			return "", err
		}
	}
	headroom(p)
	p.NominalX(classes...)
	p.X.Tick.Label.Rotation = 0.5
	p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = draw.XRight, draw.YTop
	return svg(p)
}

// addBars adds the k-th of n groups of bars side by side.
func addBars(p *plot.Plot, values plotter.Values, name string, k, n int, width vg.Length) error {
	bars, err := plotter.NewBarChart(values, width)
	if err != nil {
		return fmt.Errorf("plotting bars: %w", err)
	}
	bars.Color, bars.LineStyle.Width = armColour(k), 0
	bars.Offset = width * vg.Length(float64(k)-float64(n-1)/2)
	p.Add(bars)
	p.Legend.Add(name, bars)
	return nil
}

// arms is the number of schedulers that every park was placed with; there is at least one park.
func arms(result *demo.Result) int {
	return len(result.Parks[0].Arms)
}

// svg draws the plot as an SVG element to stand inside HTML.
func svg(p *plot.Plot) (template.HTML, error) {
	p.BackgroundColor = color.Transparent
	canvas := vgsvg.New(plotWidth, plotHeight)
	p.Draw(draw.New(canvas))
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return "", fmt.Errorf("drawing %q: %w", p.Title.Text, err)
	}
	text := out.String()
	if i := strings.Index(text, "<svg"); i >= 0 { // without the XML header, which HTML does not take
		text = text[i:]
	}
	return template.HTML(text), nil //nolint:gosec // drawn by us; plot escapes its texts
}
