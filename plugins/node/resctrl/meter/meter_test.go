package meter

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

func valid(v uint64) resctrl.Reading { return resctrl.Reading{State: resctrl.Valid, Value: v} }

// TestGroups: control group a's sum goes from 1000 to 1500, although x has left it with 700: what is in it now had 300, and moved 1200 in 2 s.
// x has come to b, whose sum goes from 50 to 1000: with x it was 750, and 250 were moved, of which 200 are x's. z of c cannot be read the
// second time, and is not in the sum then: no rate is known. w of d could not be read, and was not in the sum before it went.
func TestGroups(t *testing.T) {
	none := resctrl.Reading{State: resctrl.Unavailable}
	var m Meter
	start := time.Unix(1_800_000_000, 0)
	m.Add(start, []resctrl.Counters{
		{Group: "a", Total: valid(1000)},
		{Group: "a/mon_groups/x", Total: valid(700)},
		{Group: "a/mon_groups/y", Total: valid(200)},
		{Group: "b", Total: valid(50)},
		{Group: "c", Total: valid(9), Local: valid(8)},
		{Group: "c/mon_groups/z", Total: valid(3), Local: valid(3)},
		{Group: "d", Total: valid(7)},
		{Group: "d/mon_groups/w", Total: none},
	})
	got := m.Add(start.Add(2*time.Second), []resctrl.Counters{
		{Group: "a", Total: valid(1500)},
		{Group: "a/mon_groups/y", Total: valid(400)},
		{Group: "b", Total: valid(1000)},
		{Group: "b/mon_groups/x", Total: valid(900)},
		{Group: "c", Total: valid(12), Local: valid(10)},
		{Group: "c/mon_groups/z", Total: none, Local: valid(4)},
		{Group: "d", Total: valid(9)},
	})
	want := []resctrl.Rate{
		{Group: "a", Total: new(600.0)},
		{Group: "a/mon_groups/y", Total: new(100.0)},
		{Group: "b", Total: new(125.0)},
		{Group: "b/mon_groups/x"},
		{Group: "c", Local: new(1.0)},
		{Group: "c/mon_groups/z", Local: new(0.5)},
		{Group: "d", Total: new(1.0)},
		{Group: "a/mon_groups/x"},
		{Group: "d/mon_groups/w"},
	}
	if d := cmp.Diff(want, got.Groups); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	x := &Use{Time: start.Add(2 * time.Second), Group: "b", Total: new(uint64(900)), Domains: []Domain{{Total: valid(900), TotalRate: new(100.0)}}}
	if d := cmp.Diff(x, got.Containers["x"]); d != "" {
		t.Errorf("x: -want +got:\n%s", d)
	}
}

// TestMeterCountsOn: two domains over several readings 1 s apart. A counter that cannot be read once has no rate that time and the next, and
// nothing is lost of the total; one that begins anew at 5 had moved at least these 5.
func TestMeterCountsOn(t *testing.T) {
	const g = "ballast-lc/mon_groups/x"
	none := resctrl.Reading{State: resctrl.Unavailable}
	m := Meter{Stale: 3 * time.Second}
	at := time.Unix(1_800_000_000, 0)
	for i, step := range []struct {
		wait          time.Duration
		first, second resctrl.Reading
		total         uint64
		rates         [2]*float64
	}{
		{0, valid(100), valid(10), 110, [2]*float64{}},
		{time.Second, valid(150), valid(10), 160, [2]*float64{new(50.0), new(0.0)}},
		{time.Second, none, valid(30), 180, [2]*float64{nil, new(20.0)}},
		{time.Second, valid(250), valid(40), 290, [2]*float64{nil, new(10.0)}},
		{2 * time.Second, valid(5), valid(60), 315, [2]*float64{nil, new(10.0)}},
		{4 * time.Second, valid(9), valid(70), 329, [2]*float64{}}, // too long for a rate
		{0, valid(9), valid(71), 330, [2]*float64{}},
	} {
		at = at.Add(step.wait)
		use := m.Add(at, []resctrl.Counters{
			{Group: g, Domain: 0, Total: step.first, Occupancy: valid(7)}, {Group: g, Domain: 3, Total: step.second},
		}).Containers["x"]
		want := &Use{
			Time: at, Group: "ballast-lc", Total: &step.total,
			Domains: []Domain{{ID: 0, Occupancy: valid(7), Total: step.first, TotalRate: step.rates[0]}, {ID: 3, Total: step.second, TotalRate: step.rates[1]}},
		}
		if d := cmp.Diff(want, use); d != "" {
			t.Errorf("step %d: -want +got:\n%s", i, d)
		}
	}
	if got := m.Add(at.Add(time.Second), nil); len(got.Containers) != 0 || len(m.containers) != 0 {
		t.Errorf("a container that is gone is kept: %+v", got)
	}
}

// TestMeterTwoFolders: a monitor group that was left behind counts too, and while it comes or goes there is no rate.
func TestMeterTwoFolders(t *testing.T) {
	var m Meter
	at := time.Unix(1_800_000_000, 0)
	for i, step := range []struct {
		folders string
		total   uint64
		rate    *float64
	}{
		{"mon_groups/x=10", 10, nil},
		{"mon_groups/x=10 b/mon_groups/x=5", 15, nil},
		{"mon_groups/x=11 b/mon_groups/x=9", 20, new(5.0)},
		{"b/mon_groups/x=12", 23, nil},
		{"b/mon_groups/x=14", 25, new(2.0)},
		{"a/mon_groups/x=17", 28, new(3.0)}, // renamed
		{"a/mon_groups/x=2", 30, nil},       // made anew
		{"a/mon_groups/x=3 b/mon_groups/x=1", 32, nil},
		{"a/mon_groups/x=4 c/mon_groups/x=5", 38, nil}, // another one beside it
	} {
		var list []resctrl.Counters
		for f := range strings.FieldsSeq(step.folders) {
			c := resctrl.Counters{}
			name, value, _ := strings.Cut(f, "=")
			c.Group, c.Total.State = name, resctrl.Valid
			if _, err := fmt.Sscan(value, &c.Total.Value); err != nil {
				t.Fatal(err)
			}
			list = append(list, c)
		}
		at = at.Add(time.Second)
		use := m.Add(at, list).Containers["x"]
		if *use.Total != step.total || !cmp.Equal(use.Domains[0].TotalRate, step.rate) {
			t.Errorf("step %d: total %d, want %d; rate %v, want %v", i, *use.Total, step.total, use.Domains[0].TotalRate, step.rate)
		}
	}
}

// kernelModel counts as the kernel does: a control group's file is its own count and those of the monitor groups that it has now.
type kernelModel struct {
	rng     *rand.Rand
	own     map[string]uint64
	in      map[string]string // monitor group: control group
	count   map[string]uint64 // of a monitor group since it was made
	created int
}

var controls = []string{".", "a", "b"}

func (k *kernelModel) folder(m string) string {
	if k.in[m] == "." {
		return "mon_groups/" + m
	}
	return k.in[m] + "/mon_groups/" + m
}

// step lets all groups move something, and some come, go, or change their control group.
func (k *kernelModel) step() {
	for _, c := range controls {
		k.own[c] += k.rng.Uint64N(100)
	}
	for _, m := range slices.Sorted(maps.Keys(k.in)) {
		k.count[m] += k.rng.Uint64N(1000)
		switch k.rng.IntN(8) {
		case 0:
			delete(k.in, m)
			delete(k.count, m)
		case 1:
			k.in[m] = controls[k.rng.IntN(len(controls))]
		}
	}
	if k.rng.IntN(2) == 0 {
		k.created++
		m := fmt.Sprintf("m%d", k.created)
		k.in[m], k.count[m] = controls[k.rng.IntN(len(controls))], k.rng.Uint64N(50)
	}
}

func (k *kernelModel) counters() []resctrl.Counters {
	var out []resctrl.Counters
	sums := map[string]uint64{}
	for m, c := range k.count {
		sums[k.in[m]] += c
		out = append(out, resctrl.Counters{Group: k.folder(m), Total: valid(c)})
	}
	for _, c := range controls {
		out = append(out, resctrl.Counters{Group: c, Total: valid(k.own[c] + sums[c])})
	}
	slices.SortFunc(out, func(a, b resctrl.Counters) int { return strings.Compare(a.Group, b.Group) })
	return out
}

// TestMeterAgainstTheKernel: whatever containers do, a control group's rate is what its own threads moved, and what those containers moved
// since the reading before that are in it now; and a container's total is its count.
func TestMeterAgainstTheKernel(t *testing.T) {
	for seed := range uint64(20) {
		k := &kernelModel{rng: rand.New(rand.NewPCG(seed, 7)), own: map[string]uint64{}, in: map[string]string{}, count: map[string]uint64{}}
		m := Meter{}
		at := time.Unix(1_800_000_000, 0)
		m.Add(at, k.counters())
		for step := range 100 {
			own, count := maps.Clone(k.own), maps.Clone(k.count)
			before := k.counters()
			k.step()
			at = at.Add(time.Second)
			after := k.counters()
			got := m.Add(at, after)
			want := map[string]uint64{}
			for _, c := range controls {
				want[c] = k.own[c] - own[c]
			}
			for name, v := range k.count {
				want[k.in[name]] += v - count[name]
				if u := got.Containers[name]; u.Total == nil || *u.Total != v || u.Group != k.in[name] {
					t.Fatalf("seed %d step %d: %s has %+v, want %d in %s", seed, step, name, u, v, k.in[name])
				}
			}
			for _, r := range got.Groups {
				if slices.Contains(controls, r.Group) && (r.Total == nil || *r.Total != float64(want[r.Group])) {
					t.Fatalf("seed %d step %d: %s %v, want %d", seed, step, r.Group, r.Total, want[r.Group])
				}
			}
			for _, r := range resctrl.Rates(before, after, time.Second) {
				if slices.Contains(controls, r.Group) && r.Total != nil && *r.Total != float64(want[r.Group]) {
					t.Fatalf("seed %d step %d: %s has the rate %v, want %d or none", seed, step, r.Group, *r.Total, want[r.Group])
				}
			}
		}
	}
}

// BenchmarkMeter adds a reading of 100 containers in 4 control groups and 2 domains.
func BenchmarkMeter(b *testing.B) {
	var list []resctrl.Counters
	for g := range 4 {
		for d := range 2 {
			list = append(list, resctrl.Counters{Group: fmt.Sprintf("ballast-%d", g), Domain: d, Total: valid(1), Local: valid(1), Occupancy: valid(1)})
			for c := range 25 {
				list = append(list, resctrl.Counters{
					Group: fmt.Sprintf("ballast-%d/mon_groups/%064x", g, g*25+c), Domain: d, Total: valid(1), Local: valid(1), Occupancy: valid(1),
				})
			}
		}
	}
	var m Meter
	at := time.Unix(1_800_000_000, 0)
	b.ReportAllocs()
	for b.Loop() {
		at = at.Add(time.Second)
		if got := m.Add(at, list); len(got.Containers) != 100 {
			b.Fatal(len(got.Containers))
		}
	}
}
