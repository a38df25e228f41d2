package jointplacement_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/hold"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/plan"
	"github.com/ballast-k8s/ballast/test/component"
)

// realised is the least share of the planned value that must come true.
const realised = 0.995

// batchOf is the batch as pods of a group on a pool, and as what is planned on n empty nodes.
func (s *suite) batchOf(t *testing.T, group, pool string, n int) ([]*v1.Pod, plan.Input) {
	t.Helper()
	in := plan.Input{Model: s.model}
	var pods []*v1.Pod
	total := 0
	for _, count := range s.batch {
		total += count
	}
	for i, class := range s.model.Classes() {
		kind := plan.Kind{Class: i, Size: []int64{1}}
		for j := range s.batch[class] {
			pod := podOf(fmt.Sprintf("%s-%s-%d", group, strings.ReplaceAll(class, "_", "-"), j), class, pool)
			pod.Labels[hold.PodGroupLabel] = group
			pod.Annotations[hold.GroupSizeAnnotation] = strconv.Itoa(total)
			pods = append(pods, pod)
			kind.Pods = append(kind.Pods, pod.Name)
		}
		in.Kinds = append(in.Kinds, kind)
	}
	for i := range n {
		in.Nodes = append(in.Nodes, plan.Node{Name: fmt.Sprintf("%s-%0*d", pool, len(strconv.Itoa(n-1)), i), Free: []int64{8}})
	}
	return pods, in
}

// 200 containers of Metis' first batch on 27 nodes of 8 places come out as the plan has them, and better than one after the other.
func testLandsAsPlanned(t *testing.T, s *suite) {
	const nodes = 27
	if err := s.AddNodes(t.Context(), "m", nodes, metisNode()); err != nil {
		t.Fatal(err)
	}
	pods, in := s.batchOf(t, "batch", "m", nodes)
	begin := time.Now()
	s.create(t, pods...)
	created := time.Since(begin)
	at := s.awaitNodes(t, batchSoon, pods)
	took := time.Since(begin)
	planned, err := plan.Make(in)
	if err != nil {
		t.Fatal(err)
	}
	got := plan.Gain(in, at)
	t.Logf("%d pods on %d nodes: planned %.4f a pod (bound %.4f), realised %.4f; created in %v, placed after %v; planned in %.1f ms, held %.2f s on average",
		len(pods), nodes, planned.Gain/float64(len(pods)), planned.Bound/float64(len(pods)), got/float64(len(pods)), created.Round(time.Millisecond), took.Round(time.Millisecond),
		1000*s.metric(t, "plan_seconds_sum"), s.metric(t, "hold_seconds_sum")/s.metric(t, "hold_seconds_count"))
	if math.IsNaN(got) || got < realised*planned.Gain {
		t.Errorf("realised %v of planned %v", got, planned.Gain)
	}
	if honoured := s.metric(t, "placements_total", `honoured="true"`); honoured != float64(len(pods)) {
		t.Errorf("%v of %d placements are as planned", honoured, len(pods))
	}
	s.awaitEvent(t, `planned with 200 pods \(pod-group default/batch\) on node m-\d\d, predicted \d\.\d\d of its speed alone; of the plan: predicted mean performance `)

	online, _ := s.batchOf(t, "online", "o", nodes)
	if err := s.AddNodes(t.Context(), "o", nodes, metisNode()); err != nil {
		t.Fatal(err)
	}
	for _, pod := range online {
		pod.Spec.SchedulerName = "ballast-scheduler"
	}
	begin = time.Now()
	s.create(t, online...)
	where := s.awaitNodes(t, batchSoon, online)
	took = time.Since(begin)
	_, in = s.batchOf(t, "online", "o", nodes)
	alone := plan.Gain(in, where)
	t.Logf("one after the other: realised %.4f a pod; placed after %v", alone/float64(len(online)), took.Round(time.Millisecond))
	if got <= alone {
		t.Errorf("together %v, one after the other %v", got, alone)
	}
}

// awaitEvent waits for an event of the plugin that matches.
func (s *suite) awaitEvent(t *testing.T, pattern string) {
	t.Helper()
	want := regexp.MustCompile(pattern)
	component.Eventually(t, soon, func() string {
		events, err := s.client.CoreV1().Events("default").List(t.Context(), metav1.ListOptions{FieldSelector: "reason=JointPlacement"})
		if err != nil {
			return err.Error()
		}
		if !slices.ContainsFunc(events.Items, func(e v1.Event) bool { return want.MatchString(e.Message) }) {
			return fmt.Sprintf("none of %d events matches %s", len(events.Items), pattern)
		}
		return ""
	})
}

// testConstraintsWin has constraints that the plan does not know, and one that it does: the pod that fits nowhere is left to kube-scheduler,
// which says why.
func testConstraintsWin(t *testing.T, s *suite) {
	tainted := metisNode()
	tainted.Taints = []v1.Taint{{Key: "ballast.dev/test", Effect: v1.TaintEffectNoSchedule}}
	if err := s.AddNodes(t.Context(), "c", 3, metisNode()); err != nil {
		t.Fatal(err)
	}
	if err := s.AddNodes(t.Context(), "d", 1, tainted); err != nil {
		t.Fatal(err)
	}
	// Three pods may not share a node with their like, which the plan does not know.
	var pods []*v1.Pod
	for i := range 3 {
		pod := podOf(fmt.Sprintf("apart-%d", i), "redis", "c")
		pod.Labels["app"], pod.Labels[hold.PodGroupLabel] = "apart", "apart"
		pod.Annotations[hold.GroupSizeAnnotation] = "6"
		pod.Spec.Affinity = &v1.Affinity{PodAntiAffinity: &v1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []v1.PodAffinityTerm{{
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "apart"}}, TopologyKey: "kubernetes.io/hostname",
		}}}}
		pods = append(pods, pod)
	}
	for i := range 3 {
		pod := podOf(fmt.Sprintf("beside-%d", i), "mms", "c")
		pod.Labels[hold.PodGroupLabel] = "apart"
		pod.Annotations[hold.GroupSizeAnnotation] = "6"
		pods = append(pods, pod)
	}
	s.create(t, pods...)
	at := s.awaitNodes(t, batchSoon, pods)
	if at["apart-0"] == at["apart-1"] || at["apart-1"] == at["apart-2"] || at["apart-0"] == at["apart-2"] {
		t.Errorf("anti-affinity lost: %v", at)
	}
	repelled := podOf("repelled", "redis", "d")
	s.create(t, repelled)
	component.Eventually(t, soon, func() string {
		pod, err := s.client.CoreV1().Pods("default").Get(t.Context(), "repelled", metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		for _, c := range pod.Status.Conditions {
			if c.Type == v1.PodScheduled && strings.Contains(c.Message, "untolerated taint") && pod.Spec.NodeName == "" {
				return ""
			}
		}
		return fmt.Sprintf("pod repelled is on %q: %v", pod.Spec.NodeName, pod.Status.Conditions)
	})
}

// testSwitch has pods of an incomplete group come while the switch turns off, and to shadow: they are placed, and nothing is planned for
// them, which would happen after maxWait if they were held.
func testSwitch(t *testing.T, s *suite) {
	if err := s.AddNodes(t.Context(), "w", 1, metisNode()); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"off", "shadow"} {
		s.turn(t, "active")
		component.Eventually(t, soon, func() string {
			if s.metric(t, "blind", `reason="off"`) != 0 {
				return "still off"
			}
			return ""
		})
		var pods []*v1.Pod
		for i := range 3 {
			pod := podOf(fmt.Sprintf("%s-%d", mode, i), "redis", "w")
			pod.Labels[hold.PodGroupLabel], pod.Annotations[hold.GroupSizeAnnotation] = mode, "200"
			pods = append(pods, pod)
		}
		planned := s.metric(t, "planned_pods_total", `mode="active"`)
		s.turn(t, mode)
		s.create(t, pods...)
		s.awaitNodes(t, 10*time.Second, pods)
		if got := s.metric(t, "planned_pods_total", `mode="active"`); got != planned {
			t.Errorf("mode %s: %v pods were planned", mode, got-planned)
		}
	}
	s.turn(t, "active")
}

// testBlind takes the model away: then a pod of an incomplete group does not wait.
func testBlind(t *testing.T, s *suite) {
	if err := s.objects.Resource(v1alpha1.InterferenceModels).Delete(t.Context(), "default", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	component.Eventually(t, soon, func() string {
		if s.metric(t, "blind", `reason="no_model"`) != 1 {
			return "not blind yet"
		}
		return ""
	})
	held := s.metric(t, "hold_seconds_count")
	pod := podOf("blind", "redis", "w")
	pod.Labels[hold.PodGroupLabel], pod.Annotations[hold.GroupSizeAnnotation] = "blind", "200"
	s.create(t, pod)
	s.awaitNodes(t, soon, []*v1.Pod{pod})
	if got := s.metric(t, "hold_seconds_count"); got != held {
		t.Errorf("%v pods were held", got-held)
	}
}

// testPermissions reads the log of all that went before.
func testPermissions(t *testing.T, s *suite) {
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	if _, err := component.Get(ctx, s.http, s.metrics); err != nil {
		t.Errorf("the metrics are gone: %v", err)
	}
	s.scheduler.Stop()
	text, err := os.ReadFile(s.scheduler.LogPath())
	if err != nil {
		t.Fatal(err)
	}
	bad := regexp.MustCompile(`(?i:forbidden|unauthorized)|DATA RACE|panic|^E\d{4} .*JointPlacement|Cannot (nominate|read a PodGroup)`)
	for line := range strings.Lines(string(text)) {
		if bad.MatchString(line) && !strings.Contains(line, "FLAG:") {
			t.Errorf("the scheduler logged: %s", line)
		}
	}
}
