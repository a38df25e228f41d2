package closedloop

import (
	"bytes"
	"fmt"
	"maps"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/simulator/hollownode"
	"github.com/ballast-k8s/ballast/simulator/hotel"
)

const (
	armLabel     = "simulator.ballast.dev/arm" // of nodes: whose they are
	memory       = "128Mi"
	objective    = "search"
	telemetryKey = "otel-collector" // ServiceAccount under whose name spans and histograms are sent
	vpaAPI       = "autoscaling.k8s.io/v1"
)

// The update modes of VPA objects: they are Off until the pods run, so that these start with the developer's requests.
const (
	modeOff = "Off"
	modeOn  = "InPlaceOrRecreate"
)

// documents writes objects as one text for Cluster.Apply.
func documents(objects ...any) ([]byte, error) {
	var out bytes.Buffer
	for _, o := range objects {
		b, err := yaml.Marshal(o)
		if err != nil {
			return nil, fmt.Errorf("encoding an object: %w", err)
		}
		out.WriteString("---\n")
		out.Write(b)
	}
	return out.Bytes(), nil
}

func object(apiVersion, kind, namespace, name string, rest map[string]any) map[string]any {
	o := map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{"namespace": namespace, "name": name}}
	maps.Copy(o, rest)
	return o
}

// autoscalers are the arm's VPA objects.
func (a arm) autoscalers(mode string) []any {
	var out []any
	for _, s := range hotel.Services() {
		spec := map[string]any{
			"targetRef":    map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": s.Name},
			"updatePolicy": map[string]any{"updateMode": mode},
			"resourcePolicy": map[string]any{"containerPolicies": []any{map[string]any{
				"containerName": container, "controlledResources": []any{"cpu"}, "controlledValues": "RequestsOnly",
			}}},
		}
		if a.recommender != "" {
			spec["recommenders"] = []any{map[string]any{"name": a.recommender}}
		}
		out = append(out, object(vpaAPI, "VerticalPodAutoscaler", a.namespace, s.Name, map[string]any{"spec": spec}))
	}
	return out
}

// checkpoints are the arm's histories.
func (a arm) checkpoints(histories map[string]History) []any {
	var out []any
	for _, s := range hotel.Services() {
		out = append(out, object(vpaAPI, "VerticalPodAutoscalerCheckpoint", a.namespace, s.Name+"-"+container, map[string]any{
			"spec":   map[string]any{"vpaObjectName": s.Name, "containerName": container},
			"status": histories[s.Name].Status(),
		}))
	}
	return out
}

// deployments are the arm's services, as a developer would deploy them.
func (a arm) deployments() []any {
	var out []any
	for _, s := range hotel.Services() {
		replicas := int32(s.Replicas) //nolint:gosec // two or three
		labels := map[string]string{hollownode.DefaultServiceLabel: s.Name}
		pod := podSpec(container, s.RequestCores)
		pod.SchedulerName, pod.NodeSelector = a.scheduler.Name, map[string]string{armLabel: a.namespace}
		pod.Tolerations = []v1.Toleration{{Key: armLabel, Operator: v1.TolerationOpExists}}
		d := appsv1.Deployment{
			TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
			ObjectMeta: metav1.ObjectMeta{Namespace: a.namespace, Name: s.Name},
			Spec: appsv1.DeploymentSpec{
				Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
				Template: v1.PodTemplateSpec{
					ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{hollownode.DefaultServiceLabel: s.Name, v1alpha1.ClassLabel: s.Class}},
					Spec:       pod,
				},
			},
		}
		out = append(out, d)
	}
	return out
}

// podSpec is a pod of one container that requests some CPU.
func podSpec(name string, cores float64) v1.PodSpec {
	milli := int64(cores*milliPerCore + 0.5)
	return v1.PodSpec{Containers: []v1.Container{{
		Name: name, Image: "simulated",
		Resources: v1.ResourceRequirements{Requests: v1.ResourceList{
			v1.ResourceCPU: *resource.NewMilliQuantity(milli, resource.DecimalSI), v1.ResourceMemory: resource.MustParse(memory),
		}},
	}}}
}

// Batch work was there before: on each node an elastic pod, whose owner adapts its request, and two that stay as they are. Together they
// request a quarter of the node at first, and want all of it.
const (
	elasticCores, fixedCores     = 1, 0.5
	elasticThreads, fixedThreads = 16, 2
	fixedPods                    = 2
)

// batch are the arm's batch pods. On the first half of the nodes they stream through memory, on the others they compute.
func (a arm) batch() []any {
	var out []any
	nodes := a.nodeNames()
	for i, node := range nodes {
		class := hotel.ClassBatch
		if i >= len(nodes)/2 {
			class = hotel.ClassWeb
		}
		add := func(name string, cores float64, threads int) {
			pod := podSpec(batchContainer, cores)
			pod.NodeName = node
			out = append(out, v1.Pod{
				TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
				ObjectMeta: metav1.ObjectMeta{Namespace: a.namespace, Name: name, Labels: map[string]string{
					hollownode.ThreadsLabel: strconv.Itoa(threads), hollownode.ClassLabel: class,
				}},
				Spec: pod,
			})
		}
		add("batch-elastic-"+node, elasticCores, elasticThreads) // the first by name, which is the one that is adapted
		for k := range fixedPods {
			add(fmt.Sprintf("batch-fixed-%d-%s", k, node), fixedCores, fixedThreads)
		}
	}
	return out
}

// latencyObjective is the arm's objective in the cluster's time.
func (a arm) latencyObjective(speedup float64) v1alpha1.LatencyObjective {
	scaled := func(seconds float64) metav1.Duration {
		return metav1.Duration{Duration: time.Duration(seconds / speedup * float64(time.Second))}
	}
	return v1alpha1.LatencyObjective{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "LatencyObjective"},
		ObjectMeta: metav1.ObjectMeta{Namespace: a.namespace, Name: objective},
		Spec: v1alpha1.LatencyObjectiveSpec{
			Entry:      v1alpha1.EntryOperation{Service: hotel.Frontend, Operation: hotel.Entry},
			Percentile: 100 * hotel.Percentile, Target: scaled(hotel.TargetSeconds), Window: scaled(hourMinutes * minuteSeconds),
			Mode: v1alpha1.ObjectiveActive,
		},
	}
}

// sender is who sends telemetry of the arm, and its right to.
func (a arm) sender() []any {
	return []any{
		v1.ServiceAccount{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}, ObjectMeta: metav1.ObjectMeta{Namespace: a.namespace, Name: telemetryKey},
		},
		rbacv1.ClusterRoleBinding{
			TypeMeta:   metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRoleBinding"},
			ObjectMeta: metav1.ObjectMeta{Name: a.namespace + ":" + telemetryKey},
			RoleRef:    rbacv1.RoleRef{APIGroup: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "ballast-telemetry-writer"},
			Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: a.namespace, Name: telemetryKey}},
		},
	}
}

// space is the arm's namespace.
func (a arm) space() v1.Namespace {
	return v1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}, ObjectMeta: metav1.ObjectMeta{Name: a.namespace}}
}
