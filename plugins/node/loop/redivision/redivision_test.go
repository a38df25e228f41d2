package redivision

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/control"
	"github.com/ballast-k8s/ballast/plugins/node/control/canary"
)

// partitions are two of role Latency with 4 ways each, one without a role, and batch with 4.
func partitions() *v1alpha1.NodeIsolationSpec {
	ways := func(n int32) []v1alpha1.CacheWays { return []v1alpha1.CacheWays{{Cache: "L3", Ways: &n}} }
	return &v1alpha1.NodeIsolationSpec{Partitions: []v1alpha1.NodePartition{
		{Name: "web", Role: v1alpha1.RoleLatency, Caches: ways(4)},
		{Name: "db", Role: v1alpha1.RoleLatency, Caches: ways(4)},
		{Name: "other", Caches: ways(1)},
		{Name: "be", Role: v1alpha1.RoleBatch, Caches: ways(3)},
	}}
}

func TestAsk(t *testing.T) {
	r := &Redivision{spec: "text"}
	at := time.Unix(100, 0)
	got := r.ask(&Input{
		Now: at, Spec: partitions(), Capacity: &intel, Refused: "why",
		Limits:  control.Limits{Ways: &control.WayLimits{Min: 2, Max: 3}, Bandwidth: &control.BandwidthLimits{Min: 10, Step: 10, Max: 100}},
		Setting: control.Setting{BatchWays: 2, BatchBandwidth: 10, BatchCPU: math.Inf(1)},
		Services: []Service{
			{Partition: "web", Slack: new(0.2), Cores: new(1.5)},
			{Partition: "web", Slack: new(-0.1), Cores: new(0.5)},
			{Partition: "web"},
			{Partition: "db", Slack: new(-0.7), Own: true},
			{Partition: "other", Slack: new(-1.0)},
			{Partition: "", Slack: new(-1.0)},
		},
	})
	want := canary.Input{
		Now: 100 * time.Second, Allowed: true, Spec: "text", Refused: "why", Limits: Limits(&intel),
		Batch: canary.Batch{Given: canary.Shares{Ways: 3, Bandwidth: 100}, Has: canary.Shares{Ways: 2, Bandwidth: 10}, AtMinimum: true},
		Partitions: []canary.Partition{
			{Name: "web", Services: 3, Given: canary.Shares{Ways: 4}, Slack: new(-0.1), Load: new(2.0)},
			{Name: "db", Services: 1, Given: canary.Shares{Ways: 4}, Slack: new(0.0)},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

func TestAtMinimum(t *testing.T) {
	l := control.Limits{
		Ways: &control.WayLimits{Min: 2, Max: 6}, Bandwidth: &control.BandwidthLimits{Min: 15, Step: 10, Max: 100},
		CPU: &control.CPULimits{Cores: 8, Floor: 0.4},
	}
	for name, c := range map[string]struct {
		s    control.Setting
		want bool
	}{
		"all":        {control.Setting{BatchWays: 2, BatchBandwidth: 20, BatchCPU: 0.4}, true}, // 20 is the first step from 15 on
		"ways":       {control.Setting{BatchWays: 3, BatchBandwidth: 20, BatchCPU: 0.4}, false},
		"bandwidth":  {control.Setting{BatchWays: 2, BatchBandwidth: 30, BatchCPU: 0.4}, false},
		"cpu":        {control.Setting{BatchWays: 2, BatchBandwidth: 20, BatchCPU: 0.41}, false},
		"infeasible": {control.Setting{BatchWays: 3, BatchBandwidth: 30, BatchCPU: 8, Infeasible: "it is"}, true},
	} {
		if got := atMinimum(&l, &c.s); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if s := (control.Setting{BatchCPU: math.Inf(1)}); !atMinimum(&control.Limits{}, &s) {
		t.Error("where nothing can be taken, all is")
	}
}

// missing is a second in which web misses its set-point, with batch at its minimum.
func missing(second int) Input {
	slack := -0.4
	in := Input{
		Now: time.Unix(int64(second), 0), Allowed: true, Spec: partitions(), Capacity: &intel,
		Limits: control.Limits{Ways: &control.WayLimits{Min: 2, Max: 3}}, Setting: control.Setting{BatchWays: 2, BatchCPU: math.Inf(1)},
		Services: []Service{{Partition: "web"}, {Partition: "db"}},
	}
	if second%2 == 0 {
		in.Services[0].Slack, in.Services[1].Slack = &slack, new(0.1)
	}
	return in
}

// What was tried is given back in the second in which trials are no longer allowed, and where the tree is away at the same time as the spec
// changes; where it is just away, what is in force stays and no trial goes on.
func TestGivesBack(t *testing.T) {
	for name, c := range map[string]struct {
		change func(in *Input)
		kept   bool
	}{
		"not allowed":           {func(in *Input) { in.Allowed = false }, false},
		"no tree":               {func(in *Input) { in.Capacity = nil }, true},
		"no tree, another spec": {func(in *Input) { in.Capacity, in.Spec.Partitions[2].Name = nil, "another" }, false},
		"another spec":          {func(in *Input) { in.Spec.Partitions[2].Name = "another" }, false},
	} {
		var r Redivision
		for second := range 40 {
			r.Step(missing(second))
		}
		if !r.Running() || len(r.last.Setting) != 2 || !strings.HasPrefix(r.last.Words, "trial ") {
			t.Fatalf("%s: no trial after 40 s: %+v", name, r.last)
		}
		in := missing(40)
		c.change(&in)
		d := r.Step(in)
		if d.Running || r.Running() || (d.Setting != nil) != c.kept || d.Changed == c.kept {
			t.Errorf("%s: %+v", name, d)
		}
		if d = r.Step(in); d.Changed {
			t.Errorf("%s: changed again: %+v", name, d)
		}
	}
}

// A permission that comes and goes does not begin more searches than one that stays: six an hour at most.
func TestPermissionComesAndGoes(t *testing.T) {
	var r Redivision
	begun, running := 0, false
	for second := range 3600 {
		in := missing(second)
		in.Allowed = second%60 != 59
		if r.Step(in); r.Running() && !running {
			begun++
		}
		running = r.Running()
	}
	if begun != 6 {
		t.Errorf("%d searches in an hour", begun)
	}
}
