package clock

import (
	"testing"
	"time"
)

// monday is any time.
var monday = time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)

func TestClock(t *testing.T) {
	at := monday.Add
	c := New(60)
	if c.Wanted(at(time.Hour)) != 0 || c.Wall(0, at(time.Hour)) != at(time.Hour) {
		t.Error("before the start, the plant stands at 0 and that is now")
	}
	c.Start(monday)
	c.Start(at(time.Hour)) // a second call does nothing
	if w := c.Wanted(at(2 * time.Second)); w != 120 {
		t.Errorf("after 2 s the plant should be at %v, expected 120", w)
	}
	if w := c.Wall(90, at(time.Hour)); w != at(1500*time.Millisecond) {
		t.Errorf("plant time 90 is %v of the wall, expected 1.5 s after the start", w.Sub(monday))
	}
	c.Pause(118, at(2*time.Second)) // it stands at 118, so nothing moves beyond
	if w := c.Wanted(at(time.Minute)); w < 117.999 || w > 118.001 {
		t.Errorf("in a pause the plant should be at %v, expected 118", w)
	}
	c.Resume(at(time.Minute))
	if w := c.Wanted(at(time.Minute + time.Second)); w < 177.999 || w > 178.001 {
		t.Errorf("a second after the pause the plant should be at %v, expected 178", w)
	}
}

// TestSlip: a plant that makes 30 s a second instead of 60 falls behind by half a second each second; beyond MaxLag the clock gives in.
func TestSlip(t *testing.T) {
	c := New(60)
	c.Start(monday)
	plant := 0.0
	last := monday
	for i := 1; i <= 100; i++ {
		now := monday.Add(time.Duration(i) * 100 * time.Millisecond)
		plant += 3
		c.Slip(plant, now)
		if lag := c.Lag(plant, now); lag > MaxLag+time.Microsecond {
			t.Fatalf("lag is %v", lag)
		}
		if w := c.Wall(plant, now); !w.After(last) || now.Sub(w) > MaxLag+time.Microsecond {
			t.Fatalf("plant time %v is told as %v at %v, after %v", plant, w, now, last)
		}
		last = c.Wall(plant, monday)
	}
	// 10 s of the wall made 300 s = 5 s of it; half a second is lag, the rest was given up.
	if want := 4500 * time.Millisecond; c.slipped < want-time.Millisecond || c.slipped > want+time.Millisecond {
		t.Errorf("slipped by %v, expected %v", c.slipped, want)
	}
}
