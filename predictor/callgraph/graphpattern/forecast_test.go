package graphpattern

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestForecast(t *testing.T) {
	var f Forecast
	if got := f.Shares(); len(got) != 0 {
		t.Errorf("before the first: %v", got)
	}
	f.Observe(map[int]int{1: 10, 2: 30})
	if got := f.Shares(); got[1] != 0.25 || got[2] != 0.75 {
		t.Errorf("after one: %v", got)
	}
	f.Observe(nil)
	f.Observe(map[int]int{1: 10, 3: 0})
	// Both forecasts erred alike: the mean, 0.9·10 + 10 = 19 of 0.9·40 + 10 = 46.
	if got := f.Shares(); math.Abs(got[1]-19.0/46) > 1e-12 || math.Abs(got[2]-27.0/46) > 1e-12 || len(got) != 2 {
		t.Errorf("after two: %v", got)
	}
}

// Around a fixed mix the mean is closer than the last minute; where the mix moves for good, the forecast follows at once.
func TestForecastChoice(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 9))
	var f Forecast
	draw := func(share float64) map[int]int {
		counts := map[int]int{}
		for range 50 {
			p := 0
			if random.Float64() < share {
				p = 1
			}
			counts[p]++
		}
		return counts
	}
	var ours, persistence float64
	last := 0.0
	for i := range 200 {
		counts := draw(0.3)
		if i > 0 {
			ours += math.Abs(f.Shares()[1] - float64(counts[1])/50)
			persistence += math.Abs(last - float64(counts[1])/50)
		}
		last = float64(counts[1]) / 50
		f.Observe(counts)
	}
	if ours > 0.85*persistence { // 1/√2 in the limit of a mean of infinitely many
		t.Errorf("error %.3f, of the last minute %.3f", ours/199, persistence/199)
	}
	for i := range 5 {
		f.Observe(draw(1))
		if got := f.Shares()[1]; i > 0 && got != 1 {
			t.Errorf("%d minutes after the change the share is %.3f", i+1, got)
		}
	}
}
