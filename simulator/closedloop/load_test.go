package closedloop

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestGeneratedLoad(t *testing.T) {
	t.Parallel()
	load := GeneratedLoad(3)
	if err := load.validate(); err != nil {
		t.Fatal(err)
	}
	var sum, squares float64
	for _, r := range load.PerSecond {
		sum += r
		squares += r * r
	}
	n := float64(len(load.PerSecond))
	mean := sum / n
	deviation := math.Sqrt(squares/n - mean*mean)
	// Rates below 0 are cut, which moves both a little.
	if math.Abs(mean-157.5) > 0.1 || math.Abs(deviation-29.9) > 0.3 {
		t.Errorf("mean %.2f and deviation %.2f, want 157.5 and 29.9", mean, deviation)
	}
	lagged := func(lag int) float64 {
		var c float64
		for i := range load.PerSecond[lag:] {
			c += (load.PerSecond[i] - mean) * (load.PerSecond[i+lag] - mean)
		}
		return c / (n - float64(lag)) / (deviation * deviation)
	}
	// The published trace has 0.95 and 0.57.
	if a, b := lagged(1), lagged(10); a < 0.85 || a > 0.98 || b < 0.35 || b > 0.8 {
		t.Errorf("autocorrelation is %.2f after a second and %.2f after ten", a, b)
	}
	if !slices.Equal(load.PerSecond, GeneratedLoad(3).PerSecond) || slices.Equal(load.PerSecond, GeneratedLoad(4).PerSecond) {
		t.Error("the trace depends on something else than the seed, or not on the seed")
	}
}

func TestReadLoad(t *testing.T) {
	t.Parallel()
	hour := strings.Repeat("127\n", 3600)
	load, err := ReadLoad("a file", strings.NewReader(hour))
	if err != nil || len(load.PerSecond) != 3600 || load.mean() != 127 {
		t.Fatalf("%d rates of mean %v, %v", len(load.PerSecond), load.mean(), err)
	}
	// The warm-up is the hour's end, then comes the hour.
	rates := load.rates()
	if len(rates.PerSecond) != 3900 || rates.Scale != 2 || rates.Repeat {
		t.Errorf("%d rates × %v, repeat %v; want 3900 × 2 once", len(rates.PerSecond), rates.Scale, rates.Repeat)
	}
	for text, want := range map[string]string{
		"1\nx\n":           `a file:2: "x" is no number`,
		"1\n2\n":           "2 rates, expected one for each of the 3600 seconds",
		hour + "1\n":       "3601 rates",
		"-1\n" + hour[4:]:  "rate 1 is -1",
		"NaN\n" + hour[4:]: "rate 1 is NaN",
	} {
		if _, err := ReadLoad("a file", strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.10q: error is %v, want %q", text, err, want)
		}
	}
}
