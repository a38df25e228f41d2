package recommender_test

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/test/component"
)

// switchBound is what the switch promises.
const switchBound = 10 * time.Second

func testBadConfiguration(t *testing.T, s *suite) {
	for name, c := range map[string]struct{ config, want string }{
		"unknown-field": {"intervall: 1m", `unknown field "intervall"; expected the form {"apiVersion":"recommender.config.ballast.dev/v1alpha1",`},
		"not-a-time":    {"leaderElection: {leaseDuration: long}", `leaderElection.leaseDuration: Invalid value: "long": must be a time with its unit, such as 30s or 1m`},
		"too-short":     {"interval: 5ms", `interval: Invalid value: "5ms": must be at least 1s, such as 1m`},
		"another-file":  {"kind: Deployment", `kind: Unsupported value: "Deployment": supported values: "RecommenderConfiguration"`},
	} {
		t.Run(name, func(t *testing.T) {
			file := configure(t, name, c.config)
			child, err := s.Run(t.Context(), localcluster.Process{Name: name, Path: s.binary, Args: []string{"--config=" + file, "--kubeconfig=" + s.AdminKubeconfig(), "--secure-port=0"}})
			if err != nil {
				t.Fatal(err)
			}
			select {
			case <-child.Done():
			case <-time.After(soon):
				child.Stop()
				t.Fatal("the recommender runs with a bad configuration")
			}
			text, err := os.ReadFile(child.LogPath())
			if err != nil {
				t.Fatal(err)
			}
			said := strings.ReplaceAll(string(text), `\"`, `"`) // the log quotes errors
			if child.Err() == nil || !strings.Contains(said, c.want) || !strings.Contains(said, file) {
				t.Errorf("%v; want %q and the file in:\n%s", child.Err(), c.want, said)
			}
		})
	}
}

// testWaitsForTypes installs our recommender before VPA itself: it waits, alive.
func testWaitsForTypes(t *testing.T, s *suite) {
	s.leads = s.start(t, "first")
	s.awaitMetric(t, soon, s.leads, "sla_recommender_leader 1")
	s.awaitMetric(t, soon, s.leads, `sla_recommender_mode{mode="active"} 1`)
	if err := s.ApplyFiles(t.Context(), filepath.Join(s.ToolDir(), "../share/vpa/crds.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := s.Apply(t.Context(), "the CRD of rollouts", []byte(rollout)); err != nil {
		t.Fatal(err)
	}
	s.awaitMetric(t, soon, s.leads, `vpa_recommender_execution_latency_seconds_bucket{step="total",le="+Inf"} 1`)
	if _, err := component.Get(t.Context(), s.http, s.leads.base+"/healthz"); err != nil {
		t.Error(err)
	}
	s.leads.Stop()
}

func testEqual(t *testing.T, s *suite) {
	now := time.Now().Truncate(time.Second) // checkpoints tell whole seconds
	s.create(t, theirs, now)
	s.create(t, moving, now)
	s.create(t, ours, now, "ballast")
	s.startStock(t)
	s.leads = s.start(t, "second")
	s.awaitEqual(t)
	// Equal is not enough: that both say what they should is a check of the cases.
	for _, w := range workloads() {
		vpa, err := s.vpas.AutoscalingV1().VerticalPodAutoscalers(ours).Get(t.Context(), w.name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var conditions []vpav1.VerticalPodAutoscalerConditionType
		for _, c := range vpa.Status.Conditions {
			conditions = append(conditions, c.Type)
		}
		if diff := cmp.Diff(w.conditions, conditions); diff != "" {
			t.Errorf("conditions of %s (-want +got):\n%s", w.name, diff)
		}
	}
	// The steady wave has its 90th percentile at 0.88 cores, in the bucket that ends at 0.9025; with the margin of 15 % that is 1038m.
	// The policy allows the other one 1500m at most.
	for name, want := range map[string]string{"steady": "1038m", "capped": "1500m"} {
		if got := s.target(t, name, "app"); got != want {
			t.Errorf("the target of %s is %s, want %s", name, got, want)
		}
	}
	if got := s.target(t, "missing", "app"); got != "" {
		t.Errorf("the target of a VPA without a workload is %s", got)
	}
}

// target is the CPU that we recommend; "" if we do not.
func (s *suite) target(t *testing.T, name, container string) string {
	t.Helper()
	vpa, err := s.vpas.AutoscalingV1().VerticalPodAutoscalers(ours).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if vpa.Status.Recommendation == nil {
		return ""
	}
	for _, r := range vpa.Status.Recommendation.ContainerRecommendations {
		if r.ContainerName == container {
			return r.Target.Cpu().String()
		}
	}
	return ""
}

func testUntouched(t *testing.T, s *suite) {
	// A third one, and our own example, which has no workload here.
	w := workload{name: "third", histories: map[string]history{"app": {}}}
	if _, err := s.vpas.AutoscalingV1().VerticalPodAutoscalers(ours).Create(t.Context(), w.vpa("somebody"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := s.ApplyFiles(t.Context(), filepath.Join(component.Root, "manifests/examples/vpa.yaml")); err != nil {
		t.Fatal(err)
	}
	component.Eventually(t, soon, func() string {
		if _, ok := s.statuses(t, "default")["web"]; !ok {
			return "the example has no status"
		}
		return ""
	})
	s.awaitRounds(t, ours, theirs)
	if status, ok := s.statuses(t, ours)["third"]; ok {
		t.Errorf("a VPA of another recommender got a status:\n%s", status)
	}
	if err := s.vpas.AutoscalingV1().VerticalPodAutoscalers(ours).Delete(t.Context(), "third", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for namespace, want := range map[string]string{ours: "ballast-recommender", theirs: "vpa-recommender"} {
		if got := s.writers(t, namespace); len(got) != 1 || got[0] != want {
			t.Errorf("namespace %s was written by %q, want %q alone", namespace, got, want)
		}
	}
}

// testHandover lets VPAs of the stock recommender name ours: what the one has learnt in days is what the other begins with.
func testHandover(t *testing.T, s *suite) {
	before := s.recommendations(t, moving)
	for _, w := range workloads() {
		_, err := s.vpas.AutoscalingV1().VerticalPodAutoscalers(moving).Patch(t.Context(), w.name, types.MergePatchType,
			[]byte(`{"spec":{"recommenders":[{"name":"ballast"}]}}`), metav1.PatchOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	s.awaitRounds(t, theirs) // the stock recommender has noticed
	s.wipe(t, moving)
	component.Eventually(t, soon, func() string { return cmp.Diff(before, s.recommendations(t, moving)) })
	s.awaitRounds(t, moving)
	if diff := cmp.Diff(s.histories(t, ours), s.histories(t, moving)); diff != "" {
		t.Errorf("checkpoints (-of the beginning +after the change):\n%s", diff)
	}
}

// testEndpoint asks as nobody.
func testEndpoint(t *testing.T, s *suite) {
	nobody := component.Insecure(&tls.Config{MinVersion: tls.VersionTLS12})
	if body, err := component.Get(t.Context(), nobody, s.leads.base+"/healthz"); err != nil || body != "ok" {
		t.Errorf("/healthz says %q, error %v", body, err)
	}
	if body, err := component.Get(t.Context(), nobody, s.leads.base+"/metrics"); err == nil || !strings.Contains(err.Error(), ": 403 Forbidden") {
		t.Errorf("/metrics says %.80q to nobody, error %v", body, err)
	}
	s.awaitMetric(t, soon, s.leads, `vpa_recommender_metric_server_responses{client_name="default-metrics-client",is_error="true"} `)
}

func testSwitch(t *testing.T, s *suite) {
	before := s.statuses(t, ours)
	for _, mode := range []string{"off", "shadow", "active"} {
		s.turn(t, mode)
		s.awaitMetric(t, switchBound, s.leads, `sla_recommender_mode{mode="`+mode+`"} 1`)
		s.wipe(t, ours)
		component.Eventually(t, soon, func() string { return cmp.Diff(before, s.statuses(t, ours)) })
	}
	s.turn(t, "on")
	s.awaitMetric(t, switchBound, s.leads, "sla_recommender_switch_errors_total 1")
	s.awaitMetric(t, switchBound, s.leads, `sla_recommender_mode{mode="active"} 1`)
	s.turn(t, "off")
	s.awaitMetric(t, switchBound, s.leads, `sla_recommender_mode{mode="off"} 1`)
	if err := s.client.CoreV1().ConfigMaps(v1alpha1.SwitchNamespace).Delete(t.Context(), v1alpha1.SwitchName, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.awaitMetric(t, switchBound, s.leads, `sla_recommender_mode{mode="active"} 1`)
}

// turn sets the switch.
func (s *suite) turn(t *testing.T, mode string) {
	t.Helper()
	cm := &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: v1alpha1.SwitchNamespace, Name: v1alpha1.SwitchName}, Data: map[string]string{v1alpha1.SwitchKey: mode}}
	maps := s.client.CoreV1().ConfigMaps(v1alpha1.SwitchNamespace)
	_, err := maps.Update(t.Context(), cm, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		_, err = maps.Create(t.Context(), cm, metav1.CreateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}
