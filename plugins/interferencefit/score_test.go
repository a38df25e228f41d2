package interferencefit

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/byhand"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// scoresOf normalises gains given in units.
func scoresOf(t testing.TB, mode v1alpha1.Mode, gains ...int64) (fwk.NodeScoreList, *cycle) {
	t.Helper()
	c := &cycle{condition: condition{Mode: mode}}
	list := make(fwk.NodeScoreList, len(gains))
	for i, g := range gains {
		list[i] = fwk.NodeScore{Name: string(rune('a' + i)), Score: g}
	}
	if status := (&InterferenceFit{}).NormalizeScore(t.Context(), &fakeState{data: c}, nil, list); !status.IsSuccess() {
		t.Fatal(status)
	}
	return list, c
}

func TestNormalizeScore(t *testing.T) {
	list, c := scoresOf(t, v1alpha1.Active, 10_000, 9_950, 9_949, 5_000, 0, -20_000, -scale.Limit)
	// Lost against the best, in hundredths: 0, 0.5 (rounds up to 1), 0.51, 50, 100, 300, ...
	want := fwk.NodeScoreList{{Name: "a", Score: 100}, {Name: "b", Score: 99}, {Name: "c", Score: 99}, {Name: "d", Score: 50}, {Name: "e", Score: 0}, {Name: "f", Score: 0}, {Name: "g", Score: 0}}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("scores (-want +got):\n%s", diff)
	}
	if c.best != rated("a", 10_000) || c.next != rated("b", 9_950) || !c.scored {
		t.Errorf("best %+v, next %+v, scored %v", c.best, c.next, c.scored)
	}
}

func TestShadowScoresNothing(t *testing.T) {
	list, c := scoresOf(t, v1alpha1.Shadow, 10_000, 5_000)
	for _, s := range list {
		if s.Score != 0 {
			t.Errorf("node %s scores %d in shadow", s.Name, s.Score)
		}
	}
	if c.best.Name != "a" {
		t.Errorf("best is %+v, want node a", c.best)
	}
}

func TestInUnits(t *testing.T) {
	for gain, want := range map[float64]int64{0.5: 5000, -0.00005: -1, 0.00004: 0, math.Inf(1): scale.Limit, math.Inf(-1): -scale.Limit, math.NaN(): -scale.Limit, 1e300: scale.Limit} {
		if got := scale.Raw(gain); got != want {
			t.Errorf("scale.Raw(%v) is %d, want %d", gain, got, want)
		}
	}
}

// FuzzScores: scores lie in 0..100, the best has 100, order is kept, and shuffling the nodes changes nothing.
func FuzzScores(f *testing.F) {
	f.Add(int64(0), uint64(1))
	f.Add(scale.Limit, uint64(7))
	f.Fuzz(func(t *testing.T, spread int64, seed uint64) {
		src := rand.New(rand.NewPCG(seed, 1))
		spread = min(max(spread, 1), 2*scale.Limit)
		gains := make([]int64, 1+src.IntN(20))
		for i := range gains {
			gains[i] = src.Int64N(spread) - spread/2
		}
		list, c := scoresOf(t, v1alpha1.Active, gains...)
		byName := map[string]int64{}
		for i, s := range list {
			byName[s.Name] = s.Score
			if s.Score < fwk.MinScore || s.Score > fwk.MaxScore {
				t.Fatalf("score %d for gain %d", s.Score, gains[i])
			}
			for j, other := range list {
				if gains[i] > gains[j] && s.Score < other.Score {
					t.Fatalf("gains %d > %d but scores %d < %d", gains[i], gains[j], s.Score, other.Score)
				}
			}
		}
		if byName[c.best.Name] != fwk.MaxScore {
			t.Fatalf("the best node scores %d", byName[c.best.Name])
		}
		shuffled := make(fwk.NodeScoreList, len(gains))
		for to, from := range src.Perm(len(gains)) {
			shuffled[to] = fwk.NodeScore{Name: list[from].Name, Score: gains[from]}
		}
		again := &cycle{condition: condition{Mode: v1alpha1.Active}}
		(&InterferenceFit{}).NormalizeScore(t.Context(), &fakeState{data: again}, nil, shuffled)
		for _, s := range shuffled {
			if s.Score != byName[s.Name] {
				t.Fatalf("node %s scores %d shuffled, %d before", s.Name, s.Score, byName[s.Name])
			}
		}
		if again.best != c.best || again.next != c.next {
			t.Fatalf("best and next depend on the order: %+v %+v, %+v %+v", c.best, c.next, again.best, again.next)
		}
	})
}

func TestSkips(t *testing.T) {
	k := learn(t, byhand.Trio()...)
	daemon := byhand.WithLabel(byhand.Owned("kube-system", "DaemonSet", "cni"), "ballast.dev/class", "quiet")
	cases := map[string]struct {
		cycle cycle
		want  string
	}{
		"known":   {cycle{condition: condition{Mode: v1alpha1.Active, Known: k}, class: quiet}, ""},
		"shadow":  {cycle{condition: condition{Mode: v1alpha1.Shadow, Known: k}, class: quiet}, ""},
		"blind":   {cycle{condition: condition{Mode: v1alpha1.Active, Blind: modelsource.ReasonStale}, class: interference.Unknown}, modelsource.ReasonStale},
		"unknown": {cycle{condition: condition{Mode: v1alpha1.Active, Known: k}, class: interference.Unknown}, reasonUnknownClass},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := c.cycle.skips(byhand.Pod("quiet", "")); got != c.want {
				t.Errorf("skips is %q, want %q", got, c.want)
			}
		})
	}
	known := cycle{condition: condition{Mode: v1alpha1.Active, Known: k}, class: quiet}
	if got := known.skips(daemon); got != reasonDaemonSet {
		t.Errorf("a DaemonSet's pod skips by %q", got)
	}
}

func TestCloneIsIndependent(t *testing.T) {
	k := learn(t, byhand.Trio()...)
	original := &cycle{condition: condition{Mode: v1alpha1.Active, Known: k}, class: quiet, floor: 0.5}
	before := *original
	clone, ok := original.Clone().(*cycle)
	if !ok || *clone != before {
		t.Fatalf("the clone is %+v, want %+v", clone, before)
	}
	clone.class, clone.floor, clone.scored, clone.best, clone.reserved, clone.Known = loud, 0.1, true, rated("x", 1), true, nil
	if *original != before {
		t.Errorf("changing the clone changed the original to %+v", *original)
	}
}
