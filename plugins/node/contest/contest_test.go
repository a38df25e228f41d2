package contest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/contest"
	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

var capacity = schemata.Capacity{Resources: []schemata.Resource{
	{Name: "L3", Classes: 8, Domains: []int{0, 1}, Cache: &schemata.Cache{Full: 0xff, Shareable: 0xc0, MinBits: 1}},
	{Name: "MB", Classes: 8, Domains: []int{0, 1}, Bandwidth: &schemata.Bandwidth{Unit: schemata.Percent, Min: 10, Step: 10, Max: 100}},
}}

var lc = []partition.Partition{{Name: "lc"}}

// group has that mask and limit in both domains.
func group(name, mode string, mask, limit uint32) schemata.Group {
	v := schemata.Values{}
	for d := range 2 {
		v.Set("L3", d, mask)
		v.Set("MB", d, limit)
	}
	return schemata.Group{Name: name, Mode: mode, Schemata: v}
}

func state(groups ...schemata.Group) schemata.State {
	return schemata.State{Groups: append([]schemata.Group{group(".", "shareable", 0xff, 100)}, groups...)}
}

var ours, theirs = state(group("ballast-lc", "shareable", 0x0f, 100)), state(group("ballast-lc", "shareable", 0x03, 100))

// round is a round at that second: it finds a state, and, unless the groups are left to somebody else, leaves ours.
func round(w *contest.Watch, second int, found schemata.State, wanted []partition.Partition) contest.Seen {
	seen := w.Look(capacity, found, wanted, time.Unix(int64(second), 0))
	if !w.Yields() {
		w.Left(ours)
	}
	return seen
}

// Somebody rewrites the group in each round of 10 s. It is put back in the rounds at 10, 20 and 30 s, and left with that at 40 s, for 5 minutes.
// At 340 s it is tried once more, and left again at 350 s, of which nobody is told again. Other partitions are tried at once.
func TestLeavesTheGroups(t *testing.T) {
	var w contest.Watch
	round(&w, 0, state(), lc)
	for second := 10; second <= 370; second += 10 {
		found := theirs
		if second == 350 {
			found = state(group("ballast-lc", "shareable", 0x03, 50))
		}
		seen := round(&w, second, found, lc)
		want := contest.Seen{Rewritten: second <= 40 || second == 350, Begun: second == 40}
		if yields := second >= 40 && second != 340; seen != want || w.Yields() != yields {
			t.Errorf("%d s: %+v, left to others %v; want %+v, %v", second, seen, w.Yields(), want, yields)
		}
		if second == 40 && !strings.Contains(w.Why(), "ballast-lc has L3:0=3;1=3 in the place of L3:0=f;1=f, again") {
			t.Error(w.Why())
		}
	}
	if !strings.Contains(w.Why(), "MB:0=50;1=50 in the place of L3:0=f;1=f MB:0=100;1=100") {
		t.Error(w.Why())
	}
	if round(&w, 380, theirs, []partition.Partition{{Name: "lc"}, {Name: "be"}}); w.Yields() {
		t.Error("other partitions are not tried")
	}
}

// Three rewritings in 5 minutes, again and again, are put back: the fourth comes when the first is 5 minutes old.
func TestSeldom(t *testing.T) {
	var w contest.Watch
	for second := 0; second < 3600; second += 10 {
		found := ours
		if second%100 == 0 && second > 0 {
			found = theirs
		}
		if round(&w, second, found, lc); w.Yields() {
			t.Fatalf("left after %d s", second)
		}
	}
}

// After a pause and 5 minutes of peace three rewritings are put back again, and the fourth is told.
func TestPeace(t *testing.T) {
	var w contest.Watch
	for second := 0; second <= 40; second += 10 {
		round(&w, second, theirs, lc)
	}
	if !w.Yields() {
		t.Fatal("not left at 40 s")
	}
	for second := 340; second < 700; second += 10 {
		round(&w, second, ours, lc)
	}
	for second := 700; second <= 730; second += 10 {
		seen := round(&w, second, theirs, lc)
		if last := second == 730; !seen.Rewritten || seen.Begun != last || w.Yields() != last {
			t.Errorf("%d s: %+v, left %v", second, seen, w.Yields())
		}
	}
}

// What the kernel gives, what Ballast has not left, and what is not wanted, is nobody's doing. A group that is made while one of others
// holds the ways 0 to 3 for itself may use 4 to 7.
func TestNobodyElse(t *testing.T) {
	exclusive := func(mask uint32) schemata.Group { return group("other", "exclusive", mask, 100) }
	beside := func(mask uint32) schemata.State {
		return schemata.State{Groups: []schemata.Group{
			group(".", "shareable", 0xf0, 100), group("ballast-lc", "shareable", mask, 100), exclusive(0x0f),
		}}
	}
	narrow := state(group("ballast-lc", "shareable", 0x0f, 100))
	delete(narrow.Groups[1].Schemata["L3"], 1)
	for name, c := range map[string]struct {
		found  schemata.State
		wanted []partition.Partition
		is     bool
	}{
		"rewritten":                      {theirs, lc, true},
		"another limit":                  {state(group("ballast-lc", "shareable", 0x0f, 50)), lc, true},
		"as it was left":                 {ours, lc, false},
		"made anew":                      {state(group("ballast-lc", "shareable", 0xff, 100)), lc, false},
		"made anew beside an exclusive":  {beside(0xf0), lc, false},
		"a part of what it may use":      {beside(0x70), lc, true},
		"nothing exclusive":              {state(group("ballast-lc", "shareable", 0xf0, 100)), lc, true},
		"removed":                        {state(), lc, false},
		"a domain is away":               {narrow, lc, false},
		"a group that is not wanted":     {theirs, []partition.Partition{{Name: "be"}}, false},
		"a group of others is rewritten": {state(group("ballast-lc", "shareable", 0x0f, 100), exclusive(1)), lc, false},
		"threads, CPUs, monitoring groups": {func() schemata.State {
			s := ours.Clone()
			s.Groups[1].Tasks, s.Groups[1].CPUs, s.Groups[1].Monitors = 7, "1", []string{"m"}
			return s
		}(), lc, false},
	} {
		var w contest.Watch
		for second := 0; second <= 100; second += 10 {
			round(&w, second, c.found, c.wanted)
		}
		if w.Yields() != c.is {
			t.Errorf("%s: left to others %v", name, w.Yields())
		}
	}
}

// A round that could not bring about what it wanted, or was not allowed to, leaves nothing to compare with.
func TestNothingLeft(t *testing.T) {
	var w contest.Watch
	for second := 0; second <= 100; second += 10 {
		if seen := w.Look(capacity, theirs, lc, time.Unix(int64(second), 0)); seen.Rewritten {
			t.Fatalf("%d s: %+v", second, seen)
		}
	}
}
