package localize

import (
	"math/rand/v2"
	"slices"
	"strings"

	product "github.com/ballast-k8s/ballast/recommender/localize"
	"github.com/ballast-k8s/ballast/test/peers/firm"
)

// percentile of the duration above which requests are the tail: a window has 11 to 1,000 of them.
const percentile = 0.9

// sample is a stretch with what the methods look at.
type sample struct {
	*stretch
	application int
	kind        string // of fault, or "quiet"
	truth       int    // service, −1 of none
	report      product.Report
	inputs      []product.Inputs
	own, way    []firm.Feature // FIRM's, by service, without and with the time on the way to it
}

// slow reports whether a fault is of a kind that makes requests slower by itself: an exception or a wrong return value need not.
func slow(kind string) bool {
	return strings.HasPrefix(kind, "cpu") || kind == "network_delay"
}

// samples computes what the methods look at. minutes: of each minute of a fault, instead of each fault.
func samples(a *application, number int, minutes bool) []*sample {
	var list []*sample
	for _, s := range a.stretches(minutes) {
		one := a.sampleOf(s, number)
		one.describe(a.window(s), a.baseline(s), len(a.services))
		list = append(list, one)
	}
	return list
}

// sampleOf is a stretch with its fault.
func (a *application) sampleOf(s *stretch, number int) *sample {
	if s.fault == quiet {
		return &sample{stretch: s, application: number, kind: "quiet", truth: -1}
	}
	f := a.faults[s.fault]
	return &sample{stretch: s, application: number, kind: f.kind, truth: slices.Index(a.services, f.service)}
}

// describe computes what the methods look at of a window.
func (s *sample) describe(now, baseline product.Window, services int) {
	s.report = product.Analyse(now, baseline, services, percentile)
	s.inputs, s.own, s.way = nil, nil, nil
	for i := range services {
		s.inputs = append(s.inputs, s.report.Inputs(i))
		s.own = append(s.own, firmFeature(now.Requests, i, false))
		s.way = append(s.way, firmFeature(now.Requests, i, true))
	}
}

// firmFeature is of the requests that come to the service.
func firmFeature(requests []product.Request, service int, way bool) firm.Feature {
	var time, path []float64
	for i := range requests {
		calls, sum := 0, int64(0)
		for _, e := range requests[i].Edges {
			if e.To == service {
				calls += e.Calls
				sum += e.Critical
				if way {
					sum += e.Network
				}
			}
		}
		if calls > 0 {
			time, path = append(time, float64(sum)), append(path, requests[i].Duration())
		}
	}
	return firm.FeatureOf(time, path)
}

// method gives every service of a sample a number, the larger the more suspect, learnt from other samples. Above the bar the service is
// named.
type method struct {
	bar   float64
	train func([]*sample) (score func(*sample) []float64)
}

// withoutUsage takes the CPU figures out.
func withoutUsage(x product.Inputs) product.Inputs {
	x[product.Number-1] = 0
	return x
}

func asTheyAre(x product.Inputs) product.Inputs { return x }

// ours is package localize, with some inputs changed.
func ours(change func(product.Inputs) product.Inputs) method {
	return method{0.5, func(list []*sample) func(*sample) []float64 {
		model := product.Train(product.Ridge(), examples(list, change))
		return probabilities(&model, change)
	}}
}

func probabilities(model *product.Model, change func(product.Inputs) product.Inputs) func(*sample) []float64 {
	return func(s *sample) []float64 {
		p := make([]float64, len(s.inputs))
		for i, x := range s.inputs {
			p[i], _, _ = model.Probability(change(x))
		}
		return p
	}
}

// theirs is FIRM's classifier, with the random features of a seed.
func theirs(seed uint64, features func(*sample) []firm.Feature) method {
	return method{0, func(list []*sample) func(*sample) []float64 {
		random := rand.New(rand.NewPCG(seed, 17))
		svm := firm.New(random)
		var all []firm.Feature
		var critical []bool
		for _, s := range list {
			all = append(all, features(s)...)
			for i := range features(s) {
				critical = append(critical, i == s.truth)
			}
		}
		svm.Learn(all, critical, random)
		return func(s *sample) []float64 {
			var scores []float64
			for _, f := range features(s) {
				scores = append(scores, svm.Score(f))
			}
			return scores
		}
	}}
}

// single ranks by one figure and learns nothing.
func single(of func(*sample, int) float64) method {
	return method{0, func([]*sample) func(*sample) []float64 {
		return func(s *sample) []float64 {
			scores := make([]float64, len(s.inputs))
			for i := range scores {
				scores[i] = of(s, i)
			}
			return scores
		}
	}}
}
