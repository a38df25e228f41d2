package byhand

import (
	"math"
	"strconv"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
)

// NodeInfo is what plugins read of one.
type NodeInfo struct {
	fwk.NodeInfo
	Object     *v1.Node
	Pods       []fwk.PodInfo
	Generation int64
}

// Node returns Object.
func (n *NodeInfo) Node() *v1.Node { return n.Object }

// GetPods returns Pods.
func (n *NodeInfo) GetPods() []fwk.PodInfo { return n.Pods }

// GetGeneration returns Generation.
func (n *NodeInfo) GetGeneration() int64 { return n.Generation }

// PodInfo is what plugins read of one.
type PodInfo struct {
	fwk.PodInfo
	Pod *v1.Pod
}

// GetPod returns Pod.
func (p PodInfo) GetPod() *v1.Pod { return p.Pod }

// Node is a node with these pods, of generation 1.
func Node(name string, pods ...*v1.Pod) *NodeInfo {
	n := &NodeInfo{Object: &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}, Generation: 1}
	for _, p := range pods {
		n.Pods = append(n.Pods, PodInfo{Pod: p})
	}
	return n
}

// Pod is a pod of a class by label; floor "" for none.
func Pod(class, floor string) *v1.Pod {
	p := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: class, UID: types.UID(class + floor), Labels: map[string]string{}, Annotations: map[string]string{}}}
	if class != "" {
		p.Labels[v1alpha1.ClassLabel] = class
	}
	if floor != "" {
		p.Annotations[v1alpha1.MinPerformanceAnnotation] = floor
	}
	return p
}

// Owned is a pod of a controller, without a label.
func Owned(namespace, kind, owner string) *v1.Pod {
	controller := true
	return &v1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace, Name: owner + "-x", Labels: map[string]string{},
		OwnerReferences: []metav1.OwnerReference{{Kind: kind, Name: owner, Controller: &controller}},
	}}
}

// Several are pods of a class.
func Several(n int, class string) []*v1.Pod {
	var pods []*v1.Pod
	for i := range n {
		p := Pod(class, "")
		p.UID += types.UID(strconv.Itoa(i))
		pods = append(pods, p)
	}
	return pods
}

// Near fails the test unless a number is what it should be but for rounding.
func Near(t testing.TB, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) < 1e-9) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// Instant is when the tests happen.
var Instant = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Reported is the NodeIsolation of a node with a report of this moment.
func Reported(node string, partitions ...string) *v1alpha1.NodeIsolation {
	ni := &v1alpha1.NodeIsolation{ObjectMeta: metav1.ObjectMeta{Name: node}}
	ni.Status.LastReport = &metav1.Time{Time: Instant}
	for _, p := range partitions {
		ni.Status.Groups = append(ni.Status.Groups, v1alpha1.IsolationGroup{Name: "ballast-" + p})
	}
	return ni
}

// Reports are reports that are told by hand, at a time that the test may move. No API server is asked.
func Reports(t testing.TB, now *time.Time, changed func(string, nodesetting.Report, nodesetting.Report), all ...*v1alpha1.NodeIsolation) *nodesetting.Reports {
	t.Helper()
	r := nodesetting.New(dynamicfake.NewSimpleDynamicClient(runtime.NewScheme()), func() time.Time { return *now }, changed)
	for _, ni := range all {
		if err := r.Add(ni); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// Ignored is for reports whose changes are of no interest.
func Ignored(string, nodesetting.Report, nodesetting.Report) {}

// WithLabel is the pod with one label more.
func WithLabel(p *v1.Pod, key, value string) *v1.Pod {
	p.Labels[key] = value
	return p
}
