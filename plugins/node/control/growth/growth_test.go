package growth

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/control/knob"
	"github.com/ballast-k8s/ballast/plugins/node/control/readings"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 && got != want {
		t.Errorf("%s: %g, want %g", what, got, want)
	}
}

// four is a service with four equal slacks, so without noise, at 0 to 6 s.
func four(name string, slack float64) readings.Service {
	s := readings.Service{Name: name}
	for i := range 4 {
		s.Readings = append(s.Readings, readings.Reading{At: time.Duration(i) * readings.Period, Slack: slack})
	}
	return s
}

const now = 6 * time.Second

// From 4 to 6 cores a slack of 0.5 became 0.25: target/signal fell from 2 to 1.3333, 0.3333 a core, the logarithm of signal/target rose from
// ln 0.5 to ln 0.75, 0.2027 a core. The aim is 0.07: from 0.25 the line foretells 0.6 x (1.3333 - 1.0753) / 0.3333 = 0.4645 cores, the
// logarithm 0.6 x (ln 0.93 - ln 0.75) / 0.2027 = 0.6367.
func TestLearnAndForetell(t *testing.T) {
	s := readings.Services{four("web", 0.25)}
	if step := Foretold(s, 0, now, knob.CPU); !math.IsInf(step, 1) {
		t.Errorf("plenty, and nothing known: %g", step)
	}
	trial := Trial{Knob: knob.CPU, From: 4, To: 6, Before: map[string]float64{"web": 0.5}}
	trial.Learn(s, 0, now)
	near(t, "slope", s[0].Slopes[knob.CPU], (2-1/0.75)/2)
	near(t, "rate", s[0].Rates[knob.CPU], math.Log(1.5)/2)
	near(t, "step", Foretold(s, 0, now, knob.CPU), 0.6*(1/0.75-1/0.93)/(1.0/3))
	s[0].Slopes[knob.CPU] = 0
	near(t, "step by the logarithm", Foretold(s, 0, now, knob.CPU), 0.6*math.Log(0.93/0.75)/(math.Log(1.5)/2))
	near(t, "little, and nothing known", Foretold(readings.Services{four("web", 0.15)}, 0, now, knob.CPU), 0)
}

// Without an error the new steepness counts, but it falls by half at most; with an error as large as that of the old one, half of it, it
// counts by half.
func TestBlend(t *testing.T) {
	near(t, "first", blend(0, 3, 1), 3)
	near(t, "first, wrong sign", blend(0, -3, 1), 0)
	near(t, "exact", blend(2, 5, 0), 5)
	near(t, "falls", blend(2, 0.1, 0), 1)
	near(t, "noisy", blend(2, 5, 1), 3.5)
}

// Of 16 cores batch may explore half of what it has, at least 0.05 x 16 = 0.8, at most 0.1 x 16 = 1.6 or that half. What was cut by the way
// comes back by half, and below a ceiling growth goes half of the way.
func TestTarget(t *testing.T) {
	cores := knob.Range{Kind: knob.CPU, Exists: true, Min: 0.8, Max: 16, Unit: 0.08}
	ways := knob.Range{Kind: knob.Ways, Exists: true, Min: 2, Max: 18, Unit: 1}
	band := knob.Range{Kind: knob.Bandwidth, Exists: true, Min: 10, Max: 100, Unit: 10}
	all := math.Inf(1)
	for name, c := range map[string]struct {
		r             knob.Range
		s             knob.State
		foretold, end float64
		paced         bool
	}{
		"one core and a bit":      {cores, knob.State{Value: 0.8}, all, 1.83, false}, // 1 + 0.1 x 0.3
		"half of it":              {cores, knob.State{Value: 6}, all, 9, false},
		"as foretold":             {cores, knob.State{Value: 6}, 0.5, 6.5, false},
		"too little to be worth":  {cores, knob.State{Value: 6}, 0.15, 6, false}, // less than 3 % of 6
		"what was taken":          {cores, knob.State{Value: 2, Mark: 10}, all, 6, false},
		"half way to the ceiling": {cores, knob.State{Value: 6, Mark: 8, Ceiling: true}, all, 7, false},
		"too near to the ceiling": {cores, knob.State{Value: 7.6, Mark: 8, Ceiling: true}, all, 7.6, false}, // 5 % of 8 is 0.4
		"to the end":              {cores, knob.State{Value: 15.9}, all, 16, false},
		"a way":                   {ways, knob.State{Value: 4}, all, 5, false},
		"ways double":             {ways, knob.State{Value: 4}, all, 8, true},
		"a quarter of ways back":  {ways, knob.State{Value: 2, Mark: 18}, all, 6, false},
		"a step of bandwidth":     {band, knob.State{Value: 30}, all, 40, false},
	} {
		near(t, name, Target(c.r, c.s, 0.3, c.foretold, c.paced), c.end)
	}
}

// A step of half of what batch had may have cost anything and is to be undone; one of 2 % that is known to cost little cannot have cost 0.5.
func TestHarmed(t *testing.T) {
	large := &Trial{Knob: knob.CPU, From: 4, To: 6, Before: map[string]float64{"web": 0.4}}
	small := &Trial{Knob: knob.CPU, From: 4, To: 4.08, Before: large.Before}
	for _, c := range []struct {
		trial  *Trial
		slacks []float64
		early  bool
		harm   string
		waits  bool
		other  bool
	}{
		{large, []float64{-0.2}, false, "web is 20 % over its set-point", false, false},
		{small, []float64{-0.2}, false, "", false, true},
		{small, []float64{0.02}, false, "less than 5 %", false, false},
		{large, []float64{0.06}, false, "it lost 0.34 of slack", false, false}, // below the aim of 0.07
		{large, []float64{0.08}, false, "", false, false},
		{large, nil, true, "", true, false},
		{large, nil, false, "", false, false},
	} {
		v := four("web", 0.4)
		v.Slopes[knob.CPU], v.Rates[knob.CPU] = 0.1, 0.1
		harm, waits, other := c.trial.Harmed(&v, c.slacks, c.early)
		if !strings.Contains(harm, c.harm) || (harm == "") != (c.harm == "") || waits != c.waits || other != c.other {
			t.Errorf("%g to %g cores, %v: %q, %v, %v", c.trial.From, c.trial.To, c.slacks, harm, waits, other)
		}
	}
}

// The least of all, and nothing where one is too near to the line, has a high load, or has too few readings.
func TestLeast(t *testing.T) {
	low, name, ok := Least(readings.Services{four("db", 0.3), four("web", 0.2)}, 0, now)
	if near(t, "least", low, 0.2); name != "web" || !ok {
		t.Errorf("%s, %v", name, ok)
	}
	busyOne := four("web", 0.2)
	busyOne.Load = 0.8
	for what, s := range map[string]readings.Services{
		"near": {four("db", 0.3), four("web", 0.06)}, "busy": {four("db", 0.3), busyOne}, "none": nil,
	} {
		if _, _, ok := Least(s, 0, now); ok {
			t.Errorf("%s: growth", what)
		}
	}
	if _, _, ok := Least(readings.Services{four("web", 0.2)}, time.Second, now); ok {
		t.Error("growth after three readings")
	}
	if _, _, ok := Least(readings.Services{four("web", 0.2)}, 0, now+readings.Silence+1); ok {
		t.Error("growth without a reading")
	}
}
