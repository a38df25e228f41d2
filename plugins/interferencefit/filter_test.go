package interferencefit

import (
	"math"
	"testing"

	v1 "k8s.io/api/core/v1"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
)

func TestViolation(t *testing.T) {
	k := learn(t, append(trio(), class{name: "new", unmeasured: true, perUnit: map[string]float64{"loud": 0.1}})...)
	const unmeasured = 3
	cases := map[string]struct {
		class int
		floor float64
		pods  []*v1.Pod
		want  string // what it protects
	}{
		"nobody was promised anything": {loud, 0, several(3, "quiet"), ""},
		// quiet beside one loud runs at 0.5.
		"pod below its floor":     {quiet, 0.6, several(1, "loud"), protectsPod},
		"pod at its floor":        {quiet, 0.5, several(1, "loud"), ""},
		"pod alone":               {quiet, 1, nil, ""},
		"resident would be hurt":  {loud, 0, []*v1.Pod{podOf("quiet", "0.6")}, protectsResident},
		"resident would be at it": {loud, 0, []*v1.Pod{podOf("quiet", "0.5")}, ""},
		// quiet beside one loud is at 0.5 < 0.8 already; another makes it 0.25, which is not what broke the promise.
		"resident is below already": {loud, 0, append(several(1, "loud"), podOf("quiet", "0.8")), ""},
		// Same class, two floors: 0.8 is broken already, 0.4 breaks newly (0.5 to 0.25).
		"one of two is newly hurt": {loud, 0, append(several(1, "loud"), podOf("quiet", "0.8"), podOf("quiet", "0.4")), protectsResident},
		"pod comes first":          {loud, 0.9, append(several(1, "loud"), podOf("quiet", "0.4")), protectsPod}, // loud: 0.8 < 0.9
		"a helper hurts nobody":    {helper, 0, []*v1.Pod{podOf("quiet", "1")}, ""},
		// 0.5 · 1.5 = 0.75 with the helper, so a floor of 0.7 holds.
		"a helper saves the pod": {quiet, 0.7, append(several(1, "loud"), several(1, "helper")...), ""},
		// Uncertainty never blocks.
		"unmeasured pod":             {unmeasured, 1, several(3, "loud"), ""},
		"unmeasured pod, protected":  {unmeasured, 0, []*v1.Pod{podOf("quiet", "1")}, ""},
		"unmeasured resident":        {loud, 0, []*v1.Pod{podOf("new", "0.9")}, ""},
		"unknown neighbours":         {quiet, 1, several(20, "mystery"), ""},
		"unknown and known together": {quiet, 0.6, append(several(5, "mystery"), several(1, "loud")...), protectsPod},
		"class of no model":          {-1, 1, several(3, "loud"), ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			n := observe(nodeOf("n1", c.pods...), k, nodesetting.Report{}, "")
			if got := n.violation(c.class, c.floor, 0); got.protects != c.want {
				t.Errorf("violation is %+v, want it to protect %q", got, c.want)
			}
		})
	}
}

// A floor of a resident binds pods of its own priority and below: it must not keep out what could preempt it.
func TestFloorsBindUpToTheirPriority(t *testing.T) {
	k := learn(t, trio()...)
	resident := podOf("quiet", "0.6")
	resident.Spec.Priority = new(int32(100))
	n := observe(nodeOf("n1", resident), k, nodesetting.Report{}, "")
	for priority, want := range map[int32]string{0: protectsResident, 100: protectsResident, 101: ""} {
		if got := n.violation(loud, 0, priority); got.protects != want {
			t.Errorf("a pod of priority %d breaks %q, want %q", priority, got.protects, want)
		}
	}
}

func TestViolationReasonsAggregate(t *testing.T) {
	k := learn(t, trio()...)
	reasons := map[string]int{}
	for loud := range 3 { // three nodes of different predictions
		n := observe(nodeOf("n", several(1+loud, "loud")...), k, nodesetting.Report{}, "")
		reasons[n.violation(quiet, 0.8, 0).reason(k)]++
	}
	want := "node(s) would slow the pod (quiet) below its ballast.dev/min-performance 0.80"
	if len(reasons) != 1 || reasons[want] != 3 {
		t.Errorf("reasons are %v, want 3 times %q", reasons, want)
	}
	n := observe(nodeOf("n", podOf("quiet", "0.6")), k, nodesetting.Report{}, "")
	want = "node(s) where the pod would slow quiet below its ballast.dev/min-performance 0.60"
	if got := n.violation(loud, 0, 0).reason(k); got != want {
		t.Errorf("reason is %q, want %q", got, want)
	}
}

func TestFloorOf(t *testing.T) {
	for text, want := range map[string]float64{"0.8": 0.8, "1": 1, "1e-3": 0.001} {
		if got, err := floorOf(podOf("x", text)); got != want || err != nil {
			t.Errorf("floor of %q is %v, %v", text, got, err)
		}
	}
	if got, err := floorOf(&v1.Pod{}); got != 0 || err != nil {
		t.Errorf("floor without annotation is %v, %v", got, err)
	}
	const want = `annotation ballast.dev/min-performance is "80%", expected a number above 0 and up to 1, such as "0.8"; it is ignored`
	if _, err := floorOf(podOf("x", "80%")); err == nil || err.Error() != want {
		t.Errorf("floor of 80%% gives %v, want %s", err, want)
	}
	for _, text := range []string{"0", "-0.5", "1.01", "NaN", "+Inf", " 0.8", "0,8"} {
		if got, err := floorOf(podOf("x", text)); err == nil || got != 0 {
			t.Errorf("floor of %q is %v, %v, want an error", text, got, err)
		}
	}
}

func FuzzFloorOf(f *testing.F) {
	f.Add("0.8")
	f.Add("nan")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := floorOf(podOf("x", text))
		if text != "" && err == nil && !(got > 0 && got <= 1) {
			t.Errorf("floor of %q is %v", text, got)
		}
		if math.IsNaN(got) {
			t.Errorf("floor of %q is not a number", text)
		}
	})
}
