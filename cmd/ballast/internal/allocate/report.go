package allocate

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

//go:embed report.html
var reportPage string

// reportObjective is one objective on the page.
type reportObjective struct {
	Outcome       *outcomeView
	Sentence      string
	Distributions template.HTML
	Budget        template.HTML
	BudgetTable   []budgetView
}

// report renders the allocation as one HTML file that needs nothing else.
func (a *allocation) report() ([]byte, error) {
	v := a.view()
	page := struct {
		*allocationView
		List []reportObjective
	}{allocationView: v}
	for i := range v.Objectives {
		o := &v.Objectives[i]
		distributions, err := a.distributionPlot(i, o)
		if err != nil {
			return nil, fmt.Errorf("plotting the distributions of %q: %w", o.Objective, err)
		}
		budget, err := budgetPlot(o)
		if err != nil {
			return nil, fmt.Errorf("plotting the budget of %q: %w", o.Objective, err)
		}
		page.List = append(page.List, reportObjective{Outcome: o, Sentence: o.sentence(), Distributions: distributions, Budget: budget, BudgetTable: o.Budget})
	}
	t, err := template.New("report").Funcs(template.FuncMap{"optional": optional}).Parse(reportPage)
	if err != nil {
		return nil, fmt.Errorf("parsing the report's template: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, page); err != nil {
		return nil, fmt.Errorf("rendering the report: %w", err)
	}
	return out.Bytes(), nil
}

// mostCurves is how many patterns a plot shows: the eye tells no more apart.
const mostCurves = 6

// distributionPlot shows the share of requests within each time: of all, of the most frequent patterns, and the target.
func (a *allocation) distributionPlot(objective int, o *outcomeView) (template.HTML, error) {
	p := newPlot("How long requests take", "ms", "share of the requests within")
	entry := a.entries[objective]
	d, ok := a.model.Distribution(entry, a.states[objective])
	if !ok {
		return "", nil
	}
	tail, shares := a.model.Document().Entries[entry].Tail, a.model.Shares(entry)
	end := 1.3 * max(o.TargetMs/1000, tail*d.Quantile(shares, min(0.999, 1-(1-o.Percentile/100)/2), 0))
	curve := func(name string, cdf func(t float64) float64, at int, width vg.Length) error {
		const points = 200
		line := make(plotter.XYs, points+1)
		for k := range line {
			t := end * float64(k) / points
			line[k] = plotter.XY{X: 1000 * t, Y: min(max(cdf(t/tail), 0), 1)}
		}
		return addLine(p, name, line, plotutil.Color(at), width)
	}
	for k := range min(len(shares), mostCurves) {
		name := fmt.Sprintf("pattern %d (%.0f %%)", k+1, 100*shares[k])
		if err := curve(name, func(t float64) float64 { return d.CDF(k, t) }, k+1, vg.Points(1)); err != nil {
			return "", err
		}
	}
	all := func(t float64) float64 { cdf, _ := d.At(shares, t); return cdf }
	if err := curve("all requests", all, 0, vg.Points(2.5)); err != nil {
		return "", err
	}
	red := color.RGBA{R: 0xd5, G: 0x5e, A: 0xff}
	target := plotter.XYs{{X: o.TargetMs, Y: 0}, {X: o.TargetMs, Y: 1}}
	if err := addLine(p, "target", target, red, vg.Points(1.5)); err != nil {
		return "", err
	}
	asked := plotter.XYs{{X: 0, Y: o.Percentile / 100}, {X: 1000 * end, Y: o.Percentile / 100}}
	if err := addLine(p, fmt.Sprintf("%g %%", o.Percentile), asked, color.Gray{Y: 0x99}, vg.Points(1)); err != nil {
		return "", err
	}
	p.Y.Min, p.Y.Max, p.X.Min = 0, 1, 0
	return inlineSVG(p, 8*vg.Centimeter)
}

func addLine(p *plot.Plot, name string, points plotter.XYs, colour color.Color, width vg.Length) error {
	line, err := plotter.NewLine(points)
	if err != nil {
		return err
	}
	line.Color, line.Width = colour, width
	p.Add(line)
	p.Legend.Add(name, line)
	return nil
}

// budgetPlot shows what each service has of the percentile.
func budgetPlot(o *outcomeView) (template.HTML, error) {
	p := newPlot("Each service's part of the percentile", "ms", "")
	var values plotter.Values
	var names []string
	for i := range o.Budget { // from below
		b := o.Budget[len(o.Budget)-1-i]
		if math.IsNaN(b.Ms) {
			continue
		}
		values, names = append(values, b.Ms), append(names, short(b.Service))
	}
	const bar = 0.4 * vg.Centimeter
	bars, err := plotter.NewBarChart(values, bar)
	if err != nil {
		return "", err
	}
	bars.Horizontal, bars.Color, bars.LineStyle.Width = true, color.RGBA{G: 0x72, B: 0xb2, A: 0xff}, 0
	p.Add(bars)
	p.NominalY(names...)
	p.Y.Padding = vg.Points(8) // for fonts wider than ours
	return inlineSVG(p, 2.5*vg.Centimeter+vg.Length(len(names))*1.5*bar)
}

// newPlot returns an empty plot in the page's proportions, its legend where distributions leave room: low on the right.
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
	// A browser's font may be wider than ours: text right of its sample has room.
	p.Legend.Left, p.Legend.Top, p.Legend.XOffs, p.Legend.YOffs = true, false, 10*vg.Centimeter, vg.Points(6)
	return p
}

// short cuts a name to what fits beside a bar.
func short(name string) string {
	const most = 18
	if letters := []rune(name); len(letters) > most {
		return string(letters[:most-1]) + "…"
	}
	return name
}

// inlineSVG draws a plot to stand inside HTML.
func inlineSVG(p *plot.Plot, height vg.Length) (template.HTML, error) {
	p.BackgroundColor = color.Transparent
	canvas := vgsvg.New(15*vg.Centimeter, height)
	p.Draw(draw.New(canvas))
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return "", fmt.Errorf("drawing %q: %w", p.Title.Text, err)
	}
	drawn := out.String()
	return template.HTML(drawn[max(0, strings.Index(drawn, "<svg")):]), nil //nolint:gosec // drawn by us; plot escapes its texts
}
