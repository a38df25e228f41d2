package lastlevel

import (
	"math"
	"testing"
)

// A job that loses 6 of 8 ways keeps its lines for a while: what it held there decays by 1/e in 2 s.
func TestLinesDecay(t *testing.T) {
	t.Parallel()
	c := New(2, 8, 8)
	wide := []Tenant{{Inserts: 1, FootprintMB: math.Inf(1), First: 0, Last: 8}, {First: 0, Last: 8, FootprintMB: math.Inf(1)}}
	for range 1000 {
		c.Advance(wide, 0.1)
	}
	if got := c.Held(0); math.Abs(got-8) > 1e-9 {
		t.Fatalf("alone it holds %v MB of 8", got)
	}
	narrow := []Tenant{
		{Inserts: 1, FootprintMB: math.Inf(1), First: 0, Last: 2}, {Inserts: 1, FootprintMB: math.Inf(1), First: 2, Last: 8},
	}
	for range 20 {
		c.Advance(narrow, 0.1)
	}
	if got, want := c.Held(0), 2+6/math.E; math.Abs(got-want) > 1e-9 {
		t.Errorf("2 s after its mask shrank it holds %v MB, want %v", got, want)
	}
	if got, want := c.Held(1), 6-6/math.E; math.Abs(got-want) > 1e-9 {
		t.Errorf("the neighbour holds %v MB, want %v", got, want)
	}
}

// Shares by hand, 8 MB: insertions 3:1 give 6 and 2; a footprint of 1 MB leaves 7 to the other.
func TestCacheShares(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		footprint float64
		want      [2]float64
	}{{math.Inf(1), [2]float64{6, 2}}, {1, [2]float64{1, 7}}} {
		cache := New(2, 8, 8)
		for range 1000 {
			cache.Advance([]Tenant{
				{Inserts: 3, FootprintMB: c.footprint, First: 0, Last: 8}, {Inserts: 1, FootprintMB: math.Inf(1), First: 0, Last: 8},
			}, 0.1)
		}
		for i, want := range c.want {
			if got := cache.Held(i); math.Abs(got/want-1) > 0.05 {
				t.Errorf("footprint %v: tenant %d holds %v MB, want %v", c.footprint, i, got, want)
			}
		}
	}
}
