package control

import (
	"math"
	"slices"
	"time"
)

// Bounds of what is remembered.
const (
	maxServices = 256
	maxReadings = 32
	// Slack is cut to this range: a service at a hundred times its set-point is treated like one at eleven times.
	leastSlack, mostSlack = -10.0, 1.0
)

// Reading is the slack of a service at a time.
type Reading struct {
	At    time.Duration `json:"at"`
	Slack float64       `json:"slack"`
}

// ServiceState is what the law remembers of a service.
type ServiceState struct {
	Name string `json:"name"`
	// Readings are the last ones, oldest first.
	Readings []Reading `json:"readings,omitempty"`
	// Slopes say by how much target / signal falls for each unit that a knob of batch grows, Rates by how much the logarithm of
	// signal / target rises; 0: not known.
	Slopes [knobs]float64 `json:"slopes"`
	Rates  [knobs]float64 `json:"rates"`

	load  float64 // the last one seen; below 0: not known
	cause Cause
	seen  bool // in the present observation
}

// record takes the readings of an observation. It forgets services that are gone, and keeps the others in the order of their names, so
// that the order in which the caller lists them does not matter.
func (l *Law) record(o Observation) {
	for i := range l.state.Services {
		l.state.Services[i].seen = false
	}
	for _, s := range o.Services {
		i, ok := slices.BinarySearchFunc(l.state.Services, s.Name, func(t ServiceState, name string) int { return compare(t.Name, name) })
		if !ok {
			if len(l.state.Services) >= maxServices {
				continue
			}
			l.state.Services = slices.Insert(l.state.Services, i, ServiceState{Name: s.Name})
		}
		t := &l.state.Services[i]
		t.seen, t.cause, t.load = true, s.Cause, -1
		if v, ok := finite(s.Load); ok && v >= 0 {
			t.load = v
		}
		if v, ok := finite(s.Slack); ok {
			if len(t.Readings) >= maxReadings {
				t.Readings = slices.Delete(t.Readings, 0, len(t.Readings)-maxReadings+1)
			}
			t.Readings = append(t.Readings, Reading{o.Now, min(max(v, leastSlack), mostSlack)})
			l.state.LastReading = o.Now
		}
	}
	l.state.Services = slices.DeleteFunc(l.state.Services, func(t ServiceState) bool { return !t.seen })
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// readings gives a service's slacks of the setting in force, oldest first; none where the last one is so old that the service is idle.
func (l *Law) readings(t *ServiceState) []float64 {
	var s []float64
	for _, r := range t.Readings {
		if r.At >= l.state.Judge && !l.idle(t) {
			s = append(s, r.Slack)
		}
	}
	return s
}

// idle says whether a service had no reading for so long that it does not count.
func (l *Law) idle(t *ServiceState) bool {
	return len(t.Readings) == 0 || l.state.Now-t.Readings[len(t.Readings)-1].At > blindAfter
}

// noise estimates the standard deviation that one independent reading would have, so that a mean of n readings errs by noise / sqrt(n).
// Readings are taken each second over 2 s, so that neighbours share half of what they show: differences are taken between every other one.
// Such a difference has sqrt(2) times a reading's deviation, which in turn is 1/sqrt(2) of that of a second alone, and the median of its
// size is 0.6745 times its own. A step in the middle does not move a median. Readings that do not overlap are taken to be noisier than
// they are, by sqrt(2). With fewer than 5 differences it is 0, so that the published rules hold as they stand; at most 0.2 is believed.
func (t *ServiceState) noise() float64 {
	const lag, least, most = 2, 5, 0.2
	n := len(t.Readings) - lag
	if n < least {
		return 0
	}
	d := make([]float64, n)
	for i := range d {
		d[i] = math.Abs(t.Readings[i+lag].Slack - t.Readings[i].Slack)
	}
	slices.Sort(d)
	return min((d[(n-1)/2]+d[n/2])/2/0.6745, most)
}

// windows are how many of the last readings are averaged, with how many standard errors their mean must be below a line to count. Growth
// stops at least 0.35 of the noise above the line, so that each is 1.8 to 3.5 errors from crying wolf. Without the margin, readings with
// a noise of 5 % made batch's CPU go up and down more than once in 16 of 200 runs with a constant load and in 41 with one that rises and
// falls, with it in none and in one. Its price is that a slack between 0 and 0.05 is found late.
var windows = []struct {
	n      int
	errors float64
}{{2, 2.5}, {4, 2.25}, {8, 2}, {16, 1.75}, {32, 1.5}}

// below says whether the readings lie surely below a line: the mean of the last ones and how many of them show it, 0 where none do. The
// last two must both be below it: that is the published rule, and the only one where there is no noise.
func below(slacks []float64, line, noise float64) (float64, int) {
	for _, w := range windows {
		if len(slacks) < w.n {
			break
		}
		last := slacks[len(slacks)-w.n:]
		m := mean(last)
		if m < line-w.errors*noise/math.Sqrt(float64(w.n)) && last[w.n-1] < line && last[w.n-2] < line {
			return m, w.n
		}
	}
	return 0, 0
}

func mean(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s / float64(len(v))
}
