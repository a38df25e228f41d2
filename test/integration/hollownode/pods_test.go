package hollownode_test

import (
	"fmt"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/autoscaler/vertical-pod-autoscaler/pkg/updater/utils"

	"github.com/ballast-k8s/ballast/simulator/hollownode"
	"github.com/ballast-k8s/ballast/test/component"
)

// readiness is the condition Ready.
func readiness(pod *v1.Pod) v1.ConditionStatus {
	if c, ok := utils.GetPodCondition(pod, v1.PodReady); ok {
		return c.Status
	}
	return v1.ConditionUnknown
}

// notRunning says what is missing for a pod to be ready with a CPU request allocated and in force.
func notRunning(pod *v1.Pod, cpu string) string {
	if pod.Status.Phase != v1.PodRunning || readiness(pod) != v1.ConditionTrue {
		return fmt.Sprintf("pod %s is %s, ready %s", pod.Name, pod.Status.Phase, readiness(pod))
	}
	return notAllocated(pod, cpu)
}

// notAllocated says what in a pod's status is not as after a resize that is over, as the VPA updater and the scheduler read it.
func notAllocated(pod *v1.Pod, cpu string) string {
	if len(pod.Status.ContainerStatuses) != 1 || pod.Status.ContainerStatuses[0].Resources == nil {
		return fmt.Sprintf("container statuses are %+v", pod.Status.ContainerStatuses)
	}
	c := pod.Status.ContainerStatuses[0]
	given, inForce := c.AllocatedResources[v1.ResourceCPU], c.Resources.Requests[v1.ResourceCPU]
	if given.String() != cpu || inForce.String() != cpu {
		return fmt.Sprintf("%s is allocated and %s in force, expected %s", given.String(), inForce.String(), cpu)
	}
	for _, kind := range []v1.PodConditionType{v1.PodResizePending, v1.PodResizeInProgress} {
		if condition, ok := utils.GetPodCondition(pod, kind); ok {
			return fmt.Sprintf("condition %+v is still there", condition)
		}
	}
	if pod.Status.ObservedGeneration != pod.Generation {
		return fmt.Sprintf("generation %d is observed, not %d", pod.Status.ObservedGeneration, pod.Generation)
	}
	return ""
}

// inPlant returns a pod as the plant has it.
func (s *suite) inPlant(name string) hollownode.Pod {
	for _, p := range s.nodes.Series().Total.Pods {
		if p.Name == name {
			return p
		}
	}
	return hollownode.Pod{}
}

// testFirstPods: pods that come before the start are ready at once, and those of no service are left to KWOK.
func testFirstPods(t *testing.T, s *suite) {
	s.create(t, "web-0", "500m", service("web"))
	s.create(t, "store-0", "500m", service("store"))
	s.create(t, "batch-0", "2500m", map[string]string{hollownode.ThreadsLabel: "8"})
	s.create(t, "stranger", "0", map[string]string{"app-of": "somebody"})
	for name, cpu := range map[string]string{"web-0": "500m", "store-0": "500m", "batch-0": "2500m"} {
		component.Eventually(t, soon, func() string { return notRunning(s.get(t, name), cpu) })
	}
	component.Eventually(t, soon, func() string {
		if readiness(s.get(t, "stranger")) != v1.ConditionTrue {
			return "the pod of nobody is not ready"
		}
		return ""
	})
	if r := s.get(t, "stranger").Status.ContainerStatuses[0].Resources; r != nil {
		t.Errorf("the pod of nobody has resources in its status: %v", r)
	}
	if st := s.nodes.Status(); st.Started || st.PlantSeconds != 0 || st.Pods != 3 {
		t.Errorf("status is %+v, expected 3 pods and the clock at 0", st)
	}
	s.nodes.Start()
	component.Eventually(t, soon, func() string {
		if o := s.nodes.Series().Total.Operations[0]; o.Succeeded == 0 {
			return "no request has been answered"
		}
		return ""
	})
}

// testResize: what fits is given at once.
func testResize(t *testing.T, s *suite) {
	s.resize(t, "web-0", "800m")
	component.Eventually(t, soon, func() string { return notAllocated(s.get(t, "web-0"), "800m") })
	if p := s.inPlant("web-0"); p.RequestedCores != 0.8 {
		t.Errorf("the plant has %+v, expected 0.8 cores", p)
	}
	if total := s.nodes.Series().Total; total.Resizes != 1 || total.Deferred != 0 {
		t.Errorf("%d resizes, %d deferred, expected 1 and 0", total.Resizes, total.Deferred)
	}
}

// testDeferred: 2.5 (batch) + 0.5 (store) leave 1 core for web, which wants 2. When batch goes down to 1 there are 2.5.
func testDeferred(t *testing.T, s *suite) {
	s.resize(t, "web-0", "2")
	component.Eventually(t, soon, func() string {
		pod := s.get(t, "web-0")
		c, ok := utils.GetPodCondition(pod, v1.PodResizePending)
		want := "Node didn't have enough resource: cpu, requested: 2000, used: 3000, capacity: 4000"
		if !ok || c.Status != v1.ConditionTrue || c.Reason != v1.PodReasonDeferred || c.Message != want || c.ObservedGeneration != pod.Generation {
			return fmt.Sprintf("condition is %+v, expected Deferred with message %q", c, want)
		}
		if given := pod.Status.ContainerStatuses[0].AllocatedResources[v1.ResourceCPU]; given.String() != "800m" {
			return "allocated is " + given.String()
		}
		return ""
	})
	if p := s.inPlant("web-0"); p.RequestedCores != 0.8 || s.nodes.Status().Pending != 1 {
		t.Errorf("the plant has %+v and %d resizes wait, expected 0.8 cores and 1", p, s.nodes.Status().Pending)
	}
	s.resize(t, "batch-0", "1")
	component.Eventually(t, soon, func() string { return notAllocated(s.get(t, "web-0"), "2") })
	if p := s.inPlant("web-0"); p.RequestedCores != 2 {
		t.Errorf("the plant has %+v, expected 2 cores", p)
	}
	if total := s.nodes.Series().Total; total.Resizes != 2 || total.Deferred != 1 {
		t.Errorf("%d resizes, %d deferred, expected 2 and 1", total.Resizes, total.Deferred)
	}
	s.resize(t, "web-0", "500m")
	component.Eventually(t, soon, func() string { return notAllocated(s.get(t, "web-0"), "500m") })
}

// testStart: a pod that comes now starts for startSeconds of the plant. KWOK makes it Ready meanwhile, which must not last.
func testStart(t *testing.T, s *suite) {
	begin := s.nodes.Status().PlantSeconds
	s.create(t, "web-1", "200m", service("web"))
	unready := false
	component.Eventually(t, soon, func() string {
		pod := s.get(t, "web-1")
		unready = unready || pod.Status.Phase == v1.PodRunning && readiness(pod) == v1.ConditionFalse
		if !unready {
			return "the pod has not been Running and not Ready"
		}
		return notRunning(pod, "200m")
	})
	if took := s.nodes.Status().PlantSeconds - begin; took < startSeconds {
		t.Errorf("the pod is ready after %.1f s of the plant, expected %d at least", took, startSeconds)
	}
	if total := s.nodes.Series().Total; total.Starts != 1 {
		t.Errorf("%d starts, expected 1", total.Starts)
	}
}

// testRejected: what is bound to a full node fails as on a kubelet, and holds nothing.
func testRejected(t *testing.T, s *suite) {
	s.create(t, "web-2", "3", service("web"))
	component.Eventually(t, soon, func() string {
		if status := s.get(t, "web-2").Status; status.Phase != v1.PodFailed || status.Reason != "OutOfcpu" {
			return fmt.Sprintf("phase is %s, reason %q", status.Phase, status.Reason)
		}
		return ""
	})
	if p := s.inPlant("web-2"); p.Name != "" {
		t.Errorf("the plant has %+v", p)
	}
}

// testFill: batch grows to 96.5 % of 4 cores, then web asks for what is only there once batch has given way.
func testFill(t *testing.T, s *suite) {
	filled := make(chan error, 1)
	go func() {
		filled <- s.nodes.Fill(t.Context(), hollownode.Filling{Client: s.batch, Period: 50 * time.Millisecond})
	}()
	// web 0.5 + 0.2, store 0.5: 3.86 - 1.2 are left for batch.
	component.Eventually(t, soon, func() string { return notAllocated(s.get(t, "batch-0"), "2660m") })
	s.resize(t, "web-0", "1500m")
	component.Eventually(t, soon, func() string { return notAllocated(s.get(t, "web-0"), "1500m") })
	component.Eventually(t, soon, func() string { return notAllocated(s.get(t, "batch-0"), "1660m") })
	if st := s.nodes.Status(); st.Errors != 0 {
		t.Errorf("status is %+v, expected no errors", st)
	}
	select {
	case err := <-filled:
		t.Errorf("filling has ended: %v", err)
	default:
	}
}

// testRemoval: a pod that is deleted leaves the plant, and an eviction is counted as one.
func testRemoval(t *testing.T, s *suite) {
	before := s.nodes.Series().Total
	eviction := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: "web-1", Namespace: namespace}}
	if err := s.client.PolicyV1().Evictions(namespace).Evict(t.Context(), eviction); err != nil {
		t.Fatal(err)
	}
	if err := s.client.CoreV1().Pods(namespace).Delete(t.Context(), "store-0", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	component.Eventually(t, soon, func() string {
		for _, name := range []string{"web-1", "store-0"} {
			if _, err := s.client.CoreV1().Pods(namespace).Get(t.Context(), name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
				return fmt.Sprintf("pod %s: %v", name, err)
			}
		}
		if total := s.nodes.Series().Total; len(total.Pods) != 1 || total.Removals != before.Removals+2 || total.Evictions != before.Evictions+1 {
			return fmt.Sprintf("the plant has %d pods, %d removals, %d evictions", len(total.Pods), total.Removals, total.Evictions)
		}
		return ""
	})
}
