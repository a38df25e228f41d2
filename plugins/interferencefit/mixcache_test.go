package interferencefit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

func TestObserve(t *testing.T) {
	k := learn(t, append(trio(), class{name: "new", unmeasured: true})...)
	pods := append(several(2, "loud"), podOf("quiet", "0.2"), podOf("mystery", ""), podOf("new", "0.5"),
		podOf("quiet", "nonsense"), ownedPod("kube-system", "DaemonSet", "cni"))
	n := observe(nodeOf("n1", pods...), k, nodesetting.Report{}, "")

	// Unknown, 2 quiet, 2 loud, 1 new; the DaemonSet's pod does not count.
	full := interference.Mix{{Class: interference.Unknown, Units: 1}, {Class: quiet, Units: 2}, {Class: loud, Units: 2}, {Class: 3, Units: 1}}
	if diff := cmp.Diff(full, n.mix); diff != "" {
		t.Errorf("mix (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(full[1:], n.known); diff != "" {
		t.Errorf("known (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(full[1:3], n.trusted); diff != "" {
		t.Errorf("trusted (-want +got):\n%s", diff)
	}
	// quiet beside 2 loud: 0.5² = 0.25; loud beside one more: 0.8; new: 1.
	near(t, "value", n.values[0], 2*0.25+2*0.8+1)
	// One floor: the unmeasured class is not protected, and nonsense is no floor.
	if len(n.floors) != 1 || n.floors[0].floor != 0.2 {
		t.Fatalf("floors are %+v, want one of 0.2", n.floors)
	}
	near(t, "performance under the floor", n.floors[0].here, 0.25)

	without := observe(nodeOf("n1", pods...), k, nodesetting.Report{}, pods[0].UID)
	if got := without.mix.Units(loud); got != 1 {
		t.Errorf("leaving out one loud pod leaves %v", got)
	}
}

func TestGain(t *testing.T) {
	k := learn(t, trio()...)
	cases := map[string]struct {
		class int
		pods  []*v1.Pod
		want  float64
	}{
		"empty node": {quiet, nil, 1},
		// quiet: 0.5; loud loses nothing.
		"quiet beside loud": {quiet, several(1, "loud"), 0.5},
		// loud itself: 1; two quiet fall from 1 to 0.5 each.
		"loud beside two quiet": {loud, several(2, "quiet"), 1 - 2*0.5},
		// helper itself: 1; two quiet rise from 1 to 1.5 each.
		"helper beside two quiet": {helper, several(2, "quiet"), 1 + 2*0.5},
		// Both loud run at 0.8: 1.6 after, 1 before.
		"loud beside loud": {loud, several(1, "loud"), 0.6},
		// An unknown neighbour counts as the mean of the three: ln 0.5 / 3 a unit for quiet, and its help is not assumed.
		"quiet beside unknown": {quiet, several(1, "mystery"), math.Cbrt(0.5)},
		// Unknown load presses on loud itself by the mean (ln 0.8 / 3); the loss of quiet, 0.5, is counted as without it.
		"loud beside quiet and unknown": {loud, append(several(1, "quiet"), several(1, "mystery")...), math.Cbrt(0.8) - 0.5},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			n := observe(nodeOf("n1", c.pods...), k, nodesetting.Report{}, "")
			near(t, "gain", n.gain(c.class), c.want)
			if allocs := testing.AllocsPerRun(100, func() { n.gain(c.class) }); allocs != 0 {
				t.Errorf("gain allocates %v times", allocs)
			}
		})
	}
}

// By V(mix + pod) - V(mix) alone, unknown load would make this node look better for loud: it would leave quiet less to lose. The
// case is worked out here so that nobody simplifies gain back to it.
func TestUnknownLoadDoesNotHideALoss(t *testing.T) {
	k := learn(t,
		class{name: "quiet", perUnit: map[string]float64{"loud": 0.2}},
		class{name: "loud", perUnit: map[string]float64{"quiet": 0.3}})
	// Plain: (0.2 + 0.3) - 1 = -0.5. With unknown load of factors sqrt(0.2) on quiet and sqrt(0.3) on loud:
	// 0.2·0.447 + 0.3·0.548 - 0.447 = -0.193, which is better than -0.5.
	clean := observe(nodeOf("n1", podOf("quiet", "")), k, nodesetting.Report{}, "")
	crowded := observe(nodeOf("n2", podOf("quiet", ""), podOf("mystery", "")), k, nodesetting.Report{}, "")
	near(t, "gain without unknown load", clean.gain(1), -0.5)
	near(t, "gain with unknown load", crowded.gain(1), 0.3*math.Sqrt(0.3)-0.8)
}

// TestUnknownLoadNeverHelps is the property over random models and mixes, providers included.
func TestUnknownLoadNeverHelps(t *testing.T) {
	src := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		k, pods := randomNode(t, src)
		for c := range k.names {
			last := math.Inf(1)
			for unknown := range 4 {
				n := observe(nodeOf("n", append(several(unknown, "mystery"), pods...)...), k, nodesetting.Report{}, "")
				if got := n.gain(c); got > last+1e-12 {
					t.Fatalf("gain of class %d rises from %v to %v with unknown load %d in %v", c, last, got, unknown, n.mix)
				} else {
					last = got
				}
			}
		}
	}
}

// randomNode draws a model of up to five classes and up to eight pods.
func randomNode(t testing.TB, src *rand.Rand) (*knowledge, []*v1.Pod) {
	t.Helper()
	classes := make([]class, 1+src.IntN(5))
	for i := range classes {
		classes[i] = class{name: fmt.Sprintf("c%d", i), base: 0.5 + src.Float64(), perUnit: map[string]float64{}, presence: map[string]float64{}}
		for j := range classes {
			classes[i].perUnit[fmt.Sprintf("c%d", j)] = 0.4 + 0.8*src.Float64()
			classes[i].presence[fmt.Sprintf("c%d", j)] = 0.6 + 0.9*src.Float64()
		}
	}
	var pods []*v1.Pod
	for range src.IntN(8) {
		pods = append(pods, podOf(fmt.Sprintf("c%d", src.IntN(len(classes))), ""))
	}
	return learn(t, classes...), pods
}

func TestCacheFollowsGenerationAndModel(t *testing.T) {
	k := learn(t, trio()...)
	cache := newMixCache(nil)
	info := nodeOf("n1", podOf("quiet", ""))
	first := cache.get(info, k)
	if cache.get(info, k) != first {
		t.Error("an unchanged node was observed again")
	}
	// A clone for preemption has another generation: same name, other content.
	clone := nodeOf("n1")
	clone.generation = 2
	if got := cache.get(clone, k); len(got.mix) != 0 {
		t.Errorf("the clone's mix is %v, want none", got.mix)
	}
	if got := cache.get(info, k); len(got.mix) != 1 {
		t.Errorf("the node's mix after the clone is %v, want one class", got.mix)
	}
	other := learn(t, trio()[:2]...)
	if got := cache.get(info, other); got.know != other {
		t.Error("the node was not observed again for another model")
	}
	if n := testing.AllocsPerRun(100, func() { cache.get(info, other) }); n != 0 {
		t.Errorf("a hit allocates %v times", n)
	}
}

func TestCacheIsBounded(t *testing.T) {
	k := learn(t, trio()...)
	cache := newMixCache(nil)
	for i := range 2 * cacheShards * cacheShardNodes {
		info := nodeOf("node")
		info.generation = int64(i)
		cache.get(info, k)
	}
	total := 0
	for i := range cache.shards {
		total += len(cache.shards[i].nodes)
	}
	if limit := cacheShards * cacheShardNodes; total > limit {
		t.Errorf("the cache holds %d nodes, want at most %d", total, limit)
	}
}

func TestCacheServesManyAtOnce(t *testing.T) {
	k := learn(t, trio()...)
	cache := newMixCache(nil)
	t.Run("group", func(t *testing.T) {
		for g := range 4 {
			t.Run(fmt.Sprint(g), func(t *testing.T) {
				t.Parallel()
				for i := range 2000 {
					info := nodeOf(fmt.Sprintf("node-%d", i%7), several(1+(g+i)%3, "loud")...)
					info.generation = int64(1 + (g+i)%3)
					if got := cache.get(info, k).mix.Units(loud); got != float64(1+(g+i)%3) {
						t.Fatalf("mix of generation %d has %v loud", info.generation, got)
					}
				}
			})
		}
	})
}

// benchNode is a node of ten pods of five classes under a model of 200 classes of rank 8, the largest there may be.
func benchNode(b *testing.B) (*knowledge, *fakeNode) {
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
		pods = append(pods, ownedPod("shop", "StatefulSet", fmt.Sprintf("c%d", i%5)))
	}
	return newKnowledge(m), nodeOf("node-1", pods...)
}

// BenchmarkScore is one pod on one node: its gain computed, remembered, and the node read first. BenchmarkCycle has them as they come.
func BenchmarkScore(b *testing.B) {
	k, info := benchNode(b)
	p := &InterferenceFit{cache: newMixCache(nil)}
	state := &fakeState{data: &cycle{condition: condition{Mode: v1alpha1.Active, Known: k}, class: 7}}
	b.Run("computed", func(b *testing.B) {
		n := p.cache.get(info, k)
		b.ReportAllocs()
		for b.Loop() {
			n.computeGain(7)
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
			info.generation++
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
	k, info := benchNode(b)
	info.pods[3].GetPod().Annotations = map[string]string{"ballast.dev/min-performance": "0.01"}
	p := &InterferenceFit{cache: newMixCache(nil)}
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
	k, _ := benchNode(b)
	for b.Loop() {
		newKnowledge(k.model)
	}
}
