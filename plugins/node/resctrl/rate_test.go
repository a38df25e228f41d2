package resctrl

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRatesAcrossMonitorGroups: the sum of control group a goes from 1000 to 1500 although x has left it with 700: a rate of 250 would be
// wrong, as would one of b, to which x has come with what it had. What cannot be read at one time is not in the sum of that time. A monitor
// group that is new, or that could not be read at either time, spoils nothing.
func TestRatesAcrossMonitorGroups(t *testing.T) {
	valid := func(v uint64) Reading { return Reading{Valid, v} }
	none := Reading{State: Unavailable}
	before := []Counters{
		{Group: "a", Total: valid(1000)},
		{Group: "a/mon_groups/x", Total: valid(700)},
		{Group: "a/mon_groups/y", Total: valid(200)},
		{Group: "b", Total: valid(50)},
		{Group: "c", Total: valid(9), Local: valid(8)},
		{Group: "c/mon_groups/z", Total: valid(3), Local: valid(3)},
		{Group: "d", Total: valid(1)},
		{Group: "d/mon_groups/u", Total: none},
	}
	after := []Counters{
		{Group: "a", Total: valid(1500)},
		{Group: "a/mon_groups/y", Total: valid(400)},
		{Group: "b", Total: valid(1000)},
		{Group: "b/mon_groups/x", Total: valid(900)},
		{Group: "c", Total: valid(12), Local: valid(10)},
		{Group: "c/mon_groups/z", Total: none, Local: valid(4)},
		{Group: "d", Total: valid(5)},
		{Group: "d/mon_groups/new", Total: valid(2)},
	}
	want := []Rate{
		{Group: "a"},
		{Group: "a/mon_groups/y", Total: new(100.0)},
		{Group: "b"},
		{Group: "b/mon_groups/x"},
		{Group: "c", Local: new(1.0)},
		{Group: "c/mon_groups/z", Local: new(0.5)},
		{Group: "d", Total: new(2.0)},
		{Group: "d/mon_groups/new"},
		{Group: "a/mon_groups/x"},
		{Group: "d/mon_groups/u"},
	}
	if d := cmp.Diff(want, Rates(before, after, 2*time.Second)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	// Each counter alone went forward: a by 500, b by 950 and the total of c by 3, in 2 s.
	want[0].Total, want[2].Total, want[4].Total = new(250.0), new(475.0), new(1.5)
	if d := cmp.Diff(want, CounterRates(before, after, 2*time.Second)); d != "" {
		t.Errorf("of each counter alone, -want +got:\n%s", d)
	}
}
