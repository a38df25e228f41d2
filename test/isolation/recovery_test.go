package isolation

import (
	"math"
	"testing"

	plant "github.com/ballast-k8s/ballast/simulator/plant/sharednode"
)

// By hand, seconds of slack: below until second 4, then well.
func TestRecovery(t *testing.T) {
	t.Parallel()
	well := func(n int) (out []float64) {
		for range n {
			out = append(out, 0.1)
		}
		return out
	}
	for name, c := range map[string]struct {
		slacks []float64
		want   float64
	}{
		"never fell":                     {well(60), 0},
		"four seconds":                   {append([]float64{0.1, -1, -0.5, 0.04}, well(30)...), 4},
		"two bad of ten are noise":       {append([]float64{-1, 0.1, 0.1, 0, 0.1, 0.1, 0}, well(30)...), 1},
		"three bad of ten are not":       {append([]float64{-1, 0.1, 0, 0.1, 0, 0.1, 0}, well(30)...), 3},
		"never recovered":                {append(well(3), -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1), math.Inf(1)},
		"a dip minutes later is another": {append(well(100), append([]float64{-1, -1, -1, -1}, well(20)...)...), 0},
	} {
		if got := recovery(c.slacks); got != c.want {
			t.Errorf("%s: %v s, want %v", name, got, c.want)
		}
	}
}

// Turns by hand: ways 3, 4, 3, 3, 2, 4 turn twice (down at the second, up at the last); a quota from none to 4 goes down, then up. What comes
// before counting begins gives a direction only.
func TestKnobWatch(t *testing.T) {
	t.Parallel()
	k := &knobWatch{}
	ways := []int{3, 4, 3, 3, 2, 4}
	for i := 1; i < len(ways); i++ {
		k.see(plant.Setting{BatchWays: ways[i-1]}, plant.Setting{BatchWays: ways[i]}, i > 1)
	}
	if k.changes != 3 || k.turns != 2 {
		t.Errorf("%d changes and %d turns, want 3 and 2", k.changes, k.turns)
	}
	k = &knobWatch{}
	quotas := []float64{math.Inf(1), 4, 4.0001, 5, math.Inf(1), math.Inf(1)}
	for i := 1; i < len(quotas); i++ {
		k.see(plant.Setting{BatchCPU: quotas[i-1]}, plant.Setting{BatchCPU: quotas[i]}, true)
	}
	if k.changes != 3 || k.turns != 1 {
		t.Errorf("quotas: %d changes and %d turns, want 3 and 1", k.changes, k.turns)
	}
}

func TestSummarize(t *testing.T) {
	t.Parallel()
	s := Summarize([]*Result{
		{Recovery: 0, Work: 9, BestWork: 10},
		{Recovery: 10, Violation: 0.1, Turns: 3, Changes: 6, Work: 5, BestWork: 10},
		{Recovery: math.Inf(1), Violation: 0.2, Work: 10, BestWork: 10},
	})
	// violation (0+0.1+0.2)/3, share (0.9+0.5+1)/3
	if s.Runs != 3 || s.Soon != 2 || s.Median != 10 || !math.IsInf(s.Worst, 1) || math.Abs(s.Violation-0.1) > 1e-12 || s.Still != 2 ||
		s.MeanChanges != 2 || s.Good != 2 || math.Abs(s.Share-0.8) > 1e-12 || s.LeastShare != 0.5 {
		t.Errorf("%+v", s)
	}
}
