package arrival

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func collect(t *testing.T, r Rates, until float64) []float64 {
	t.Helper()
	p, err := NewPoisson(r, rand.NewPCG(1, 2))
	if err != nil {
		t.Fatal(err)
	}
	var times []float64
	for p.Next() < until {
		times = append(times, p.Next())
		p.Pop()
	}
	return times
}

// Counts in the steps of a repeated trace are Poisson: over 2,000 passes the mean count of a step of rate λ and 2 s is 2λ with standard
// error sqrt(2λ/2000), and the variance equals the mean within 10 % (its standard error is 3 %).
func TestCountsFollowRates(t *testing.T) {
	t.Parallel()
	const passes = 2000
	rates := []float64{10, 0, 40}
	counts := make([][]float64, len(rates))
	for i := range counts {
		counts[i] = make([]float64, passes)
	}
	for _, x := range collect(t, Rates{StepSeconds: 2, PerSecond: rates, Repeat: true, StartSeconds: 5}, 5+passes*6) {
		step := int((x - 5) / 2)
		counts[step%3][step/3]++
	}
	for i, rate := range rates {
		var mean, square float64
		for _, c := range counts[i] {
			mean += c / passes
			square += c * c / passes
		}
		if want := 2 * rate; math.Abs(mean-want) > 4*math.Sqrt(want/passes) {
			t.Errorf("step %d: mean count is %v, want %v", i, mean, want)
		}
		if variance := square - mean*mean; math.Abs(variance-mean) > 0.1*mean {
			t.Errorf("step %d: variance is %v, want the mean %v", i, variance, mean)
		}
	}
}

// Twice the scale compresses the same pattern: the n-th arrival comes where the integrated rate is the same.
func TestScaleKeepsPattern(t *testing.T) {
	t.Parallel()
	slow := collect(t, Rates{StepSeconds: 1000, PerSecond: []float64{1}}, 500)
	fast := collect(t, Rates{StepSeconds: 1000, PerSecond: []float64{1}, Scale: 2}, 250)
	if len(slow) != len(fast) {
		t.Fatalf("%d arrivals and %d", len(slow), len(fast))
	}
	for i := range slow {
		if math.Abs(slow[i]-2*fast[i]) > 1e-9 {
			t.Fatalf("arrival %d at %v and %v", i, slow[i], fast[i])
		}
	}
}

func TestSetScale(t *testing.T) {
	t.Parallel()
	p, err := NewPoisson(Rates{StepSeconds: 1, PerSecond: []float64{0.5}, Scale: 2, Repeat: true}, rand.NewPCG(3, 4))
	if err != nil {
		t.Fatal(err)
	}
	first := p.Next()
	if err := p.SetScale(first/2, 8); err != nil { // half of the wait is left, at four times the rate
		t.Fatal(err)
	}
	if want := first/2 + first/8; math.Abs(p.Next()-want) > 1e-9 {
		t.Errorf("next is %v, want %v", p.Next(), want)
	}
	_ = p.SetScale(p.Next(), 0)
	if !math.IsInf(p.Next(), 1) {
		t.Errorf("next is %v without a rate", p.Next())
	}
	_ = p.SetScale(1000, 2)
	if p.Next() < 1000 || p.Next() > 1020 || p.RateAt(1000) != 1 {
		t.Errorf("next is %v after the rate came back at 1000", p.Next())
	}
	if p.SetScale(0, math.NaN()) == nil {
		t.Error("a scale that is no number was accepted")
	}
}

func TestEnd(t *testing.T) {
	t.Parallel()
	times := collect(t, Rates{StepSeconds: 1, PerSecond: []float64{100, 100}, StartSeconds: 10}, math.Inf(1))
	if len(times) < 150 || times[0] < 10 || times[len(times)-1] > 12 {
		t.Errorf("%d arrivals from %v to %v, want about 200 in [10, 12]", len(times), times[0], times[len(times)-1])
	}
	if got := collect(t, Rates{StepSeconds: 1, PerSecond: []float64{0}, Repeat: true}, 100); got != nil {
		t.Errorf("a rate of 0 gives arrivals %v", got)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	ok := Rates{StepSeconds: 1, PerSecond: []float64{1}}
	for field, change := range map[string]func(*Rates){
		"StepSeconds":  func(r *Rates) { r.StepSeconds = 0 },
		"PerSecond is": func(r *Rates) { r.PerSecond = nil },
		"PerSecond[1]": func(r *Rates) { r.PerSecond = []float64{1, math.NaN()} },
		"Scale":        func(r *Rates) { r.Scale = -1 },
		"StartSeconds": func(r *Rates) { r.StartSeconds = math.Inf(1) },
	} {
		r := ok
		change(&r)
		if _, err := NewPoisson(r, rand.NewPCG(1, 1)); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("error is %v, want one that names %s", err, field)
		}
	}
}
