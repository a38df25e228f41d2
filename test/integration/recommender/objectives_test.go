package recommender_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/test/component"
)

// fast are rounds of a second, as all replicas' here, in which a second stands for 40: 15 s of holding, which a test has to see, and a step
// every 7.5 s.
const fast = "interval: 40s\nspeedup: 40\n"

// later bounds what comes after a hold and some steps.
const later = 90 * time.Second

const shopObjective = `
apiVersion: ballast.dev/v1alpha1
kind: LatencyObjective
metadata: {name: home, namespace: shop}
spec: {entry: {service: shop-front, operation: GET /}, percentile: 90, target: 400ms, window: 10s}
`

// shopWorkloads all have the same history.
func shopWorkloads() []workload {
	var list []workload
	for _, name := range append(slices.Clone(chain), idle...) {
		list = append(list, workload{
			name: name, replicas: 1, mode: vpav1.UpdateModeInPlaceOrRecreate,
			histories: map[string]history{"app": {length: 8 * 24 * time.Hour, cores: 0.05, memory: 300e6}},
		})
	}
	return list
}

// testObjective installs the type that was missing so far, and an objective.
func testObjective(t *testing.T, s *suite) {
	if err := s.ApplyFiles(t.Context(), filepath.Join(component.Root, "manifests/crd/ballast.dev_latencyobjectives.yaml"),
		filepath.Join(component.Root, "manifests/crd/ballast.dev_latencymodels.yaml"),
		filepath.Join(component.Root, "manifests/examples/otel-collector.yaml")); err != nil {
		t.Fatal(err)
	}
	s.openShop(t)
	s.load = s.newLoad(t)
	t.Cleanup(func() {
		if t.Failed() {
			s.load.end()
		}
	})
	s.load.start(t, s, s.leads)
	if err := s.Apply(t.Context(), "the objective", []byte(shopObjective)); err != nil {
		t.Fatal(err)
	}
	s.awaitPhases(t, "Objective", metav1.ConditionFalse, "Deciding")
	s.checkShop(t)
	component.Eventually(t, soon, func() string { // the first windows hold part of a second's requests, but all of its usage
		o := s.objective(t)
		for kind, want := range map[string]metav1.ConditionStatus{
			v1alpha1.ConditionInfeasible: metav1.ConditionFalse, v1alpha1.ConditionAtRisk: metav1.ConditionFalse, v1alpha1.ConditionMet: metav1.ConditionTrue,
		} {
			if c := meta.FindStatusCondition(o.Status.Conditions, kind); c == nil || c.Status != want {
				return fmt.Sprintf("condition %s is %+v, want %s", kind, c, want)
			}
		}
		return ""
	})
	s.awaitMetric(t, soon, s.leads, `sla_recommender_objective_blind{namespace="shop",objective="home",reason=""} 0`)
	s.awaitMetric(t, soon, s.leads, `sla_recommender_workload_phase{namespace="shop",objective="home",phase="Objective",workload="search"} 1`)
	s.awaitMetric(t, soon, s.leads, `sla_recommender_objective_attainment_ratio{namespace="shop",objective="home"} 1`)
	s.awaitModel(t)
	// What is not under an objective is as stock, and what is not ours is not touched.
	s.awaitEqual(t)
	if plain := s.shopVPA(t, "plain"); plain.ContainerName == "" {
		t.Error("the stock recommender has not filled its VPA")
	}
	vpa, err := s.vpas.AutoscalingV1().VerticalPodAutoscalers(shop).Get(t.Context(), "plain", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range vpa.ManagedFields {
		if entry.Manager == "ballast-recommender" {
			t.Error("a VPA of the stock recommender was written by ours")
		}
	}
}

// awaitModel waits until the scheduler, and the next leader, are told what is known of the objective.
func (s *suite) awaitModel(t *testing.T) {
	t.Helper()
	component.Eventually(t, soon, func() string {
		u, err := s.objects.Resource(v1alpha1.LatencyModels).Namespace(shop).Get(t.Context(), "home", metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		m := &v1alpha1.LatencyModel{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, m); err != nil {
			t.Fatal(err)
		}
		if len(m.Spec.Workloads) != len(chain) || m.Spec.Memory == "" {
			return fmt.Sprintf("the latency model has %d workloads and remembers %d bytes", len(m.Spec.Workloads), len(m.Spec.Memory))
		}
		return ""
	})
}

// openShop creates the workloads with their VPAs and histories.
func (s *suite) openShop(t *testing.T) {
	t.Helper()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.client.CoreV1().Namespaces().Create(t.Context(), &v1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: shop}}, metav1.CreateOptions{}))
	now := time.Now().Truncate(time.Second)
	for _, w := range shopWorkloads() {
		d := w.deployment()
		d.Spec.Template.Spec.Containers[0].Resources.Requests[v1.ResourceCPU] = resource.MustParse("500m")
		must(s.client.AppsV1().Deployments(shop).Create(t.Context(), d, metav1.CreateOptions{}))
		for _, checkpoint := range w.checkpoints(t, now) {
			must(s.vpas.AutoscalingV1().VerticalPodAutoscalerCheckpoints(shop).Create(t.Context(), checkpoint, metav1.CreateOptions{}))
		}
		vpa := w.vpa("ballast")
		if w.name == "plain" {
			vpa = w.vpa()
		}
		must(s.vpas.AutoscalingV1().VerticalPodAutoscalers(shop).Create(t.Context(), vpa, metav1.CreateOptions{}))
	}
}

func (s *suite) objective(t *testing.T) *v1alpha1.LatencyObjective {
	t.Helper()
	u, err := s.objects.Resource(v1alpha1.LatencyObjectives).Namespace(shop).Get(t.Context(), "home", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	o := &v1alpha1.LatencyObjective{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, o); err != nil {
		t.Fatal(err)
	}
	return o
}

// awaitPhases waits until all workloads of the objective are in a phase, and Blind has a status for a reason.
func (s *suite) awaitPhases(t *testing.T, phase string, blind metav1.ConditionStatus, reason string) *v1alpha1.LatencyObjective {
	t.Helper()
	var o *v1alpha1.LatencyObjective
	component.Eventually(t, later, func() string {
		o = s.objective(t)
		c := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionBlind)
		if c == nil || c.Status != blind || c.Reason != reason {
			return fmt.Sprintf("condition Blind is %+v, want %s for %s", c, blind, reason)
		}
		var names []string
		for _, b := range o.Status.Budgets {
			if b.Phase != phase {
				return fmt.Sprintf("%s is in phase %s, want %s (%s)", b.Workload, b.Phase, phase, b.Reason)
			}
			names = append(names, b.Workload)
		}
		slices.Sort(names)
		return cmp.Diff(chain, names)
	})
	return o
}

// shopVPA reads what is recommended for the container of a VPA.
func (s *suite) shopVPA(t *testing.T, name string) vpav1.RecommendedContainerResources {
	t.Helper()
	vpa, err := s.vpas.AutoscalingV1().VerticalPodAutoscalers(shop).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if vpa.Status.Recommendation == nil || len(vpa.Status.Recommendation.ContainerRecommendations) != 1 {
		return vpav1.RecommendedContainerResources{}
	}
	return vpa.Status.Recommendation.ContainerRecommendations[0]
}

// checkShop waits until the VPAs have the targets of the status, between their bounds, and stock's memory.
func (s *suite) checkShop(t *testing.T) {
	t.Helper()
	component.Eventually(t, soon, func() string {
		stock := s.shopVPA(t, "quiet")
		for _, b := range s.objective(t).Status.Budgets {
			got := s.shopVPA(t, b.Workload)
			cpu, lower, upper := got.Target.Cpu().MilliValue(), got.LowerBound.Cpu().MilliValue(), got.UpperBound.Cpu().MilliValue()
			if cpu != b.TargetMillicores || got.UncappedTarget.Cpu().MilliValue() != cpu || lower > cpu || upper < cpu {
				return fmt.Sprintf("%s has target %d m in [%d, %d], want %d", b.Workload, cpu, lower, upper, b.TargetMillicores)
			}
			if cpu <= stock.Target.Cpu().MilliValue() || b.StockMillicores >= cpu {
				return fmt.Sprintf("%s: %d m, no more than stock's %s: then there is nothing to hold", b.Workload, cpu, stock.Target.Cpu())
			}
			for _, lists := range [][2]v1.ResourceList{{stock.Target, got.Target}, {stock.LowerBound, got.LowerBound}, {stock.UncappedTarget, got.UncappedTarget}} {
				if lists[0].Memory().Cmp(*lists[1].Memory()) != 0 {
					return fmt.Sprintf("%s: memory %s, want stock's %s", b.Workload, lists[1].Memory(), lists[0].Memory())
				}
			}
		}
		return ""
	})
}

// targets are what the VPAs of the chain have, in millicores.
func (s *suite) targets(t *testing.T) map[string]int64 {
	t.Helper()
	all := map[string]int64{}
	for _, name := range chain {
		r := s.shopVPA(t, name)
		all[name] = r.Target.Cpu().MilliValue()
	}
	return all
}

// testReceiver sends as those who may not, and what is none.
func testReceiver(t *testing.T, s *suite) {
	for name, c := range map[string]struct {
		client     *http.Client
		path, kind string
		body       string
		want       int
	}{
		"nobody":               {nobody(), "/v1/traces", "application/json", "{}", http.StatusForbidden},
		"a bad token":          {withToken("x"), "/v1/traces", "application/json", "{}", http.StatusUnauthorized},
		"a reader of metrics":  {s.reader(t), "/v1/metrics", "application/json", "{}", http.StatusForbidden},
		"another path":         {s.load.client, "/metrics", "application/json", "{}", http.StatusForbidden},
		"garbage":              {s.load.client, "/v1/traces", "application/x-protobuf", "\xff\xff\xff", http.StatusBadRequest},
		"garbage, JSON":        {s.load.client, "/v1/metrics", "application/json", `{"resourceMetrics": 7}`, http.StatusBadRequest},
		"garbage of no kind":   {s.load.client, "/v1/metrics", "text/plain", "hello", http.StatusUnsupportedMediaType},
		"nothing, well-formed": {s.load.client, "/v1/metrics", "application/json", "{}", http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			code, text, err := post(t.Context(), c.client, s.leads.otlp+c.path, c.kind, []byte(c.body))
			if err != nil || code != c.want {
				t.Errorf("status %d, want %d: %.200s, error %v", code, c.want, text, err)
			}
		})
	}
	s.awaitPhases(t, "Objective", metav1.ConditionFalse, "Deciding")
}

// reader is a client that may read metrics and nothing else.
func (s *suite) reader(t *testing.T) *http.Client {
	t.Helper()
	const role = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: test-reader}
rules: [{nonResourceURLs: [/metrics], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: test-reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: test-reader}
subjects: [{kind: ServiceAccount, name: default, namespace: shop}]
`
	if err := s.Apply(t.Context(), "a reader", []byte(role)); err != nil {
		t.Fatal(err)
	}
	return s.as(t, shop, "default")
}

// testRestored ends the leader while nothing is sent: the next one holds what the last one decided.
func testRestored(t *testing.T, s *suite) {
	waits := s.startWith(t, "fifth", fast)
	code, text, err := post(t.Context(), s.load.client, waits.otlp+"/v1/traces", "application/json", []byte("{}"))
	if err != nil || code != http.StatusServiceUnavailable {
		t.Errorf("a replica that waits answers %d: %s, error %v", code, text, err)
	}
	s.load.end()
	if err := syscall.Kill(s.leads.PID(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-s.leads.Done()
	s.leads = waits
	s.held = map[string]int64{}
	for _, b := range s.objective(t).Status.Budgets {
		s.held[b.Workload] = b.TargetMillicores
	}
	for _, name := range chain { // what stands there afterwards is new
		if _, err := s.vpas.AutoscalingV1().VerticalPodAutoscalers(shop).Patch(t.Context(), name, types.MergePatchType, []byte(`{"status":null}`), metav1.PatchOptions{}, "status"); err != nil {
			t.Fatal(err)
		}
	}
	component.Eventually(t, soon, func() string { return cmp.Diff(s.held, s.targets(t)) })
	if log, err := os.ReadFile(s.leads.LogPath()); err != nil || !strings.Contains(string(log), `"Going on from what the last leader knew" objective="shop/home"`) {
		t.Errorf("the next leader does not say that it goes on from what the last one knew: %v", err)
	}
	s.awaitPhases(t, "Holding", metav1.ConditionTrue, "NoTelemetry")
}

// testBlind waits for a step down, and for what is said about it.
func testBlind(t *testing.T, s *suite) {
	o := s.awaitPhases(t, "SteppingDown", metav1.ConditionTrue, "NoTelemetry")
	for _, b := range o.Status.Budgets {
		if b.TargetMillicores >= s.held[b.Workload] || b.SteppedAt == nil || !strings.Contains(b.Reason, "on the way down") {
			t.Errorf("%s is at %d m, before %d m: %s", b.Workload, b.TargetMillicores, s.held[b.Workload], b.Reason)
		}
	}
	if c := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionMet); c == nil || c.Status != metav1.ConditionUnknown {
		t.Errorf("condition Met while blind is %+v", c)
	}
	component.Eventually(t, soon, func() string {
		events, err := s.client.CoreV1().Events(shop).List(t.Context(), metav1.ListOptions{FieldSelector: "involvedObject.kind=LatencyObjective,involvedObject.name=home"})
		if err != nil {
			return err.Error()
		}
		for _, e := range events.Items {
			if e.Reason == "NoTelemetry" && e.Type == v1.EventTypeWarning && strings.Contains(e.Message, "Blind is True") && e.InvolvedObject.UID == o.UID {
				return ""
			}
		}
		text, _ := json.Marshal(events.Items)
		return fmt.Sprintf("no event says that the objective is blind: %s", text)
	})
}

func testRecovers(t *testing.T, s *suite) {
	s.load.start(t, s, s.leads)
	s.awaitPhases(t, "Objective", metav1.ConditionFalse, "Deciding")
	s.checkShop(t)
}

// testObjectiveModes sends the workloads on their way to stock by the objective's mode and by the switch, and to stock by deletion.
func testObjectiveModes(t *testing.T, s *suite) {
	defer s.load.end()
	mode := func(mode string) {
		t.Helper()
		_, err := s.objects.Resource(v1alpha1.LatencyObjectives).Namespace(shop).Patch(t.Context(), "home", types.MergePatchType,
			fmt.Appendf(nil, `{"spec":{"mode":%q}}`, mode), metav1.PatchOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	mode("shadow")
	o := s.awaitPhases(t, "SteppingDown", metav1.ConditionFalse, "Shadow")
	if o.Status.Predicted == nil || o.Status.ObservedGeneration != o.Generation {
		t.Errorf("in shadow the status is %+v", o.Status)
	}
	mode("active")
	s.awaitPhases(t, "Objective", metav1.ConditionFalse, "Deciding")
	s.turn(t, "off")
	s.awaitPhases(t, "Holding", metav1.ConditionTrue, "Off")
	s.turn(t, "active")
	s.awaitPhases(t, "Objective", metav1.ConditionFalse, "Deciding")
	s.checkShop(t)
	before := s.targets(t)
	if err := s.objects.Resource(v1alpha1.LatencyObjectives).Namespace(shop).Delete(t.Context(), "home", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	component.Eventually(t, later, func() string {
		for name, now := range s.targets(t) {
			if now > before[name]*8/10 { // a step would leave nine tenths
				return fmt.Sprintf("%s has %d m, before %d m", name, now, before[name])
			}
		}
		body, err := component.Get(t.Context(), s.http, s.leads.base+"/metrics")
		if err != nil || strings.Contains(body, `objective="home"`) {
			return fmt.Sprintf("the metrics still show the objective, error %v", err)
		}
		return ""
	})
}
