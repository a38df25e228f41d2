package hindsight

import "math"

const (
	// The work of a call is averaged with these half-lives, in windows with the usual number of calls; fewer count as part of one, so that a
	// night of background work weighs little. The fast average takes over when the two differ by drifted, in
	// the log; the noise of a minute's usage over calls is a few per cent.
	slowHalf, fastHalf, drifted = 30, 4, 0.25
	// workStep bounds what one window does to an average, as a factor: a pod that starts up uses CPU without calls. One with few calls does
	// less, for background work is a larger part of what it used.
	workStep = 3
)

// Meter follows the CPU work of a call. The zero value has seen none.
type Meter struct {
	// Slow and Fast are averages over a longer and a shorter time.
	Slow Average `json:"slow,omitzero"`
	Fast Average `json:"fast,omitzero"`
}

// Average is core-seconds over calls, both decaying. The zero value is empty.
type Average struct {
	Seconds float64 `json:"seconds"`
	Calls   float64 `json:"calls"`
}

func (a Average) work() float64 {
	if !(a.Calls > 0) {
		return 0
	}
	return a.Seconds / a.Calls
}

// share is what a number of calls is of a window's usual one, at most 1.
func (a Average) share(calls, half float64) float64 {
	usual := a.Calls * (1 - math.Exp2(-1/half))
	return min(1, calls/max(usual, math.SmallestNonzeroFloat64))
}

func (a *Average) add(seconds, calls, half float64) {
	keep := math.Exp2(-a.share(calls, half) / half)
	a.Seconds, a.Calls = keep*a.Seconds+seconds, keep*a.Calls+calls
}

// Work is the core-seconds of a call, 0 before there was one.
func (m *Meter) Work() float64 { return m.Slow.work() }

// Add takes in the core-seconds and calls, both above 0, of a window.
func (m *Meter) Add(seconds, calls float64) {
	if known := m.Work(); known > 0 {
		step := 1 + (workStep-1)*m.Slow.share(calls, slowHalf)
		seconds = min(max(seconds, calls*known/step), calls*known*step)
	}
	m.Slow.add(seconds, calls, slowHalf)
	m.Fast.add(seconds, calls, fastHalf)
	if math.Abs(math.Log(m.Fast.work()/m.Slow.work())) > drifted {
		m.Slow = m.Fast
	}
}
