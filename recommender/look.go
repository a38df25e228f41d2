package recommender

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	vpautils "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/utils/vpa"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"

	"github.com/ballast-k8s/ballast/recommender/objectives"
	"github.com/ballast-k8s/ballast/recommender/workload"
)

// followNodes follows what nodes have for pods, and their zones, and keeps nothing else of them. It waits until it has seen them all.
func followNodes(ctx context.Context, client kubernetes.Interface) (corelisters.NodeLister, error) {
	factory := informers.NewSharedInformerFactoryWithOptions(client, controllersResync, informers.WithTransform(func(obj any) (any, error) {
		node, ok := obj.(*corev1.Node)
		if !ok {
			return obj, nil
		}
		return &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{
				Name: node.Name, UID: node.UID, ResourceVersion: node.ResourceVersion,
				Labels: map[string]string{corev1.LabelTopologyZone: node.Labels[corev1.LabelTopologyZone]},
			},
			Status: corev1.NodeStatus{Allocatable: node.Status.Allocatable},
		}, nil
	}))
	nodes := factory.Core().V1().Nodes().Lister()
	factory.Start(ctx.Done())
	if !allTrue(factory.WaitForCacheSync(ctx.Done())) {
		return nil, errNotSeen
	}
	return nodes, nil
}

// look reads the workloads that name us, and what the nodes hold. VPA's state says which pods are whose. It returns the names of all placed
// pods, by namespace.
func (s *stock) look(in *objectives.Input) (names map[string][]string, err error) {
	pods, err := s.pods.List(labels.Everything())
	if err != nil {
		return nil, fmt.Errorf("listing pods: %w", err)
	}
	nodes, err := s.nodes.List(labels.Everything())
	if err != nil {
		return nil, fmt.Errorf("listing nodes: %w", err)
	}
	pods = slices.DeleteFunc(pods, func(pod *corev1.Pod) bool { return !workload.Running(pod) })
	slices.SortFunc(pods, func(a, b *corev1.Pod) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	read := make([]workload.Pod, len(pods))
	byNamespace := map[string][]int{}
	names = map[string][]string{}
	for i, pod := range pods {
		read[i] = workload.FromPod(pod, func(container string) float64 { return s.usage.cores(in.Now, pod.Namespace, pod.Name, container) })
		byNamespace[pod.Namespace] = append(byNamespace[pod.Namespace], i)
		names[pod.Namespace] = append(names[pod.Namespace], pod.Name)
	}
	allocatable := make(map[string]float64, len(nodes))
	in.Zones = make(map[string]string, len(nodes))
	for _, node := range nodes {
		allocatable[node.Name] = workload.Allocatable(node)
		in.Zones[node.Name] = node.Labels[corev1.LabelTopologyZone]
	}
	in.Nodes = workload.NewNodes(allocatable, read)
	for id, known := range s.GetClusterState().VPAs() {
		object, getErr := s.vpas.VerticalPodAutoscalers(id.Namespace).Get(id.VpaName)
		if getErr != nil || !namesUs(object) || object.Spec.TargetRef == nil || known.PodSelector == nil {
			continue // VPA's state follows later in the round
		}
		w := workloadOf(object)
		for _, i := range byNamespace[id.Namespace] {
			if known.PodSelector.Matches(labels.Set(pods[i].Labels)) {
				w.Pods = append(w.Pods, read[i])
			}
		}
		in.Workloads = append(in.Workloads, w)
	}
	slices.SortFunc(in.Workloads, func(a, b *workload.Workload) int { return cmp.Compare(a.Key(), b.Key()) })
	return names, nil
}

// workloadOf translates a VPA object.
func workloadOf(vpa *vpav1.VerticalPodAutoscaler) *workload.Workload {
	mode := vpautils.GetUpdateMode(vpa)
	w := &workload.Workload{
		Namespace: vpa.Namespace, Name: vpa.Name, UID: string(vpa.UID), Kind: vpa.Spec.TargetRef.Kind, Target: vpa.Spec.TargetRef.Name,
		InPlace: mode == vpav1.UpdateModeInPlaceOrRecreate || mode == vpav1.UpdateModeInPlace,
	}
	if vpa.Spec.ResourcePolicy == nil {
		return w
	}
	for i := range vpa.Spec.ResourcePolicy.ContainerPolicies {
		p := &vpa.Spec.ResourcePolicy.ContainerPolicies[i]
		w.Policies = append(w.Policies, workload.Policy{
			Container: p.ContainerName, Min: p.MinAllowed.Cpu().AsApproximateFloat64(), Max: p.MaxAllowed.Cpu().AsApproximateFloat64(),
			Off: p.Mode != nil && *p.Mode == vpav1.ContainerScalingModeOff ||
				p.ControlledResources != nil && !slices.Contains(*p.ControlledResources, corev1.ResourceCPU),
			LimitFollows: vpautils.GetContainerControlledValues(p.ContainerName, vpa.Spec.ResourcePolicy) == vpav1.ContainerControlledValuesRequestsAndLimits,
		})
	}
	return w
}
