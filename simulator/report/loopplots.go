package report

import (
	"fmt"
	"html/template"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/ballast-k8s/ballast/simulator/closedloop"
)

// The colours beside those of the arms.
func targetColour() color.Color { return color.RGBA{R: 0xd5, G: 0x5e, A: 0xff} }
func usedColour() color.Color   { return color.RGBA{G: 0x9e, B: 0x73, A: 0xff} }

// minutesAxis is what all plots over time have below.
const minutesAxis = "minute of the clock"

// loopPlots are the plots over time.
func loopPlots(result *closedloop.Result) ([]template.HTML, error) {
	if len(result.Arms) == 0 {
		return nil, nil
	}
	var out []template.HTML
	for _, draw := range []func(*closedloop.Result) (*plot.Plot, error){
		latencyPlot, requestedPlot, withinPlot, resizesPlot, predictedPlot, fillPlot,
	} {
		p, err := draw(result)
		if err != nil {
			return nil, err
		}
		if err := markWarmUp(p, result); err != nil {
			return nil, err
		}
		html, err := svg(p)
		if err != nil {
			return nil, err
		}
		out = append(out, html)
	}
	return out, nil
}

// over are an arm's minutes as points; what is not above least is left out.
func over(a *closedloop.Arm, least float64, value func(m *closedloop.Minute) float64) plotter.XYs {
	var points plotter.XYs
	for i := range a.Minutes {
		if y := value(&a.Minutes[i]); y >= least {
			points = append(points, plotter.XY{X: float64(i) + 0.5, Y: y})
		}
	}
	return points
}

// addLine adds a line with its entry in the legend; nothing where there are no points.
func addLine(p *plot.Plot, name string, points plotter.XYs, c color.Color, dashed bool) error {
	if len(points) == 0 {
		return nil
	}
	line, err := plotter.NewLine(points)
	if err != nil {
		return fmt.Errorf("plotting %q: %w", name, err)
	}
	line.Color, line.Width = c, vg.Points(1.5)
	if dashed {
		line.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
	}
	p.Add(line)
	if name != "" {
		p.Legend.Add(name, line)
	}
	return nil
}

// addArms adds a line for each arm.
func addArms(p *plot.Plot, result *closedloop.Result, least float64, value func(m *closedloop.Minute) float64) error {
	for i := range result.Arms {
		if err := addLine(p, result.Arms[i].Name, over(&result.Arms[i], least, value), armColour(i), false); err != nil {
			return err
		}
	}
	return nil
}

// addTarget adds the objective's line.
func addTarget(p *plot.Plot, result *closedloop.Result, y float64) error {
	end := 0
	for i := range result.Arms {
		end = max(end, len(result.Arms[i].Minutes))
	}
	return addLine(p, "objective", plotter.XYs{{X: 0, Y: y}, {X: float64(max(1, end)), Y: y}}, targetColour(), true)
}

// markWarmUp draws a thin line at the end of the warm-up.
func markWarmUp(p *plot.Plot, result *closedloop.Result) error {
	x := float64(result.WarmUpMinutes)
	return addLine(p, "", plotter.XYs{{X: x, Y: p.Y.Min}, {X: x, Y: p.Y.Max}}, color.Gray{Y: 0xbb}, true)
}

func latencyPlot(result *closedloop.Result) (*plot.Plot, error) {
	p := newPlot("p99 of the entry, minute by minute", minutesAxis, "ms, logarithmic")
	const least = 1e-3 // of a millisecond: a minute without an answer has none
	if err := addArms(p, result, least, func(m *closedloop.Minute) float64 { return 1000 * m.P99 }); err != nil {
		return nil, err
	}
	target := 1000 * result.TargetSeconds
	if err := addTarget(p, result, max(least, target)); err != nil {
		return nil, err
	}
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.ConstantTicks(logTicks(p.Y.Min, p.Y.Max))
	p.Y.Max *= 2 // the legend's room
	return p, nil
}

// logTicks are at 1, 2 and 5 times the powers of ten between two values above 0.
func logTicks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for power := math.Floor(math.Log10(low)); power <= math.Ceil(math.Log10(high)); power++ {
		for _, step := range []float64{1, 2, 5} {
			if x := step * math.Pow(10, power); x >= low/2 && x <= high*2 {
				ticks = append(ticks, plot.Tick{Value: x, Label: fmt.Sprintf("%g", x)})
			}
		}
	}
	return ticks
}

func requestedPlot(result *closedloop.Result) (*plot.Plot, error) {
	p := newPlot("CPU of the application", minutesAxis, "cores requested, and used")
	if err := addArms(p, result, 0, func(m *closedloop.Minute) float64 { return m.RequestedCores }); err != nil {
		return nil, err
	}
	for i := range result.Arms {
		name := ""
		if i == 0 {
			name = "used, both"
		}
		points := over(&result.Arms[i], 0, func(m *closedloop.Minute) float64 { return m.UsedCores })
		if err := addLine(p, name, points, usedColour(), i > 0); err != nil {
			return nil, err
		}
	}
	headroom(p)
	return p, nil
}

func withinPlot(result *closedloop.Result) (*plot.Plot, error) {
	p := newPlot("Requests within the target", minutesAxis, "% of the minute's requests")
	if err := addArms(p, result, 0, func(m *closedloop.Minute) float64 { return 100 * m.Within }); err != nil {
		return nil, err
	}
	if err := addTarget(p, result, 100*result.Percentile); err != nil {
		return nil, err
	}
	p.Legend.Top = false
	const most = 100
	p.Y.Min, p.Y.Max = max(0, p.Y.Min-(most-p.Y.Min)/2), most
	return p, nil
}

// resizesPlot adds resizes up from the start: their slope is what pods are disturbed.
func resizesPlot(result *closedloop.Result) (*plot.Plot, error) {
	p := newPlot("Resizes in place", minutesAxis, "pods resized so far")
	for i := range result.Arms {
		a := &result.Arms[i]
		points := plotter.XYs{{}}
		sum := 0
		for k := range a.Minutes {
			sum += a.Minutes[k].Resizes
			points = append(points, plotter.XY{X: float64(k + 1), Y: float64(sum)})
		}
		if err := addLine(p, a.Name, points, armColour(i), false); err != nil {
			return nil, err
		}
	}
	headroom(p)
	return p, nil
}

// fillPlot shows that the nodes were full.
func fillPlot(result *closedloop.Result) (*plot.Plot, error) {
	p := newPlot("CPU of the nodes that is requested", minutesAxis, "%, batch work included")
	if err := addArms(p, result, 0, func(m *closedloop.Minute) float64 { return 100 * m.Fill }); err != nil {
		return nil, err
	}
	p.Y.Min, p.Y.Max = min(p.Y.Min, 100*closedloop.FullShare)-5, 105
	return p, nil
}

// predictedPlot shows what the recommender expected of what it asked for, beside what it saw.
func predictedPlot(result *closedloop.Result) (*plot.Plot, error) {
	p := newPlot("What ballast-recommender sees and expects", minutesAxis, "p99 in ms")
	var seen, expected, low, high plotter.XYs
	for _, s := range result.Standing {
		x := s.Seconds / 60
		if s.Observed > 0 {
			seen = append(seen, plotter.XY{X: x, Y: 1000 * s.Observed})
		}
		if s.Predicted > 0 {
			expected = append(expected, plotter.XY{X: x, Y: 1000 * s.Predicted})
			low, high = append(low, plotter.XY{X: x, Y: 1000 * s.Low}), append(high, plotter.XY{X: x, Y: 1000 * s.High})
		}
	}
	for _, l := range []struct {
		name   string
		points plotter.XYs
		colour color.Color
		dashed bool
	}{
		{"seen", seen, armColour(0), false},
		{"expected", expected, armColour(1), false},
		{"its 90 % interval", low, armColour(1), true},
		{"", high, armColour(1), true},
	} {
		if err := addLine(p, l.name, l.points, l.colour, l.dashed); err != nil {
			return nil, err
		}
	}
	if err := addTarget(p, result, 1000*result.TargetSeconds); err != nil {
		return nil, err
	}
	const most = 3 // times the target: a percentile without end would hide the rest
	p.Y.Min, p.Y.Max = 0, min(4*p.Y.Max/3, most*1000*max(result.TargetSeconds, 1e-3))
	return p, nil
}
