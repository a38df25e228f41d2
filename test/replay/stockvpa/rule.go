package stockvpa

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	autoscaling "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/updater/priority"
	vpa "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/utils/vpa"

	"github.com/ballast-k8s/ballast/test/replay/fleet"
)

// Rule acts on recommendations, once a minute.
type Rule interface {
	Act(now float64, f *fleet.Fleet, by []Bounds) error
	String() string
}

// AtOnce gives every pod of a service the target, at most once in five minutes.
type AtOnce struct{}

// String names the rule.
func (AtOnce) String() string { return "at once" }

// Act implements Rule.
func (AtOnce) Act(now float64, f *fleet.Fleet, by []Bounds) error {
	const pause = 5 * minute
	for i := range f.Pods {
		p := &f.Pods[i]
		if now-p.Changed < pause {
			continue
		}
		if err := f.Resize(now, i, by[p.Service].Target, by[p.Service].Memory); err != nil {
			return err
		}
	}
	return nil
}

// Updater lets VPA's updater decide which pods to resize. The constants are its flags' defaults.
type Updater struct {
	config priority.UpdateConfig
}

// NewUpdater has the defaults of the updater's flags.
func NewUpdater() *Updater {
	return &Updater{priority.UpdateConfig{
		MinChangePriority: 0.1, PodLifetimeUpdateThreshold: 12 * time.Hour, EvictAfterOOMThreshold: 10 * time.Minute,
	}}
}

// String names the rule.
func (*Updater) String() string { return "updater" }

// oldSeconds is how long the pods have been there: longer than the updater lets young ones be.
const oldSeconds = 8 * 86_400

// perRound is how many pods of a service may be resized in a round: with a tolerance of 0.5, two or three replicas leave one.
const perRound = 1

// Act asks the updater's priorities, service by service. The pods are older than 12 h: they have been there for the history.
func (u *Updater) Act(now float64, f *fleet.Fleet, by []Bounds) error {
	for s := range f.Services {
		object := &autoscaling.VerticalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: f.Services[s].Name}}
		calculator := priority.NewUpdatePriorityCalculator(object, u.config, recommended{by[s].object()}, priority.NewProcessor())
		index := map[string]int{}
		for i := range f.Pods {
			if f.Pods[i].Service != s {
				continue
			}
			pod := podObject(&f.Pods[i], f.Services[s].Name)
			index[pod.Name] = i
			calculator.AddPod(pod, Clock(now), nil)
		}
		order := calculator.GetSortedPods(priority.NewDefaultPodEvictionAdmission())
		for _, pod := range order[:min(perRound, len(order))] {
			if err := f.Resize(now, index[pod.Name], by[s].Target, by[s].Memory); err != nil {
				return err
			}
		}
	}
	return nil
}

// recommended hands the updater a recommendation as it is: there is no policy to cap it by.
type recommended struct {
	r *autoscaling.RecommendedPodResources
}

// Apply implements the updater's interface.
func (r recommended) Apply(
	*autoscaling.VerticalPodAutoscaler, *corev1.Pod,
) (*autoscaling.RecommendedPodResources, vpa.ContainerToAnnotationsMap, error) {
	return r.r, nil, nil
}

func list(milli, bytes int64) corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU:    *resource.NewMilliQuantity(milli, resource.DecimalSI),
		corev1.ResourceMemory: *resource.NewQuantity(bytes, resource.BinarySI),
	}
}

// object is the recommendation as it stands in a VPA's status.
func (b *Bounds) object() *autoscaling.RecommendedPodResources {
	return &autoscaling.RecommendedPodResources{ContainerRecommendations: []autoscaling.RecommendedContainerResources{{
		ContainerName: container, Target: list(b.Target, b.Memory), UncappedTarget: list(b.Target, b.Memory),
		LowerBound: list(b.Lower, b.MemoryLower), UpperBound: list(b.Upper, b.MemoryUpper),
	}}}
}

// podObject is the pod as the updater reads it.
func podObject(p *fleet.Pod, service string) *corev1.Pod {
	started := metav1.NewTime(Clock(-oldSeconds))
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: fmt.Sprintf("%s-%d", service, p.Number)},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: container, Resources: corev1.ResourceRequirements{Requests: list(p.Milli, p.Memory)},
		}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, StartTime: &started},
	}
}
