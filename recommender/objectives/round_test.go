package objectives

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender/sizing"
	"github.com/ballast-k8s/ballast/recommender/workload"
)

var (
	noon    = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	stock   = Bounds{Lower: 0.3, Target: 0.5, Upper: 2}
	rounded = cmpopts.EquateApprox(0, 1e-9)
)

// say is an objective's say about container app of a workload.
func say(objective string, inPlace bool, decided *sizing.Allocation, f sizing.Fallback) *claim {
	t := &track{workload: &workload.Workload{Name: "w", InPlace: inPlace}, container: "app", fallback: f, allocation: decided}
	s := &subject{objective: &v1alpha1.LatencyObjective{ObjectMeta: metav1.ObjectMeta{Name: objective}}, mode: v1alpha1.ObjectiveActive, tracks: map[string]*track{"w": t}}
	return s.claim(t)
}

func roundAt(now time.Time, claims ...*claim) *Round {
	r := &Round{now: now, periods: sizing.DefaultPeriods(), claims: map[string][]*claim{"ns/w": claims}}
	for _, c := range claims {
		r.subjects = append(r.subjects, c.subject)
	}
	return r
}

func TestBounds(t *testing.T) {
	small := &sizing.Allocation{Target: 0.4, Lower: 0.35, Upper: 0.6}
	large := &sizing.Allocation{Target: 0.9, Lower: 0.3, Upper: 1.1}
	blindFor := func(d time.Duration) sizing.Fallback { return sizing.Fallback{Target: 0.8, Since: noon.Add(-d)} }
	for name, c := range map[string]struct {
		claims []*claim
		want   Bounds
		ok     bool
	}{
		"nobody":                {nil, Bounds{}, false},
		"never decided":         {[]*claim{say("a", true, nil, sizing.Fallback{})}, Bounds{}, false},
		"decided, below stock":  {[]*claim{say("a", true, small, sizing.Fallback{})}, Bounds{0.35, 0.4, 0.6}, true},
		"the largest counts":    {[]*claim{say("a", true, small, sizing.Fallback{}), say("b", true, large, sizing.Fallback{})}, Bounds{0.35, 0.9, 1.1}, true},
		"held, becomes blind":   {[]*claim{say("a", true, nil, sizing.Fallback{Target: 0.8})}, Bounds{0.3, 0.8, 2}, true},
		"held":                  {[]*claim{say("a", true, nil, blindFor(9*time.Minute))}, Bounds{0.3, 0.8, 2}, true},
		"steps down in place":   {[]*claim{say("a", true, nil, blindFor(10*time.Minute))}, Bounds{0.3, 0.72, 0.72}, true}, // 0.9 · 0.8
		"steps down, recreated": {[]*claim{say("a", false, nil, blindFor(10*time.Minute))}, Bounds{0.3, 0.72, 2}, true},
		"one blind, one sees":   {[]*claim{say("a", true, nil, blindFor(time.Minute)), say("b", true, small, sizing.Fallback{})}, Bounds{0.35, 0.8, 2}, true},
		"one gone, one sees":    {[]*claim{say("a", true, nil, sizing.Fallback{}), say("b", true, small, sizing.Fallback{})}, Bounds{0.35, 0.4, 0.6}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := roundAt(noon, c.claims...)
			got, ok := r.Bounds("ns/w", "app", stock)
			if diff := cmp.Diff(c.want, got, rounded); diff != "" || ok != c.ok {
				t.Errorf("ok %t, want %t (-want +got):\n%s", ok, c.ok, diff)
			}
			for _, other := range [][2]string{{"ns/w", "proxy"}, {"ns/other", "app"}} {
				if _, ok := r.Bounds(other[0], other[1], stock); ok {
					t.Errorf("%v has bounds", other)
				}
			}
		})
	}
	if _, ok := (*Round)(nil).Bounds("ns/w", "app", stock); ok {
		t.Error("there are bounds before the first round")
	}
}

// TestBoundsTwice asks again at the same time: the answer is the same, and a step is taken once.
func TestBoundsTwice(t *testing.T) {
	r := roundAt(noon, say("a", true, nil, sizing.Fallback{Target: 0.8, Since: noon.Add(-time.Hour)}))
	first, _ := r.Bounds("ns/w", "app", stock)
	second, _ := r.Bounds("ns/w", "app", stock)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("asked twice (-first +second):\n%s", diff)
	}
	r.End()
	again := roundAt(noon.Add(time.Minute), r.claims["ns/w"][0].subject.claim(r.claims["ns/w"][0].track))
	third, _ := again.Bounds("ns/w", "app", stock)
	if diff := cmp.Diff(first, third, rounded); diff != "" {
		t.Errorf("a minute after a step (-want +got):\n%s", diff)
	}
}

func TestEndReports(t *testing.T) {
	small, large := &sizing.Allocation{Target: 0.4, Lower: 0.35, Upper: 0.6}, &sizing.Allocation{Target: 0.9, Lower: 0.3, Upper: 1.1}
	r := roundAt(noon, say("a", true, small, sizing.Fallback{}), say("b", true, large, sizing.Fallback{}))
	if _, ok := r.Bounds("ns/w", "app", stock); !ok {
		t.Fatal("no bounds")
	}
	reports := r.End()
	if len(reports) != 2 {
		t.Fatalf("%d reports, want 2", len(reports))
	}
	want := []WorkloadReport{
		{Name: "w", Container: "app", Allocation: small, Fallback: sizing.Fallback{Target: 0.4}, Phase: sizing.PhaseObjective, Target: 0.4, Stock: 0.5, Decided: noon, OutbidBy: "b"},
		{Name: "w", Container: "app", Allocation: large, Fallback: sizing.Fallback{Target: 0.9}, Phase: sizing.PhaseObjective, Target: 0.9, Stock: 0.5, Decided: noon},
	}
	for i, report := range reports {
		if diff := cmp.Diff(want[i:i+1], report.Workloads); diff != "" {
			t.Errorf("report %d (-want +got):\n%s", i, diff)
		}
	}
}

// TestUnanswered keeps the state of a workload for which stock had nothing to say in a round.
func TestUnanswered(t *testing.T) {
	c := say("a", true, nil, sizing.Fallback{Target: 0.8})
	reports := roundAt(noon, c).End()
	if got := reports[0].Workloads[0].Fallback; got != (sizing.Fallback{Target: 0.8}) {
		t.Errorf("the state became %+v", got)
	}
}

func TestAdvice(t *testing.T) {
	pod := func(limit float64) workload.Pod {
		return workload.Pod{Node: "n", Requests: 1, Containers: []workload.Container{{Name: "app", Request: 1, Limit: limit}}}
	}
	pods := []workload.Pod{pod(2), pod(0)}
	nodes := workload.NewNodes(map[string]float64{"n": 2.5}, pods) // 0.5 free
	fixed := []workload.Policy{{Container: "*", LimitFollows: false}}
	for name, c := range map[string]struct {
		target   float64
		policies []workload.Policy
		want     []string
	}{
		"fits":               {1.5, fixed, nil},
		"falls":              {0.5, fixed, nil},
		"no room":            {1.6, fixed, []string{AdviceHeadroom}},
		"limit":              {2.1, fixed, []string{AdviceLimit, AdviceHeadroom}},
		"limit that follows": {2.1, nil, []string{AdviceHeadroom}},
	} {
		t.Run(name, func(t *testing.T) {
			got := advise(&track{workload: &workload.Workload{Pods: pods, Policies: c.policies}, container: "app"}, c.target, nodes)
			if len(got) != len(c.want) {
				t.Errorf("advice %v, want %v", got, c.want)
			}
			for _, reason := range c.want {
				if got[reason] == "" {
					t.Errorf("advice %v, want %s", got, reason)
				}
			}
		})
	}
}
