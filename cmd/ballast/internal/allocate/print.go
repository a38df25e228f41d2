package allocate

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"text/tabwriter"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/predictor/application"
)

// allocationView is what `ballast allocate` prints. Times are milliseconds, CPU is in millicores.
type allocationView struct {
	Application     string        `json:"application"` // version of the file
	TotalMillicores float64       `json:"totalMillicores"`
	Services        []serviceView `json:"services"`
	Objectives      []outcomeView `json:"objectives"`
}

type serviceView struct {
	Service string `json:"service"`
	Law     string `json:"law"`
	// Pods is 0 where the number is not known; Millicores is then for all of them together.
	Pods       float64  `json:"pods"`
	Before     *float64 `json:"millicoresBefore"` // that a pod could obtain; null: not known
	Millicores float64  `json:"millicores"`       // of a pod
}

type outcomeView struct {
	Objective string `json:"objective"`
	// Priority is 1 for the objective whose calls go first; 0 where calls have no priorities.
	Priority    int      `json:"priority,omitempty"`
	Service     string   `json:"service"`
	Operation   string   `json:"operation"`
	Percentile  float64  `json:"percentile"`
	TargetMs    float64  `json:"targetMs"`
	PredictedMs *float64 `json:"predictedMs"`
	// Low and High are the 90 % interval by how far predictions of windows were off that had no part in the fit, and what changes now;
	// SolverLow and SolverHigh the one by the spread of the services' laws and of the tail, as if they were independent.
	LowMs        *float64 `json:"lowMs"`
	HighMs       *float64 `json:"highMs"`
	SolverLowMs  *float64 `json:"solverLowMs"`
	SolverHighMs *float64 `json:"solverHighMs"`
	// Within is per cent of requests, ShadowPrice millicores in all that a millisecond less of target costs.
	Within        float64      `json:"withinPercent"`
	ShadowPrice   float64      `json:"shadowPriceMillicoresPerMs"`
	Unconstrained bool         `json:"unconstrained"`
	Infeasible    bool         `json:"infeasible"`
	ReachableMs   *float64     `json:"reachableMs"`
	Patterns      []shareView  `json:"patterns"`
	Budget        []budgetView `json:"budget"`
}

// shareView is a pattern with the per cent of its requests within the target.
type shareView struct {
	Name   string  `json:"name"`
	Share  float64 `json:"share"`
	Within float64 `json:"withinPercent"`
}

// budgetView is a service's part of the percentile; SensitivityMs is what one more core per pod takes off it.
type budgetView struct {
	Service       string  `json:"service"`
	Ms            float64 `json:"ms"`
	Share         float64 `json:"share"`
	SensitivityMs float64 `json:"sensitivityMsPerCore"`
}

func (a *allocation) view() *allocationView {
	d := a.model.Document()
	v := &allocationView{Application: d.Version}
	for i := range d.Services {
		if !a.sized[i] {
			continue
		}
		s := &d.Services[i]
		one := serviceView{Service: s.Name, Law: s.Kind, Pods: a.pods[i], Millicores: millionths(1000 * a.result.Cores[i])}
		if s.Cores > 0 {
			one.Before = new(millionths(1000 * s.Cores))
		}
		v.Services = append(v.Services, one)
		v.TotalMillicores += max(s.Pods, 1) * one.Millicores
	}
	v.TotalMillicores = millionths(v.TotalMillicores)
	for i := range a.objectives {
		v.Objectives = append(v.Objectives, a.outcome(i, &d))
	}
	return v
}

func (a *allocation) outcome(i int, d *application.Document) outcomeView {
	o, r, look, e := &a.objectives[i], &a.result.Outcomes[i], &a.outlooks[i], &d.Entries[a.entries[i]]
	out := outcomeView{
		Objective: o.Name, Priority: 1 + slices.Index(a.order, i), Service: e.Service, Operation: e.Operation, Percentile: o.Spec.Percentile,
		TargetMs: millionths(1000 * o.Spec.Target.Seconds()), PredictedMs: cli.Milliseconds(look.Seconds),
		LowMs: cli.Milliseconds(look.Low), HighMs: cli.Milliseconds(look.High),
		SolverLowMs: cli.Milliseconds(r.Low), SolverHighMs: cli.Milliseconds(r.High), Within: 100 * r.Within, ShadowPrice: r.ShadowPrice,
		Unconstrained: r.Unconstrained, Infeasible: r.Infeasible,
	}
	if r.Infeasible {
		out.ReachableMs = reachableMs(r.Reachable)
	}
	for k, p := range e.Patterns {
		out.Patterns = append(out.Patterns, shareView{p.Name, p.Share, 100 * r.Patterns[k]})
	}
	for _, k := range a.model.Touched(a.entries[i]) {
		part := look.Parts[k]
		if math.IsNaN(part) {
			part = 0
		}
		out.Budget = append(out.Budget, budgetView{d.Services[k].Name, 1000 * part, part / look.Seconds, max(0, 1000*r.Sensitivity[k])})
	}
	return out
}

func (a *allocation) print(w io.Writer, format string) error {
	v := a.view()
	switch format {
	case "json":
		return cli.JSON(w, v)
	case "csv":
		return v.printCSV(w)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "service\tlaw\tpods\tmillicores now\tmillicores")
	for _, s := range v.Services {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%.0f\n", s.Service, s.Law, cli.Known(s.Pods, 1), optional(s.Before), s.Millicores)
	}
	fmt.Fprintf(tw, "all, by pods\t\t\t\t%.0f\n", v.TotalMillicores)
	if priors := v.count(application.Prior); priors > 0 {
		fmt.Fprintf(tw, "\n%d services have no CPU figures: what they get rests on a guess, and is for all their pods together\n", priors)
	}
	if steady := v.count(application.Steady); steady > 0 {
		fmt.Fprintf(tw, "\n%d services were only seen at one load and CPU: what a change of it does is a guess\n", steady)
	}
	for i := range v.Objectives {
		v.Objectives[i].print(tw)
	}
	return tw.Flush()
}

// count is the number of services with a kind of law.
func (v *allocationView) count(kind string) (n int) {
	for _, s := range v.Services {
		if s.Law == kind {
			n++
		}
	}
	return n
}

// optional is a number without decimals, or a dash.
func optional(x *float64) string {
	if x == nil {
		return "-"
	}
	return strconv.FormatFloat(*x, 'f', 0, 64)
}

func (o *outcomeView) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s: %s\n", o.Objective, o.sentence())
	fmt.Fprintln(w, "service\tms of the percentile\tof it\tms less per core more")
	for _, b := range o.Budget {
		sensitivity := "-"
		if b.SensitivityMs > 0 {
			sensitivity = fmt.Sprintf("%.2f", b.SensitivityMs)
		}
		fmt.Fprintf(w, "%s\t%.2f\t%.1f %%\t%s\n", b.Service, b.Ms, 100*b.Share, sensitivity)
	}
}

// millionths is a number without the digits that are but those of binary fractions.
func millionths(x float64) float64 { return math.Round(1e6*x) / 1e6 }

// reachableMs is a target in whole microseconds that is reached by whoever reaches so many seconds, but for rounding.
func reachableMs(seconds float64) *float64 { return cli.Finite(math.Ceil(1e6*seconds*(1+1e-7)) / 1e3) }

// reachable is the nearest target to ask for, as objectives are written.
func (o *outcomeView) reachable() string {
	const fine, tenth = 10, 0.1 // milliseconds
	switch {
	case o.ReachableMs == nil:
		return "-"
	case *o.ReachableMs < fine:
		return fmt.Sprintf("%.1f ms", tenth*math.Ceil(*o.ReachableMs/tenth-1e-6))
	}
	return fmt.Sprintf("%.0f ms", math.Ceil(*o.ReachableMs-1e-6))
}

// sentence says how an objective stands.
func (o *outcomeView) sentence() string {
	asked := fmt.Sprintf("%g %% of %s %s within %g ms", o.Percentile, o.Service, o.Operation, o.TargetMs)
	predicted := fmt.Sprintf("predicted %s ms (90 %%: %s to %s by windows that were not fitted, %s to %s by the solver)", optional(o.PredictedMs),
		optional(o.LowMs), optional(o.HighMs), optional(o.SolverLowMs), optional(o.SolverHighMs))
	switch {
	case o.Infeasible:
		return fmt.Sprintf("Infeasible: no CPU brings %s; the nearest target that can be reached is %s. These cores come within 5 %% of that, "+
			"since the last 5 %% can cost as many as all before: %s", asked, o.reachable(), predicted)
	case o.Unconstrained:
		return fmt.Sprintf("Unconstrained: the least CPU that the load needs brings %s; %s", asked, predicted)
	}
	return fmt.Sprintf("%s; %s; one ms less costs %.1f millicores", asked, predicted, o.ShadowPrice)
}

// printCSV writes a line for each objective and service.
func (v *allocationView) printCSV(w io.Writer) error {
	cores := map[string]serviceView{}
	for _, s := range v.Services {
		cores[s.Service] = s
	}
	out := csv.NewWriter(w)
	rows := [][]string{{
		"objective", "percentile", "target_ms", "predicted_ms", "low_ms", "high_ms", "infeasible", "unconstrained", "reachable_ms", "shadow_price_m_per_ms",
		"service", "law", "pods", "millicores_before", "millicores", "part_ms", "sensitivity_ms_per_core", "solver_low_ms", "solver_high_ms",
	}}
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
	maybe := func(x *float64) string {
		if x == nil {
			return ""
		}
		return number(*x)
	}
	exact := func(x *float64) string { // rounded, it might be out of reach
		if x == nil {
			return ""
		}
		return strconv.FormatFloat(*x, 'f', -1, 64)
	}
	for _, o := range v.Objectives {
		for _, b := range o.Budget {
			s, sized := cores[b.Service]
			row := []string{
				o.Objective, number(o.Percentile), number(o.TargetMs), maybe(o.PredictedMs), maybe(o.LowMs), maybe(o.HighMs), strconv.FormatBool(o.Infeasible),
				strconv.FormatBool(o.Unconstrained), exact(o.ReachableMs), number(o.ShadowPrice), b.Service, application.External, "", "", "", number(b.Ms), "",
				maybe(o.SolverLowMs), maybe(o.SolverHighMs),
			}
			if sized {
				row[11], row[12], row[13], row[14], row[16] = s.Law, number(s.Pods), maybe(s.Before), number(s.Millicores), number(b.SensitivityMs)
			}
			rows = append(rows, row)
		}
	}
	if err := out.WriteAll(rows); err != nil {
		return err
	}
	return out.Error()
}
