package jointplacement_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/hold"
	"github.com/ballast-k8s/ballast/test/component"
)

// awaitEvent waits for an event of the plugin that matches.
func (s *suite) awaitEvent(t *testing.T, pattern string) {
	t.Helper()
	want := regexp.MustCompile(pattern)
	component.Eventually(t, soon, func() string {
		events, err := s.Client.CoreV1().Events("default").List(t.Context(), metav1.ListOptions{FieldSelector: "reason=JointPlacement"})
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
		pod.Annotations[v1alpha1.GroupSizeAnnotation] = "6"
		pod.Spec.Affinity = &v1.Affinity{PodAntiAffinity: &v1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []v1.PodAffinityTerm{{
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "apart"}}, TopologyKey: "kubernetes.io/hostname",
		}}}}
		pods = append(pods, pod)
	}
	for i := range 3 {
		pod := podOf(fmt.Sprintf("beside-%d", i), "mms", "c")
		pod.Labels[hold.PodGroupLabel] = "apart"
		pod.Annotations[v1alpha1.GroupSizeAnnotation] = "6"
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
		pod, err := s.Client.CoreV1().Pods("default").Get(t.Context(), "repelled", metav1.GetOptions{})
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

// testSoftConstraints has three mms pods come beside a redis, which doubles their performance: all join it, but for a wish to be apart that is
// worth more.
func testSoftConstraints(t *testing.T, s *suite) {
	for pool, wish := range map[string]string{"j": "", "k": "{app=apart, {app=apart, 0, 0}, kubernetes.io/hostname} 5"} {
		if err := s.AddNodes(t.Context(), pool, 3, metisNode()); err != nil {
			t.Fatal(err)
		}
		provider := podOf("provider-"+pool, "redis", pool)
		provider.Spec.NodeName, provider.Spec.SchedulerName = pool+"-0", ""
		s.create(t, provider)
		var pods []*v1.Pod
		for i := range 3 {
			pod := podOf(fmt.Sprintf("wish-%s-%d", pool, i), "mms", pool)
			pod.Labels["app"], pod.Labels[hold.PodGroupLabel], pod.Annotations[v1alpha1.GroupSizeAnnotation] = "apart", "wish-"+pool, "3"
			if wish != "" {
				pod.Annotations[v1alpha1.ConstraintsAnnotation] = wish
			}
			pods = append(pods, pod)
		}
		s.create(t, pods...)
		on := map[string]int{}
		for _, node := range s.awaitNodes(t, batchSoon, pods) {
			on[node]++
		}
		if together := on[pool+"-0"] == 3; together != (wish == "") || wish != "" && len(on) != 3 {
			t.Errorf("with wish %q: placed on %v", wish, on)
		}
	}
}

// testSwitch has pods of an incomplete group come while the switch turns off, and to shadow: they are placed, and nothing is planned for
// them, which would happen after maxWait if they were held.
func testSwitch(t *testing.T, s *suite) {
	if err := s.AddNodes(t.Context(), "w", 1, metisNode()); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"off", "shadow"} {
		s.Turn(t, "active")
		component.Eventually(t, soon, func() string {
			if s.metric(t, "blind", `reason="off"`) != 0 {
				return "still off"
			}
			return ""
		})
		var pods []*v1.Pod
		for i := range 3 {
			pod := podOf(fmt.Sprintf("%s-%d", mode, i), "redis", "w")
			pod.Labels[hold.PodGroupLabel], pod.Annotations[v1alpha1.GroupSizeAnnotation] = mode, "200"
			pods = append(pods, pod)
		}
		planned := s.metric(t, "planned_pods_total", `mode="active"`)
		s.Turn(t, mode)
		s.create(t, pods...)
		s.awaitNodes(t, 10*time.Second, pods)
		if got := s.metric(t, "planned_pods_total", `mode="active"`); got != planned {
			t.Errorf("mode %s: %v pods were planned", mode, got-planned)
		}
	}
	s.Turn(t, "active")
}

// testBlind takes the model away: then a pod of an incomplete group does not wait.
func testBlind(t *testing.T, s *suite) {
	if err := s.Objects.Resource(v1alpha1.InterferenceModels).Delete(t.Context(), "default", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	component.Eventually(t, soon, func() string {
		if s.metric(t, "blind", `profile="ballast-joint"`, `reason="no_model"`) != 1 {
			return "not blind yet"
		}
		return ""
	})
	held := s.metric(t, "hold_seconds_count")
	pod := podOf("blind", "redis", "w")
	pod.Labels[hold.PodGroupLabel], pod.Annotations[v1alpha1.GroupSizeAnnotation] = "blind", "200"
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
	if _, err := component.Get(ctx, s.HTTP, s.URL+"/metrics"); err != nil {
		t.Errorf("the metrics are gone: %v", err)
	}
	s.Scheduler.Stop()
	text, err := os.ReadFile(s.Scheduler.LogPath())
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
