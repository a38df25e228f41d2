package vmnode_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ballast-k8s/ballast/test/component"
	"github.com/ballast-k8s/ballast/test/nodesuite"
)

// tolerance is how far a limit in whole microseconds may be from the one in cores.
const tolerance = 1e-3

// testResize raises the burner's limit in place and reads the new one where the kernel has it and where ballast-node shows it.
func testResize(t *testing.T, s *suite) {
	if problem := s.wantQuota(t, 0.5, 0.5); problem != "" {
		t.Fatal(problem)
	}
	begin := time.Now()
	s.resize(t, 900)
	component.Eventually(t, soon, func() string { return s.wantQuota(t, 0.9, 0.9) })
	t.Logf("figure: the resize is in cpu.max after at most %s", time.Since(begin).Round(100*time.Millisecond))
	s.checkBurner(t, []bound{
		{limited, true, 0.9 - tolerance, 0.9 + tolerance},
		{used, false, 0.2, 1}, // 0.87 on an idle machine; see checkGrowth
		{stopped, false, 0, 10.5},
		{cpuSome, false, 0.02, 0.9}, // it is stopped for a tenth of the time
	})
	s.checkRestarts(t)
}

// testLimit has the burner's container limited to 0.2 cores through the runtime, as the local loop does with batch pods. A resize in place, of
// which the kubelet makes a new cpu.max, must not lift that, and the limit must be what the kubelet wants when the one who set it has ended.
func testLimit(t *testing.T, s *suite) {
	pod := newPod("placer", v1.ResourceRequirements{}, "/nri/nri.sock", "0.2", "burner")
	grace, root := int64(60), int64(0)
	pod.Spec.TerminationGracePeriodSeconds = &grace
	pod.Spec.Volumes = []v1.Volume{{Name: "nri", VolumeSource: v1.VolumeSource{HostPath: &v1.HostPathVolumeSource{Path: "/var/run/nri"}}}}
	c := &pod.Spec.Containers[0]
	c.Image, c.VolumeMounts = placerImage, []v1.VolumeMount{{Name: "nri", MountPath: "/nri"}}
	c.SecurityContext = &v1.SecurityContext{RunAsUser: &root} // the socket is root's
	s.run(t, pod)
	component.Eventually(t, soon, func() string { return s.wantQuota(t, 0.2, 0.9) })
	s.checkBurner(t, []bound{
		{limited, true, 0.2 - tolerance, 0.2 + tolerance},
		{used, false, 0.08, 0.22}, // see checkGrowth
		{stopped, false, 2, 10.5},
		{cpuSome, false, 0.3, 1}, // it is stopped for four fifths of the time
	})
	weight := s.weight(t)
	s.resize(t, 800)
	component.Eventually(t, soon, func() string { // the weight is what the kubelet changes in the container besides: by it the change is through
		if s.weight(t) == weight {
			return "cpu.weight of the burner is still " + weight
		}
		return ""
	})
	component.Eventually(t, soon, func() string { return s.wantQuota(t, 0.2, 0.8) })
	if err := s.client.CoreV1().Pods("default").Delete(t.Context(), "placer", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	component.Eventually(t, soon, func() string { return s.wantQuota(t, 0.8, 0.8) })
	s.checkRestarts(t)
}

// resize gives the burner another CPU request and limit in place, in thousandths of a core.
func (s *suite) resize(t *testing.T, milli int) {
	t.Helper()
	_, err := s.client.CoreV1().Pods("default").Patch(t.Context(), "burner", types.StrategicMergePatchType, fmt.Appendf(nil,
		`{"spec":{"containers":[{"name":"main","resources":{"requests":{"cpu":"%[1]dm"},"limits":{"cpu":"%[1]dm"}}}]}}`, milli),
		metav1.PatchOptions{}, "resize")
	if err != nil {
		t.Fatal(err)
	}
}

// weight is the CPU weight of the burner's container.
func (s *suite) weight(t *testing.T) string {
	t.Helper()
	return s.files(t, []string{"burner"}, "cpu.weight")["burner cpu.weight"]
}

// wantQuota says what is wrong unless the burner's container and its pod have these CPU limits, in cores. The period is that of who set the limit.
func (s *suite) wantQuota(t *testing.T, container, pod float64) string {
	t.Helper()
	for name, text := range s.files(t, []string{"burner"}, "cpu.max", "../cpu.max") {
		want := container
		if name == "burner ../cpu.max" {
			want = pod
		}
		var quota, period float64
		if _, err := fmt.Sscan(text, &quota, &period); err != nil || math.Abs(quota/period-want) > tolerance {
			return fmt.Sprintf("%s is %q, want %v cores: %v", name, text, want, err)
		}
	}
	return ""
}

// checkBurner looks at the burner twice.
func (s *suite) checkBurner(t *testing.T, bounds []bound) {
	t.Helper()
	client := nodesuite.ReaderClient(t, s.Cluster)
	first := s.look(t, client, "burner")
	second := s.look(t, client, "burner")
	checkGrowth(t, first, second, "burner", bounds)
}

// checkRestarts fails if the burner's container was started anew.
func (s *suite) checkRestarts(t *testing.T) {
	t.Helper()
	pod := nodesuite.AwaitPod(t, s.client, soon, "default", metav1.ListOptions{FieldSelector: "metadata.name=burner"})
	if status := pod.Status.ContainerStatuses[0]; status.RestartCount != 0 {
		t.Errorf("the container was started anew: %+v", status)
	}
}
