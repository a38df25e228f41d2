package redivision

import (
	"reflect"
	"testing"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/control/canary"
	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

var (
	intel = schemata.Capacity{Resources: []schemata.Resource{
		{Name: "L3", Classes: 16, Domains: []int{0}, Cache: &schemata.Cache{Full: 0xfff, MinBits: 2}},
		{Name: "MB", Classes: 8, Domains: []int{0}, Bandwidth: &schemata.Bandwidth{Unit: schemata.Percent, Min: 10, Step: 10, Max: 100}},
	}}
	amd = schemata.Capacity{Resources: []schemata.Resource{
		{Name: "L3", Classes: 16, Domains: []int{0}, Cache: &schemata.Cache{Full: 0xffff}},
		{Name: "MB", Classes: 16, Domains: []int{0}, Bandwidth: &schemata.Bandwidth{Unit: schemata.EighthGBps, Step: 1, Max: 2048}},
	}}
)

func TestGiven(t *testing.T) {
	n := func(v int32) *int32 { return &v }
	for name, c := range map[string]struct {
		p    v1alpha1.NodePartition
		c    schemata.Capacity
		want canary.Shares
	}{
		"nothing":           {v1alpha1.NodePartition{}, intel, canary.Shares{}},
		"a count, percent":  {v1alpha1.NodePartition{Caches: []v1alpha1.CacheWays{{Cache: "L3", Ways: n(4)}}, Bandwidth: []v1alpha1.BandwidthLimit{{Percent: n(45)}}}, intel, canary.Shares{Ways: 4, Bandwidth: 40}},
		"a range, MB/s":     {v1alpha1.NodePartition{Caches: []v1alpha1.CacheWays{{Cache: "L3", From: n(3), To: n(8)}}, Bandwidth: []v1alpha1.BandwidthLimit{{Resource: "MB", MBps: n(10_000)}}}, amd, canary.Shares{Ways: 5, Bandwidth: 80}},
		"the other unit":    {v1alpha1.NodePartition{Bandwidth: []v1alpha1.BandwidthLimit{{Percent: n(50)}}}, amd, canary.Shares{}},
		"of a domain":       {v1alpha1.NodePartition{Caches: []v1alpha1.CacheWays{{Cache: "L3", Ways: n(4), Domains: []int32{0}}}, Bandwidth: []v1alpha1.BandwidthLimit{{Percent: n(50), Domains: []int32{0}}}}, intel, canary.Shares{}},
		"shared":            {v1alpha1.NodePartition{Caches: []v1alpha1.CacheWays{{Cache: "L3", Ways: n(4), Shared: true}}}, intel, canary.Shares{}},
		"of another cache":  {v1alpha1.NodePartition{Caches: []v1alpha1.CacheWays{{Cache: "L2", Ways: n(4)}}}, intel, canary.Shares{}},
		"of another memory": {v1alpha1.NodePartition{Bandwidth: []v1alpha1.BandwidthLimit{{Resource: "SMBA", Percent: n(50)}}}, intel, canary.Shares{}},
	} {
		if got := Given(&c.p, &c.c); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestLimits(t *testing.T) {
	for name, c := range map[string]struct {
		c    schemata.Capacity
		want canary.Limits
	}{
		"intel":   {intel, canary.Limits{Ways: &canary.Range{Min: 2, Step: 1, Max: 12}, Bandwidth: &canary.Range{Min: 10, Step: 10, Max: 100}}},
		"amd":     {amd, canary.Limits{Ways: &canary.Range{Min: 1, Step: 1, Max: 16}, Bandwidth: &canary.Range{Min: 102, Step: 1, Max: 2048}, UnitMBps: 125}},
		"nothing": {schemata.Capacity{}, canary.Limits{}},
	} {
		if got := Limits(&c.c); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestGive(t *testing.T) {
	p := partition.Partition{
		Name: "a", Ways: []partition.Ways{{Cache: "L3", From: 0, To: 6}, {Cache: "L2", Count: 3}},
		Bandwidth: []partition.Limit{{Resource: "MB", Percent: 50}, {Resource: "SMBA", Percent: 20}},
	}
	got := Give(p, canary.Shares{Ways: 3, Bandwidth: 40}, intel)
	want := partition.Partition{
		Name: "a", Ways: []partition.Ways{{Cache: "L2", Count: 3}, {Cache: "L3", Count: 3}},
		Bandwidth: []partition.Limit{{Resource: "SMBA", Percent: 20}, {Resource: "MB", Percent: 40}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if got := Give(p, canary.Shares{}, intel); !reflect.DeepEqual(got, p) {
		t.Errorf("nothing given: %+v", got)
	}
	if got := Give(p, canary.Shares{Bandwidth: 100}, intel); len(got.Bandwidth) != 1 || got.Bandwidth[0].Resource != "SMBA" {
		t.Errorf("no limit: %+v", got.Bandwidth)
	}
	if got := Give(p, canary.Shares{Bandwidth: 80}, amd); got.Bandwidth[1].MBps != 10_000 || got.Bandwidth[1].Percent != 0 {
		t.Errorf("80 eighths of GB/s: %+v", got.Bandwidth)
	}
	if p.Ways[0].To != 6 || p.Bandwidth[0].Percent != 50 {
		t.Errorf("the wish was changed: %+v", p)
	}
}

// Only those that are named change, and the list that is given does not.
func TestOverlay(t *testing.T) {
	wanted := []partition.Partition{{Name: "a", Ways: []partition.Ways{{Cache: "L3", Count: 4}}}, {Name: "b", Ways: []partition.Ways{{Cache: "L3", Count: 4}}}}
	got := Overlay(wanted, map[string]canary.Shares{"b": {Ways: 6}, "gone": {Ways: 2}}, intel)
	if len(got) != 2 || got[0].Ways[0].Count != 4 || got[1].Ways[0].Count != 6 || wanted[1].Ways[0].Count != 4 {
		t.Errorf("%+v of %+v", got, wanted)
	}
}
