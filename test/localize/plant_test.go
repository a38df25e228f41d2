package localize

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	product "github.com/ballast-k8s/ballast/recommender/localize"
)

// The plant's hotel application, whose faults are mild and whose load changes: the default weights have not seen it. FIRM learns on
// the other services of the same application.
func TestPlant(t *testing.T) {
	list := plantSamples(t, 0)
	t.Run("online", func(t *testing.T) { online(t, slices.Clone(list)) })
	ballast, firms := outcomes{}, outcomes{}
	model := product.Default(true)
	shipped := method{0.5, func([]*sample) func(*sample) []float64 { return probabilities(&model, asTheyAre) }}
	trial(shipped, nil, list, ballast, 1)
	for service := range list[0].inputs {
		var rest, of []*sample
		for i, s := range list {
			if i*len(list[0].inputs)/len(list) == service {
				of = append(of, s)
			} else {
				rest = append(rest, s)
			}
		}
		for seed := range uint64(3) {
			trial(theirs(seed, own), rest, of, firms, 1.0/3)
		}
	}
	t.Logf("Ballast, default weights: %v\nFIRM, learnt on the other services: %v", ballast, firms)
	for _, what := range troubles() {
		if o := ballast.at(what.kind); o.first < 0.8*o.n || o.first < firms.at(what.kind).first {
			t.Errorf("%s: %.0f of %.0f first, FIRM %.1f", what.kind, o.first, o.n, firms.at(what.kind).first)
		}
	}
	if calm := ballast.at("quiet"); calm.named > 0.05*calm.n {
		t.Errorf("named in %.0f of %.0f quiet windows", calm.named, calm.n)
	}
}

// online: what becomes known of each window, once it is over, makes the default weights better for the application that they are used on: by
// logarithmic score, and in how many faults are named.
func online(t *testing.T, list []*sample) {
	t.Helper()
	rand.New(rand.NewPCG(11, 11)).Shuffle(len(list), func(i, k int) { list[i], list[k] = list[k], list[i] })
	model, fixed := product.Default(true), product.Default(true)
	var score, scoreFixed float64
	after, before := outcomes{}, outcomes{}
	for k, s := range list {
		for i, x := range s.inputs {
			e := product.Example{Inputs: x, Cause: i == s.truth}
			p, _, _ := model.Probability(x)
			q, _, _ := fixed.Probability(x)
			if !e.Cause {
				p, q = 1-p, 1-q
			}
			score -= math.Log(p) / float64(len(list))
			scoreFixed -= math.Log(q) / float64(len(list))
		}
		if k >= len(list)/2 {
			after.count(s, probabilities(&model, asTheyAre)(s), 0.5, 1)
			before.count(s, probabilities(&fixed, asTheyAre)(s), 0.5, 1)
		}
		for i, x := range s.inputs {
			model.Update(product.Example{Inputs: x, Cause: i == s.truth})
		}
	}
	t.Logf("logarithmic score of a window %.3f, with the default weights %.3f; in the second half%v\nwith the default weights%v", score, scoreFixed, after, before)
	named, namedBefore := 0.0, 0.0
	for _, what := range troubles() {
		named += after.at(what.kind).named
		namedBefore += before.at(what.kind).named
	}
	if score > 0.9*scoreFixed || named <= namedBefore || after.at("quiet").named > 0.1*after.at("quiet").n {
		t.Errorf("score %.3f and %.3f; %.0f and %.0f named", score, scoreFixed, named, namedBefore)
	}
}
