package relief_test

import (
	"testing"

	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/relief"
)

// The loop has left batch 2 of 8 ways, and 20 % and 90 % of the bandwidth of two domains, where its owner gives it 60 %: it gets 60 % in the
// first, and no way more. One whose owner does not limit it gets all, and so does a group that is not wanted any more.
func TestPlan(t *testing.T) {
	c := schemata.Capacity{Resources: []schemata.Resource{
		{Name: "L3", Classes: 4, Domains: []int{0, 1}, Cache: &schemata.Cache{Full: 0xff, MinBits: 1}},
		{Name: "MB", Classes: 4, Domains: []int{0, 1}, Bandwidth: &schemata.Bandwidth{Unit: schemata.Percent, Min: 10, Step: 10, Max: 100}},
	}}
	group := func(name string, mask, first, second uint32) schemata.Group {
		v := schemata.Values{}
		v.Set("L3", 0, mask)
		v.Set("L3", 1, mask)
		v.Set("MB", 0, first)
		v.Set("MB", 1, second)
		return schemata.Group{Name: name, Mode: "shareable", Schemata: v}
	}
	have := schemata.State{Groups: []schemata.Group{group(".", 0xff, 100, 100), group("ballast-be", 3, 20, 90), group("ballast-lc", 0xf0, 50, 50)}}
	be := partition.Partition{Name: "be", Ways: []partition.Ways{{Cache: "L3", Count: 4}}}
	limited := be
	limited.Bandwidth = []partition.Limit{{Resource: "MB", Percent: 60}}
	wrong := limited
	wrong.Bandwidth = []partition.Limit{{Resource: "none", Percent: 60}}
	for name, tt := range map[string]struct {
		wanted []partition.Partition
		batch  string
		want   map[int]uint32
	}{
		"its owner limits it":    {[]partition.Partition{limited}, "be", map[int]uint32{0: 60}},
		"its owner does not":     {[]partition.Partition{be}, "be", map[int]uint32{0: 100, 1: 100}},
		"it is not wanted":       {nil, "be", map[int]uint32{0: 100, 1: 100}},
		"it cannot be planned":   {[]partition.Partition{wrong}, "be", map[int]uint32{0: 100, 1: 100}},
		"its group is not there": {[]partition.Partition{limited}, "other", nil},
	} {
		p := relief.Plan(c, have, tt.wanted, tt.batch)
		if tt.want == nil {
			if len(p.Operations) > 0 {
				t.Errorf("%s: %v", name, p)
			}
			continue
		}
		if len(p.Operations) != 1 || p.Operations[0].Action != partition.Write || p.Operations[0].Group != "ballast-be" || len(p.Operations[0].Values) != 1 {
			t.Errorf("%s: %+v", name, p.Operations)
			continue
		}
		got := p.Operations[0].Values["MB"]
		for d, v := range tt.want {
			if got[d] != v {
				t.Errorf("%s: %v, want %v", name, got, tt.want)
			}
		}
		if len(got) != len(tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
		if after, _ := p.After.Group("ballast-be"); after.Schemata["L3"][0] != 3 {
			t.Errorf("%s: ways %x", name, after.Schemata["L3"][0])
		}
		if len(relief.Plan(c, p.After, tt.wanted, tt.batch).Operations) > 0 {
			t.Errorf("%s: there is more to do afterwards", name)
		}
	}
}
