package learn_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/application"
	"github.com/ballast-k8s/ballast/predictor/application/learn"
	"github.com/ballast-k8s/ballast/predictor/callgraph"
)

// arriving is twelve minutes of requests of 4 ms at 20 a second with CPU figures, as many more or fewer by a part as says the second that they
// come in, three calls of db in each, of which a share has spans.
func arriving(t *testing.T, seed uint64, sampled float64, part func(second int) float64) *application.Service {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	l := learn.New([]string{"web", "db"}, 60, sampled)
	for second := range 12 * 60 {
		load := 20 * (1 + part(second))
		for at := r.ExpFloat64() / load; at < 1; at += r.ExpFloat64() / load {
			if r.Float64() >= sampled {
				continue
			}
			start := int64((float64(second) + at) * 1e9)
			var tr trace
			web := tr.add(0, 0, "GET /", callgraph.Server, start, start+int64(4*ms*(0.5+r.Float64())))
			for k := range int64(3) {
				tr.add(web, 1, "get", callgraph.Server, start+k*500_000, start+k*500_000+400_000)
			}
			l.Add(tr)
		}
	}
	for minute := range 12 {
		for _, name := range []string{"web", "db"} {
			l.Observe(learn.Usage{Service: name, Time: float64(minute)*60 + 30, Pods: 1, Used: 0.02, Cores: 0.5})
		}
	}
	d, err := l.Fit(l.Windows())
	if err != nil {
		t.Fatal(err)
	}
	for i := range d.Services {
		if d.Services[i].Name == "db" {
			return &d.Services[i]
		}
	}
	t.Fatal("no db")
	return nil
}

// A load that is a quarter up or down for ten seconds at a time has 0.25² = 0.0625, with all spans and with a third of them; independent
// requests have nothing, although each makes three calls at once.
func TestBurst(t *testing.T) {
	t.Parallel()
	swing := func(second int) float64 {
		if second/10%2 == 0 {
			return 0.25
		}
		return -0.25
	}
	for _, sampled := range []float64{1, 0.3} {
		if got := arriving(t, 1, sampled, swing).Law.Burst; math.Abs(got-0.0625) > 0.015 {
			t.Errorf("burst %v at %v of the spans, want 0.0625", got, sampled)
		}
		if got := arriving(t, 2, sampled, func(int) float64 { return 0 }).Law.Burst; got > 0.006 {
			t.Errorf("burst %v of independent requests at %v of the spans", got, sampled)
		}
	}
}

// Where a third of the requests have spans, their number says the load to some per cent, and the CPU used says it better.
func TestStatesOfSampledLoad(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	l := learn.New([]string{"web"}, 60, 0.3)
	for minute := range 20 {
		for range 60 * 6 {
			start := int64((float64(minute) + r.Float64()) * 60e9)
			var tr trace
			tr.add(0, 0, "GET /", callgraph.Server, start, start+30*ms)
			l.Add(tr)
		}
		used := 0.2 // 20 calls a second of 10 ms
		switch minute {
		case 18:
			used = 0.21 // within the noise of 2/√360 = 11 %
		case 19:
			used = 0.3 // a third of it is not for calls
		}
		l.Observe(learn.Usage{Service: "web", Time: float64(minute)*60 + 30, Pods: 1, Used: used, Cores: 0.5})
	}
	d, err := l.Fit(l.Windows())
	if err != nil {
		t.Fatal(err)
	}
	m, err := application.New(d)
	if err != nil {
		t.Fatal(err)
	}
	for minute, want := range map[int64]application.State{17: {Load: 20, Cores: 0.5}, 18: {Load: 21, Cores: 0.5}, 19: {Load: 20, Cores: 0.4}} {
		if got := l.States(m, minute)[0]; math.Abs(got.Load-want.Load) > 0.3 || math.Abs(got.Cores-want.Cores) > 0.004 {
			t.Errorf("minute %d: %+v, want %+v", minute, got, want)
		}
	}
}
