package schedplugin

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	fwk "k8s.io/kube-scheduler/framework"
)

// tenths has two units in one, and a point for 10 units.
var tenths = Scale{Units: 2, PerPoint: 10, Limit: 1000}

func TestRaw(t *testing.T) {
	for measure, want := range map[float64]int64{1: 2, 0.25: 1, -0.25: -1, 0.2: 0, 499.9: 1000, math.Inf(1): 1000, math.Inf(-1): -1000, math.NaN(): -1000, 1e300: 1000} {
		if got := tenths.Raw(measure); got != want {
			t.Errorf("Raw(%v) is %d, want %d", measure, got, want)
		}
	}
}

func TestNormalize(t *testing.T) {
	raw := fwk.NodeScoreList{{Name: "a", Score: 500}, {Name: "b", Score: 495}, {Name: "c", Score: 496}, {Name: "d", Score: 0}, {Name: "e", Score: -1000}}
	for name, c := range map[string]struct {
		shadow bool
		want   fwk.NodeScoreList
	}{
		// Lost against the best: 0, 5 (half a point counts as one), 4, 500 (50 points), 1,500 (more than there are).
		"active": {false, fwk.NodeScoreList{{Name: "a", Score: 100}, {Name: "b", Score: 99}, {Name: "c", Score: 100}, {Name: "d", Score: 50}, {Name: "e", Score: 0}}},
		"shadow": {true, fwk.NodeScoreList{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "d"}, {Name: "e"}}},
	} {
		scores := append(fwk.NodeScoreList(nil), raw...)
		best, next := tenths.Normalize(scores, c.shadow)
		if diff := cmp.Diff(c.want, scores); diff != "" {
			t.Errorf("%s: scores (-want +got):\n%s", name, diff)
		}
		if best != raw[0] || next != raw[2] {
			t.Errorf("%s: best %v, next %v; want %v, %v", name, best, next, raw[0], raw[2])
		}
	}
}

func TestTwoBest(t *testing.T) {
	cases := map[string]struct {
		list       fwk.NodeScoreList
		best, next string
	}{
		"none":           {nil, "", ""},
		"one":            {fwk.NodeScoreList{{Name: "a", Score: -3}}, "a", ""},
		"equal, by name": {fwk.NodeScoreList{{Name: "c", Score: 1}, {Name: "a", Score: 1}, {Name: "b", Score: 1}}, "a", "b"},
		"ascending":      {fwk.NodeScoreList{{Name: "a", Score: 1}, {Name: "b", Score: 2}, {Name: "c", Score: 3}}, "c", "b"},
		"descending":     {fwk.NodeScoreList{{Name: "a", Score: 3}, {Name: "b", Score: 2}, {Name: "c", Score: 1}}, "a", "b"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if best, next := twoBest(c.list); best.Name != c.best || next.Name != c.next {
				t.Errorf("best %q and next %q, want %q and %q", best.Name, next.Name, c.best, c.next)
			}
		})
	}
}
