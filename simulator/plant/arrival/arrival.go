// Package arrival is open-loop load: the times at which requests come, a Poisson process whose rate follows a trace. Times are
// seconds, rates are per second. Nothing here depends on how the requests fare.
//
// The rate is constant within a step of the trace, λ(t) = scale × PerSecond[floor((t − start)/step)]. The process is drawn exactly, not
// by thinning: with E exponential of mean 1, the arrival after t is the u with
//
//	∫ from t to u of λ = E
//
// so that two runs with the same source and another scale see the same pattern of arrivals, faster or slower.
package arrival

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Rates is a trace of rates.
type Rates struct {
	// StepSeconds is how long each rate holds, above 0.
	StepSeconds float64
	// PerSecond are the rates, each at least 0.
	PerSecond []float64
	// Scale multiplies all rates; 0 = 1.
	Scale float64
	// StartSeconds is the time at which the trace begins; before it nothing arrives.
	StartSeconds float64
	// Repeat starts the trace anew at its end; else nothing arrives after it.
	Repeat bool
}

// Validate reports the first field that is out of range.
func (r Rates) Validate() error {
	switch {
	case !(r.StepSeconds > 0) || math.IsInf(r.StepSeconds, 1):
		return fmt.Errorf("field StepSeconds is %v, expected a finite number above 0", r.StepSeconds)
	case len(r.PerSecond) == 0:
		return fmt.Errorf("field PerSecond is empty, expected a rate for each step")
	case !(r.Scale >= 0) || math.IsInf(r.Scale, 1):
		return fmt.Errorf("field Scale is %v, expected a finite number of at least 0", r.Scale)
	case !(r.StartSeconds >= 0) || math.IsInf(r.StartSeconds, 1):
		return fmt.Errorf("field StartSeconds is %v, expected a finite number of at least 0", r.StartSeconds)
	}
	for i, rate := range r.PerSecond {
		if !(rate >= 0) || math.IsInf(rate, 1) {
			return fmt.Errorf("field PerSecond[%d] is %v, expected a finite rate of at least 0", i, rate)
		}
	}
	return nil
}

// Poisson is the process.
type Poisson struct {
	rates Rates
	rng   *rand.Rand
	cycle float64 // arrivals expected in one pass over the trace at scale 1
	last  float64
	next  float64
}

// NewPoisson checks the trace and returns the process with its first arrival drawn.
func NewPoisson(rates Rates, src rand.Source) (*Poisson, error) {
	if err := rates.Validate(); err != nil {
		return nil, err
	}
	if rates.Scale == 0 {
		rates.Scale = 1
	}
	p := &Poisson{rates: rates, rng: rand.New(src), last: rates.StartSeconds} //nolint:gosec // a simulation
	for _, rate := range rates.PerSecond {
		p.cycle += rate * rates.StepSeconds
	}
	p.next = p.solve(p.last, p.rng.ExpFloat64())
	return p, nil
}

// Next returns the time of the next arrival, +Inf if there is none.
func (p *Poisson) Next() float64 { return p.next }

// Pop passes on to the arrival after Next.
func (p *Poisson) Pop() {
	p.last = p.next
	if !math.IsInf(p.next, 1) {
		p.next = p.solve(p.last, p.rng.ExpFloat64())
	}
}

// SetScale changes the scale from a time on that is not after Next; 0 stops arrivals until the next change. What was drawn for the
// pending arrival stays, so that the past decides nothing twice.
func (p *Poisson) SetScale(now, scale float64) error {
	if !(scale >= 0) || math.IsInf(scale, 1) {
		return fmt.Errorf("scale is %v, expected a finite number of at least 0", scale)
	}
	from := max(now, p.last, p.rates.StartSeconds)
	left := p.rng.ExpFloat64() // memoryless: any new draw will do where there is none pending
	if !math.IsInf(p.next, 1) {
		left = p.expected(from, p.next) * p.rates.Scale
	}
	p.rates.Scale, p.last = scale, from
	p.next = p.solve(from, left)
	return nil
}

// RateAt returns the rate at a time.
func (p *Poisson) RateAt(t float64) float64 {
	step, ok := p.step(p.stepNumber(t))
	if !ok || t < p.rates.StartSeconds {
		return 0
	}
	return step * p.rates.Scale
}

// solve returns the time at which the integrated rate from a time on reaches e.
func (p *Poisson) solve(from, e float64) float64 {
	if p.rates.Scale == 0 || p.cycle == 0 {
		return math.Inf(1)
	}
	e /= p.rates.Scale
	if passes := math.Floor(e / p.cycle); p.rates.Repeat && passes > 0 { // whole passes over the trace at once
		e -= passes * p.cycle
		from += passes * p.rates.StepSeconds * float64(len(p.rates.PerSecond))
	}
	for i := p.stepNumber(from); ; i++ {
		rate, ok := p.step(i)
		if !ok {
			return math.Inf(1)
		}
		end := p.end(i)
		if left := rate * (end - from); left < e {
			e, from = e-left, end
			continue
		}
		return min(end, from+e/rate)
	}
}

// expected is the integral of the rate at scale 1.
func (p *Poisson) expected(from, to float64) float64 {
	var sum float64
	for i := p.stepNumber(from); from < to; i++ {
		rate, ok := p.step(i)
		if !ok {
			break
		}
		end := min(to, p.end(i))
		sum += rate * max(0, end-from)
		from = end
	}
	return sum
}

// stepNumber is the number of steps that ended by a time.
func (p *Poisson) stepNumber(t float64) int {
	i := max(0, int((t-p.rates.StartSeconds)/p.rates.StepSeconds))
	for p.end(i) <= t { // rounding
		i++
	}
	return i
}

func (p *Poisson) end(i int) float64 { return p.rates.StartSeconds + float64(i+1)*p.rates.StepSeconds }

// step returns the rate of a step, false after the end of the trace.
func (p *Poisson) step(i int) (float64, bool) {
	n := len(p.rates.PerSecond)
	if i >= n && !p.rates.Repeat {
		return 0, false
	}
	return p.rates.PerSecond[i%n], true
}
