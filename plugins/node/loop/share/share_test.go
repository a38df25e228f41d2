package share

import (
	"testing"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/control"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// capacity is a machine of 12 ways and bandwidth in percent.
var capacity = schemata.Capacity{Resources: []schemata.Resource{
	{Name: "L3", Classes: 16, Domains: []int{0}, Cache: &schemata.Cache{Full: 0xfff, MinBits: 1}},
	{Name: "MB", Classes: 8, Domains: []int{0}, Bandwidth: &schemata.Bandwidth{Unit: schemata.Percent, Min: 10, Step: 10, Max: 100}},
}}

func spec() *v1alpha1.NodeIsolationSpec {
	return &v1alpha1.NodeIsolationSpec{Partitions: []v1alpha1.NodePartition{
		{Name: "lc", Role: v1alpha1.RoleLatency}, {Name: "be", Role: v1alpha1.RoleBatch},
	}}
}

func TestLimits(t *testing.T) {
	s := spec()
	if l := Limits(&capacity, s, 8, true); l.Ways != nil || *l.Bandwidth != (control.BandwidthLimits{Min: 10, Step: 10, Max: 100}) {
		t.Errorf("where the spec gives batch no ways: %+v, %+v", l.Ways, l.Bandwidth)
	}
	s.Partitions[1].Caches = []v1alpha1.CacheWays{{Cache: "L3", Ways: new(int32(8))}}
	s.Partitions[1].Bandwidth = []v1alpha1.BandwidthLimit{{Percent: new(int32(55))}}
	l := Limits(&capacity, s, 8, true)
	if l.Ways == nil || *l.Ways != (control.WayLimits{Min: 2, Max: 8}) { // never more than its owner gives it
		t.Errorf("ways %+v", l.Ways)
	}
	if l.Bandwidth == nil || *l.Bandwidth != (control.BandwidthLimits{Min: 10, Step: 10, Max: 50}) {
		t.Errorf("bandwidth %+v", l.Bandwidth)
	}
	if l.CPU == nil || *l.CPU != (control.CPULimits{Cores: 8, Floor: 0.4}) { // 5 % of 8
		t.Errorf("cpu %+v", l.CPU)
	}
	amd := bandwidthLimits(&schemata.Bandwidth{Unit: schemata.EighthGBps, Step: 1, Max: 2048}, &s.Partitions[0])
	if *amd != (control.BandwidthLimits{Min: 102, Step: 1, Max: 2048, UnitMBps: 125}) { // a twentieth
		t.Errorf("AMD's bandwidth %+v", amd)
	}
	if l := Limits(nil, s, 8, false); l != (control.Limits{}) {
		t.Errorf("without resctrl and NRI: %+v", l)
	}
	s.Partitions[1].Caches[0].Ways = new(int32(1))
	if l := Limits(&capacity, s, 8, false); l.Ways != nil {
		t.Errorf("batch has one way, and it may have %+v", l.Ways)
	}
}

// TestLimitsInTheOtherUnit: what the spec gives batch bounds the law too where it is in the other unit. 18000 of 60000 MB/s are 30 %; half of 60000
// MB/s are 240 x 125.
func TestLimitsInTheOtherUnit(t *testing.T) {
	batch := func(l v1alpha1.BandwidthLimit) *v1alpha1.NodePartition {
		return &v1alpha1.NodePartition{Bandwidth: []v1alpha1.BandwidthLimit{l}}
	}
	intel := &schemata.Bandwidth{Unit: schemata.Percent, Min: 10, Step: 10, Max: 100, PeakMBps: 60000}
	if l := bandwidthLimits(intel, batch(v1alpha1.BandwidthLimit{MBps: new(int32(18000))})); l == nil || l.Max != 30 {
		t.Errorf("%+v, want 30 %%", l)
	}
	amd := &schemata.Bandwidth{Unit: schemata.EighthGBps, Step: 1, Max: 2048, PeakMBps: 60000}
	if l := bandwidthLimits(amd, batch(v1alpha1.BandwidthLimit{Percent: new(int32(50))})); l == nil || l.Max != 240 {
		t.Errorf("%+v, want 240", l)
	}
}
