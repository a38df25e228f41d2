package hindsight

import (
	"math"
	"time"
)

const (
	// fall is the share of a target below which less must be enough for Settle before the target falls (reference, Derm section 8: 10 %).
	fall = 0.9
	// slowFall is the same for slowly times Settle, an hour for ten minutes. Without it a target that came from above, from a guess or a
	// peak, stays a tenth too high for as long as the load does not change.
	slowFall, slowly = 0.975, 6
	// rise is what a target has to rise by to be changed at all: half the fall. The lower bound acts before it matters.
	rise = 1.05
	// waste is what a pod may request over what was needed in the last Settle before it is taken away.
	waste = 1.1
)

// Solutions bounds what a Settling remembers. They fall from one to the next, so it is never full with a decision every tenth of Settle.
const Solutions = 64

// Solution is what was found enough at a time.
type Solution struct {
	Time  time.Time `json:"time"`
	Cores float64   `json:"cores"`
}

// Settling keeps a target from following every solution: it rises at once, by no less than a twentieth, and falls when a tenth less has
// been enough for Settle, or a fortieth less for six times that. The zero value has no target yet.
type Settling struct {
	// Target is the last decided, in cores per pod, Since the time from which on there have been decisions, Solutions those of the last six
	// times Settle that are above all later ones, oldest first.
	Target    float64    `json:"target,omitempty"`
	Since     time.Time  `json:"since,omitzero"`
	Solutions []Solution `json:"solutions,omitempty"`
}

// Settled is what a round came to, in cores per pod.
type Settled struct {
	// Target is what to request, Upper what a pod may request before that is taken away, not below Target.
	Target, Upper float64
	// Falls is when the target will have been lowered if no more is needed until then; zero where what is needed is too near to it.
	Falls time.Time
}

// Settle takes in what was found enough, in cores per pod. requested is what pods have now, which counts as the target so far where there
// is none, or none for longer than gap: a workload is first seen for Settle before it falls. Asked again at the same time it answers the
// same.
func (t *Settling) Settle(now time.Time, cores, requested float64, settle, gap time.Duration) Settled {
	if n := len(t.Solutions); n == 0 || now.Sub(t.Solutions[n-1].Time) > gap || now.Before(t.Solutions[n-1].Time) {
		*t = Settling{Target: requested, Since: now}
	}
	most, mostLong := cores, cores
	recent := t.Solutions[:0]
	for _, s := range t.Solutions {
		if now.Sub(s.Time) >= slowly*settle || s.Cores <= cores || !s.Time.Before(now) { // smaller and older ones never matter again
			continue
		}
		recent = append(recent, s)
		mostLong = max(mostLong, s.Cores)
		if now.Sub(s.Time) < settle {
			most = max(most, s.Cores)
		}
	}
	recent = append(recent, Solution{now, cores})
	t.Solutions = recent[max(0, len(recent)-Solutions):]
	since := now.Sub(t.Since)
	upper := waste * most
	if since >= slowly*settle {
		upper = min(upper, grainBelow(mostLong/slowFall))
	}
	switch {
	case most > rise*t.Target:
		t.Target = most
	case most < fall*t.Target && since >= settle:
		t.Target = most
	case mostLong < slowFall*t.Target && since >= slowly*settle:
		t.Target = mostLong
	}
	return Settled{Target: t.Target, Upper: max(t.Target, upper), Falls: t.falls(cores, settle)}
}

// falls is when a target falls at the latest if no more than so many cores are needed from now on.
func (t *Settling) falls(cores float64, settle time.Duration) time.Time {
	var at time.Time
	if cores < slowFall*t.Target {
		at = t.enough(slowFall).Add(slowly * settle)
	}
	if cores < fall*t.Target {
		if soon := t.enough(fall).Add(settle); soon.Before(at) {
			at = soon
		}
	}
	return at
}

// enough is the time since which a share of the target has been more than enough.
func (t *Settling) enough(share float64) time.Time {
	at := t.Since
	for _, s := range t.Solutions {
		if s.Cores >= share*t.Target && s.Time.After(at) {
			at = s.Time
		}
	}
	return at
}

// grainBelow rounds down to 10 m, the grain of requests: a small pod may be a grain too large by many per cent.
func grainBelow(cores float64) float64 { return math.Floor(cores*100+1e-6) / 100 }
