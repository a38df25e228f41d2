package knob

import (
	"math"
	"testing"
	"time"
)

// Steps of 10 from 15 on: the least the machine keeps is 20; 57 becomes 50; the most is kept as it is, though it is no step. CPU is cut to
// hundredths of a core, and never below its floor.
func TestClamp(t *testing.T) {
	band := Range{Kind: Bandwidth, Exists: true, Min: 15, Max: 99, Unit: 10}
	cores := Range{Kind: CPU, Exists: true, Min: 0.805, Max: 16, Unit: 0.08}
	for _, c := range []struct {
		r       Range
		v, want float64
	}{
		{band, 57, 50},
		{band, 60, 60},
		{band, 3, 20},
		{band, math.NaN(), 20},
		{band, 99, 99},
		{band, math.Inf(1), 99},
		{cores, 3.149, 3.14},
		{cores, 0, 0.805},
		{cores, 20, 16},
		{Range{}, 7, 0},
	} {
		if got := c.r.Clamp(c.v); got != c.want {
			t.Errorf("%+v: %g becomes %g, want %g", c.r, c.v, got, c.want)
		}
	}
	if band.Spare(20) || !band.Spare(30) || (Range{}).Spare(5) {
		t.Error("20 of a least of 20 can be taken, or 30 cannot, or what does not exist can")
	}
}

func TestWords(t *testing.T) {
	ways := Range{Kind: Ways, Exists: true, Min: 2, Max: 18, Unit: 1}
	percent := Range{Kind: Bandwidth, Exists: true, Min: 10, Max: 100, Unit: 10}
	megabytes := Range{Kind: Bandwidth, Exists: true, Min: 1, Max: 100, Unit: 1, UnitMBps: 125}
	cores := Range{Kind: CPU, Exists: true, Min: 0.8, Max: 16, Unit: 0.08}
	for want, got := range map[string]string{
		"batch ways 18 -> 2":                ways.Change(18, 2),
		"batch bandwidth unlimited -> 60 %": percent.Change(100, 60),
		"batch bandwidth 250 -> 500 MB/s":   megabytes.Change(2, 4),
		"batch CPU 1.50 -> unlimited":       cores.Change(1.5, 16),
		"":                                  cores.Change(2, 2),
		"CPU 2.00 cores":                    cores.Have(2),
		"bandwidth unlimited":               percent.Have(100),
		"ways 18":                           ways.Have(18),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A ceiling is kept where a knob is cut by the way, and is remembered twice as long where it violates again within a tenth, an hour at most.
func TestRemember(t *testing.T) {
	var s State
	s.Remember(5, true, time.Minute)
	s.Remember(9, false, 2*time.Minute)
	if want := (State{Mark: 5, Ceiling: true, MarkedAt: time.Minute, MarkFor: Memory}); s != want {
		t.Fatalf("%+v, want %+v", s, want)
	}
	for _, c := range []struct {
		at   float64
		want time.Duration
	}{{5.4, 30 * time.Minute}, {5.4, time.Hour}, {5.4, time.Hour}, {4, Memory}} {
		if s.Remember(c.at, true, time.Hour); s.MarkFor != c.want || s.Mark != c.at {
			t.Errorf("%g is remembered for %s, want %s: %+v", c.at, s.MarkFor, c.want, s)
		}
	}
	if s.Outdated(time.Hour+Memory, false) || !s.Outdated(time.Hour+Memory+1, false) || !s.Outdated(time.Hour, true) {
		t.Error("a ceiling holds for a quarter of an hour, or until conditions are better")
	}
	s = State{Value: 4, Mark: 4, MarkFor: Memory}
	if !s.Outdated(0, false) {
		t.Error("batch has again what was taken by the way")
	}
}
