package learn

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/ballast-k8s/ballast/predictor/application"
	"github.com/ballast-k8s/ballast/predictor/callgraph"
	"github.com/ballast-k8s/ballast/predictor/latency"
)

const (
	// LeastCalls is the number of calls from which an operation has a size of its own: that is then known to 10 % if times are exponential.
	LeastCalls = 100
	// PriorSpread is that of the law of a service without CPU figures: a factor of two either way is two standard deviations (chosen).
	PriorSpread = 0.35
	// shiftAt is the share of times below Shift, shiftMost the most it is of the mean.
	shiftAt, shiftMost = 0.01, 0.9
)

// Windows are the numbers of the windows with requests, ascending.
func (l *Learner) Windows() []int64 {
	var list []int64
	for at, w := range l.windows {
		if len(w.requests) > 0 {
			list = append(list, at)
		}
	}
	slices.Sort(list)
	return list
}

// Begin is when a window begins, unix seconds if the spans are on that clock.
func (l *Learner) Begin(window int64) float64 { return float64(window) * l.seconds }

// Fit returns the application that windows (of Windows) tell of, without Tail: it is 1. The error is for windows without requests.
func (l *Learner) Fit(windows []int64) (application.Document, error) {
	f := &fit{learner: l, windows: windows, sizes: map[operation]float64{}, seconds: l.span(windows)}
	d := application.Document{Format: application.Format, Source: l.source(windows)}
	if err := f.entries(&d); err != nil {
		return application.Document{}, err
	}
	for _, op := range f.services() {
		d.Services = append(d.Services, f.service(op))
	}
	return d, nil
}

// span is the time that windows cover, seconds: of the first and the last of all, where the traces end.
func (l *Learner) span(windows []int64) float64 {
	total := 0.0
	for _, at := range windows {
		from := max(l.Begin(at), float64(l.first)/1e9)
		to := min(l.Begin(at+1), float64(l.last)/1e9)
		total += max(to-from, 1e-3)
	}
	return total
}

func (l *Learner) source(windows []int64) string {
	requests := 0
	for _, at := range windows {
		for _, r := range l.windows[at].requests {
			requests += len(r.durations)
		}
	}
	return fmt.Sprintf("%d requests in %d windows of %v, %v to %v", requests, len(windows), time.Duration(l.seconds*float64(time.Second)),
		moment(l.first), moment(l.last))
}

// moment is a time for a person: spans that are not on the clock's time are from 1970.
func moment(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339) }

// fit is one fit.
type fit struct {
	learner *Learner
	windows []int64
	seconds float64
	sizes   map[operation]float64
}

// services are those called, in the order of their names. The operation is set for those that send no spans.
func (f *fit) services() []operation {
	all := map[operation]bool{}
	for _, w := range f.learner.windows { // of all windows: patterns are, too
		for op := range w.times {
			all[op] = true
		}
	}
	return slices.SortedFunc(maps.Keys(all), func(a, b operation) int { return cmp.Compare(f.learner.name(a), f.learner.name(b)) })
}

// service fits one service.
func (f *fit) service(op operation) application.Service {
	l := f.learner
	s := application.Service{Name: l.name(op)}
	s.Operations = f.operations(op)
	o := f.look(op)
	f.law(&s, op, o)
	return s
}

// operations are those with enough calls, by name, with sizes so that a call of the service has size 1 in the mean.
func (f *fit) operations(service operation) []application.Operation {
	sums, all := map[operation]*moments{}, moments{}
	for _, at := range f.windows {
		for op, m := range f.learner.windows[at].times[service] {
			if sums[op] == nil {
				sums[op] = &moments{}
			}
			sums[op].join(m)
			all.join(m)
		}
	}
	var list []application.Operation
	for op, m := range sums {
		f.sizes[op] = 1
		if size := m.mean() / all.mean(); len(sums) > 1 && m.n >= LeastCalls && size > 1e-6 && size <= application.MaxSize {
			f.sizes[op] = size
			list = append(list, application.Operation{Name: op.name, Size: size})
		}
	}
	slices.SortFunc(list, func(a, b application.Operation) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// observed is what windows say of a service.
type observed struct {
	samples []latency.Sample // of calls of size 1
	rates   []float64        // calls of size 1 per second, by sample
	windows []int64
	mean    float64 // of all
	shift   float64
}

func (f *fit) look(service operation) observed {
	var o observed
	total := moments{}
	for _, at := range f.windows {
		s, rate := f.learner.sample(at, service, f.size)
		if s.Calls == 0 {
			continue
		}
		o.samples, o.rates, o.windows = append(o.samples, s), append(o.rates, rate), append(o.windows, at)
		total.n += s.Calls
		total.sum += s.Calls * s.Mean
	}
	if total.n > 0 {
		o.mean = total.mean()
	}
	o.shift = min(f.least(service), shiftMost*o.mean)
	return o
}

func (f *fit) size(op operation) float64 {
	if size, ok := f.sizes[op]; ok {
		return size
	}
	return 1
}

// sample adds up the self times of a service in a window, and its calls of size 1 per second.
func (l *Learner) sample(at int64, service operation, size func(operation) float64) (s latency.Sample, rate float64) {
	sizes, times, variances := 0.0, 0.0, 0.0
	all := l.windows[at].times[service]
	for _, op := range sorted(all, l) { // the same sum every time
		m, one := all[op], size(op)
		s.Calls += m.n
		sizes += m.n * one
		times += m.sum
		variances += m.n * m.variance() / (one * one)
	}
	if sizes == 0 {
		return latency.Sample{}, 0
	}
	s.Mean, s.Variance = times/sizes, variances/s.Calls
	return s, sizes / l.span([]int64{at}) / l.sampled
}

// least is the self time of size 1 that few calls are below.
func (f *fit) least(service operation) float64 {
	var all []float64
	for op, times := range f.learner.times {
		if op.owner() == service {
			for _, x := range times {
				all = append(all, x/f.size(op))
			}
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[int(shiftAt*float64(len(all)))]
}

// spread is the standard deviation of ln(mean of a window/mean of all), believed to be PriorSpread before the first window.
func (o *observed) spread() float64 {
	sum := PriorSpread * PriorSpread
	for _, s := range o.samples {
		if off := math.Log(s.Mean / o.mean); !math.IsInf(off, 0) {
			sum += off * off
		}
	}
	return math.Sqrt(sum / float64(len(o.samples)+1))
}

// law fits the law of a service, its shift and its shape.
func (f *fit) law(s *application.Service, op operation, o observed) {
	total, time := 0.0, 0.0
	for i, at := range o.windows {
		span := f.learner.span([]int64{at})
		total, time = total+o.rates[i]*span, time+span
	}
	if time > 0 {
		s.Rate = total / time
	}
	if op.service == callgraph.Unknown {
		s.Kind, s.Law, s.Shift = application.External, application.Law{Fixed: o.mean, Spread: o.spread(), Windows: float64(len(o.samples))}, o.shift
		s.Shape, _ = latency.Shape(o.samples, s.Shift)
		return
	}
	cpu := f.cpuOf(op, o)
	law := latency.Law{Work: max(o.mean/2, 1e-9), Fixed: o.mean / 2, Stretch: 1, Spread: PriorSpread}
	s.Kind = application.Prior
	if len(cpu.windows) > 0 {
		s.Kind = application.Steady
		if latency.Contrast(cpu.windows, cpu.work) >= latency.LeastContrast {
			s.Kind = application.Measured
		}
		s.Pods, s.Cores = cpu.pods, cpu.cores
		law = latency.Fit(cpu.windows, cpu.work, cpu.prior())
	}
	s.Law = application.Law(law)
	s.Shift = min(o.shift, law.Fixed+law.Stretch*law.Work)
	s.Shape, s.Growth = cpu.shape(law, s.Shift, s.Rate, o.samples)
}
