package hollownode_test

import (
	"fmt"
	"testing"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/simulator/hollownode"
	"github.com/ballast-k8s/ballast/simulator/plant/arrival"
	"github.com/ballast-k8s/ballast/simulator/plant/park"
	"github.com/ballast-k8s/ballast/simulator/plant/queueing"
	"github.com/ballast-k8s/ballast/simulator/plant/servicegraph"
	"github.com/ballast-k8s/ballast/test/component"
)

// bare is a node that KWOK does not know, so that nobody else writes the status of its pods.
const bare = "bare"

// testAlone: without KWOK, a pod is never Ready before the plant says so, and one that is deleted ends its calls before its object goes.
func testAlone(t *testing.T, s *suite) {
	capacity := v1.ResourceList{
		v1.ResourceCPU: resource.MustParse("2"), v1.ResourceMemory: resource.MustParse("4Gi"), v1.ResourcePods: resource.MustParse("10"),
	}
	object := &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: bare}, Status: v1.NodeStatus{Capacity: capacity, Allocatable: capacity}}
	if _, err := s.client.CoreV1().Nodes().Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	nodes, err := hollownode.New(hollownode.Config{Client: s.as(t, kubelet), Namespaces: []string{namespace}, Plant: slow(), Speedup: speedup})
	if err != nil {
		t.Fatal(err)
	}
	run(t, nodes)
	s.createOn(t, bare, "slow-0", "100m", service("slow"))
	component.Eventually(t, soon, func() string { return notRunning(s.get(t, "slow-0"), "100m") })
	nodes.Start()

	s.createOn(t, bare, "slow-1", "100m", service("slow"))
	component.Eventually(t, soon, func() string {
		problem := notRunning(s.get(t, "slow-1"), "100m")
		if at := nodes.Status().PlantSeconds; problem == "" && at < startSeconds {
			t.Fatalf("the pod is ready at %v s of the plant, expected %d at least", at, startSeconds)
		}
		return problem
	})
	component.Eventually(t, soon, func() string {
		if o := nodes.Series().Total.Operations[0]; o.Succeeded < 5 {
			return fmt.Sprintf("%d requests have been answered", o.Succeeded)
		}
		return ""
	})
	patience := metav1.DeleteOptions{GracePeriodSeconds: new(int64(90))} // of the plant: all calls of then have an end
	if err := s.client.CoreV1().Pods(namespace).Delete(t.Context(), "slow-0", patience); err != nil {
		t.Fatal(err)
	}
	if pod := s.get(t, "slow-0"); pod.DeletionTimestamp == nil { // it has calls that take another three seconds of the wall
		t.Error("the object is not being deleted")
	}
	component.Eventually(t, soon, func() string {
		_, err := s.client.CoreV1().Pods(namespace).Get(t.Context(), "slow-0", metav1.GetOptions{})
		if !apierrors.IsNotFound(err) {
			return fmt.Sprintf("the object is still there: %v", err)
		}
		return ""
	})
	if total := nodes.Series().Total; total.Operations[0].Failed != 0 || total.Removals != 1 || len(total.Pods) != 1 {
		t.Errorf("%d requests have failed, %d removals, pods %+v: expected 0, 1 and slow-1", total.Operations[0].Failed, total.Removals, total.Pods)
	}
	if st := nodes.Status(); st.Errors != 0 {
		t.Errorf("status is %+v, expected no errors", st)
	}
}

// slow is a service whose calls take 60 s, three seconds of the wall, and hardly any CPU.
func slow() queueing.Config {
	root := servicegraph.Call{Service: "slow", Operation: "wait", Stages: []servicegraph.Stage{{Wait: servicegraph.Constant(60)}}}
	return queueing.Config{
		Application: servicegraph.Application{
			Services:   []servicegraph.Service{{Name: "slow", Start: servicegraph.Start{DelaySeconds: startSeconds}}},
			Operations: []servicegraph.Operation{{Name: "wait", Patterns: []servicegraph.Pattern{{Share: 1, Root: root}}}},
		},
		Machines: []park.MachineSpec{{Name: bare, Cores: 2}},
		Loads:    []queueing.Load{{Operation: "wait", Rates: arrival.Rates{StepSeconds: 60, PerSecond: []float64{2}, Repeat: true}}},
	}
}
