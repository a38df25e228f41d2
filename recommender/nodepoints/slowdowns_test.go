package nodepoints

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

func TestSlowdowns(t *testing.T) {
	at := metav1.NewTime(noon)
	victim := func(pod string) v1alpha1.ContainerName {
		return v1alpha1.ContainerName{Namespace: "shop", Pod: pod, Container: "app"}
	}
	find := func(pod, resource string, milli int32, seen time.Time) v1alpha1.Interference {
		return v1alpha1.Interference{Victim: victim(pod), Resource: resource, State: v1alpha1.InterferenceSuspected, MilliSlowdown: &milli, LastSeen: metav1.NewTime(seen)}
	}
	unknown := find("unknown", "LLC", 0, noon)
	unknown.MilliSlowdown = nil
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&v1alpha1.NodeIsolation{
		ObjectMeta: metav1.ObjectMeta{Name: "n"},
		Status: v1alpha1.NodeIsolationStatus{LastReport: &at, Interference: []v1alpha1.Interference{
			find("web", "LLC", 1250, noon), find("web", "MemoryBandwidth", 1100, noon), find("db", "Unknown", 1500, noon.Add(-time.Minute)),
			find("over", "LLC", 1500, noon.Add(-2*time.Minute)), find("waits", "CPU", 3000, noon), find("fast", "LLC", 900, noon), unknown,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{Object: content}
	slim(u) // as a watch brings it
	k := NewKeeper(nil, nil, NewMetrics("test"), time.Minute)
	if err := k.nodes.Replace([]any{u}, ""); err != nil {
		t.Fatal(err)
	}
	want := map[string]map[v1alpha1.ContainerName]float64{"n": {victim("web"): 1.25, victim("db"): 1.5}}
	if diff := cmp.Diff(want, k.Slowdowns(noon.Add(2*time.Minute))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := k.Slowdowns(noon.Add(4 * time.Minute)); len(got) != 0 {
		t.Errorf("%v of a report that is too old", got)
	}
	if got := k.Slowdowns(noon.Add(-2 * time.Minute)); len(got) != 0 {
		t.Errorf("%v of a report of the future", got)
	}
	if err := k.nodes.Delete(u); err != nil {
		t.Fatal(err)
	}
	if got := k.Slowdowns(noon); len(got) != 0 {
		t.Errorf("%v of an object that is gone", got)
	}
	broken := &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"name": "n"}, "status": "x"}}
	if err := k.nodes.Add(broken); err != nil || len(k.Slowdowns(noon)) != 0 {
		t.Errorf("a status that cannot be read: %v", err)
	}
}
