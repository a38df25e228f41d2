package application

import (
	"math"

	"github.com/ballast-k8s/ballast/predictor/callgraph/compose"
)

// Outlook is what an entry's requests take under states.
type Outlook struct {
	// Seconds is the percentile, Tail in it; +Inf where a service is overloaded.
	Seconds float64
	// Low and High are its 90 % interval.
	Low, High float64
	// Parts are what each service has of Seconds, by its effect on it; they add up to it. NaN where Seconds is +Inf.
	Parts []float64
}

// doubt is the part of what a law says about a change of load or CPU that it may be wrong by, as a standard deviation on the logarithm of
// the time: by kind. Measured: as well as Stretch is known from LeastContrast on (package latency). The others are chosen: a prior knows
// nothing of the effect beyond its sign.
func (s *Service) doubt() float64 {
	switch s.Kind {
	case Measured:
		return 0.27
	case Steady:
		return 0.5
	}
	return 1
}

// normal95 is the 95th percentile of the standard normal distribution: the half width of a 90 % interval in standard deviations.
const normal95 = 1.645

// Outlook predicts the share p, in (0, 1), of an entry's requests under states. The interval combines the conformal one of the entry
// (what predictions of windows were off by under states as observed) with, for every service, how uncertain the effect is of what
// differs now from then, by its effect on the percentile; services are taken as wrong independently of each other.
//
// A service's part is its mean times the derivative of the percentile by it, as far as its time varies: a percentile scales with times,
// so that these and the constant parts add up to it (Euler). What is constant is divided by what each service has of it on the longest
// branches, in the patterns that make up the requests of about that time.
func (m *Model) Outlook(entry int, states []State, p float64) Outlook {
	e, n := &m.document.Entries[entry], len(m.document.Services)
	out := Outlook{Parts: make([]float64, n)}
	times, ok := m.Times(states)
	if !ok {
		for i := range out.Parts {
			out.Parts[i] = math.NaN()
		}
		out.Seconds, out.Low, out.High = math.Inf(1), m.Quantile(entry, m.Observed(), p), math.Inf(1)
		return out
	}
	d, err := m.graphs[entry].Bind(times)
	if err != nil { // times are in range
		return Outlook{Seconds: math.NaN(), Low: math.NaN(), High: math.NaN(), Parts: out.Parts}
	}
	base := d.Quantile(m.shares[entry], p, 0)
	out.Seconds = e.Tail * base
	m.divide(out.Parts, entry, d, times, base)
	observed, variance := m.Observed(), 0.0
	for _, i := range m.touched[entry] {
		doubt := m.document.Services[i].unsure(states[i], observed[i]) * out.Parts[i] / base
		variance += doubt * doubt
		out.Parts[i] *= e.Tail
	}
	more := normal95 * math.Sqrt(variance)
	out.Low = out.Seconds * math.Exp(-math.Hypot(math.Log(e.Tail/max(e.TailLow, 1e-9)), more))
	out.High = out.Seconds * math.Exp(math.Hypot(math.Log(e.TailHigh/e.Tail), more))
	return out
}

// divide divides a percentile of an entry among services.
func (m *Model) divide(parts []float64, entry int, d *compose.Distribution, times []compose.Time, percentile float64) {
	varies := 0.0
	for i, slope := range d.QuantileSlopes(m.shares[entry], percentile) {
		if part := slope * times[i].Mean; part > 0 {
			parts[i] = part
			varies += part
		}
	}
	constants, sum := make([]float64, len(parts)), 0.0
	only := make([]float64, len(m.shares[entry]))
	for k, share := range m.shares[entry] {
		only[k] = share
		if _, density := d.At(only, percentile); density > 0 {
			m.constants(&m.document.Entries[entry].Patterns[k].Part, times, density, constants)
		}
		only[k] = 0
	}
	for _, c := range constants {
		sum += c
	}
	rest := percentile - varies
	if !(rest > 0 && sum > 0) { // nothing is constant, but for rounding
		rest, sum = 0, 1
	}
	for i := range parts {
		parts[i] = (parts[i] + constants[i]*rest/sum) * percentile / (varies + rest)
	}
}

// constants adds the constant times of a part's longest branches, by service and weight.
func (m *Model) constants(p *Part, times []compose.Time, weight float64, sums []float64) {
	if p.Service != "" {
		i := m.services[p.Service]
		sums[i] += weight * m.Size(i, p.Operation) * p.Calls * times[i].Shift
		return
	}
	for i := range p.Series {
		m.constants(&p.Series[i], times, weight, sums)
	}
	longest, most := -1, -1.0
	for i := range p.Parallel {
		if mean := m.mean(&p.Parallel[i], times); mean > most {
			longest, most = i, mean
		}
	}
	if longest >= 0 {
		m.constants(&p.Parallel[longest], times, weight, sums)
	}
}

// mean is that of a part with the longest branch for all.
func (m *Model) mean(p *Part, times []compose.Time) float64 {
	if p.Service != "" {
		i := m.services[p.Service]
		return m.Size(i, p.Operation) * p.Calls * (times[i].Shift + times[i].Mean)
	}
	sum, most := 0.0, 0.0
	for i := range p.Series {
		sum += m.mean(&p.Series[i], times)
	}
	for i := range p.Parallel {
		most = max(most, m.mean(&p.Parallel[i], times))
	}
	return sum + most
}

// unsure is the standard deviation of the logarithm of the service's time under a state.
func (s *Service) unsure(now, then State) float64 {
	change := math.Abs(math.Log(s.Mean(now) / s.Mean(then)))
	if s.Kind == External || math.IsNaN(change) || math.IsInf(change, 1) {
		return s.Law.Spread
	}
	if s.Kind == Prior {
		return math.Hypot(s.Law.Spread, s.doubt()*change)
	}
	return s.doubt() * change
}
