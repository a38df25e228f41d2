package nodemix

import (
	"testing"

	v1 "k8s.io/api/core/v1"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/byhand"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
)

func TestViolation(t *testing.T) {
	k := learn(t, append(byhand.Trio(), byhand.Class{Name: "new", Unmeasured: true, PerUnit: map[string]float64{"loud": 0.1}})...)
	const unmeasured = 3
	cases := map[string]struct {
		class int
		floor float64
		pods  []*v1.Pod
		want  string // what it protects
	}{
		"nobody was promised anything": {loud, 0, byhand.Several(3, "quiet"), ""},
		// quiet beside one loud runs at 0.5.
		"pod below its floor":     {quiet, 0.6, byhand.Several(1, "loud"), ProtectsPod},
		"pod at its floor":        {quiet, 0.5, byhand.Several(1, "loud"), ""},
		"pod alone":               {quiet, 1, nil, ""},
		"resident would be hurt":  {loud, 0, []*v1.Pod{byhand.Pod("quiet", "0.6")}, ProtectsResident},
		"resident would be at it": {loud, 0, []*v1.Pod{byhand.Pod("quiet", "0.5")}, ""},
		// quiet beside one loud is at 0.5 < 0.8 already; another makes it 0.25, which is not what broke the promise.
		"resident is below already": {loud, 0, append(byhand.Several(1, "loud"), byhand.Pod("quiet", "0.8")), ""},
		// Same class, two floors: 0.8 is broken already, 0.4 breaks newly (0.5 to 0.25).
		"one of two is newly hurt": {loud, 0, append(byhand.Several(1, "loud"), byhand.Pod("quiet", "0.8"), byhand.Pod("quiet", "0.4")), ProtectsResident},
		"pod comes first":          {loud, 0.9, append(byhand.Several(1, "loud"), byhand.Pod("quiet", "0.4")), ProtectsPod}, // loud: 0.8 < 0.9
		"a helper hurts nobody":    {helper, 0, []*v1.Pod{byhand.Pod("quiet", "1")}, ""},
		// 0.5 · 1.5 = 0.75 with the helper, so a floor of 0.7 holds.
		"a helper saves the pod": {quiet, 0.7, append(byhand.Several(1, "loud"), byhand.Several(1, "helper")...), ""},
		// Uncertainty never blocks.
		"unmeasured pod":             {unmeasured, 1, byhand.Several(3, "loud"), ""},
		"unmeasured pod, protected":  {unmeasured, 0, []*v1.Pod{byhand.Pod("quiet", "1")}, ""},
		"unmeasured resident":        {loud, 0, []*v1.Pod{byhand.Pod("new", "0.9")}, ""},
		"unknown neighbours":         {quiet, 1, byhand.Several(20, "mystery"), ""},
		"unknown and known together": {quiet, 0.6, append(byhand.Several(5, "mystery"), byhand.Several(1, "loud")...), ProtectsPod},
		"class of no model":          {-1, 1, byhand.Several(3, "loud"), ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			n := observe(byhand.Node("n1", c.pods...), k, nodesetting.Report{}, "")
			if got := n.Violation(c.class, c.floor, 0); got.Protects != c.want {
				t.Errorf("violation is %+v, want it to protect %q", got, c.want)
			}
		})
	}
}

// A floor of a resident binds pods of its own priority and below: it must not keep out what could preempt it.
func TestFloorsBindUpToTheirPriority(t *testing.T) {
	k := learn(t, byhand.Trio()...)
	resident := byhand.Pod("quiet", "0.6")
	resident.Spec.Priority = new(int32(100))
	n := observe(byhand.Node("n1", resident), k, nodesetting.Report{}, "")
	for priority, want := range map[int32]string{0: ProtectsResident, 100: ProtectsResident, 101: ""} {
		if got := n.Violation(loud, 0, priority); got.Protects != want {
			t.Errorf("a pod of priority %d breaks %q, want %q", priority, got.Protects, want)
		}
	}
}

func TestViolationReasonsAggregate(t *testing.T) {
	k := learn(t, byhand.Trio()...)
	reasons := map[string]int{}
	for loud := range 3 { // three nodes of different predictions
		n := observe(byhand.Node("n", byhand.Several(1+loud, "loud")...), k, nodesetting.Report{}, "")
		reasons[n.Violation(quiet, 0.8, 0).Reason(k)]++
	}
	want := "node(s) would slow the pod (quiet) below its ballast.dev/min-performance 0.80"
	if len(reasons) != 1 || reasons[want] != 3 {
		t.Errorf("reasons are %v, want 3 times %q", reasons, want)
	}
	n := observe(byhand.Node("n", byhand.Pod("quiet", "0.6")), k, nodesetting.Report{}, "")
	want = "node(s) where the pod would slow quiet below its ballast.dev/min-performance 0.60"
	if got := n.Violation(loud, 0, 0).Reason(k); got != want {
		t.Errorf("reason is %q, want %q", got, want)
	}
}

// Doubt never rejects: a filter goes by the likeliest setting.
func TestFilterGoesByTheLikeliestSetting(t *testing.T) {
	k := learnIn(t, map[string]float64{"/fence": 0.1, "/funnel": 3})
	info := byhand.Node("n1", byhand.Pod("loud", ""))
	for name, c := range map[string]struct {
		report nodesetting.Report
		want   bool // rejected, for quiet with a floor of 0.6: 0.5 undivided, 0.93 behind the fence, 0.125 in the funnel
	}{
		"undivided":          {nodesetting.Report{}, true},
		"fence":              {nodesetting.Report{Partitions: "fence"}, false},
		"an old fence":       {nodesetting.Report{Partitions: "fence", Wanted: "funnel", Doubt: nodesetting.StaleReport}, false},
		"funnel":             {nodesetting.Report{Partitions: "funnel"}, true},
		"nobody measured":    {nodesetting.Report{Partitions: "walls"}, true}, // as in the model's own setting
		"nothing is read":    {nodesetting.Report{Doubt: nodesetting.UnreadReports}, true},
		"an old lack of one": {nodesetting.Report{Wanted: "fence", Doubt: nodesetting.StaleReport}, true},
	} {
		if got := observe(info, k, c.report, "").Violation(quiet, 0.6, 0).Broken(); got != c.want {
			t.Errorf("%s: rejected is %v, want %v", name, got, c.want)
		}
	}
}
