package replicas

import (
	"math"
	"testing"
)

func pods(requests ...float64) []Pod {
	out := make([]Pod, len(requests))
	for i, r := range requests {
		out[i] = Pod{Request: r, Headroom: 8}
	}
	return out
}

func TestEquivalentByHand(t *testing.T) {
	// Two pods of 1 and 0.5 cores, 0.25 used: spare 0.75 and 0.25, harmonic mean 2/(4/3 + 4) = 0.375.
	if got := Equivalent(pods(1, 0.5), 0.25, Request); math.Abs(got-0.625) > 1e-12 {
		t.Errorf("%v, expected 0.625", got)
	}
	if got := Mean(pods(1, 0.5), Request); got != 0.75 {
		t.Errorf("mean %v, expected 0.75", got)
	}
}

func TestRoomByHand(t *testing.T) {
	full := func(p []Pod, which ...int) []Pod {
		for _, i := range which {
			p[i].Headroom = 0
		}
		return p
	}
	for name, c := range map[string]struct {
		w      Workload
		reach  Reach
		bounds Bounds
	}{
		"room": {Workload{pods(0.2, 0.2), true, 0.5, 0.4, 0.55}, Reach{Cores: 0.5}, Bounds{0.5, 0.4, 0.55, false}},
		// one of ten cannot rise: the others do, and the updater sees to it
		"one full node": {
			Workload{full(pods(0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2), 3), true, 0.5, 0.4, 0.55},
			Reach{0.5, 1, 0},
			Bounds{0.5, 0.4, 0.55, false},
		},
		"half of them full": {Workload{full(pods(0.2, 0.2, 0.2, 0.2), 0, 3), true, 0.5, 0.4, 0.55}, Reach{0.2, 2, 0}, Bounds{0.21, 0.2, 0.55, true}},
		// two of three reach 0.35: that part is worth having
		"a part": {
			Workload{[]Pod{{Request: 0.2}, {Request: 0.2, Headroom: 0.15}, {Request: 0.2, Headroom: 0.2}}, true, 0.5, 0.4, 0.55},
			Reach{0.35, 3, 0},
			Bounds{0.35, 0.35, 0.55, false},
		},
		// the node's 0.3 for two rises of 0.3: half each
		"a shared node": {
			Workload{[]Pod{{Request: 0.2, Headroom: 0.3, Node: "a"}, {Request: 0.2, Headroom: 0.3, Node: "a"}}, true, 0.5, 0.4, 0.55},
			Reach{0.35, 2, 0.15},
			Bounds{0.35, 0.35, 0.55, false},
		},
		// the middle request is 0.5, 1.09·0.5 = 0.545: one odd pod does not make the others shrink
		"not in place, an odd one": {
			Workload{pods(0.1, 0.5, 0.5), false, 0.8, 0.6, 0.85},
			Reach{0.5, 3, 0},
			Bounds{0.54, 0.1, 0.85, true},
		},
		"not in place, too much": {Workload{pods(1, 2), false, 0.5, 0.4, 0.55}, Reach{Cores: 0.5}, Bounds{0.5, 0.4, 2, false}},
		"in place, too much":     {Workload{pods(1, 2), true, 0.5, 0.4, 0.55}, Reach{Cores: 0.5}, Bounds{0.5, 0.4, 0.55, false}},
		"no pods":                {Workload{nil, true, 0.5, 0.4, 0.55}, Reach{Cores: 0.5}, Bounds{0.5, 0.4, 0.55, false}},
	} {
		r := Reaches([]Workload{c.w})[0]
		if math.Abs(r.Cores-c.reach.Cores) > 1e-12 || r.Stuck != c.reach.Stuck || math.Abs(r.Free-c.reach.Free) > 1e-12 {
			t.Errorf("%s: reach %+v, expected %+v", name, r, c.reach)
		}
		if b := c.w.Bounds(r, false); b != c.bounds {
			t.Errorf("%s: bounds %+v, expected %+v", name, b, c.bounds)
		}
		want := c.bounds
		if want.Refused {
			want.Target = c.w.Wanted
		}
		if b := c.w.Bounds(r, true); b != want {
			t.Errorf("%s, lasting: bounds %+v, expected %+v", name, b, want)
		}
	}
}
