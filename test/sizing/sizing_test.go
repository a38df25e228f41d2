package sizing

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/plant/arrival"
)

// begin are the requests that runs start from, in the order of names.
var begin = []float64{0.6, 0.6, 0.8}

// leastStatic finds by brute force the fewest cores that, never changed, keep the share of requests within the target: the least scale, to
// 2 %, of each of several divisions among the services.
func leastStatic(t *testing.T, rates arrival.Rates, minutes, warm int) float64 {
	t.Helper()
	best := math.Inf(1)
	for _, web := range []float64{0.18, 0.21, 0.24} {
		for _, geo := range []float64{0.31, 0.35, 0.39} {
			meets := func(sum float64) bool {
				l := newLoop(t, 1, rates, []float64{web * sum, geo * sum, (1 - web - geo) * sum})
				l.fixed = true
				l.run(minutes)
				return l.since(warm).attainment >= percentile
			}
			if !math.IsInf(best, 1) && !meets(0.98*best) {
				continue
			}
			low, high := 1.3, min(best, 3.2)
			for high/low > 1.02 {
				if middle := math.Sqrt(low * high); meets(middle) {
					high = middle
				} else {
					low = middle
				}
			}
			best = high
		}
	}
	return best
}

// On a constant load the controller, which knows nothing of the application, comes within 10 % of the fewest cores that brute force finds
// with the application itself; it meets the objective, and it leaves what it has found alone.
func TestConstantLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("a brute-force search")
	}
	l := newLoop(t, 1, constant(60), begin)
	l.run(150)
	r := l.since(30)
	least := leastStatic(t, constant(60), 65, 5)
	t.Logf("attainment %.4f, %.3f cores, least static %.3f (%+.1f %%), %v resizes in 2 hours", r.attainment, r.cores, least, 100*(r.cores/least-1),
		r.resizes)
	if r.attainment < percentile {
		t.Errorf("%.4f of requests were within the target, expected %v", r.attainment, percentile)
	}
	if r.cores > 1.12*least { // the search is exact to 2 %
		t.Errorf("%.3f cores, expected at most 10 %% over the least, %.3f", r.cores, least)
	}
	if held := l.published(30); held < 0.85 || held > 0.97 {
		t.Errorf("published intervals held in %.3f of minutes, expected 0.9", held)
	}
	risk := 0
	for _, m := range l.minutes[30:] {
		if m.decision.AtRisk {
			risk++
		}
	}
	if risk > 12 {
		t.Errorf("at risk in %d of 120 minutes in which all was well", risk)
	}
	if r.resizes > 12 {
		t.Errorf("%v resizes of 3 services in 2 hours, expected at most 2 per service and hour", r.resizes)
	}
}

// The load doubles within a minute and halves an hour later. The minute of the step is lost, to queues; the next resizes, and from the
// third on the target is met. After the fall the cores come down, but not before Settle.
func TestStep(t *testing.T) {
	const step, fall = 60, 120
	l := newLoop(t, 1, arrival.Rates{StepSeconds: 3600, PerSecond: []float64{40, 80, 40}}, begin)
	l.run(170)
	for i := step + 2; i < step+12; i++ {
		if m := l.minutes[i]; m.within < percentile*m.requests {
			t.Errorf("minute %d after the step: %.4f within the target", i-step, m.within/m.requests)
		}
	}
	before, high := l.minutes[step-1].cores, l.minutes[fall-1].cores
	if peak := l.minutes[step+3].cores; peak > 2.2*before {
		t.Errorf("%.2f cores after the load doubled, %.2f before: a raise without measure", peak, before)
	}
	for i := fall; i < fall+9; i++ {
		if l.minutes[i].cores < 0.975*high { // a trifle that was found an hour earlier may be due
			t.Errorf("minute %d after the fall: %.2f cores, it was %.2f: too soon", i-fall, l.minutes[i].cores, high)
		}
	}
	if after := l.minutes[fall+40].cores; after > 1.15*before {
		t.Errorf("%.2f cores 40 minutes after the fall, expected about the %.2f before the step", after, before)
	}
	if r := l.since(30); r.attainment < 0.985 {
		t.Errorf("%.4f of requests were within the target, two steps included", r.attainment)
	}
}

// noisy is a slow wave of ±40 % over three hours with 16 % of noise from minute to minute, the persistence error of production traces.
func noisy(minutes int) arrival.Rates {
	rng := rand.New(rand.NewPCG(1, 2))
	r := arrival.Rates{StepSeconds: 60}
	for i := range minutes {
		mean := 60 * (1 + 0.4*math.Sin(2*math.Pi*float64(i)/180))
		r.PerSecond = append(r.PerSecond, mean*math.Exp(0.16*rng.NormFloat64()))
	}
	return r
}

// On a noisy load the objective is met with about the cores of the best fixed requests, which would have to be known; what was said
// beforehand of load and percentile held about as often as it claimed (0.9 both).
func TestNoisyLoad(t *testing.T) {
	const minutes = 240
	l := newLoop(t, 1, noisy(minutes), begin)
	l.run(minutes)
	r, c := l.since(30), l.minutes[minutes-1].decision.Coverage
	t.Logf("attainment %.4f, %.3f cores, %v resizes in 3.5 hours, %v", r.attainment, r.cores, r.resizes, c)
	if r.attainment < percentile {
		t.Errorf("%.4f of requests were within the target, expected %v", r.attainment, percentile)
	}
	fixed := newLoop(t, 1, noisy(minutes), []float64{0.21 * r.cores / 1.08, 0.35 * r.cores / 1.08, 0.44 * r.cores / 1.08})
	fixed.fixed = true
	fixed.run(minutes)
	if got := fixed.since(30).attainment; got >= percentile {
		t.Errorf("fixed requests 8 %% lower had %.4f within the target: the controller wastes", got)
	}
	if c.Load < 0.85 || c.Load > 0.97 {
		t.Errorf("planned loads held in %.3f of windows, expected about 0.9", c.Load)
	}
	held := l.published(30)
	t.Logf("published intervals held in %.3f of minutes", held)
	if held < 0.85 || held > 0.97 || c.Percentile < 0.85 || c.Percentile > 0.97 {
		t.Errorf("published intervals held in %.3f of minutes, in %.3f by the controller's own count, expected 0.9", held, c.Percentile)
	}
	if r.resizes > 3*4*3.5 {
		t.Errorf("%v resizes of 3 services in 3.5 hours, expected at most 4 per service and hour", r.resizes)
	}
}

// On an idle machine latency says little of the requests: everything runs at once. They are sized for a busy one all the same, so that
// batch work may come: it does, in minute 90, wants all of the machine and is denied what was requested.
func TestIdleThenBusy(t *testing.T) {
	const idle = 90
	l := newLoop(t, 1, constant(60), begin)
	if err := l.sim.Remove(l.batch, 0); err != nil {
		t.Fatal(err)
	}
	l.idle = true
	l.run(idle)
	quiet := l.minutes[idle-1]
	if quiet.percentile > 0.08 || quiet.cores > 2.3 {
		t.Errorf("on the idle machine p99 %v s with %.2f cores, expected far less than the target, with no more cores than a busy one takes",
			quiet.percentile, quiet.cores)
	}
	if p := quiet.decision.Predicted; quiet.percentile < 0.8*p.Low || quiet.percentile > 1.2*p.High {
		t.Errorf("on the idle machine predicted %+v, observed %v", p, quiet.percentile)
	}
	if g := quiet.decision.Guaranteed; g.Value < 0.1 || g.Value > target {
		t.Errorf("on a busy machine it would be %+v, expected near the target", g)
	}
	l.addBatch()
	l.run(60)
	if m := l.minutes[idle]; m.within < 0.97*m.requests {
		t.Errorf("%.4f within the target in the minute when batch work came", m.within/m.requests)
	}
	if r := l.since(idle); r.attainment < percentile {
		t.Errorf("%.4f within the target in the hour after, expected %v", r.attainment, percentile)
	}
}
