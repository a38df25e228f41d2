package batch

import (
	"fmt"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// object is a pod that wants CPU.
func object(name, cpu string) *v1.Pod {
	wants := v1.ResourceRequirements{Requests: v1.ResourceList{v1.ResourceCPU: resource.MustParse(cpu)}}
	return &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1.PodSpec{Containers: []v1.Container{{Name: "main", Resources: wants}}}}
}

// TestPlan has nodes of 4 cores: the bounds are 3,800 and 3,920 m, the aim is 3,860.
func TestPlan(t *testing.T) {
	on := func(node string, pod *v1.Pod, labels ...string) *v1.Pod {
		pod.Spec.NodeName, pod.Labels = node, map[string]string{}
		for _, l := range labels {
			pod.Labels[l] = "8"
		}
		return pod
	}
	batch := func(node, cpu string) *v1.Pod { return on(node, object("batch-"+node, cpu), "batch") }
	app := func(node, name, cpu string) *v1.Pod { return on(node, object(name, cpu)) }
	isBatch := func(p *v1.Pod) bool { return p.Labels["batch"] != "" }
	capacity := map[string]int64{"n": 4000, "m": 4000}
	for _, c := range []struct {
		name string
		pods []*v1.Pod
		want string
	}{
		{"within the bounds", []*v1.Pod{batch("n", "2850m"), app("n", "a", "1")}, ""},
		{"too empty", []*v1.Pod{batch("n", "1"), app("n", "a", "1")}, "batch-n=2860"},
		{"an application wants more", []*v1.Pod{batch("n", "2860m"), app("n", "a", "2")}, "batch-n=1860"},
		{"an application wants all", []*v1.Pod{batch("n", "2860m"), app("n", "a", "5")}, "batch-n=10"},
		{"no batch pod", []*v1.Pod{app("n", "a", "2")}, ""},
		// The unbound 1.5 cores go where 3 are free beside batch, not where 2 are.
		{"an unbound pod", []*v1.Pod{batch("n", "1860m"), app("n", "a", "2"), batch("m", "2860m"), app("m", "b", "1"), app("", "c", "1500m")}, "batch-m=1360"},
		{"the second batch pod of a node is left alone", []*v1.Pod{batch("n", "1"), on("n", object("batch-o", "1"), "batch")}, "batch-n=2860"},
	} {
		var got []string
		for _, change := range Plan(c.pods, isBatch, capacity, 0.95, 0.98) {
			got = append(got, fmt.Sprintf("%s=%d", change.Pod.Name, change.MilliCPU))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, expected %q", c.name, got, c.want)
		}
	}
}
