package localize

import "math"

// Interval is what metrics say of a service in a stretch of time, where there are no spans.
type Interval struct {
	Calls    float64 // number
	Mean     float64 // duration of a call, with the calls that it makes itself; in seconds, or of any other quantity that callers inherit
	P50, P99 float64 // NaN: not known
}

// Metrics are the figures of services over time.
type Metrics struct {
	Intervals [][]Interval // by interval, by service
	Callers   [][]int      // by service: who calls it. Without any it is where requests come in
	Entry     int          // the service that requests come in at
}

// AnalyseMetrics is Analyse where only metrics are known. now and baseline have the same services and callers. A service's part is what
// its calls take less what those take that it makes: of a callee with several callers in proportion to their own calls, as metrics do not
// say who called. It is compared by call, so that another mix of requests is no rise. Errors are of the spread between the intervals of the
// baseline. What only spans tell is NaN: shares of tail and variance, and where a rise arises.
func AnalyseMetrics(now, baseline Metrics) Report {
	r := Analyse(Window{}, Window{}, len(now.Callers), math.NaN())
	requests, requestsWas := now.calls(now.Entry), baseline.calls(now.Entry)
	r.Requests, r.BaseRequests = int(requests), int(requestsWas)
	if requests == 0 || requestsWas == 0 {
		return r
	}
	is, was := now.parts(), baseline.parts()
	r.Matched, r.Before = 1, baseline.mean(now.Entry)
	r.Rise = now.mean(now.Entry) - r.Before
	sum := 0.0
	for s := range r.Services {
		e := &r.Services[s]
		e.Calls = now.calls(s) / requests
		e.setParts(is[s], was[s], floor*r.Before)
		if e.Rise.Value > 0 {
			sum += e.Rise.Value
		}
		e.P50, e.P99, e.Congestion = now.spread(s)
		e.BaseP50, e.BaseP99, e.BaseCongestion = baseline.spread(s)
	}
	for s := range r.Services {
		e := &r.Services[s]
		if e.RiseShare = 0; e.Rise.Value > 0 {
			e.RiseShare = e.Rise.Value / sum
		}
	}
	return r
}

// amount is what calls took.
type amount struct{ calls, time float64 }

// parts is, by service, what its calls took for itself in each interval that it was called in.
func (m *Metrics) parts() [][]amount {
	list := make([][]amount, len(m.Callers))
	own := make([]float64, len(m.Callers))
	for _, interval := range m.Intervals {
		clear(own)
		for s := range own {
			whole, all := interval[s].whole(), 0.0
			own[s] += whole
			for _, c := range m.Callers[s] {
				all += max(0, interval[c].Calls)
			}
			for _, c := range m.Callers[s] {
				if all > 0 && interval[c].Calls > 0 {
					own[c] -= whole * interval[c].Calls / all
				}
			}
		}
		for s, time := range own {
			if n := interval[s].Calls; n > 0 && !math.IsNaN(interval[s].Mean) {
				list[s] = append(list[s], amount{n, time})
			}
		}
	}
	return list
}

// whole is what all calls took: nothing where there were none.
func (i Interval) whole() float64 {
	if w := i.Calls * i.Mean; w > 0 {
		return w
	}
	return 0
}

// setParts compares the time of a call with that in the baseline; times below the floor count for little. A service that the baseline
// has not twice stays as it is.
func (e *Evidence) setParts(is, was []amount, floor float64) {
	if len(is) == 0 || len(was) < 2 {
		return
	}
	after, before := sumOf(is), sumOf(was)
	meanIs, meanWas := after.time/after.calls, before.time/before.calls
	variance := 0.0 // of a single call, so that what n calls take has n times as much
	for _, a := range was {
		residual := a.time - meanWas*a.calls
		variance += residual * residual / a.calls / float64(len(was)-1)
	}
	errorIs, errorWas := math.Sqrt(variance/after.calls), math.Sqrt(variance/before.calls)
	e.Rise = Figure{e.Calls * (meanIs - meanWas), e.Calls * math.Hypot(errorIs, errorWas)}
	high, low := max(0, meanIs)+floor, max(0, meanWas)+floor
	e.Drift = Figure{math.Log(high / low), math.Hypot(errorIs/high, errorWas/low)}
}

func sumOf(list []amount) (sum amount) {
	for _, a := range list {
		sum.calls += a.calls
		sum.time += a.time
	}
	return sum
}

// mean is the mean duration of a call of a service over all intervals.
func (m *Metrics) mean(service int) float64 {
	sum := 0.0
	for _, interval := range m.Intervals {
		sum += interval[service].whole()
	}
	return sum / m.calls(service)
}

// calls is the number of calls of a service in all intervals.
func (m *Metrics) calls(service int) (sum float64) {
	for _, interval := range m.Intervals {
		sum += max(0, interval[service].Calls) // of NaN it would be NaN
	}
	return sum
}

// spread is the mean over intervals of median, 99th percentile and their ratio.
func (m *Metrics) spread(service int) (p50, p99, ratio float64) {
	p50 = meanOf(m.column(service, func(i Interval) float64 { return i.P50 }))
	p99 = meanOf(m.column(service, func(i Interval) float64 { return i.P99 }))
	return p50, p99, p99 / p50
}

func (m *Metrics) column(service int, of func(Interval) float64) []float64 {
	var list []float64
	for _, interval := range m.Intervals {
		if x := of(interval[service]); !math.IsNaN(x) {
			list = append(list, x)
		}
	}
	return list
}

// meanOf is NaN of nothing.
func meanOf(list []float64) float64 {
	sum := 0.0
	for _, x := range list {
		sum += x
	}
	return sum / float64(len(list))
}
