package hindsight

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func series(perSecond []float64) []Rate {
	out := make([]Rate, len(perSecond))
	for i, x := range perSecond {
		out[i] = Rate{Time: start.Add(time.Duration(i) * time.Minute), PerSecond: x}
	}
	return out
}

// Five samples of weight 1 and one more of which nothing is known: 0.5 of 6 is 3, reached at the third; 0.9 of 6 is 5.4, beyond the fifth,
// so the largest; from below 0.5 is again the third and 0.05 the smallest. With weight 4 on the smallest, 0.4 of 9 = 3.6 is reached there.
func TestConformalByHand(t *testing.T) {
	samples := []sample{{5, 1}, {1, 1}, {4, 1}, {2, 1}, {3, 1}}
	heavy := []sample{{5, 1}, {1, 4}, {4, 1}, {2, 1}, {3, 1}}
	for _, c := range []struct {
		what      string
		got, want float64
	}{
		{"upper 0.5", upperQuantile(samples, 0.5), 3},
		{"upper 0.6", upperQuantile(samples, 0.6), 4},
		{"upper 0.9", upperQuantile(samples, 0.9), 5},
		{"lower 0.5", lowerQuantile(samples, 0.5), 3},
		{"lower 0.05", lowerQuantile(samples, 0.05), 1},
		{"weighted", upperQuantile(heavy, 0.4), 1},
		{"weighted above", upperQuantile(heavy, 0.45), 2},
	} {
		if c.got != c.want {
			t.Errorf("%s is %v, expected %v", c.what, c.got, c.want)
		}
	}
}

// The same five: the k-th value has k sixths of the weight at or below it. 0.5 of 6 is 3, the third; 0.75 of 6 is 4.5, half-way from the
// fourth to the fifth; 0.9 of 6 is beyond the fifth; 0.1 of 6 is 0.6, below the first. From below, as the negative: 0.75 is half-way from the
// second to the first.
func TestBetweenByHand(t *testing.T) {
	samples := []sample{{5, 1}, {1, 1}, {4, 1}, {2, 1}, {3, 1}}
	for _, c := range []struct{ level, sign, want float64 }{
		{0.5, 1, 3}, {0.75, 1, 4.5}, {0.9, 1, 5}, {0.1, 1, 1}, {0.75, -1, -1.5}, {0.95, -1, -1},
	} {
		if got := between(samples, c.level, c.sign); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("at %v, sign %v: %v, expected %v", c.level, c.sign, got, c.want)
		}
	}
}

func TestWeighHalves(t *testing.T) {
	samples := make([]sample, 5)
	weigh(samples, 2)
	if samples[4].weight != 1 || math.Abs(samples[2].weight-0.5) > 1e-15 || math.Abs(samples[0].weight-0.25) > 1e-15 {
		t.Errorf("weights %v, expected 0.25, _, 0.5, _, 1", samples)
	}
}

// On stationary noise the planned rate is exceeded in about a tenth of windows two rounds on, and looks through the noise: it comes from an
// average, whose ratio spreads by 0.16·√(1 + 0.15/1.85) = 0.166, not 0.16·√2 = 0.226 as that of the last rate. The planned rate is then
// near the series' own quantile at 0.9, exp(1.2816·0.16) = 1.23 times the median.
func TestPlanStationaryNoise(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	perSecond := make([]float64, 2000)
	for i := range perSecond {
		perSecond[i] = 100 * math.Exp(0.16*rng.NormFloat64())
	}
	rates := series(perSecond)
	var held, n, planned float64
	for i := Rates; i+Lag < len(rates); i++ {
		f := Plan(rates[i-Rates:i], time.Minute, 10*time.Minute, 5*time.Minute)
		planned += f.Planned
		n++
		if rates[i-1+Lag].PerSecond <= f.Planned {
			held++
		}
	}
	if share := held / n; share < 0.88 || share > 0.96 {
		t.Errorf("planned rates held in %.3f of windows, expected 0.88 to 0.96", share)
	}
	if mean := planned / n; mean < 120 || mean > 132 {
		t.Errorf("planned %.1f on average, expected about 1.23·100, a little more for the last rate being a floor", mean)
	}
}

// On a ramp of 3 % a minute the last rate is the base, and its growth over two rounds, 1.03² = 1.0609, is what is planned for.
func TestPlanRamp(t *testing.T) {
	perSecond := make([]float64, 120)
	for i := range perSecond {
		perSecond[i] = 10 * math.Pow(1.03, float64(i))
	}
	f := Plan(series(perSecond), time.Minute, 10*time.Minute, 5*time.Minute)
	if got := f.Planned / f.Last; math.Abs(got-1.0609) > 0.001 || f.Base != f.Last {
		t.Errorf("planned %v times the last rate from base %v (last %v), expected 1.0609 from the last", got, f.Base, f.Last)
	}
}

func TestPlanEdges(t *testing.T) {
	if f := Plan(nil, time.Minute, time.Hour, 5*time.Minute); f != (Forecast{}) {
		t.Errorf("without rates %+v", f)
	}
	// One rate: the prior alone. Its upper quantile at 0.9 with a weight of 10 and one unknown is the sixth or seventh of seven: 1.28 or
	// 1.96 deviations of 0.2, so a factor of 1.29 to 1.48.
	f := Plan(series([]float64{50}), time.Minute, time.Hour, 5*time.Minute)
	if got := f.Planned / 50; got < 1.29 || got > 1.49 {
		t.Errorf("after one window planned %v times the rate, expected 1.29 to 1.48", got)
	}
	// Never below the mean of the last ten minutes: a drop to a tenth in the last minute is not believed at once.
	perSecond := make([]float64, 100)
	for i := range perSecond {
		perSecond[i] = 100
	}
	perSecond[99] = 10
	if f := Plan(series(perSecond), time.Minute, 10*time.Minute, 5*time.Minute); f.Planned < 91 {
		t.Errorf("planned %v after one low minute, expected at least (9·100 + 10)/10 = 91", f.Planned)
	}
	// A gap of an hour between windows gives no ratio across it: 100 minutes at 10, an hour without, 100 minutes at 1000.
	gap := series(make([]float64, 160))
	for i := range gap {
		gap[i].PerSecond = 10
		if i >= 80 {
			gap[i].PerSecond, gap[i].Time = 1000, gap[i].Time.Add(time.Hour)
		}
	}
	if f := Plan(gap, time.Minute, 10*time.Minute, 5*time.Minute); f.Planned > 1050 {
		t.Errorf("planned %v after a gap, expected about the rate of 1000", f.Planned)
	}
}

// Without ratios the prior's: its median is 1, and it is wide. With many ratios of 1.5 all near the target, all quantiles are 1.5 but for
// the guard of 5 %.
func TestCalibrate(t *testing.T) {
	none := Calibrate(nil)
	if math.Abs(none.Middle-1) > 1e-12 || none.Low > 0.7 || none.High < 1.4 || none.Safe < 1.15 {
		t.Errorf("without ratios %+v, expected a wide interval around 1", none)
	}
	ratios := make([]Ratio, Ratios)
	for i := range ratios {
		ratios[i].Log = math.Log(1.5)
	}
	f := Calibrate(ratios)
	for what, got := range map[string]float64{"Low": f.Low, "Middle": f.Middle, "Safe": f.Safe / math.Exp(guard), "High": f.High / math.Exp(guard)} {
		if math.Abs(got-1.5) > 1e-9 {
			t.Errorf("%s is %v, expected 1.5", what, got)
		}
	}
	for i := range ratios {
		ratios[i].Log = math.Log(50)
	}
	if f := Calibrate(ratios); f.Safe != mostTail || f.Middle != mostTail {
		t.Errorf("ratios of 50 give %+v, expected the bound %v", f, mostTail)
	}
}

// Windows on an idle node, predicted at a fifth of the target (off = ln 0.2 = −1.61, relevance 1/(1 + 1.61⁴) = 0.13), do not hide what the
// few windows near the target say.
func TestCalibrateRelevance(t *testing.T) {
	ratios := make([]Ratio, 0, 60)
	for range 50 {
		ratios = append(ratios, Ratio{Log: 0, Off: math.Log(0.2)})
	}
	for range 10 {
		ratios = append(ratios, Ratio{Log: math.Log(1.4), Off: 0})
	}
	if f := Calibrate(ratios); math.Abs(f.Middle-1.4) > 1e-9 {
		t.Errorf("the middle is %v, expected that of the windows near the target, 1.4", f.Middle)
	}
}

// The interval to withstand holds the next ratio in at least about 90 % of windows, the expected one in 90 %, and Safe in about 75 %, for ratios that are not normal: log-gamma with a
// drift.
func TestCalibrateCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	ratios := make([]Ratio, 3000)
	for i := range ratios {
		ratios[i].Log = 0.1*(rng.ExpFloat64()+rng.ExpFloat64()) + 0.1*math.Sin(float64(i)/200)
	}
	var inside, expected, safe, n float64
	for i := Ratios; i < len(ratios); i++ {
		f := Calibrate(ratios[i-Ratios : i])
		x := math.Exp(ratios[i].Log)
		n++
		if f.Low <= x && x <= f.High {
			inside++
		}
		if low, middle, high := Expect(ratios[i-Ratios:i], 0); low <= x && x <= high {
			expected++
		} else if !(low < middle && middle < high) {
			t.Fatalf("expected %v to %v around %v", low, high, middle)
		}
		if x <= f.Safe {
			safe++
		}
	}
	if got := inside / n; got < 0.87 || got > 0.97 {
		t.Errorf("the interval held %.3f of ratios, expected about 0.9", got)
	}
	if got := expected / n; got < 0.875 || got > 0.925 {
		t.Errorf("the expected interval held %.3f of ratios, expected 0.9", got)
	}
	if got := safe / n; got < 0.73 || got > 0.87 {
		t.Errorf("safe was not exceeded by %.3f of ratios, expected about 0.75", got)
	}
}

// Ratios of windows that were predicted as this one is are what counts, near the target or not: 30 windows on idle nodes at a fifth of the
// target had 1.2 times the prediction, 30 later ones at the target 0.9 times.
func TestExpectRelevance(t *testing.T) {
	var ratios []Ratio
	for range 30 {
		ratios = append(ratios, Ratio{Log: math.Log(1.2), Off: math.Log(0.2)})
	}
	for range 30 {
		ratios = append(ratios, Ratio{Log: math.Log(0.9)})
	}
	if _, middle, _ := Expect(ratios, math.Log(0.1)); math.Abs(middle-1.2) > 1e-9 {
		t.Errorf("at a tenth of the target the middle is %v, expected the 1.2 of idle nodes", middle)
	}
	if _, middle, _ := Expect(ratios, 0); math.Abs(middle-0.9) > 1e-9 {
		t.Errorf("at the target the middle is %v, expected 0.9", middle)
	}
	if low, middle, high := Expect(nil, 0); math.Abs(middle-1) > 1e-12 || low > 0.7 || high < 1.4 {
		t.Errorf("without ratios %v, %v, %v, expected a wide interval around 1", low, middle, high)
	}
}

// What was stored is refused where it cannot have come from observing.
func TestCheck(t *testing.T) {
	good, ratio := series([]float64{1, 2}), []Ratio{{Log: 0.1, Off: -0.2}}
	sound := Record{Rates: good, Ratios: ratio}
	if err := Check(&sound); err != nil {
		t.Error(err)
	}
	for name, r := range map[string]Record{
		"at most 180":   {Rates: make([]Rate, Rates+1)},
		"Rates[1] is 0": {Rates: series([]float64{1, 0})},
		"the order of":  {Rates: []Rate{good[1], good[0]}},
		"and 61 ":       {Rates: good, Ahead: make([]Ratio, Ratios+1)},
		"ratio 1 of":    {Ratios: ratio, Ahead: []Ratio{{Log: math.NaN()}}},
		"Coverage is":   {Coverage: Coverage{Forecasts: 1, Load: 2}},
	} {
		if err := Check(&r); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, expected one with %q", err, name)
		}
	}
}

// 3 of 4 held; the weights are so near 1 that 0.75 comes out within 0.001.
func TestCoverage(t *testing.T) {
	var c Coverage
	for _, held := range []bool{true, false, true, true} {
		c.AddLoad(held)
	}
	if math.Abs(c.Load-0.75) > 0.001 || math.Abs(c.Forecasts-4) > 0.01 || c.Intervals != 0 || !c.Sound() {
		t.Errorf("%+v, expected 0.75 of 4", c)
	}
}

// An hour's window in minutes: after 90 minutes of 100 requests, 99 in time, but 50 in the last minute, 60 minutes count:
// (59·99 + 50)/6000 = 0.98183.
func TestAttainment(t *testing.T) {
	a := NewAttainment(time.Hour, time.Minute)
	now := start
	for i := range 90 {
		now = start.Add(time.Duration(i) * time.Minute)
		within := 99.
		if i == 89 {
			within = 50
		}
		a.Add(now, 100, within)
	}
	share, requests := a.Share(now)
	if requests != 6000 || math.Abs(share-5891./6000) > 1e-12 {
		t.Errorf("%v of %v, expected 0.98183 of 6000", share, requests)
	}
	if share, requests = a.Share(now.Add(2 * time.Hour)); share != 0 || requests != 0 {
		t.Errorf("two hours later %v of %v, expected none", share, requests)
	}
	a.ForgetAfter(start.Add(50 * time.Minute)) // of the last 61 buckets, of minutes 29 to 89, those to 50 stay
	if _, requests = a.Share(start.Add(50 * time.Minute)); requests != 2200 {
		t.Errorf("with the clock put back %v requests, expected those of minutes 29 to 50, 2200", requests)
	}
}

// A month costs as much as an hour.
func TestAttainmentBounded(t *testing.T) {
	a := NewAttainment(30*24*time.Hour, time.Minute)
	for i := range 60 * 24 * 60 {
		a.Add(start.Add(time.Duration(i)*time.Minute), 1, 1)
	}
	if n := len(a.State()); n > Buckets+1 {
		t.Errorf("%d buckets, expected at most %d", n, Buckets+1)
	}
	_, requests := a.Share(start.Add(60 * 24 * time.Hour))
	if want := 30 * 24 * 60.; math.Abs(requests/want-1) > 1./Buckets+0.001 {
		t.Errorf("%v requests in the month, expected %v within a bucket", requests, want)
	}
	var b Attainment
	if err := b.Restore([]Bucket{{Requests: 1, Within: 2}}); err == nil {
		t.Error("more within than requests was accepted")
	}
}
