package eviction_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/ballast-k8s/ballast/test/component"
)

// testDenied asks for two evictions before the right is given: both are forbidden. testLog finds that the log says so once.
func testDenied(t *testing.T, s *suite) {
	for i := range 2 {
		node := s.node()
		pod := s.run(t, "jobs", fmt.Sprintf("early-%d", i), node)
		s.ask(t, node, spec, pod, time.Now())
		s.comes(t, "forbidden", 1)
		s.stays(t, pod)
		s.said(t, "default", "NodeIsolation/"+node, "EvictionForbidden", "cannot create resource", "pods/eviction", sentence)
	}
	if err := s.ApplyFiles(t.Context(), filepath.Join(component.Root, "manifests/recommender/eviction")); err != nil {
		t.Fatal(err)
	}
}

func testEvicts(t *testing.T, s *suite) {
	node := s.node()
	pod := s.run(t, "jobs", "sort", node)
	s.ask(t, node, spec, pod, time.Now())
	s.comes(t, "evicted", 1)
	s.gone(t, pod)
	s.said(t, "jobs", "Pod/sort", "EvictedByBallast", "Evicted pod jobs/sort from node "+node, sentence)
	s.said(t, "default", "NodeIsolation/"+node, "EvictedByBallast", "Evicted pod jobs/sort from node "+node, sentence)
}

// testDisruptionBudget has a budget of disruption refuse, and permits it while the request lives.
func testDisruptionBudget(t *testing.T, s *suite) {
	node := s.node()
	pod := s.run(t, "jobs", "guarded", node)
	budgets := s.client.PolicyV1().PodDisruptionBudgets("jobs")
	least := intstr.FromInt32(1)
	b := &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: "guard"},
		Spec: policyv1.PodDisruptionBudgetSpec{
			MinAvailable: &least, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "guarded"}},
		},
	}
	if _, err := budgets.Create(t.Context(), b, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	component.Eventually(t, soon, func() string { // the controller has to see pod and budget
		b, err := budgets.Get(t.Context(), "guard", metav1.GetOptions{})
		if err != nil || b.Status.ObservedGeneration != b.Generation || b.Status.CurrentHealthy != 1 {
			return fmt.Sprintf("budget %+v, error %v", b.Status, err)
		}
		return ""
	})
	s.ask(t, node, spec, pod, time.Now())
	s.comes(t, "disruption_budget", 1)
	s.stays(t, pod)
	s.said(t, "jobs", "Pod/guarded", "EvictionDelayed", "disruption budget", sentence)
	s.said(t, "default", "NodeIsolation/"+node, "EvictionDelayed", "disruption budget", sentence)
	if _, err := budgets.Patch(t.Context(), "guard", types.MergePatchType, []byte(`{"spec":{"minAvailable":0}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	s.comes(t, "evicted", 1)
	s.gone(t, pod)
}

func testAnotherNode(t *testing.T, s *suite) {
	node := s.node()
	pod := s.run(t, "jobs", "elsewhere", s.node())
	s.ask(t, node, spec, pod, time.Now())
	s.comes(t, "refused", 1)
	s.stays(t, pod)
	s.said(t, "default", "NodeIsolation/"+node, "EvictionRefused", "pod jobs/elsewhere does not run on this node")
}

func testUID(t *testing.T, s *suite) {
	node := s.node()
	pod := s.run(t, "jobs", "again", node)
	before := pod.DeepCopy()
	before.UID = "0a1b2c3d-0000-1111-2222-333344445555"
	s.ask(t, node, spec, before, time.Now())
	s.comes(t, "gone", 1)
	s.stays(t, pod)
}

// testNoBatch names a pod of a partition of role Latency, one that no partition has, and one of the system.
func testNoBatch(t *testing.T, s *suite) {
	cases := []struct{ namespace, name, says string }{
		{"shop", "web", "belongs to partition lc, whose role is not Batch"},
		{"jobs", "urgent-1", "belongs to partition lc, whose role is not Batch"},
		{"default", "stray", "belongs to no partition"},
		{"kube-system", "proxy", "namespace of the system"},
	}
	pods, nodes := make([]*v1.Pod, len(cases)), make([]string, len(cases))
	for i, c := range cases {
		nodes[i] = s.node()
		pods[i] = s.run(t, c.namespace, c.name, nodes[i])
		s.ask(t, nodes[i], spec, pods[i], time.Now())
	}
	s.comes(t, "refused", len(cases))
	for i, c := range cases {
		s.stays(t, pods[i])
		s.said(t, "default", "NodeIsolation/"+nodes[i], "EvictionRefused", c.says)
	}
}

// testNever asks on nodes whose objects do not say LastStep, and Act.
func testNever(t *testing.T, s *suite) {
	var pods []*v1.Pod
	for old, is := range map[string]string{`,"eviction":"LastStep"`: "", `"mode":"Act"`: `"mode":"Observe"`} {
		node := s.node()
		pods = append(pods, s.run(t, "jobs", "never-"+node, node))
		s.ask(t, node, strings.Replace(spec, old, is, 1), pods[len(pods)-1], time.Now())
	}
	s.comes(t, "refused", len(pods))
	for _, pod := range pods {
		s.stays(t, pod)
	}
}

// testTimes makes a request that is void when it comes, which is no news, and then one of the future.
func testTimes(t *testing.T, s *suite) {
	node := s.node()
	pod := s.run(t, "jobs", "time", node)
	s.ask(t, node, spec, pod, time.Now().Add(-3*time.Minute))
	other := s.node()
	s.ask(t, other, spec, s.run(t, "jobs", "time-2", other), time.Now().Add(2*time.Minute))
	s.comes(t, "refused", 1) // a pass that took the one has taken the other, which is older, before
	s.stays(t, pod)
	s.said(t, "default", "NodeIsolation/"+other, "EvictionRefused", "of the future")
}

// testNodeBudget asks for pods of a node, one after the other: the second has to wait. It need not where this machine is so slow that the
// look which finds its request is later than the budget's 5 s; then the next has to.
func testNodeBudget(t *testing.T, s *suite) {
	node := s.node()
	var pods []*v1.Pod
	for i := range 5 {
		pods = append(pods, s.run(t, "jobs", fmt.Sprint("next-", i), node))
	}
	s.ask(t, node, spec, pods[0], time.Now())
	s.comes(t, "evicted", 1)
	for _, next := range pods[1:] {
		begin, before := time.Now(), s.count(t, "waiting")
		s.ask(t, node, spec, next, time.Now())
		s.comes(t, "evicted", 1)
		s.gone(t, next)
		if s.count(t, "waiting") > before {
			t.Logf("pod %s had to wait, for %s", next.Name, time.Since(begin))
			return
		}
	}
	t.Errorf("%d pods of a node in a row, and none had to wait", len(pods))
}

// testShadow turns the switch: what would be evicted is told and not done.
func testShadow(t *testing.T, s *suite) {
	if err := s.Apply(t.Context(), "the switch",
		[]byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: ballast-system, name: ballast}\ndata: {mode: shadow}\n")); err != nil {
		t.Fatal(err)
	}
	component.Eventually(t, soon, func() string {
		body, err := component.Get(t.Context(), s.http, s.base+"/metrics")
		if err != nil {
			return err.Error()
		}
		if !strings.Contains(body, "\nsla_recommender_mode{mode=\"shadow\"} 1\n") {
			return "the switch is not in shadow"
		}
		return ""
	})
	node := s.node()
	pod := s.run(t, "jobs", "shadowed", node)
	s.ask(t, node, spec, pod, time.Now())
	s.comes(t, "would_evict", 1)
	s.stays(t, pod)
	s.said(t, "jobs", "Pod/shadowed", "WouldEvict", "Would evict pod jobs/shadowed", sentence)
	s.said(t, "default", "NodeIsolation/"+node, "WouldEvict", sentence)
}

// testLog reads the log of all that went before: of what is forbidden it names the right that was missing at first, once.
func testLog(t *testing.T, s *suite) {
	s.recommender.Stop()
	text, err := os.ReadFile(s.recommender.LogPath())
	if err != nil {
		t.Fatal(err)
	}
	bad, said := regexp.MustCompile(`(?i:forbidden|unauthorized)|DATA RACE|panic`), 0
	for line := range strings.Lines(string(text)) {
		switch {
		case strings.Contains(line, "manifests/recommender/eviction gives the right"):
			said++
		case bad.MatchString(line):
			t.Errorf("the log says: %s", line)
		}
	}
	if said != 1 {
		t.Errorf("the log says %d times that the right is missing, want once", said)
	}
}
