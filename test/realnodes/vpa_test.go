package realnodes_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	vpaclientset "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/client/clientset/versioned"

	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/simulator/localcluster/addons"
	"github.com/ballast-k8s/ballast/test/component"
)

const (
	// speedup divides VPA's periods: usage every second, as often as these nodes' cAdvisor measures it, and rounds of four seconds.
	speedup = 15
	// hog is a workload that uses 0.3 cores, hogWork every 10 ms, and requests less.
	hog, hogRequest, hogWork = "hog", "50m", "3ms"
)

// startAddons starts metrics-server and VPA, which takes them over 20 s, while the test goes on. The end comes through s.addons.
func (s *suite) startAddons(ctx context.Context) {
	go func() {
		_, err := addons.StartMetricsServer(ctx, s.Cluster, speedup)
		if err == nil {
			_, err = addons.StartVPA(ctx, s.Cluster, speedup)
		}
		s.addons <- err
	}()
}

// startRecommender starts ballast-recommender under the permissions of its manifests.
func (s *suite) startRecommender(t *testing.T) {
	t.Helper()
	const manifests = "../../manifests/"
	if err := s.ApplyFiles(t.Context(), manifests+"base", manifests+"recommender/rbac.yaml", manifests+"crd/ballast.dev_latencyobjectives.yaml"); err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := s.ServiceAccountKubeconfig(t.Context(), "ballast-system", "ballast-recommender")
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "recommender.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "speedup: %d\ntelemetry: {port: 0}\n", speedup), 0o600); err != nil {
		t.Fatal(err)
	}
	port, err := s.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Run(t.Context(), localcluster.Process{
		Name: "ballast-recommender", Path: binary("ballast-recommender"), Ready: localcluster.Healthz(fmt.Sprintf("https://127.0.0.1:%d/healthz", port)),
		Args: []string{"--config=" + config, "--kubeconfig=" + kubeconfig, "--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port), "--v=2"},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// testRecommendation takes a recommendation of ballast-recommender all the way: kubelet, metrics-server, ballast-recommender, VPA's
// updater, API server, kubelet, cgroup.
func testRecommendation(t *testing.T, s *suite) {
	if err := <-s.addons; err != nil {
		t.Fatal(err)
	}
	s.startRecommender(t)
	pods := s.startHog(t)
	begin := time.Now()
	s.createVPA(t)
	component.Eventually(t, 2*time.Minute, func() string {
		for i := range pods {
			pod, err := s.client.CoreV1().Pods(pods[i].Namespace).Get(t.Context(), pods[i].Name, metav1.GetOptions{})
			if err != nil {
				t.Fatalf("a pod was evicted: %v", err)
			}
			pods[i] = *pod
			// The recommendation is the end of the bucket with its 0.3 cores in it, 0.01·(1.05^19−1)/0.05 = 0.3054, and 15 % more: 351m.
			// It comes from the first seconds, in which a start may cost more, by a third, and a machine that others use too may give less: but
			// not less than a third, or twice what was requested.
			if got := pod.Spec.Containers[0].Resources.Requests.Cpu().MilliValue(); got < 100 || got > 470 {
				return fmt.Sprintf("%s requests %dm", pod.Name, got)
			}
		}
		return ""
	})
	for i := range pods {
		request := pods[i].Spec.Containers[0].Resources.Requests.Cpu().String()
		s.awaitWeight(t, &pods[i], request)
		t.Logf("figure: %s on %s: from %s to %s, in its cgroup %s after its VPA was created", pods[i].Name, pods[i].Spec.NodeName, hogRequest, request,
			time.Since(begin).Round(100*time.Millisecond))
	}
	events, err := s.client.CoreV1().Events("default").List(t.Context(), metav1.ListOptions{FieldSelector: "reason=InPlaceResizedByVPA"})
	if err != nil || len(events.Items) == 0 {
		t.Errorf("the updater tells of %d resizes: %v", len(events.Items), err)
	}
}

// startHog creates the workload, one pod a node, and returns its pods when they run.
func (s *suite) startHog(t *testing.T) []v1.Pod {
	t.Helper()
	replicas, labels := int32(len(s.nodes)), map[string]string{"app": hog}
	pod := newPod(hog, "", hogRequest, "pulse", hogWork)
	pod.Spec.SchedulerName, pod.Spec.NodeSelector = schedulerName, nil
	pod.Spec.TopologySpreadConstraints = []v1.TopologySpreadConstraint{{
		MaxSkew: 1, TopologyKey: v1.LabelHostname, WhenUnsatisfiable: v1.DoNotSchedule, LabelSelector: &metav1.LabelSelector{MatchLabels: labels},
	}}
	_, err := s.client.AppsV1().Deployments("default").Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: hog},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: v1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pod.Spec},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var pods []v1.Pod
	component.Eventually(t, soon, func() string {
		list, err := s.client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{LabelSelector: "app=" + hog, FieldSelector: "status.phase=Running"})
		if err != nil {
			return err.Error()
		}
		if pods = list.Items; len(pods) != len(s.nodes) {
			return fmt.Sprintf("%d pods of the workload run, want %d", len(pods), len(s.nodes))
		}
		return ""
	})
	return pods
}

// createVPA puts the workload under ballast-recommender.
func (s *suite) createVPA(t *testing.T) {
	t.Helper()
	vpas, err := vpaclientset.NewForConfig(s.AdminConfig())
	if err != nil {
		t.Fatal(err)
	}
	mode, requests, cpu := vpav1.UpdateModeInPlaceOrRecreate, vpav1.ContainerControlledValuesRequestsOnly, []v1.ResourceName{v1.ResourceCPU}
	_, err = vpas.AutoscalingV1().VerticalPodAutoscalers("default").Create(t.Context(), &vpav1.VerticalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: hog},
		Spec: vpav1.VerticalPodAutoscalerSpec{
			TargetRef:    &autoscalingv1.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: hog},
			Recommenders: []*vpav1.VerticalPodAutoscalerRecommenderSelector{{Name: "ballast"}},
			UpdatePolicy: &vpav1.PodUpdatePolicy{UpdateMode: &mode},
			ResourcePolicy: &vpav1.PodResourcePolicy{ContainerPolicies: []vpav1.ContainerResourcePolicy{
				{ContainerName: "*", ControlledResources: &cpu, ControlledValues: &requests},
			}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}
