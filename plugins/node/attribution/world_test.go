package attribution_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/attribution"
)

// period is the time between readings.
const period = 2 * time.Second

// world is a node with one victim and some batch neighbours, whose true interference is known. It shares no code with what it judges:
// cycles per instruction are those of the core plus misses times their cost, time for work is that times 1 plus delay over frequency.
type world struct {
	rng *rand.Rand
	now time.Duration
	// the victim when alone
	core, misses, cost, hertz, delay float64
	loadSlope                        float64 // how much CPI rises from idle to full use
	sigma, rho, outliers             float64
	noise                            [5]float64
	level, swing, idlest             float64 // utilisation
	ownEvery, ownFactor              float64 // own episodes: mean pause in hours, and by how much slower
	ownLeft                          int
	perf, queue                      bool // what the machine lets be read
	neighbours                       []neighbour
	// interference
	resource  attribution.Resource
	culprit   int
	magnitude float64
	effect    float64 // of it that acts now: caches take time
}

type neighbour struct {
	cores, factor, perCore, bytes float64
	steady                        bool
}

func between(r *rand.Rand, low, high float64) float64 { return low + (high-low)*r.Float64() }

func newWorld(seed uint64) *world {
	r := rand.New(rand.NewPCG(seed, 7))
	w := &world{
		rng: r, now: time.Hour,
		core: between(r, 0.5, 1.2), misses: between(r, 0.5, 8), cost: between(r, 80, 200), hertz: between(r, 2e9, 3.5e9), delay: between(r, 0.01, 0.2),
		loadSlope: between(r, 0, 0.3), sigma: between(r, 0.01, 0.06), rho: between(r, 0, 0.95), outliers: between(r, 0, 0.01),
		level: between(r, 0.3, 0.9), swing: between(r, 0, 0.05), idlest: 0.05, perf: true, queue: true, culprit: -1,
	}
	for range 2 + r.IntN(5) {
		w.neighbours = append(w.neighbours, neighbour{cores: between(r, 0.3, 4), factor: 1, perCore: between(r, 100, 3000), bytes: between(r, 1e6, 2e7)})
	}
	return w
}

func name(i int) attribution.Key {
	return attribution.Key{Namespace: "batch", Pod: fmt.Sprintf("job-%d", i), Container: "main"}
}

var victim = attribution.Key{Namespace: "shop", Pod: "cart-0", Container: "server"}

// step makes the readings of the next period, with a hold in force for all of it.
func (w *world) step(hold *attribution.Hold) attribution.Input {
	w.now += period
	in := attribution.Input{Now: w.now}
	acts := 0.0
	for i := range w.neighbours {
		n := &w.neighbours[i]
		if i != w.culprit && !n.steady && w.rng.Float64() < 1.0/300 { // it changes each 10 min
			n.factor = math.Exp(between(w.rng, -1, 1))
		}
		cores := n.cores * n.factor
		if hold != nil && hold.Container == name(i) {
			cores = min(cores, hold.Cores)
		}
		if i == w.culprit {
			acts = cores / n.cores
		}
		in.Readings = append(in.Readings, attribution.Reading{
			Container: name(i), Throttleable: true, Domain: 0, Entitled: 4, Cores: new(cores * between(w.rng, 0.95, 1.05)),
			MBps: new(cores * n.perCore * between(w.rng, 0.9, 1.1)), OccupancyBytes: new(n.cores * n.factor * n.bytes),
		})
	}
	w.effect += (acts - w.effect) * 0.63 // refilled in about 2 s
	in.Readings = append(in.Readings, w.victim())
	return in
}

func (w *world) victim() attribution.Reading {
	for i := range w.noise {
		w.noise[i] = w.rho*w.noise[i] + math.Sqrt(1-w.rho*w.rho)*w.rng.NormFloat64()
	}
	if w.rng.Float64() < 1.0/900 { // load changes each half hour
		w.level = min(max(w.level+between(w.rng, -0.3, 0.3), w.idlest), 0.98)
	}
	use := min(max(w.level+w.swing*w.noise[4], 0.02), 1)
	core, misses, cost, hertz, delay := w.core, w.misses, w.cost, w.hertz, w.delay*(0.5+use)
	cpi := core + misses*cost/1000
	more := 1 + (w.magnitude-1)*w.effect
	if w.culprit >= 0 {
		switch w.resource {
		case attribution.LLC:
			misses += cpi * (more - 1) * 1000 / cost
		case attribution.MemoryBandwidth:
			cost += cpi * (more - 1) * 1000 / misses
		case attribution.CPU:
			delay = (1+delay)*more - 1
		case attribution.Power:
			hertz /= more
		case attribution.Unknown:
			core += cpi * (more - 1)
		}
	}
	own := w.own()
	slope := 1 + w.loadSlope*use
	noisy := func(i int, scale float64) float64 {
		v := math.Exp(scale * w.sigma * w.noise[i])
		if w.rng.Float64() < w.outliers {
			v *= between(w.rng, 1, 2)
		}
		return v
	}
	misses *= noisy(1, 2)
	cpi = (core*own + misses*cost*own/1000) * slope * noisy(0, 1)
	r := attribution.Reading{Container: victim, Sensitive: true, Domain: 0, Entitled: 2, Cores: new(2 * use)}
	if w.perf {
		r.CPI, r.MPKI, r.MSPKI, r.Hertz = new(cpi), new(misses*slope), new(misses*cost*own*slope*noisy(2, 1)), new(hertz*noisy(3, 0.3))
	}
	if w.queue {
		r.Delay = new(delay * own * noisy(4, 3))
	} else {
		r.Pressure = new(min(delay*own*noisy(4, 3), 1))
	}
	return r
}

// own is how much slower the victim is by its own doing.
func (w *world) own() float64 {
	if w.ownEvery > 0 && w.ownLeft == 0 && w.rng.Float64() < period.Hours()/w.ownEvery {
		w.ownLeft, w.ownFactor = 5+w.rng.IntN(60), between(w.rng, 1.2, 2)
	}
	if w.ownLeft == 0 {
		return 1
	}
	w.ownLeft--
	return w.ownFactor
}

// run steps the world and what judges it.
func (w *world) run(s *attribution.State, length time.Duration, each func(attribution.Result)) {
	var result attribution.Result
	for end := w.now + length; w.now < end; {
		result = attribution.Step(s, w.step(result.Hold))
		if each != nil {
			each(result)
		}
	}
}
