package allocate

import (
	"bufio"
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/predictor/application"
	"github.com/ballast-k8s/ballast/predictor/latency"
	"github.com/ballast-k8s/ballast/recommender/allocate"
	"github.com/ballast-k8s/ballast/recommender/allocate/patterns"
	"github.com/ballast-k8s/ballast/recommender/allocate/patterns/priority"
)

func newLineReader(b []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(b)) }

// constant is the time of a service that CPU does not change.
type constant float64

func (c constant) Mean(float64) float64  { return float64(c) }
func (c constant) Slope(float64) float64 { return 0 }

// none stands for the cores of what is not sized: small enough that no sum shows it.
const none = 1e-9

// allocation is the answer of `ballast allocate`.
type allocation struct {
	model      *application.Model
	objectives []v1alpha1.LatencyObjective
	entries    []int // by objective
	sized      []bool
	pods       []float64 // of the services
	before     []application.State
	order      []int                 // of the objectives, where calls have priorities
	states     [][]application.State // at the result, by objective
	result     patterns.Result
	outlooks   []application.Outlook // by objective; their intervals are those of windows that had no part in the fit
}

// wishes are how the objectives are meant. priorities is the rule of those of calls, nil for none.
type wishes struct {
	mode       patterns.Mode
	floor      float64
	priorities *priority.Rule
}

// newAllocation solves for the objectives.
func newAllocation(m *application.Model, objectives []v1alpha1.LatencyObjective, w wishes) (*allocation, error) {
	a := &allocation{model: m, objectives: objectives, before: m.Observed()}
	services := m.Document().Services
	a.sized, a.pods = make([]bool, len(services)), make([]float64, len(services))
	problem := patterns.Problem{}
	for i := range objectives {
		o, err := a.objective(&objectives[i], w.mode, w.floor)
		if err != nil {
			return nil, err
		}
		problem.Objectives = append(problem.Objectives, o)
	}
	for i := range services {
		s, err := a.service(i)
		if err != nil {
			return nil, err
		}
		problem.Services = append(problem.Services, s)
	}
	var err error
	if w.priorities != nil {
		if problem, err = a.prioritise(problem, *w.priorities); err != nil {
			return nil, err
		}
	}
	if a.result, err = patterns.Solve(problem); err != nil {
		return nil, err
	}
	states := slices.Clone(a.before)
	for i := range services {
		if a.sized[i] {
			states[i].Cores = a.result.Cores[i]
		}
	}
	for i, o := range objectives {
		a.states = append(a.states, a.statesOf(states, problem.Objectives[i].Curves))
		a.outlooks = append(a.outlooks, m.Outlook(a.entries[i], a.states[i], o.Spec.Percentile/100))
	}
	return a, nil
}

// objective is one for the solver. Its services are sized.
func (a *allocation) objective(o *v1alpha1.LatencyObjective, mode patterns.Mode, floor float64) (patterns.Objective, error) {
	d := a.model.Document()
	entry, ok := a.model.Entry(o.Spec.Entry.Service, o.Spec.Entry.Operation)
	if !ok {
		var known []string
		for _, e := range d.Entries {
			known = append(known, fmt.Sprintf("%s %q", e.Service, e.Operation))
		}
		return patterns.Objective{}, fmt.Errorf("LatencyObjective %q: spec.entry is %s %q, which no request of the application came in by; it has %.500s",
			o.Name, o.Spec.Entry.Service, o.Spec.Entry.Operation, strings.Join(known, ", "))
	}
	a.entries = append(a.entries, entry)
	for _, i := range a.model.Touched(entry) {
		a.sized[i] = d.Services[i].Kind != application.External
	}
	out := patterns.Objective{
		Name: o.Name, Percentile: o.Spec.Percentile / 100, Target: o.Spec.Target.Seconds(), Tail: d.Entries[entry].Tail,
		TailSpread: d.Entries[entry].TailSpread, Mode: mode,
	}
	if mode == patterns.Mixture {
		out.Floor = min(floor, out.Percentile)
	}
	for i, part := range a.model.Parts(entry) {
		out.Patterns = append(out.Patterns, patterns.Pattern{Share: d.Entries[entry].Patterns[i].Share, Part: part})
	}
	return out, nil
}

// service is one for the solver. Where the number of pods is not known it is taken for one pod that does all the work.
func (a *allocation) service(i int) (patterns.Service, error) {
	s := &a.model.Document().Services[i]
	out := patterns.Service{Name: s.Name, Pods: 1, Shift: s.Shift, Shape: s.Shape, Doubt: s.Law.Spread, Min: none, Max: none}
	a.pods[i] = max(s.Pods, 0)
	if s.Pods > 0 {
		out.Pods = s.Pods
	}
	if !a.sized[i] {
		out.Curve = constant(max(0, s.Mean(a.before[i])-s.Shift))
		return out, nil
	}
	state := application.State{Load: s.Rate / out.Pods}
	a.before[i].Load = state.Load
	bounds := allocate.Service{Name: s.Name, Pods: out.Pods, Load: state.Load, Law: latency.Law(s.Law), Visits: 1}
	if err := bounds.Validate(); err != nil {
		return out, fmt.Errorf("service %q: %w", s.Name, err)
	}
	out.Min, out.Max = bounds.Bounds()
	out.Curve = s.Curve(state)
	return out, nil
}

// negative is the error for objectives that cannot be met, nil without any.
func (a *allocation) negative() error {
	var names []string
	for i, o := range a.result.Outcomes {
		if o.Infeasible {
			names = append(names, a.objectives[i].Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return cli.Negative("no CPU meets %s", strings.Join(names, ", "))
}
