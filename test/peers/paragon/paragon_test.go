package paragon_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ballast-k8s/ballast/test/peers"
	"github.com/ballast-k8s/ballast/test/peers/internal/published"
	"github.com/ballast-k8s/ballast/test/peers/paragon"
	"github.com/ballast-k8s/ballast/test/peers/rules"
)

// Class 0 stands at most 2 of class 1 in 8 slots: t = 2/8, rescaled (0.25 + 2)/3 = 0.75; class 1 causes (1 − 0.25)/3 = 0.25 of
// source 0. What no rule names is tolerated wholly and causes nothing; the affinity is ignored.
func TestScoresByHand(t *testing.T) {
	t.Parallel()
	s := paragon.NewScores([]rules.Rule{
		{Subject: 0, Target: 1, Threshold: 2, Weight: 1}, {Subject: 1, Target: 0, AtLeast: true, Threshold: 1, Weight: 1},
	}, 2, 8)
	want := map[string][][]float64{"tolerates": {{1, 0.75}, {1, 1}}, "causes": {{0, 0}, {0.25, 0}}}
	for name, got := range map[string][][]float64{"tolerates": s.Tolerates, "causes": s.Causes} {
		for a := range got {
			for i := range got[a] {
				if math.Abs(got[a][i]-want[name][a][i]) > 1e-12 {
					t.Errorf("%s is %v, want %v", name, got, want[name])
				}
			}
		}
	}
}

// Two classes that stand none of each other: each tolerates 2/3 of the other's source, and causes 1/3 in the other's. A server with
// three of class 0 has a pressure of 1 in source 1, of which class 0 tolerates 2/3: a fourth is refused (for a third, D2 is 0). Below
// that the norm falls with every container, 10/3, 8/3, 7/3: so six of class 0 fill two servers with three. Class 1 passes there
// (D2 = 1 − 1 in source 1) with a norm of 2, then 4/3, against 10/3 of the empty server.
//
// That class 1 goes to the very class it stands none of is no mistake of the test: tolerance is kept by source = neighbour,
// pressure by source = victim, so that they never meet. Metis fed Paragon that way, and both readings keep it.
func TestStrictByHand(t *testing.T) {
	t.Parallel()
	s := paragon.NewScores([]rules.Rule{{Subject: 0, Target: 1, Weight: 1}, {Subject: 1, Target: 0, Weight: 1}}, 2, 8)
	p := peers.Problem{Batch: []int{6, 2}, Nodes: 3, Slots: 8, Order: []int{0, 0, 0, 0, 0, 0, 1, 1}}
	placement, err := paragon.Strict{Scores: s}.Place(p, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(placement, slices.Compare)
	if want := (peers.Placement{{0, 0}, {3, 0}, {3, 2}}); !slices.EqualFunc(placement, want, slices.Equal) {
		t.Errorf("placement %v, want %v", placement, want)
	}
}

// The quirk: the same scores, but only the last pair of sources counts. For class 0 the smallest cause is in source 0 (none) and the
// largest tolerance of source 0 (1): D1 + D2 = 1 + 1 everywhere, so chance decides over all servers, also those that class 0 violates.
func TestReimplementedLooksAtTheLastPairOnly(t *testing.T) {
	t.Parallel()
	s := paragon.NewScores([]rules.Rule{{Subject: 0, Target: 1, Weight: 1}, {Subject: 1, Target: 0, Weight: 1}}, 2, 8)
	p := peers.Problem{Batch: []int{9, 0}, Nodes: 3, Slots: 8, Order: peers.ByClass([]int{9, 0})}
	violated := false
	for seed := range uint64(50) {
		placement, err := paragon.Reimplemented{Scores: s}.Place(p, rand.New(rand.NewPCG(seed, 1)))
		if err != nil {
			t.Fatal(err)
		}
		for _, counts := range placement {
			violated = violated || counts[0] > 3
		}
	}
	if !violated {
		t.Error("50 placements of nine on three servers never put four together: want chance, not the passing servers")
	}
}

// Medians of 30 batches on 81 nodes under the paper's simulator, and the nodes left empty. Ours re-implements Metis' Paragon a second
// time; the first, in Python, had 0.737, 0.723 and 0.717, and 48 empty nodes at 200. Ties go to chance: 1 % of room. The paper's
// Fig. 8a has 0.725, 0.716 and 0.714. Strict has no figure under this scorer; under the measured truth the first had means of 0.9095,
// 0.9034 and 0.8713, from which its mean here may differ by the simulator's error.
func TestReferenceThroughput(t *testing.T) {
	t.Parallel()
	scores := paragon.NewScores(published.Rules(t), published.Classes, 8)
	for i, file := range []string{"batch_set_200.csv", "batch_set_300.csv", "batch_set_400.csv"} {
		batches := published.Batches(t, file)[:30]
		got, free := throughputs(t, paragon.Reimplemented{Scores: scores}, batches)
		median, want := (got[14]+got[15])/2, []float64{0.737, 0.723, 0.717}[i]
		t.Logf("re-implemented, %s: median %.4f, reference %.3f; %.1f empty nodes", file, median, want, free)
		if math.Abs(median-want) > 0.01*want {
			t.Errorf("re-implemented, %s: median %.4f, want %.3f", file, median, want)
		}
		if i == 0 && (free < 46 || free > 51) {
			t.Errorf("%.1f empty nodes, want about 48", free)
		}
		got, free = throughputs(t, paragon.Strict{Scores: scores}, batches)
		mean, want := sum(got)/30, []float64{0.9095, 0.9034, 0.8713}[i]
		t.Logf("strict, %s: mean %.4f, reference on the truth %.4f; %.1f empty nodes", file, mean, want, free)
		if math.Abs(mean-want) > 0.01*want {
			t.Errorf("strict, %s: mean %.4f, want about %.4f", file, mean, want)
		}
	}
}

// throughputs returns the sorted throughputs of the batches on 81 nodes and the mean number of empty nodes.
func throughputs(t *testing.T, placer peers.Placer, batches [][]int) (sorted []float64, free float64) {
	t.Helper()
	forest := published.Forest(t)
	for b, batch := range batches {
		p := peers.Problem{Batch: batch, Nodes: 81, Slots: 8, Order: peers.ByClass(batch)}
		placement, err := placer.Place(p, rand.New(rand.NewPCG(uint64(b), 0)))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Verify(placement); err != nil {
			t.Fatal(err)
		}
		v, err := forest.Judge(placement)
		if err != nil {
			t.Fatal(err)
		}
		sorted = append(sorted, v.Throughput)
		free += float64(v.Free) / float64(len(batches))
	}
	slices.Sort(sorted)
	return sorted, free
}

func sum(x []float64) (total float64) {
	for _, v := range x {
		total += v
	}
	return total
}
