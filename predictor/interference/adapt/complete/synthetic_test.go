package complete_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/complete"
)

const (
	trueRank  = 3
	trueNoise = 0.03
)

// kind is a class of a population of low rank: how it presses in three dimensions, and how it reacts to them.
type kind struct{ pressure, presence, toLoad, toPresence [trueRank]float64 }

func draw(r *rand.Rand) kind {
	var k kind
	for d := range trueRank {
		k.pressure[d] = math.Exp(0.6 * r.NormFloat64())
		k.presence[d] = 0.5 * r.NormFloat64()
		k.toLoad[d] = -0.02 * math.Exp(0.6*r.NormFloat64())
		k.toPresence[d] = 0.1 * r.NormFloat64()
	}
	return k
}

// effects are what a unit of j, and its presence, does to k.
func (k *kind) effects(j *kind) (load, presence float64) {
	for d := range trueRank {
		load += k.toLoad[d] * j.pressure[d]
		presence += k.toPresence[d] * j.presence[d]
	}
	return load, presence
}

// truth is ln(performance) of class t of a mix.
func truth(kinds []kind, mix interference.Mix, t int) float64 {
	var sum float64
	for _, l := range mix {
		if u := l.Neighbours(t); u > 0 {
			load, presence := kinds[t].effects(&kinds[l.Class])
			sum += u*load + presence
		}
	}
	return sum
}

// document is what a perfect fit knows of a population: with a dimension for every class, or with the three that there are.
func document(t *testing.T, kinds []kind, own bool) *interference.Model {
	t.Helper()
	n, rank := len(kinds), trueRank
	if own {
		rank = n
	}
	d := interference.Document{Format: interference.Format, Rank: rank}
	for i := range kinds {
		c := interference.Class{
			Name: fmt.Sprint("class", i), Pressure: make([]float64, rank), Presence: make([]float64, rank),
			Response: make([]float64, 1+2*rank), Covariance: make([]float64, (1+2*rank)*(2+2*rank)/2),
			ResidualStdDev: trueNoise, NoiseStdDev: trueNoise, IntervalScale: 1.645, Min: 0.01, Max: 10, MaxUnits: 8, Observations: 100,
		}
		if own {
			c.Pressure[i], c.Presence[i] = 1, 1
			for j := range kinds {
				c.Response[1+j], c.Response[1+n+j] = kinds[i].effects(&kinds[j])
			}
		} else {
			copy(c.Pressure, kinds[i].pressure[:])
			copy(c.Presence, kinds[i].presence[:])
			copy(c.Response[1:], kinds[i].toLoad[:])
			copy(c.Response[1+rank:], kinds[i].toPresence[:])
		}
		d.Classes = append(d.Classes, c)
	}
	d.Version = interference.Fingerprint(d)
	m, err := interference.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// neighbours is the number of classes that the new one meets, the first.
const neighbours = 7

// someMix is one or two of the last of n+1 classes beside four to six containers of the first ones.
func someMix(r *rand.Rand, n int) interference.Mix {
	counts := make([]float64, n+1)
	counts[n] = float64(1 + r.IntN(2))
	for range 4 + r.IntN(3) {
		counts[r.IntN(neighbours)]++
	}
	mix, _ := interference.MixOf(counts)
	return mix
}

// probe measures a mix.
func probe(r *rand.Rand, kinds []kind, mix interference.Mix) interference.MeasuredMix {
	var x interference.MeasuredMix
	for _, l := range mix {
		x.Classes, x.Units = append(x.Classes, l.Class), append(x.Units, l.Units)
		x.Performance = append(x.Performance, math.Exp(truth(kinds, mix, l.Class)+trueNoise*r.NormFloat64()))
		x.Repeats = append(x.Repeats, 1)
	}
	return x
}

// accuracy is the root mean square error of ln(performance) of the new class and of those beside it, and how often the 90 % interval held a new
// measurement.
type accuracy struct{ own, beside, ownHeld, besideHeld, n, m float64 }

func (a *accuracy) ask(r *rand.Rand, m *interference.Model, kinds []kind) {
	for range 50 {
		mix := someMix(r, len(kinds)-1)
		for _, l := range mix {
			want := truth(kinds, mix, l.Class)
			p := m.Predict(mix, l.Class)
			e, held := math.Log(p.Mean)-want, 0.0
			if x := math.Exp(want + trueNoise*r.NormFloat64()); p.Lo <= x && x <= p.Hi {
				held = 1
			}
			if l.Class == len(kinds)-1 {
				a.own, a.ownHeld, a.n = a.own+e*e, a.ownHeld+held, a.n+1
			} else {
				a.beside, a.besideHeld, a.m = a.beside+e*e, a.besideHeld+held, a.m+1
			}
		}
	}
}

func (a *accuracy) String() string {
	return fmt.Sprintf("own %.3f held %.2f, beside it %.3f held %.2f", math.Sqrt(a.own/a.n), a.ownHeld/a.n, math.Sqrt(a.beside/a.m), a.besideHeld/a.m)
}

// With sixty known classes the population says much more of the next one than with seven: after two probes it is known better than after four. With
// eight, every dimension is taken, and the ninth class presses like a combination of them; with sixty the dimensions are learned.
func TestMoreClassesMakeBetterCompletions(t *testing.T) {
	t.Parallel()
	const truths = 20
	results := map[int][5]accuracy{}
	for _, n := range []int{7, 8, 60} {
		var at [5]accuracy
		for seed := range uint64(truths) {
			r := rand.New(rand.NewPCG(seed, 7))
			kinds := make([]kind, n+1)
			for i := range kinds {
				kinds[(n+i)%(n+1)] = draw(r) // the new one first, so that it is the same for every n, and so are those that it meets
			}
			m := document(t, kinds[:n], n <= 8)
			var probes []interference.MeasuredMix
			for k := range at {
				if k > 0 {
					probes = append(probes, probe(r, kinds, someMix(r, n)))
				}
				to, err := complete.Extend(m, "new", probes, time.Time{})
				if err != nil {
					t.Fatal(err)
				}
				at[k].ask(r, to, kinds)
			}
		}
		results[n] = at
		for k := range at {
			t.Logf("%2d classes, %d probes: %v", n, k, &at[k])
			if h := at[k].ownHeld / at[k].n; h < 0.85 {
				t.Errorf("%d classes, %d probes: the interval of the class holds %.2f, want 0.85", n, k, h)
			}
			if h := at[k].besideHeld / at[k].m; h < 0.85 {
				t.Errorf("%d classes, %d probes: the interval of those beside it holds %.2f, want 0.85", n, k, h)
			}
			if k > 0 && at[k].own/at[k].n >= at[k-1].own/at[k-1].n {
				t.Errorf("%d classes: the error of the class grows from %v to %v with probe %d", n, &at[k-1], &at[k], k)
			}
		}
	}
	few, many := results[7], results[60]
	if a, b := &few[4], &many[2]; a.own/a.n <= b.own/b.n {
		t.Errorf("after 4 probes 7 classes give %v, after 2 probes 60 give %v: want less", a, b)
	}
}
