package readings

import (
	"math"
	"testing"
	"time"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("%s: %g, want %g", what, got, want)
	}
}

// service has these slacks, one each so often.
func service(every time.Duration, slacks ...float64) *Service {
	var s Service
	for i, v := range slacks {
		s.add(Reading{time.Duration(i) * every, v})
	}
	return &s
}

// Slacks that differ by 0.1 at a distance of two have a deviation of 0.1 / 0.6745 where they overlap, read each second, and of
// 0.1 / (0.6745 x sqrt 2) where they do not; 0.2 at most, and 0 with fewer than 5 differences.
func TestNoise(t *testing.T) {
	few := []float64{0.25, 0.25, 0.35, 0.35, 0.25, 0.25}
	near(t, "6 readings", service(Period, few...).Noise(), 0)
	near(t, "each second", service(time.Second, append(few, 0.35)...).Noise(), 0.1/0.6745)
	near(t, "each 2 s", service(Period, append(few, 0.35)...).Noise(), 0.1/0.6745/math.Sqrt2)
	near(t, "wild", service(Period, 0, 0, 1, 1, 0, 0, 1).Noise(), 0.2)
	near(t, "a step", service(Period, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, -0.5, -0.5).Noise(), 0)
}

// Two of mean 0.02 lie below 0.05 without noise. With a noise of 0.1 that takes a mean of two below 0.05 - 3 x 0.1 / 1.414 = -0.162 or of
// four below 0.05 - 2.75 x 0.1 / 2 = -0.0875, or a fall: from 0.3 by more than 3 x 0.1 x sqrt(1/2 + 1/4) = 0.26 to below
// 0.05 - 0.1 / 1.414 = -0.021.
func TestBelow(t *testing.T) {
	for _, c := range []struct {
		noise  float64
		slacks []float64
		mean   float64
		n      int
	}{
		{0, []float64{0.3, 0.01, 0.03}, 0.02, 2},
		{0, []float64{0.01, 0.06}, 0, 0},
		{0, []float64{-0.2}, 0, 0},
		{0.1, []float64{-0.15, -0.15}, 0, 0},
		{0.1, []float64{-0.17, -0.17}, -0.17, 2},
		{0.1, []float64{-0.09, -0.09, -0.09, -0.09}, -0.09, 4},
		{0.1, []float64{0.1, 0.1, 0.1, 0.1, -0.03, -0.03}, 0, 0},
		{0.1, []float64{0.3, 0.3, 0.3, 0.3, -0.03, -0.03}, -0.03, 2},
		{0.1, []float64{0.3, 0.3, 0.3, 0.3, -0.01, -0.01}, 0, 0},
	} {
		mean, n := Below(c.slacks, Line, c.noise)
		if near(t, "mean", mean, c.mean); n != c.n {
			t.Errorf("%v with a noise of %g: %d readings, want %d", c.slacks, c.noise, n, c.n)
		}
	}
}

// Services are kept by name; while batch is held down only what is below the line is taken; who is gone is forgotten.
func TestTake(t *testing.T) {
	var s Services
	if !s.Take([]Seen{{Name: "web", Slack: new(0.3)}, {Name: "db", Slack: new(-300.0), Load: new(0.5)}}, 5, 0) {
		t.Error("no reading")
	}
	if len(s) != 2 || s[0].Name != "db" || s[0].Readings[0] != (Reading{5, -10}) || s[0].Load != 0.5 || s[1].Load != -1 {
		t.Fatalf("%+v", s)
	}
	if s.Take([]Seen{{Name: "web", Slack: new(math.NaN())}, {Name: "db"}}, 6, 0) {
		t.Error("NaN is a reading")
	}
	if s.Take([]Seen{{Name: "web", Slack: new(0.3)}}, 7, 8); len(s) != 1 || len(s[0].Readings) != 1 {
		t.Fatalf("%+v", s)
	}
	if s.Take([]Seen{{Name: "web", Slack: new(0.04)}}, 8, 9); len(s[0].Readings) != 2 {
		t.Fatalf("%+v", s)
	}
	if m := s.Means(5, 8, 9); len(m) != 1 || math.Abs(m["web"]-0.17) > 1e-12 || s.Means(5, 8, 1)["web"] != 0.04 {
		t.Errorf("means %v", m)
	}
	if len(s.Means(5, 8+Silence+1, 9)) != 0 {
		t.Error("an idle service has a mean")
	}
}

// Four seconds of 4, 3, 4 and 3 x 10^9 instructions on 2 cores are 1.75 a core; three have no mean. 8 seconds at 50 of 100 GB/s are exceeded where the
// rise is more than 0.02 x (1 + 2 / sqrt 8) x 100 = 3.41.
func TestProgress(t *testing.T) {
	var p, before Progress
	for i, v := range []float64{4, 3, 4, 3} {
		if m := p.Mean(); m != 0 {
			t.Errorf("%d seconds: %g", i, m)
		}
		p.Work(new(v), new(2.0))
		p.Work(nil, new(2.0))
		p.Work(new(v), new(0.0))
	}
	near(t, "mean", p.Mean(), 1.75)
	before.Traffic(50, 100)
	for _, c := range []struct {
		mbps float64
		want bool
	}{{53.3, false}, {53.5, true}} {
		p = Progress{}
		if _, _, rose := p.Rose(before); rose {
			t.Error("what is not measured rose")
		}
		for range 8 {
			p.Traffic(c.mbps, 100)
		}
		if was, now, rose := p.Rose(before); rose != c.want || was != 50 || math.Abs(now-c.mbps) > 1e-9 {
			t.Errorf("from %g to %g: %v", was, now, rose)
		}
	}
}
