package recommender_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/model"
)

const (
	// node is the pool of the one node.
	node = "n"
	// ours and theirs are namespaces with the same objects under the same names, apart from which recommender the VPAs name. moving
	// begins as one of theirs.
	ours, theirs, moving = "ballast", "stock", "moving"
)

// workload is a Deployment, its VPA and the histories of its containers.
type workload struct {
	name     string
	replicas int32
	// histories are by container.
	histories   map[string]history
	annotations map[string]string
	mode        vpav1.UpdateMode
	policies    []vpav1.ContainerResourcePolicy
	// target is what the VPA points to, if that is not the Deployment.
	target *autoscalingv1.CrossVersionObjectReference
	// conditions are the types that its status has once it is settled.
	conditions []vpav1.VerticalPodAutoscalerConditionType
}

// history is usage up to now: a daily wave of CPU, and peaks of memory that fall by a sixteenth of the first one a day, so that no two
// percentiles are equal (the last day weighs as much as all before). Without a length there is no checkpoint.
type history struct {
	length time.Duration
	cores  float64
	memory float64 // bytes, the first peak
}

// rollout is a kind that only its scale subresource makes known to VPA.
const rollout = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: rollouts.test.ballast.dev}
spec:
  group: test.ballast.dev
  scope: Namespaced
  names: {plural: rollouts, singular: rollout, kind: Rollout, listKind: RolloutList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {replicas: {type: integer}}}
          status: {type: object, properties: {replicas: {type: integer}, selector: {type: string}}}
    subresources:
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: .status.selector}
`

// workloads are the cases of what a status depends on.
func workloads() []workload {
	const day = 24 * time.Hour
	list := func(cpu, memory string) v1.ResourceList {
		return v1.ResourceList{v1.ResourceCPU: resource.MustParse(cpu), v1.ResourceMemory: resource.MustParse(memory)}
	}
	provided := []vpav1.VerticalPodAutoscalerConditionType{vpav1.RecommendationProvided}
	cpuOnly := []v1.ResourceName{v1.ResourceCPU}
	requests, off := vpav1.ContainerControlledValuesRequestsOnly, vpav1.ContainerScalingModeOff
	steady := history{length: 8 * day, cores: 0.5, memory: 300e6}
	return []workload{
		{name: "steady", replicas: 2, histories: map[string]history{"app": steady}, conditions: provided},
		{name: "young", replicas: 1, histories: map[string]history{"app": {length: 3 * time.Hour, cores: 2, memory: 2e9}}, conditions: provided},
		{
			name: "capped", replicas: 2, mode: vpav1.UpdateModeOff, conditions: provided, // a VPA that only advises
			histories: map[string]history{"app": {length: 8 * day, cores: 4, memory: 4e9}, "proxy": {length: 8 * day, cores: 0.001, memory: 5e6}},
			policies: []vpav1.ContainerResourcePolicy{
				{ContainerName: "app", MaxAllowed: list("1500m", "2Gi")}, {ContainerName: "proxy", MinAllowed: list("50m", "128Mi")},
			},
		},
		{
			name: "requests", replicas: 2, mode: vpav1.UpdateModeInPlaceOrRecreate, conditions: provided,
			histories: map[string]history{"app": steady, "left": steady},
			policies: []vpav1.ContainerResourcePolicy{
				{ContainerName: "left", Mode: &off}, {ContainerName: "*", ControlledResources: &cpuOnly, ControlledValues: &requests},
			},
		},
		{ // the stock recommender's defaults do not heed it
			name: "integer", replicas: 1, histories: map[string]history{"app": steady}, conditions: provided,
			annotations: map[string]string{"vpa-post-processor.kubernetes.io/app_integerCPU": "true"},
		},
		{name: "fresh", replicas: 2, histories: map[string]history{"app": {}}, conditions: provided},
		{name: "empty", histories: map[string]history{"app": steady}, conditions: []vpav1.VerticalPodAutoscalerConditionType{vpav1.NoPodsMatched, vpav1.RecommendationProvided}},
		{
			name: "missing", replicas: 1, histories: map[string]history{"app": {}},
			target:     &autoscalingv1.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "nowhere"},
			conditions: []vpav1.VerticalPodAutoscalerConditionType{vpav1.ConfigUnsupported, vpav1.NoPodsMatched, vpav1.RecommendationProvided},
		},
		{
			name: "scaled", replicas: 1, histories: map[string]history{"app": steady}, conditions: provided,
			target: &autoscalingv1.CrossVersionObjectReference{APIVersion: "test.ballast.dev/v1", Kind: "Rollout", Name: "scaled"},
		},
	}
}

// deployment places its pods itself: there is no scheduler here.
func (w workload) deployment() *appsv1.Deployment {
	labels := map[string]string{"app": w.name}
	pods := v1.PodSpec{NodeName: node + "-0"}
	for _, name := range slices.Sorted(maps.Keys(w.histories)) {
		pods.Containers = append(pods.Containers, v1.Container{Name: name, Image: "none", Resources: v1.ResourceRequirements{
			Requests: v1.ResourceList{v1.ResourceCPU: resource.MustParse("100m"), v1.ResourceMemory: resource.MustParse("100Mi")},
		}})
	}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: w.name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &w.replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: v1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pods},
		},
	}
}

// vpa is the VPA of the workload. Without a recommender's name it is the stock one's.
func (w workload) vpa(recommenders ...string) *vpav1.VerticalPodAutoscaler {
	target := w.target
	if target == nil {
		target = &autoscalingv1.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: w.name}
	}
	vpa := &vpav1.VerticalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: w.name, Annotations: w.annotations},
		Spec:       vpav1.VerticalPodAutoscalerSpec{TargetRef: target, ResourcePolicy: &vpav1.PodResourcePolicy{ContainerPolicies: w.policies}},
	}
	if w.mode != "" {
		vpa.Spec.UpdatePolicy = &vpav1.PodUpdatePolicy{UpdateMode: &w.mode}
	}
	for _, name := range recommenders {
		vpa.Spec.Recommenders = append(vpa.Spec.Recommenders, &vpav1.VerticalPodAutoscalerRecommenderSelector{Name: name})
	}
	return vpa
}

// checkpoints are the histories as VPA stores them, up to now.
func (w workload) checkpoints(t *testing.T, now time.Time) []*vpav1.VerticalPodAutoscalerCheckpoint {
	t.Helper()
	var list []*vpav1.VerticalPodAutoscalerCheckpoint
	for name, h := range w.histories {
		if h.length == 0 {
			continue
		}
		status, err := h.aggregate(now).SaveToCheckpoint()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, &vpav1.VerticalPodAutoscalerCheckpoint{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s-%s", w.name, name)},
			Spec:       vpav1.VerticalPodAutoscalerCheckpointSpec{VPAObjectName: w.name, ContainerName: name},
			Status:     *status,
		})
	}
	return list
}

// aggregate feeds VPA's own aggregation one sample a minute for CPU and one peak a day for memory.
func (h history) aggregate(now time.Time) *model.AggregateContainerState {
	state := model.NewAggregateContainerState()
	begin := now.Add(-h.length)
	for at := begin; at.Before(now); at = at.Add(time.Minute) {
		wave := 1 + 0.8*math.Sin(2*math.Pi*at.Sub(begin).Hours()/24)
		state.AddSample(&model.ContainerUsageSample{MeasureStart: at, Resource: model.ResourceCPU, Usage: model.CPUAmountFromCores(h.cores * wave)})
		if days := at.Sub(begin) / (24 * time.Hour); at.Sub(begin)%(24*time.Hour) == 0 {
			peak := h.memory * (1 - float64(days)/16)
			state.AddSample(&model.ContainerUsageSample{MeasureStart: at, Resource: model.ResourceMemory, Usage: model.MemoryAmountFromBytes(peak)})
		}
	}
	return state
}

// create puts all workloads into a namespace.
func (s *suite) create(t *testing.T, namespace string, now time.Time, recommenders ...string) {
	t.Helper()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.client.CoreV1().Namespaces().Create(t.Context(), &v1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{}))
	scaled := "apiVersion: test.ballast.dev/v1\nkind: Rollout\nmetadata: {name: scaled, namespace: %s}\nspec: {replicas: 1}\nstatus: {replicas: 1, selector: app=scaled}\n"
	must(nil, s.Apply(t.Context(), "a rollout", fmt.Appendf(nil, scaled, namespace)))
	for _, w := range workloads() {
		must(s.client.AppsV1().Deployments(namespace).Create(t.Context(), w.deployment(), metav1.CreateOptions{}))
		for _, checkpoint := range w.checkpoints(t, now) {
			must(s.vpas.AutoscalingV1().VerticalPodAutoscalerCheckpoints(namespace).Create(t.Context(), checkpoint, metav1.CreateOptions{}))
		}
		must(s.vpas.AutoscalingV1().VerticalPodAutoscalers(namespace).Create(t.Context(), w.vpa(recommenders...), metav1.CreateOptions{}))
	}
}
