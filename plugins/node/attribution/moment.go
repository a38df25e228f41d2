package attribution

import (
	"math"
	"slices"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/attribution/bars"
)

// moment is a reading beside what is usual.
type moment struct {
	at     time.Duration
	decile int
	// value as read, excess its logarithm over what is usual, positive where it is worse; NaN where not known.
	value, excess [bars.Signals]float64
	bar           [bars.Signals]bars.Bar
	beyond        [bars.Signals]bool
	// throttled is the share of periods in which its own limit stopped it, NaN where not known.
	throttled float64
	// steal is the share of CPU time that the hypervisor took.
	steal float64
	// tainted moments are not learnt for now.
	tainted bool
}

// newMoment sets a reading beside the bars; false: it tells nothing, as the container's use is not known.
func newMoment(now time.Duration, r *Reading, usual *bars.Usual, steal float64) (moment, bool) {
	if r.Cores == nil || r.Entitled == 0 {
		return moment{}, false
	}
	m := moment{at: now, decile: bars.DecileOf(*r.Cores / r.Entitled), value: r.Signals(), throttled: math.NaN(), steal: steal}
	if r.Throttled != nil {
		m.throttled = *r.Throttled
	}
	for s := range bars.Signals {
		m.excess[s] = math.NaN()
		if math.IsNaN(m.value[s]) {
			continue
		}
		bar, ok := usual.Bar(m.decile, s)
		if !ok {
			continue
		}
		m.bar[s], m.excess[s] = bar, math.Log(m.value[s]/bar.Usual)
		m.beyond[s] = m.value[s] > bar.High
		if s == bars.Frequency {
			m.excess[s], m.beyond[s] = -m.excess[s], m.value[s] < bar.Low
		}
	}
	return m, true
}

// judged says whether the moment can be judged by the signal.
func (m *moment) judged(s bars.Signal) bool { return !math.IsNaN(m.excess[s]) }

// latest are the last n moments.
func latest(list []moment, n int) []moment { return list[max(len(list)-n, 0):] }

// beyond counts the moments beyond the bar of a signal, and those that can be judged by it.
func beyond(list []moment, s bars.Signal) (count, judged int) {
	for i := range list {
		if list[i].judged(s) {
			judged++
		}
		if list[i].beyond[s] {
			count++
		}
	}
	return count, judged
}

// median of what is known of a quantity; NaN where nothing is.
func median(list []moment, of func(*moment) float64) float64 {
	values := make([]float64, 0, window)
	for i := range list {
		if v := of(&list[i]); !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	if n := len(values); n > 0 {
		return (values[(n-1)/2] + values[n/2]) / 2
	}
	return math.NaN()
}

func medianExcess(list []moment, s bars.Signal) float64 {
	return median(list, func(m *moment) float64 { return m.excess[s] })
}

func medianValue(list []moment, s bars.Signal) float64 {
	return median(list, func(m *moment) float64 { return m.value[s] })
}

// medianBar is that of a figure of the bars of a signal, where there are bars.
func medianBar(list []moment, s bars.Signal, figure func(bars.Bar) float64) float64 {
	return median(list, func(m *moment) float64 {
		if !m.judged(s) {
			return math.NaN()
		}
		return figure(m.bar[s])
	})
}
