package graph

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/predictor/application"
	"github.com/ballast-k8s/ballast/predictor/application/learn"
)

// fitView is what `ballast graph fit` prints. Times are milliseconds.
type fitView struct {
	Version  string       `json:"version"`
	Services []fitService `json:"services"`
	Entries  []fitEntry   `json:"entries"`
}

type fitService struct {
	Service    string  `json:"service"`
	Kind       string  `json:"kind"`
	CallRate   float64 `json:"callsPerSecond"`
	Pods       float64 `json:"pods"`
	Millicores float64 `json:"millicores"` // that a pod could obtain
	MeanMs     float64 `json:"meanMs"`     // of a call
	WorkMs     float64 `json:"workMs"`     // CPU time of a call
	Spread     float64 `json:"spread"`     // of ln(observed/law) over windows
}

type fitEntry struct {
	Service   string       `json:"service"`
	Operation string       `json:"operation"`
	Rate      float64      `json:"requestsPerSecond"`
	Patterns  []fitPattern `json:"patterns"`
	Checks    []fitCheck   `json:"checks"`
	Tail      float64      `json:"tail"`
	TailLow   float64      `json:"tailLow"`
	TailHigh  float64      `json:"tailHigh"`
	HeldOut   bool         `json:"heldOut"`

	// Errors are the median sizes of predicted (with Tail) over observed less one, of the 95th and the 99th percentile; null without any.
	// P95Composed is that of the 95th where each service's mean time in the window is given: what patterns and shapes are off by.
	P95Error    *float64 `json:"p95Error"`
	P99Error    *float64 `json:"p99Error"`
	P95Composed *float64 `json:"p95ComposedError"`
}

type fitPattern struct {
	Name  string  `json:"name"`
	Share float64 `json:"share"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// fitCheck is a window that was predicted. Predicted percentiles have Tail in them; null: too few requests.
type fitCheck struct {
	Time           float64  `json:"time"` // when it began, seconds on the spans' clock
	Requests       int      `json:"requests"`
	ObservedP95Ms  *float64 `json:"observedP95Ms"`
	PredictedP95Ms *float64 `json:"predictedP95Ms"`
	ObservedP99Ms  *float64 `json:"observedP99Ms"`
	PredictedP99Ms *float64 `json:"predictedP99Ms"`
}

func newFitView(d *application.Document, checks []learn.Check, l *learn.Learner) *fitView {
	v := &fitView{Version: d.Version}
	for i := range d.Services {
		s := &d.Services[i]
		state := application.State{Cores: s.Cores}
		if s.Pods > 0 {
			state.Load = s.Rate / s.Pods
		}
		v.Services = append(v.Services, fitService{
			Service: s.Name, Kind: s.Kind, CallRate: s.Rate, Pods: s.Pods, Millicores: 1000 * s.Cores, MeanMs: 1000 * s.Mean(state),
			WorkMs: 1000 * s.Law.Work, Spread: s.Law.Spread,
		})
	}
	for i := range d.Entries {
		e := &d.Entries[i]
		one := fitEntry{
			Service: e.Service, Operation: e.Operation, Rate: e.Rate, Tail: e.Tail, TailLow: e.TailLow, TailHigh: e.TailHigh, HeldOut: e.TailWindows > 0,
			Checks: []fitCheck{},
		}
		for _, p := range e.Patterns {
			one.Patterns = append(one.Patterns, fitPattern{p.Name, p.Share, p.Low, p.High})
		}
		var off [2][]float64
		var composed []float64
		for _, c := range checks {
			if c.Entry != i {
				continue
			}
			for k := range off {
				if ratio := e.Tail * c.Predicted[k] / c.Observed[k]; !math.IsNaN(ratio) {
					off[k] = append(off[k], math.Abs(ratio-1))
				}
			}
			if ratio := c.Composed[0] / c.Observed[0]; !math.IsNaN(ratio) {
				composed = append(composed, ratio)
			}
			one.Checks = append(one.Checks, fitCheck{
				l.Begin(c.Window), c.Requests, cli.Milliseconds(c.Observed[0]), cli.Milliseconds(e.Tail * c.Predicted[0]), cli.Milliseconds(c.Observed[1]), cli.Milliseconds(e.Tail * c.Predicted[1]),
			})
		}
		one.P95Error, one.P99Error = middle(off[0]), middle(off[1])
		if usual := middle(composed); usual != nil { // has a Tail of its own
			for i, ratio := range composed {
				composed[i] = math.Abs(ratio / *usual - 1)
			}
			one.P95Composed = middle(composed)
		}
		v.Entries = append(v.Entries, one)
	}
	return v
}

// middle is the median, nil of none.
func middle(values []float64) *float64 {
	if len(values) == 0 {
		return nil
	}
	slices.Sort(values)
	return new(values[len(values)/2])
}

func (v *fitView) print(w io.Writer, format string) error {
	if format == "json" {
		return cli.JSON(w, v)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "service\tlaw\tcalls/s\tpods\tmillicores\tmean ms\twork ms\terror of the law")
	for _, s := range v.Services {
		fmt.Fprintf(tw, "%s\t%s\t%.2f\t%s\t%s\t%.3f\t%s\t±%.0f %%\n",
			s.Service, s.Kind, s.CallRate, cli.Known(s.Pods, 1), cli.Known(s.Millicores, 0), s.MeanMs, cli.Known(s.WorkMs, 3), 100*math.Expm1(s.Spread))
	}
	fmt.Fprintln(tw)
	fmt.Fprintln(tw, "share\t90 % interval\tpattern")
	for _, e := range v.Entries {
		for _, p := range e.Patterns {
			fmt.Fprintf(tw, "%.1f %%\t%.1f to %.1f %%\t%s\n", 100*p.Share, 100*p.Low, 100*p.High, p.Name)
		}
	}
	fmt.Fprintln(tw)
	fmt.Fprintln(tw, "entry\trequests/s\twindows\tp95 off by\tp99 off by\tp95 with services' means off by\tobserved/predicted\t90 % interval")
	for _, e := range v.Entries {
		windows := fmt.Sprintf("%d not fitted", len(e.Checks))
		if !e.HeldOut {
			windows = fmt.Sprintf("%d of the fit", len(e.Checks))
		}
		fmt.Fprintf(tw, "%s %s\t%.2f\t%s\t%s\t%s\t%s\t%.2f\t%.2f to %.2f\n",
			e.Service, e.Operation, e.Rate, windows, percent(e.P95Error), percent(e.P99Error), percent(e.P95Composed), e.Tail, e.TailLow, e.TailHigh)
	}
	return tw.Flush()
}

func percent(x *float64) string {
	if x == nil {
		return "-"
	}
	return fmt.Sprintf("%.0f %%", 100**x)
}
