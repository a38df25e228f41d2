package localize

import (
	"math/rand/v2"

	product "github.com/ballast-k8s/ballast/recommender/localize"
)

// dilutions are the shares of its requests that a fault keeps in the windows that methods learn from, the others replaced by quiet
// ones. Nezha's faults are drastic, and windows catch a fault's end, or a fault hits every tenth request: from drastic ones alone one
// learns that nothing less is a cause.
func dilutions() []float64 { return []float64{1, 0.5, 0.2, 0.1, 0.05} }

// fewestCalm is how many requests a quiet recording needs for its requests to stand in.
const fewestCalm = 40

// lesson is a sample to learn from.
type lesson struct {
	*sample
	calm *stretch // where its quiet requests are from
}

// lessons are the stretches of an application that methods learn from: quiet ones, and of those with a fault that slows things every
// dilution. CPU figures are left as they were.
func lessons(a *application, number int) []lesson {
	random := rand.New(rand.NewPCG(1, 1))
	all := a.stretches(false)
	var calm []*stretch
	for _, s := range all {
		if s.fault == quiet && len(s.requests) >= fewestCalm {
			calm = append(calm, s)
		}
	}
	var list []lesson
	for k, s := range all {
		one := a.sampleOf(s, number)
		if one.truth < 0 {
			one.describe(a.window(s), a.baseline(s), len(a.services))
			list = append(list, lesson{one, s})
			continue
		}
		if !slow(one.kind) {
			continue
		}
		other := calm[k%len(calm)]
		for _, share := range dilutions() {
			diluted, now := *one, a.window(s)
			now.Requests = nil
			for _, r := range s.requests {
				if random.Float64() >= share {
					r = other.requests[random.IntN(len(other.requests))]
				}
				now.Requests = append(now.Requests, r)
			}
			diluted.describe(now, a.baseline(s, other), len(a.services))
			list = append(list, lesson{&diluted, other})
		}
	}
	return list
}

// but are the samples of lessons that have nothing of a stretch.
func but(list []lesson, s *stretch) []*sample {
	var kept []*sample
	for _, l := range list {
		if s == nil || l.from != s.from && l.calm.from != s.from {
			kept = append(kept, l.sample)
		}
	}
	return kept
}

// examples are all services of samples.
func examples(list []*sample, change func(product.Inputs) product.Inputs) []product.Example {
	var all []product.Example
	for _, s := range list {
		for i, x := range s.inputs {
			all = append(all, product.Example{Inputs: change(x), Cause: i == s.truth})
		}
	}
	return all
}
