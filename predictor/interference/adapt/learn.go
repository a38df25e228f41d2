package adapt

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/complete"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/online"
)

// Learned is a model with what new measurements taught it.
type Learned struct {
	Model *interference.Model
	// Classes are those of the model, in its order.
	Classes []Class
	// Notes are sentences on what was not used, and on classes that changed.
	Notes []string
}

// Class is what came of one class.
type Class struct {
	Name string
	// New is a class that the model did not know: it was completed from Probes mixes.
	New    bool
	Probes int
	// Updates is the number of single measurements that were learned from since, Clipped how many of them only in part.
	Updates, Clipped int
	// Drift says that the class changed, and how; empty if not.
	Drift string
	// Moved is the mean of |change| of what is predicted over the measured mixes that hold the class, as a share. Before and
	// After are the half width of the 90 % interval for a new measurement there were it not looked up, as a share; Moved and Before are 0
	// for a new class and one without updates, After for one that none of the mixes hold.
	Moved, Before, After float64
}

// Learn teaches a model the mixes of a data set: classes that it does not know are completed, those that it knows are updated. at is when the mixes
// were measured. Measurements of another setting than the model's are not used.
func Learn(m *interference.Model, ds *interference.Dataset, at time.Time, halfLife time.Duration) (*Learned, error) {
	d := m.Document()
	if ds.Setting != "" && d.Setting != "" && ds.Setting != d.Setting {
		return nil, fmt.Errorf("the mixes are of setting %q, the model of %q: expected the same, or fit all of them together", ds.Setting, d.Setting)
	}
	l := &learner{model: m, names: ds.Classes}
	for _, o := range ds.Observations {
		if o.Setting == "" {
			l.waiting = append(l.waiting, o)
		} else {
			l.elsewhere++
		}
	}
	probes, err := l.complete(at)
	if err != nil {
		return nil, err
	}
	completed := l.model
	notes, err := l.update(at, halfLife)
	if err != nil {
		return nil, err
	}
	out := &Learned{Model: l.model, Notes: notes}
	if l.elsewhere > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("%d mixes of other settings than %q are not used: fit them together with the first ones", l.elsewhere, d.Setting))
	}
	out.Classes = l.summary(m, completed, ds.Observations, probes)
	return out, nil
}

// learner teaches a model.
type learner struct {
	model     *interference.Model
	names     []string                   // of the data set
	waiting   []interference.Observation // not learned from yet
	elsewhere int
}

// unknown lists the classes of a mix that the model does not know, as indices into names.
func (l *learner) unknown(o interference.Observation) []int {
	var out []int
	for _, load := range o.Mix {
		if _, ok := l.model.ClassIndex(l.names[load.Class]); !ok {
			out = append(out, load.Class)
		}
	}
	return out
}

// complete adds the classes that the model does not know, that with the most probes first: with it known, mixes of two new classes become probes
// of the other. It returns the number of probes by name.
func (l *learner) complete(at time.Time) (map[string]int, error) {
	probes := map[string]int{}
	for {
		byClass := map[int][]int{} // positions in waiting of the mixes in which it is the only one
		missing := map[int]bool{}
		for i, o := range l.waiting {
			unknown := l.unknown(o)
			for _, class := range unknown {
				missing[class] = true
			}
			if len(unknown) == 1 {
				byClass[unknown[0]] = append(byClass[unknown[0]], i)
			}
		}
		if len(missing) == 0 {
			return probes, nil
		}
		next := -1
		for class := range l.names {
			if missing[class] && (next < 0 || len(byClass[class]) > len(byClass[next])) {
				next = class
			}
		}
		if err := l.extend(next, byClass[next], at); err != nil {
			return nil, err
		}
		probes[l.names[next]] = len(byClass[next])
	}
}

// extend completes one class from the mixes at some positions, which are then done with.
func (l *learner) extend(class int, positions []int, at time.Time) error {
	var probes []interference.MeasuredMix
	for _, i := range positions {
		o := l.waiting[i]
		var x interference.MeasuredMix
		for _, k := range l.order(o) {
			p := 0.0
			if mean, ok := o.Cells[k].Mean(); ok {
				p = math.Exp(mean)
			}
			x.Classes, x.Units = append(x.Classes, l.index(o.Mix[k].Class)), append(x.Units, o.Mix[k].Units)
			x.Performance, x.Repeats = append(x.Performance, p), append(x.Repeats, len(o.Cells[k].Logs))
		}
		probes = append(probes, x)
	}
	m, err := complete.Extend(l.model, l.names[class], probes, at)
	if err != nil {
		return err
	}
	l.model = m
	rest := l.waiting[:0:0]
	for i, o := range l.waiting {
		if !slices.Contains(positions, i) {
			rest = append(rest, o)
		}
	}
	l.waiting = rest
	return nil
}

// index is the model's index of a class; one that it does not know comes last.
func (l *learner) index(class int) int {
	if i, ok := l.model.ClassIndex(l.names[class]); ok {
		return i
	}
	return len(l.model.Classes())
}

// order lists the positions of a mix in the model's order of classes.
func (l *learner) order(o interference.Observation) []int {
	out := make([]int, len(o.Mix))
	for k := range out {
		out[k] = k
	}
	slices.SortFunc(out, func(a, b int) int { return cmp.Compare(l.index(o.Mix[a].Class), l.index(o.Mix[b].Class)) })
	return out
}

// update learns from the rest, of which every class is known now, in an order that has nothing to do with the mixes: the drift test takes
// neighbours in the order for neighbours in time.
func (l *learner) update(at time.Time, halfLife time.Duration) ([]string, error) {
	u, err := online.New(l.model, halfLife)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(l.waiting, func(a, b interference.Observation) int { return cmp.Compare(a.Mix.Hash(), b.Mix.Hash()) })
	var notes []string
	for _, o := range l.waiting {
		for repeat := 0; ; repeat++ {
			x := online.Observation{At: at}
			found := false
			for _, k := range l.order(o) {
				p := 0.0
				if logs := o.Cells[k].Logs; repeat < len(logs) {
					p, found = math.Exp(logs[repeat]), true
				}
				x.Mix = append(x.Mix, interference.Load{Class: l.index(o.Mix[k].Class), Units: o.Mix[k].Units})
				x.Performance = append(x.Performance, p)
			}
			if !found {
				break
			}
			changes, err := u.Observe(x)
			if err != nil {
				return nil, err
			}
			for _, c := range changes {
				notes = append(notes, c.Reason)
			}
		}
	}
	l.model, err = u.Model()
	return notes, err
}
