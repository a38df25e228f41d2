package interferencefit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	v1 "k8s.io/api/core/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/byhand"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodemix"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// benchNode is a node of ten pods of five classes under a model of 200 classes of rank 8, the largest there may be.
func benchNode(b *testing.B) (*interference.Model, *byhand.NodeInfo) {
	b.Helper()
	src := rand.New(rand.NewPCG(3, 4))
	d := interference.Document{Format: interference.Format, Rank: interference.MaxRank}
	draw := func(n int) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = math.Round((src.Float64()-0.6)*1000) / 2e4
		}
		return v
	}
	for i := range interference.MaxClasses {
		width := 1 + 2*d.Rank
		d.Classes = append(d.Classes, interference.Class{
			Name: fmt.Sprintf("shop/c%d", i), Pressure: draw(d.Rank), Presence: draw(d.Rank), Response: draw(width),
			Covariance: make([]float64, width*(width+1)/2), IntervalScale: 1, NoiseStdDev: 0.02, ResidualStdDev: 0.03, Min: 0.1, Max: 3, Observations: 9,
		})
	}
	for i := range 1000 {
		d.Mixes = append(d.Mixes, interference.MeasuredMix{
			Classes: []int{i % 199, 199}, Units: []float64{float64(1 + i/199), 1}, Performance: []float64{0.9, 0.8}, Repeats: []int{1, 1},
		})
	}
	d.Version = interference.Fingerprint(d)
	m, err := interference.New(d)
	if err != nil {
		b.Fatal(err)
	}
	var pods []*v1.Pod
	for i := range 10 {
		pods = append(pods, byhand.Owned("shop", "StatefulSet", fmt.Sprintf("c%d", i%5)))
	}
	return m, byhand.Node("node-1", pods...)
}

// BenchmarkScore is one pod on one node: its gain computed, remembered, and the node read first. BenchmarkCycle has them as they come.
func BenchmarkScore(b *testing.B) {
	m, info := benchNode(b)
	k := nodemix.Learn(m)
	p := &InterferenceFit{cache: nodemix.NewCache(nil)}
	state := &fakeState{data: &cycle{condition: condition{Mode: v1alpha1.Active, Known: k}, class: 7}}
	b.Run("computed", func(b *testing.B) {
		n := p.cache.Get(info, k)
		b.ReportAllocs()
		for b.Loop() {
			n.LeastGain(7)
		}
	})
	b.Run("remembered", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, status := p.Score(b.Context(), state, nil, info); status != nil {
				b.Fatal(status)
			}
		}
	})
	b.Run("changed", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			info.Generation++
			if _, status := p.Score(b.Context(), state, nil, info); status != nil {
				b.Fatal(status)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, status := p.Score(b.Context(), state, nil, info); status != nil {
					b.Error(status)
				}
			}
		})
	})
}

// BenchmarkFilter is the cost of a node where one resident was promised something.
func BenchmarkFilter(b *testing.B) {
	m, info := benchNode(b)
	k := nodemix.Learn(m)
	info.Pods[3].GetPod().Annotations = map[string]string{"ballast.dev/min-performance": "0.01"}
	p := &InterferenceFit{cache: nodemix.NewCache(nil)}
	state := &fakeState{data: &cycle{condition: condition{Mode: v1alpha1.Active, Known: k}, class: 7}}
	b.ReportAllocs()
	for b.Loop() {
		if status := p.Filter(b.Context(), state, nil, info); status != nil {
			b.Fatal(status)
		}
	}
}

// BenchmarkNewKnowledge is the cost of a changed model of 200 classes.
func BenchmarkNewKnowledge(b *testing.B) {
	m, _ := benchNode(b)
	for b.Loop() {
		nodemix.Learn(m)
	}
}

// A model that names settings costs a remembered gain one look at a number more.
func BenchmarkScoreWithSettings(b *testing.B) {
	k := nodemix.Learn(byhand.ModelIn(b, map[string]float64{"/fence": 0.5, "big": 0.25}))
	now := byhand.Instant
	info := byhand.Node("n1", byhand.Several(5, "loud")...)
	for _, partition := range []string{"fence", "nobody-measured"} {
		p := &InterferenceFit{cache: nodemix.NewCache(byhand.Reports(b, &now, byhand.Ignored, byhand.Reported("n1", partition)))}
		state := &fakeState{data: &cycle{condition: condition{Mode: v1alpha1.Active, Known: k}, class: quiet}}
		for _, remembered := range []bool{true, false} {
			b.Run(fmt.Sprintf("%s/remembered=%v", partition, remembered), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if !remembered {
						p.cache.Get(info, k).LeastGain(quiet)
						continue
					}
					if _, status := p.Score(b.Context(), state, nil, info); status != nil {
						b.Fatal(status)
					}
				}
			})
		}
	}
}
