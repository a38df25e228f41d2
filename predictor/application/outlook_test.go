package application_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/ballast-k8s/ballast/predictor/application"
)

// TestQuantileSimulated draws requests of the shop.
func TestQuantileSimulated(t *testing.T) {
	t.Parallel()
	m := model(t, shop())
	src := rand.NewPCG(5, 6)
	r := rand.New(src)
	db, web := distuv.Gamma{Alpha: 2, Beta: 2 / 0.004, Src: src}, distuv.Exponential{Rate: 30, Src: src}
	bank := distuv.Exponential{Rate: 50, Src: src}
	times := make([]float64, 400_000)
	for i := range times {
		times[i] = 0.004 + web.Rand()
		if r.Float64() < 0.8 {
			times[i] += db.Rand() + db.Rand()
		} else {
			times[i] += max(3*db.Rand(), bank.Rand())
		}
	}
	slices.Sort(times)
	for _, p := range []float64{0.5, 0.95, 0.99} {
		want := 1.1 * times[int(p*float64(len(times)))]
		if got := m.Quantile(0, m.Observed(), p); math.Abs(got/want-1) > 0.01 { // four standard errors at 0.99
			t.Errorf("percentile %v is %v, of 400,000 requests %v", p, got, want)
		}
	}
}

func TestOutlook(t *testing.T) {
	t.Parallel()
	m := model(t, shop())
	states := m.Observed()
	out := m.Outlook(0, states, 0.95)
	sum := 0.0
	for _, part := range out.Parts {
		sum += part
	}
	if q := m.Quantile(0, states, 0.95); math.Abs(out.Seconds/q-1) > 1e-9 || math.Abs(sum/q-1) > 1e-9 {
		t.Errorf("%v s in parts that add up to %v, want %v", out.Seconds, sum, q)
	}
	if out.Parts[0] < 0.8*sum {
		t.Errorf("web has %v of %v, and by far the longest calls", out.Parts[0], sum)
	}
	// Where all is in series and half of it constant, the parts are those that differences say: web first.
	d := shop()
	d.Entries[0].Patterns[1].Part = d.Entries[0].Patterns[0].Part
	d.Services[1].Shift = 0.002
	plain := model(t, d)
	parts := plain.Outlook(0, states, 0.95).Parts
	for i := range 2 {
		longer := slices.Clone(d.Services)
		const more = 1e-4
		longer[i].Law.Fixed *= 1 + more
		longer[i].Law.Stretch *= 1 + more
		longer[i].Shift *= 1 + more
		e := d
		e.Services = longer
		want := (model(t, e).Quantile(0, states, 0.95) - plain.Quantile(0, states, 0.95)) / more
		if math.Abs(parts[i]/want-1) > 1e-3 {
			t.Errorf("service %d has %v s of the percentile, by differences %v", i, parts[i], want)
		}
	}
	// Under the states observed only db's law, a prior, and the bank's add to the conformal interval.
	if low, high := out.Seconds*0.9/1.1, out.Seconds*1.4/1.1; out.Low > low || out.High < high || out.Low < 0.98*low || out.High > 1.02*high {
		t.Errorf("%v to %v, want slightly wider than %v to %v", out.Low, out.High, low, high)
	}
	// Twice the CPU of web: its law is known to 0.27 of the logarithm of the change.
	states[0].Cores = 1
	more := m.Outlook(0, states, 0.95)
	if more.Seconds >= out.Seconds || more.High/more.Seconds <= 1.05*out.High/out.Seconds {
		t.Errorf("with more CPU %+v, before %+v: want less, and a wider interval", more, out)
	}
	d = shop()
	d.Services[0].Kind = application.Steady
	if steady := model(t, d).Outlook(0, states, 0.95); steady.High <= more.High || steady.Seconds != more.Seconds {
		t.Errorf("with a law that never saw other CPU %+v, want wider than %+v", steady, more)
	}
	states[0].Cores = 0.1
	if out := m.Outlook(0, states, 0.95); !math.IsInf(out.Seconds, 1) || !math.IsNaN(out.Parts[0]) {
		t.Errorf("overloaded: %+v", out)
	}
}
