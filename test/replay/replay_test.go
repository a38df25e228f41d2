package main

import (
	"io"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/hotel"
	"github.com/ballast-k8s/ballast/test/replay/fleet"
	"github.com/ballast-k8s/ballast/test/replay/rates"
	"github.com/ballast-k8s/ballast/test/replay/stockvpa"
)

func TestMain(m *testing.M) {
	stockvpa.Aggregate()
	os.Exit(m.Run())
}

// short is a replay of minutes: the synthetic day, begun 4 h after its mean so that the judged time climbs to the peak at 6 h.
func short() *course {
	return &course{trace: rates.Synthetic(historyDays+1, 1, 4), seed: 1, warm: 35 * minute, judged: 20 * minute}
}

// even is a replay at the mean rate.
func even(t *testing.T) *course {
	t.Helper()
	trace, err := rates.New("constant", "", historyDays+1, 1)
	if err != nil {
		t.Fatal(err)
	}
	return &course{trace: trace, seed: 1, warm: minute, judged: 40 * minute}
}

func stockRun(t *testing.T, c *course, r stockvpa.Rule) *verdict {
	t.Helper()
	v, err := (&options{}).runStock(c, r, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func ballastRun(t *testing.T, c *course, r stockvpa.Rule, mute bool) *verdict {
	t.Helper()
	v, err := (&options{mute: mute}).runBallast(c, r, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// On the way to the daily peak the stock recommender, which has the 90th percentile of eight days, misses the objective, and Ballast
// keeps it with less than what the developer guessed.
func TestBallastKeepsTheObjectiveWhereStockDoesNot(t *testing.T) {
	c := short()
	stock, ballast := stockRun(t, c, stockvpa.NewUpdater()), ballastRun(t, c, stockvpa.NewUpdater(), false)
	t.Logf("stock: %.2f %% within, %.2f cores; Ballast: %.2f %% within, %.2f cores, %d resizes",
		100*stock.attainment(), stock.cores(), 100*ballast.attainment(), ballast.cores(), ballast.Resizes)
	if stock.met() {
		t.Errorf("stock attains %.4f, expected less than the objective: the case shows nothing", stock.attainment())
	}
	if !ballast.met() {
		t.Errorf("Ballast attains %.4f, expected at least %v", ballast.attainment(), hotel.Percentile)
	}
	guess := fleet.New(fleet.Guessed()).Total()
	if ballast.cores() > 0.95*guess {
		t.Errorf("Ballast requests %.2f cores, expected clearly less than the %.2f of the guess", ballast.cores(), guess)
	}
	if ballast.Requests != stock.Requests && math.Abs(ballast.Requests-stock.Requests) > 0.001*stock.Requests {
		t.Errorf("the arms saw %v and %v requests, expected the same but for those in flight", ballast.Requests, stock.Requests)
	}
}

// Without a latency signal Ballast is stock, under both rules: not nearly, but in every request of every minute.
func TestWithoutLatencySignalEqualsStock(t *testing.T) {
	for _, r := range []stockvpa.Rule{stockvpa.NewUpdater(), stockvpa.AtOnce{}} {
		c := short()
		c.warm, c.judged = 3*minute, 2*minute
		stock, ballast := stockRun(t, c, r), ballastRun(t, c, r, true)
		if !slices.Equal(stock.requestedEach, ballast.requestedEach) {
			t.Errorf("rule %s: requests %v and %v, expected the same", r, stock.requestedEach, ballast.requestedEach)
		}
		if stock.Within != ballast.Within || stock.Requests != ballast.Requests {
			t.Errorf("rule %s: %v of %v and %v of %v within, expected the same requests to fare the same", r,
				stock.Within, stock.Requests, ballast.Within, ballast.Requests)
		}
	}
}

// Memory takes stock's way in both arms, whatever becomes of CPU.
func TestMemoryIsStock(t *testing.T) {
	c := short()
	c.warm, c.judged = 3*minute, 3*minute
	f, g := fleet.New(fleet.Guessed()), fleet.New(fleet.Guessed())
	a, b := prepared(t, c, f), prepared(t, c, g)
	ballast := newBallastArm(b, g)
	if _, err := c.run(f, stockArm{a}, stockvpa.NewUpdater(), func(float64) {}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.run(g, ballast, stockvpa.NewUpdater(), func(float64) {}); err != nil {
		t.Fatal(err)
	}
	differ := false
	stock, ours := a.Recommend(), ballast.recommend(float64(c.judged))
	for i := range stock {
		s, o := stock[i], ours[i]
		if s.Memory != o.Memory || s.MemoryLower != o.MemoryLower || s.MemoryUpper != o.MemoryUpper {
			t.Errorf("%s: memory %v and %v, expected the same", f.Services[i].Name, s, o)
		}
		differ = differ || s.Target != o.Target
	}
	if !differ {
		t.Error("CPU is the same in both arms: Ballast decided nothing, and the case shows nothing")
	}
	for i := range f.Pods {
		if f.Pods[i].Memory != g.Pods[i].Memory {
			t.Errorf("pod %d requests %d and %d bytes, expected the same", i, f.Pods[i].Memory, g.Pods[i].Memory)
		}
	}
}

func prepared(t *testing.T, c *course, f *fleet.Fleet) *stockvpa.State {
	t.Helper()
	s, err := stockvpa.New(f, stockvpa.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.history(s, f); err != nil {
		t.Fatal(err)
	}
	return s
}

// What the sweep computes without a plant is what the plant's run did, for the setting that ran.
func TestSweepReproducesTheRun(t *testing.T) {
	c := short()
	c.warm, c.judged = 3*minute, 3*minute
	for _, r := range []stockvpa.Rule{stockvpa.NewUpdater(), stockvpa.AtOnce{}} {
		v := stockRun(t, c, r)
		k := &candidate{Setting: stockvpa.Defaults()}
		if err := c.plan(k, r, v.usage); err != nil {
			t.Fatal(err)
		}
		for m, plan := range k.plan {
			var sum int64
			for _, milli := range plan {
				sum += milli
			}
			if math.Abs(float64(sum)/1000-v.requestedEach[m]) > 1e-9 {
				t.Errorf("rule %s, minute %d: %d m planned and %.3f cores in the run", r, m, sum, v.requestedEach[m])
			}
		}
		if math.Abs(k.cores-v.cores()) > 1e-9 {
			t.Errorf("rule %s: %.4f cores planned in the mean and %.4f in the run", r, k.cores, v.cores())
		}
	}
}

// The judge of candidates agrees with the full run on requests that never change, at a rate that does not either.
func TestExcerptAgreesWithTheWhole(t *testing.T) {
	c := even(t)
	requests := squareRoots(hotel.MeanRate, 1.2)
	whole, err := c.run(fleet.New(requests), static{}, stockvpa.NewUpdater(), func(float64) {})
	if err != nil {
		t.Fatal(err)
	}
	plan := make([][]int64, c.judged/minute)
	for i := range plan {
		plan[i] = fleet.New(requests).Millis()
	}
	part, err := c.try(plan)
	if err != nil {
		t.Fatal(err)
	}
	if part.Minutes != 4 || whole.Minutes != 40 {
		t.Errorf("%d of %d minutes judged, expected 4 of 40", part.Minutes, whole.Minutes)
	}
	if math.Abs(part.cores()-whole.cores()) > 1e-9 || math.Abs(part.attainment()-whole.attainment()) > 0.02 {
		t.Errorf("excerpt: %.4f within, %.3f cores; whole: %.4f, %.3f", part.attainment(), part.cores(), whole.attainment(), whole.cores())
	}
	if whole.attainment() > 0.97 || whole.attainment() < 0.8 {
		t.Errorf("%.4f within, expected requests so short that the comparison shows something, but no collapse", whole.attainment())
	}
}

// What is found afterwards meets the objective on what it was judged on, requests that follow the rate are no more than those that do
// not, and a little less than what was found does not meet it.
func TestOracles(t *testing.T) {
	c := short()
	c.warm, c.judged = minute, 20*minute
	constant, err := c.constant()
	if err != nil || constant == nil {
		t.Fatal(constant, err)
	}
	following, err := c.following()
	if err != nil || following == nil {
		t.Fatal(following, err)
	}
	t.Logf("constant %.2f cores, following %.2f", constant.cores, following.cores)
	if !constant.tried.met() || !following.tried.met() || following.cores > constant.cores {
		t.Errorf("constant: %.4f with %.2f cores, following: %.4f with %.2f", constant.tried.attainment(), constant.cores,
			following.tried.attainment(), following.cores)
	}
	for _, plan := range constant.plan {
		for i := range plan {
			plan[i] = plan[i] * 95 / 100
		}
	}
	if v, err := c.try(constant.plan); err != nil || v.met() {
		t.Errorf("95 %% of the least requests attain %.4f (%v), expected less than the objective", v.attainment(), err)
	}
}

// The cheapest of five whose attainments are 0.95, 0.98, 0.99, 0.995 and 1.
func TestCheapest(t *testing.T) {
	var all []*candidate
	for _, within := range []float64{950, 980, 990, 995, 1000} {
		all = append(all, &candidate{cores: within, tried: &verdict{Requests: 1000, Within: within}})
	}
	for share, want := range map[float64]float64{0.9: 950, 0.985: 990, 0.99: 990, 0.9901: 995, 1: 1000} {
		if k, err := (&course{}).cheapest(all, share); err != nil || k == nil || k.cores != want {
			t.Errorf("for %v: %+v (%v), expected the one that attains %v", share, k, err, want/1000)
		}
	}
	if k, err := (&course{}).cheapest(all[:4], 1); err != nil || k != nil {
		t.Errorf("found %+v (%v) where none attains the share", k, err)
	}
}

// BenchmarkStockRound is a round of the stock recommender after eight days: 40 samples, 8 recommendations.
func BenchmarkStockRound(b *testing.B) {
	f := fleet.New(fleet.Guessed())
	benchmarkRound(b, f, func(s *stockvpa.State) arm { return stockArm{s} })
}

// BenchmarkBallastRound is a round of Ballast's: the same, a window of 8 services, and a decision.
func BenchmarkBallastRound(b *testing.B) {
	f := fleet.New(fleet.Guessed())
	benchmarkRound(b, f, func(s *stockvpa.State) arm { return newBallastArm(s, f) })
}

func benchmarkRound(b *testing.B, f *fleet.Fleet, newArm func(*stockvpa.State) arm) {
	s, err := stockvpa.New(f, stockvpa.Defaults())
	if err != nil {
		b.Fatal(err)
	}
	if err := short().history(s, f); err != nil {
		b.Fatal(err)
	}
	a := newArm(s)
	rng := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // a test
	end := 0.
	for b.Loop() {
		end += minute
		if err := a.see(imagined(f, end, rng)); err != nil {
			b.Fatal(err)
		}
		a.recommend(end + minute)
	}
}

// imagined is a window at about the mean rate with times of processor sharing, a few per cent off.
func imagined(f *fleet.Fleet, end float64, rng *rand.Rand) *fleet.Window {
	off := func() float64 { return math.Exp(0.03 * rng.NormFloat64()) }
	rate := hotel.MeanRate * off()
	w := &fleet.Window{End: end, Requests: 0.7 * rate * minute, Percentile: 0.15 * off()}
	w.Services = make([]fleet.ServiceWindow, len(f.Services))
	w.Within = 0.99 * w.Requests
	work := hotel.WorkPerRequest()
	for i := range f.Pods {
		s := f.Services[f.Pods[i].Service]
		used := work[s.Name] * rate / float64(s.Replicas)
		w.Pods = append(w.Pods, fleet.PodWindow{Request: s.RequestCores, Usage: used, Available: s.RequestCores, Headroom: 1})
		w.Services[f.Pods[i].Service] = fleet.ServiceWindow{
			Calls: rate, Visits: 1, Critical: 1, Self: work[s.Name] / (s.RequestCores - used) * off(),
		}
	}
	return w
}
