package learn

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/application"
	"github.com/ballast-k8s/ballast/predictor/callgraph/graphpattern"
	"github.com/ballast-k8s/ballast/predictor/latency"
)

const (
	// Folds is the number of parts that windows are divided into, each predicted from the others.
	Folds = 2
	// LeastRequests is the number of an entry's requests that a window needs for its 95th percentile: two are beyond it then.
	LeastRequests = 40
	// TailPercentile is the one that Tail is of.
	TailPercentile = 0.95
)

// Check is one window of one entry, predicted without it.
type Check struct {
	Entry    int // index in Document.Entries
	Window   int64
	Requests int
	// Observed are the 95th and the 99th percentile in seconds; the 99th is NaN below 200 requests. Predicted is from load and CPU (States),
	// Composed from the mean times that each service's calls took (Seen), both before Tail: where only Predicted is off, the laws are, where
	// Composed is, patterns or shapes.
	Observed, Predicted, Composed [2]float64
	// planned is the 95th percentile from the window's CPU and the load that was to be expected (typical).
	planned float64
}

// percentiles are those of a Check, and the requests that they need.
var percentiles = [2]struct {
	share    float64
	requests int
}{{TailPercentile, LeastRequests}, {0.99, 200}}

// Document fits all windows, and Tail on windows that had no part in the fit. progress is told after each of the Folds+1 fits how many
// are done.
func (l *Learner) Document(progress func(done int)) (application.Document, []Check, error) {
	windows := l.Windows()
	d, err := l.Fit(windows)
	if err != nil {
		return d, nil, fmt.Errorf("fitting an application: %w", err)
	}
	progress(1)
	var checks []Check
	for fold := range min(Folds, len(windows)) {
		train, test := divide(windows, fold)
		if len(train) == 0 { // one window
			break
		}
		part, err := l.Fit(train)
		if err != nil {
			return d, nil, fmt.Errorf("fitting a part of the windows: %w", err)
		}
		more, err := l.Check(part, test)
		if err != nil {
			return d, nil, err
		}
		for _, c := range more {
			e := part.Entries[c.Entry]
			c.Entry = slices.IndexFunc(d.Entries, func(o application.Entry) bool { return o.Service == e.Service && o.Operation == e.Operation })
			checks = append(checks, c)
		}
		progress(2 + fold)
	}
	held := len(checks) > 0
	if !held {
		if checks, err = l.Check(d, windows); err != nil {
			return d, nil, err
		}
	}
	for i := range d.Entries {
		l.setTail(&d.Entries[i], i, checks, held)
	}
	d.Version = application.Fingerprint(d)
	return d, checks, nil
}

// divide leaves out every Folds-th window.
func divide(windows []int64, fold int) (train, test []int64) {
	for i, w := range windows {
		if i%Folds == fold {
			test = append(test, w)
		} else {
			train = append(train, w)
		}
	}
	return train, test
}

// Check predicts windows with a document.
func (l *Learner) Check(d application.Document, windows []int64) ([]Check, error) {
	m, err := application.New(d)
	if err != nil {
		return nil, err
	}
	labels := map[graphpattern.Label]int{}
	for _, label := range l.order {
		if label.Service >= 0 {
			if i, ok := m.Entry(l.names[label.Service], label.Operation); ok {
				labels[label] = i
			}
		}
	}
	var list []Check
	typical := l.typical(m, windows)
	for _, at := range windows {
		states, seen := l.States(m, at), l.Seen(m, at)
		for _, label := range l.order {
			i, known := labels[label]
			r := l.windows[at].requests[label]
			if !known || r == nil || len(r.durations) < LeastRequests {
				continue
			}
			c := Check{Entry: i, Window: at, Requests: len(r.durations)}
			sorted := slices.Sorted(slices.Values(r.durations))
			tail := d.Entries[i].Tail
			c.planned = m.Quantile(i, typical[at], TailPercentile) / tail
			for k, p := range percentiles {
				c.Observed[k], c.Predicted[k], c.Composed[k] = math.NaN(), math.NaN(), math.NaN()
				if n := len(sorted); n >= p.requests {
					c.Observed[k] = sorted[int(math.Ceil(p.share*float64(n)))-1]
					c.Predicted[k], c.Composed[k] = m.Quantile(i, states, p.share)/tail, m.Quantile(i, seen, p.share)/tail
				}
			}
			list = append(list, c)
		}
	}
	return list, nil
}

// setTail sets what an entry's checks say.
func (l *Learner) setTail(e *application.Entry, entry int, checks []Check, held bool) {
	windows, age := l.Windows(), map[int64]int{} // windows that came after
	for i, at := range windows {
		age[at] = len(windows) - 1 - i
	}
	var ratios []float64    // of windows
	var requests []weighted // durations over the prediction of their window
	for _, c := range checks {
		if ratio := c.Observed[0] / c.planned; c.Entry == entry && ratio > 0 && !math.IsInf(ratio, 1) {
			ratios = append(ratios, ratio)
			label := graphpattern.Label{Service: l.numbers[e.Service], Operation: e.Operation}
			weight := math.Exp2(-float64(age[c.Window]) / latency.HalfLife)
			for _, duration := range l.windows[c.Window].requests[label].durations {
				requests = append(requests, weighted{duration / c.planned, weight})
			}
		}
	}
	if len(ratios) == 0 {
		e.TailSpread = PriorSpread
		e.TailLow, e.TailHigh = math.Exp(-1.645*PriorSpread), math.Exp(1.645*PriorSpread)
		return
	}
	e.Tail = quantile(requests, TailPercentile)
	if held {
		e.TailWindows = len(ratios)
	}
	sum := 0.0
	for _, r := range ratios {
		off := math.Log(r / e.Tail)
		sum += off * off
	}
	e.TailSpread = math.Sqrt((sum + latency.DefaultSpread*latency.DefaultSpread) / float64(len(ratios)+1))
	low, high, _ := latency.Margin(ratios)
	e.TailLow, e.TailHigh = min(low, e.Tail), max(high, e.Tail)
}

type weighted struct{ value, weight float64 }

// quantile is the least value that at least a share p of the weight does not exceed.
func quantile(list []weighted, p float64) float64 {
	total := 0.0
	for _, one := range list {
		total += one.weight
	}
	slices.SortFunc(list, func(a, b weighted) int { return cmp.Compare(a.value, b.value) })
	below := 0.0
	for _, one := range list {
		if below += one.weight; below >= p*total*(1-1e-12) {
			return one.value
		}
	}
	return list[len(list)-1].value
}
