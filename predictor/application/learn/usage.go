package learn

import (
	"cmp"
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/application"
	"github.com/ballast-k8s/ballast/predictor/latency"
)

// cpu is what usage says of a service.
type cpu struct {
	work        float64 // core-seconds of a call of size 1
	pods, cores float64 // in the mean; cores as given
	windows     []latency.Window
	at          []int // indices of the samples that windows are of
	burst       float64
}

// during is the usage of a service in a window: the mean of its rows; without any, those of the window before or after.
func (l *Learner) during(name string, window int64) (Usage, bool) {
	for _, at := range []int64{window, window - 1, window + 1} {
		rows := l.usage[name][at]
		if len(rows) == 0 {
			continue
		}
		sum, n := Usage{}, float64(len(rows))
		for _, u := range rows {
			sum.Pods, sum.Used, sum.Cores = sum.Pods+u.Pods, sum.Used+u.Used, sum.Cores+u.Cores
		}
		return Usage{Pods: sum.Pods / n, Used: sum.Used / n, Cores: sum.Cores / n}, true
	}
	return Usage{}, false
}

// cpuOf joins the windows of a service with its usage.
func (f *fit) cpuOf(service operation, o observed) cpu {
	l := f.learner
	c := cpu{burst: f.burst(service)}
	name := l.name(service)
	var rows []Usage
	var works []float64
	for i, window := range o.windows {
		u, ok := l.during(name, window)
		if !ok || !(u.Pods > 0 && u.Used > 0 && u.Cores > 0 && o.rates[i] > 0) {
			continue
		}
		rows, works, c.at = append(rows, u), append(works, u.Used/o.rates[i]), append(c.at, i)
	}
	if len(rows) == 0 {
		return c
	}
	// A call of one thread cannot use more CPU than it takes; what is used beyond that is not for calls.
	c.work = min(median(works), selfs(o))
	for k, u := range rows {
		i := c.at[k]
		state := stateOf(u, o.rates[i], c.work, l.windows[o.windows[i]].arrivals[service].Noise())
		c.pods, c.cores = c.pods+u.Pods, c.cores+u.Cores
		s := o.samples[i]
		c.windows = append(c.windows, latency.Window{Load: state.Load, Cores: state.Cores, Self: s.Mean, Calls: s.Calls})
	}
	c.pods, c.cores = c.pods/float64(len(rows)), c.cores/float64(len(rows))
	return c
}

// selfs is the median of the mean times of windows.
func selfs(o observed) float64 {
	means := make([]float64, len(o.samples))
	for i, s := range o.samples {
		means[i] = s.Mean
	}
	return median(means)
}

// LeastShare is the least part of its cores that a pod's calls are taken to obtain, however busy others in its containers are: the
// kernel divides a container's quota fairly among its threads, so that it is that of one call beside nine others.
const LeastShare = 0.1

// stateOf is what pods work under. The rate of the calls is known to a relative standard error of noise: where what was used is within two of
// what calls need, it says better what the load was. CPU that is used beyond that is not theirs. They keep LeastShare, and what the
// busiest that a law is trusted at has.
func stateOf(u Usage, rate, work, noise float64) application.State {
	load := rate / u.Pods
	if by := u.Used / (u.Pods * work); math.Abs(by-load) <= 2*noise*load {
		load = by
	}
	foreign := max(0, u.Used/u.Pods-load*work)
	return application.State{Load: load, Cores: max(u.Cores-foreign, LeastShare*u.Cores, load*work/latency.Busiest)}
}

// shape is the shape of the variable time at the mean of the windows, and the strength with which it grows: that of windows, each at what it
// was under, taken from there. Without usage it is as it was seen.
func (c *cpu) shape(law latency.Law, shift, rate float64, samples []latency.Sample) (shape, strength float64) {
	if len(c.at) == 0 {
		shape, _ = latency.Shape(samples, shift)
		return shape, 0
	}
	used := make([]latency.Sample, len(c.at))
	for k, i := range c.at {
		used[k] = samples[i]
		used[k].Growth, _ = law.Growth(shift, c.windows[k].Load, c.windows[k].Cores)
	}
	shape, strength = latency.Shape(used, shift)
	if growth, _ := law.Growth(shift, rate/c.pods, c.cores); !math.IsInf(growth, 1) {
		shape, _ = latency.Grown(shape, strength*growth)
	}
	return shape, strength
}

// prior is the law that is believed before load and CPU are compared: work undisturbed, and fixed what it leaves of the time in the median
// of the windows.
func (c *cpu) prior() latency.Law {
	law := latency.Prior(c.work, math.NaN(), 0, 1)
	law.Burst = c.burst
	var left []float64
	for _, w := range c.windows {
		if rest := w.Self - law.Mean(w.Load, w.Cores); !math.IsInf(rest, -1) {
			left = append(left, rest)
		}
	}
	if len(left) > 0 {
		law.Fixed = max(0, median(left))
	}
	return law
}

// median is the middle value, the lower of two.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.SortedFunc(slices.Values(values), cmp.Compare[float64])
	return sorted[(len(sorted)-1)/2]
}

// States are what the services of a model worked under in a window: load from the calls in it, CPU from usage. Services without either
// are as observed in the mean.
func (l *Learner) States(m *application.Model, window int64) []application.State {
	states := m.Observed()
	services := m.Document().Services
	for i := range services {
		s := &services[i]
		number, ok := l.numbers[s.Name]
		if !ok || s.Kind == application.External || s.Kind == application.Prior {
			continue
		}
		_, rate := l.sample(window, operation{service: number}, func(op operation) float64 { return m.Size(i, op.name) })
		if u, ok := l.during(s.Name, window); ok && u.Pods > 0 && u.Cores > 0 {
			states[i] = stateOf(u, rate, s.Law.Work, l.windows[window].arrivals[operation{service: number}].Noise())
		} else if s.Pods > 0 {
			states[i].Load = rate / s.Pods
			states[i].Cores = max(states[i].Cores, states[i].Load*s.Law.Work/latency.Busiest)
		}
	}
	return states
}

// Seen are the States of a window with the Stretch of each service at which its law gives the mean time that its calls took then. What
// remains to predict from them is how the times of services make up those of requests.
func (l *Learner) Seen(m *application.Model, window int64) []application.State {
	states := l.States(m, window)
	services := m.Document().Services
	for i := range services {
		s := &services[i]
		number, ok := l.numbers[s.Name]
		if !ok || s.Kind == application.External {
			continue
		}
		sample, _ := l.sample(window, operation{service: number}, func(op operation) float64 { return m.Size(i, op.name) })
		if variable := s.Mean(states[i]) - s.Law.Fixed; sample.Calls > 0 && variable > 0 {
			states[i].Stretch = max((sample.Mean-s.Law.Fixed)/variable, 1e-3)
		}
	}
	return states
}
