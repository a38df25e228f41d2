package vpa_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	recommenderconfig "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/config"
	updaterconfig "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/updater/config"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ballast-k8s/ballast/simulator/localcluster/addons"
	"github.com/ballast-k8s/ballast/test/component"
)

const (
	// namespace and name are those of the workload and its VPA.
	namespace, name = "default", "web"
	// before is what its pods request.
	before = "100m"
	// after is what the stock recommender makes of half a core: the end of its bucket, 0.01·(1.05^26−1)/0.05 = 0.5111, and 15 % = 587m.
	after = "587m"
)

// testTop creates the workload and reads its usage where people and the recommender do.
func testTop(t *testing.T, s *suite) {
	replicas, labels := int32(2), map[string]string{"app": name}
	pods := v1.PodSpec{NodeName: node, Containers: []v1.Container{{Name: "app", Image: "none", Resources: v1.ResourceRequirements{
		Requests: v1.ResourceList{v1.ResourceCPU: resource.MustParse(before), v1.ResourceMemory: resource.MustParse("200Mi")},
	}}}} // placed already: there is no scheduler here
	_, err := s.client.AppsV1().Deployments(namespace).Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: v1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pods},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if s.metrics, err = addons.StartMetricsServer(t.Context(), s.Cluster, speedup); err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^(web-\S+) +(49\d|50\d)m +100Mi *$`)
	component.Eventually(t, soon, func() string {
		out, err := s.Kubectl(t.Context(), "top", "pods", "--no-headers")
		if err != nil {
			return err.Error()
		}
		s.names = nil
		for _, match := range line.FindAllStringSubmatch(string(out), -1) {
			s.names = append(s.names, match[1])
		}
		if len(s.names) != 2 {
			return fmt.Sprintf("kubectl top says, want half a core for two pods:\n%s", out)
		}
		return ""
	})
}

// testForbidden asks as a user without any role: the API server passes on who asks, and metrics-server asks it back.
func testForbidden(t *testing.T, s *suite) {
	kubeconfig, err := s.UserKubeconfig("nobody")
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	err = client.Discovery().RESTClient().Get().AbsPath("/apis/metrics.k8s.io/v1beta1/pods").Do(t.Context()).Error()
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), `"nobody"`) {
		t.Errorf("nobody reads metrics: %v, want forbidden", err)
	}
}

func testIdentity(t *testing.T, s *suite) {
	review := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: s.kubelet.asker()}}
	answer, err := s.client.AuthenticationV1().TokenReviews().Create(t.Context(), review, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := answer.Status.User.Username; got != "system:serviceaccount:kube-system:metrics-server" {
		t.Errorf("the kubelet was asked by %q", got)
	}
}

// testDefaults compares the flags of production's speed with upstream's own defaults.
func testDefaults(t *testing.T, _ *suite) {
	r, u := recommenderconfig.DefaultRecommenderConfig(), updaterconfig.DefaultUpdaterConfig()
	client := []string{fmt.Sprintf("--kube-api-qps=%v", r.CommonFlags.KubeApiQps), fmt.Sprintf("--kube-api-burst=%v", r.CommonFlags.KubeApiBurst)}
	if diff := cmp.Diff(append(
		slices.Clone(client),
		"--recommender-interval="+r.MetricsFetcherInterval.String(),
		"--checkpoints-gc-interval="+r.CheckpointsGCInterval.String(),
		"--cpu-histogram-decay-half-life="+r.CpuHistogramDecayHalfLife.String(),
		"--memory-histogram-decay-half-life="+r.MemoryHistogramDecayHalfLife.String(),
		"--memory-aggregation-interval="+r.MemoryAggregationInterval.String(),
		"--confidence-interval-cpu="+r.ConfidenceIntervalCPU.String(),
		"--confidence-interval-memory="+r.ConfidenceIntervalMemory.String(),
	), addons.RecommenderFlags(1)); diff != "" {
		t.Errorf("recommender (-upstream +ours):\n%s", diff)
	}
	if diff := cmp.Diff(append(
		slices.Clone(client),
		"--updater-interval="+u.UpdaterInterval.String(),
		"--in-recommendation-bounds-eviction-lifetime-threshold="+u.PodLifetimeUpdateThreshold.String(),
		"--evict-after-oom-threshold="+u.EvictAfterOOMThreshold.String(),
	), addons.UpdaterFlags(1)); diff != "" {
		t.Errorf("updater (-upstream +ours):\n%s", diff)
	}
}

// testResize lets VPA find that the pods need more than they request.
func testResize(t *testing.T, s *suite) {
	vpa := <-s.installed
	if vpa.err != nil {
		t.Fatal(vpa.err)
	}
	s.vpa = vpa.vpa
	uids := map[string]string{}
	for _, pod := range s.pods(t) {
		uids[pod.Name] = string(pod.UID)
	}
	mode, requests, cpu := vpav1.UpdateModeInPlaceOrRecreate, vpav1.ContainerControlledValuesRequestsOnly, []v1.ResourceName{v1.ResourceCPU}
	_, err := s.vpas.AutoscalingV1().VerticalPodAutoscalers(namespace).Create(t.Context(), &vpav1.VerticalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: vpav1.VerticalPodAutoscalerSpec{
			TargetRef:    &autoscalingv1.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: name},
			UpdatePolicy: &vpav1.PodUpdatePolicy{UpdateMode: &mode},
			ResourcePolicy: &vpav1.PodResourcePolicy{ContainerPolicies: []vpav1.ContainerResourcePolicy{
				{ContainerName: "*", ControlledResources: &cpu, ControlledValues: &requests},
			}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	component.Eventually(t, soon, func() string {
		vpa, err := s.vpas.AutoscalingV1().VerticalPodAutoscalers(namespace).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		if vpa.Status.Recommendation == nil {
			return "no recommendation"
		}
		if got := vpa.Status.Recommendation.ContainerRecommendations[0].Target.Cpu().String(); got != after {
			return fmt.Sprintf("the target is %s, want %s", got, after)
		}
		return ""
	})
	component.Eventually(t, soon, func() string { return s.unlike(t, uids) })
	events, err := s.client.CoreV1().Events(namespace).List(t.Context(), metav1.ListOptions{FieldSelector: "reason=InPlaceResizedByVPA"})
	if err != nil || len(events.Items) == 0 {
		t.Errorf("the updater tells of %d resizes: %v", len(events.Items), err)
	}
}

// unlike says what the pods, all of them those that they were, lack of the recommended request, in spec and in status.
func (s *suite) unlike(t *testing.T, uids map[string]string) string {
	t.Helper()
	pods := s.pods(t)
	if len(pods) != 2 {
		return fmt.Sprintf("there are %d pods", len(pods))
	}
	for _, pod := range pods {
		if uids[pod.Name] != string(pod.UID) {
			t.Fatalf("pod %s is new: the others were evicted", pod.Name)
		}
		if got := pod.Spec.Containers[0].Resources.Requests.Cpu().String(); got != after {
			return fmt.Sprintf("pod %s requests %s, want %s", pod.Name, got, after)
		}
		if has := pod.Status.ContainerStatuses[0].Resources; has == nil || has.Requests.Cpu().String() != after {
			return fmt.Sprintf("pod %s has %+v, want %s", pod.Name, has, after)
		}
	}
	return ""
}

// pods are those of the workload that are to stay.
func (s *suite) pods(t *testing.T) []v1.Pod {
	t.Helper()
	list, err := s.client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app=" + name})
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(list.Items, func(pod v1.Pod) bool { return pod.DeletionTimestamp != nil })
}

// testAdmission deletes a pod. The Deployment's template still has the old request.
func testAdmission(t *testing.T, s *suite) {
	if err := s.client.CoreV1().Pods(namespace).Delete(t.Context(), s.names[0], metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	component.Eventually(t, soon, func() string {
		for _, pod := range s.pods(t) {
			if slices.Contains(s.names, pod.Name) {
				continue
			}
			// The webhook has marked it: it was not created small and resized since.
			if got := pod.Spec.Containers[0].Resources.Requests.Cpu().String(); got != after || pod.Annotations["vpaUpdates"] == "" {
				t.Fatalf("the new pod requests %s, want %s; annotations %v", got, after, pod.Annotations)
			}
			return ""
		}
		return "no new pod"
	})
}

// testPermissions reads the logs of all that went before.
func testPermissions(t *testing.T, s *suite) {
	bad := regexp.MustCompile(`(?i:forbidden|unauthorized)|panic`)
	for _, child := range s.children() {
		if err := child.Err(); err != nil {
			t.Error(err)
		}
		text, err := os.ReadFile(child.LogPath())
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if bad.MatchString(line) && !strings.Contains(line, "FLAG:") {
				t.Errorf("%s logged: %s", child.Name(), line)
			}
		}
	}
}
