package realnodes_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/test/component"
)

const (
	// work is the CPU time of a request, rate how many there are a second: a tenth of a core.
	work, rate = 5 * time.Millisecond, 20.0
	// small and large are the service's request before and after the resize.
	small, large = "100m", "900m"
	// rivalPerCPU is what its neighbour requests, in millicores, for each thread, of which it has one for each CPU. The kernel divides
	// its weight among the CPUs that it is on, while the service, which is on one, has all of its own there: 450 against 100, and
	// 450 against 900 after the resize, whatever the number of CPUs.
	rivalPerCPU = 450
	// attempts is how often the measurement may fail: others work on the machine, and may do so in one phase and not in the next.
	attempts = 3
	// phase is how long each measurement takes: 120 requests.
	phase = 6 * time.Second
	// schedulerName is that of the profile in manifests/scheduler/profile-second.yaml.
	schedulerName = "ballast-scheduler"
)

// testScheduler starts ballast-scheduler under the permissions of its manifests, and lets it bind a pod to each node.
func testScheduler(t *testing.T, s *suite) {
	const manifests = "../../manifests/"
	if err := s.ApplyFiles(t.Context(), manifests+"base", manifests+"scheduler/rbac.yaml", manifests+"crd/ballast.dev_interferencemodels.yaml"); err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := s.ServiceAccountKubeconfig(t.Context(), "ballast-system", "ballast-scheduler")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(manifests + "scheduler/profile-second.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := yaml.UnmarshalStrict(text, &config); err != nil {
		t.Fatal(err)
	}
	config["clientConnection"] = map[string]any{"kubeconfig": kubeconfig}
	if text, err = yaml.Marshal(config); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "scheduler.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = s.Run(t.Context(), localcluster.Process{
		Name: "ballast-scheduler", Path: binary("ballast-scheduler"),
		Args: []string{
			"--config=" + file, "--v=2", "--bind-address=127.0.0.1", "--secure-port=10259",
			"--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
		},
		Ready: localcluster.Healthz("https://127.0.0.1:10259/healthz"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range s.nodes {
		pod := s.startPod(t, newPod("bound-to-"+node.Name, node.Name, "10m"))
		if pod.Spec.NodeName != node.Name {
			t.Errorf("%s is on %s", pod.Name, pod.Spec.NodeName)
		}
		s.deletePod(t, pod.Name)
	}
}

// startPod lets ballast-scheduler find a place for the pod, and waits until it runs.
func (s *suite) startPod(t *testing.T, pod *v1.Pod) *v1.Pod {
	t.Helper()
	begin := time.Now()
	pod.Spec.SchedulerName = schedulerName
	if err := runPod(t.Context(), s.Cluster, pod); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s runs on %s after %s", pod.Name, pod.Spec.NodeName, time.Since(begin).Round(10*time.Millisecond))
	events, err := s.client.CoreV1().Events(pod.Namespace).List(t.Context(), metav1.ListOptions{FieldSelector: "reason=Scheduled,involvedObject.name=" + pod.Name})
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range events.Items {
		if event.ReportingController != schedulerName {
			t.Errorf("%s was bound by %q", pod.Name, event.ReportingController)
		}
	}
	return pod
}

// deletePod returns when the pod is gone.
func (s *suite) deletePod(t *testing.T, name string) {
	t.Helper()
	if err := s.client.CoreV1().Pods("default").Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	component.Eventually(t, soon, func() string {
		if _, err := s.client.CoreV1().Pods("default").Get(t.Context(), name, metav1.GetOptions{}); err == nil {
			return name + " is still there"
		}
		return ""
	})
}

// testContention measures a service alone, beside a neighbour that takes all the CPU it can get, and beside it with a larger request. What must
// come out is an order, with room for a machine on which others work.
func testContention(t *testing.T, s *suite) {
	service := s.startPod(t, newPod("service", s.nodes[0].Name, small, "serve", work.String()))
	url := "http://" + service.Status.PodIP + ":8080/"
	component.Eventually(t, soon, func() string {
		if err := get(t.Context(), http.DefaultClient, url); err != nil {
			return err.Error()
		}
		return ""
	})
	out, err := s.Kubectl(t.Context(), "logs", "service") // from the kubelet, through the API server
	if string(out) != "serving\n" {
		t.Errorf("the service logged %q, %v", out, err)
	}
	for attempt := 1; ; attempt++ {
		problem := s.contend(t, service, url)
		if problem == "" {
			break
		}
		if attempt == attempts {
			t.Fatal(problem)
		}
		t.Logf("again: %s", problem)
		s.resize(t, service, small)
	}
	s.deletePod(t, "service")
}

// contend takes the three measurements and says what is wrong with them, "" if nothing.
func (s *suite) contend(t *testing.T, service *v1.Pod, url string) (problem string) {
	t.Helper()
	alone := measure(t, url, rate, phase)
	t.Logf("figure: alone: %s", alone)

	rival := newPod("antagonist", service.Spec.NodeName, fmt.Sprintf("%dm", rivalPerCPU*runtime.NumCPU()), "burn", strconv.Itoa(runtime.NumCPU()))
	s.startPod(t, rival)
	disturbed := measure(t, url, rate, phase)
	t.Logf("figure: beside an antagonist: %s: %.1f times the median alone", disturbed, ratio(disturbed, alone))

	s.resize(t, service, large)
	helped := measure(t, url, rate, phase)
	t.Logf("figure: with a request of %s instead of %s: %s: %.1f times the median alone", large, small, helped, ratio(helped, alone))
	s.deletePod(t, rival.Name)

	if got := ratio(disturbed, alone); got < 1.5 {
		return fmt.Sprintf("an antagonist makes the median %.2f times as long, want at least 1.5", got)
	}
	if got := ratio(helped, disturbed); got > 0.75 {
		return fmt.Sprintf("the larger request makes the median %.2f times as long, want at most 0.75", got)
	}
	return ""
}

// ratio is that of the medians.
func ratio(a, b latencies) float64 { return float64(a.quantile(0.5)) / float64(b.quantile(0.5)) }

// resize changes the pod's CPU request in place, through the API, and waits until the kernel and the pod's status know.
func (s *suite) resize(t *testing.T, pod *v1.Pod, request string) {
	t.Helper()
	begin := time.Now()
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"containers": []any{map[string]any{
		"name": pod.Spec.Containers[0].Name, "resources": map[string]any{"requests": map[string]string{"cpu": request}},
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.CoreV1().Pods(pod.Namespace).Patch(t.Context(), pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "resize"); err != nil {
		t.Fatal(err)
	}
	s.awaitWeight(t, pod, request)
	t.Logf("figure: %s has its %s in the container's cgroup after %s", pod.Name, request, time.Since(begin).Round(10*time.Millisecond))
}

// awaitWeight waits until the pod's first container has the request in its status, the same instance still, and in its cgroup.
func (s *suite) awaitWeight(t *testing.T, pod *v1.Pod, request string) {
	t.Helper()
	component.Eventually(t, soon, func() string {
		got, err := s.client.CoreV1().Pods(pod.Namespace).Get(t.Context(), pod.Name, metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		status := got.Status.ContainerStatuses[0]
		if status.RestartCount != 0 {
			t.Fatalf("%s was restarted", pod.Name)
		}
		if status.Resources == nil || status.Resources.Requests.Cpu().Cmp(*got.Spec.Containers[0].Resources.Requests.Cpu()) != 0 ||
			got.Spec.Containers[0].Resources.Requests.Cpu().String() != request {
			return fmt.Sprintf("%s: status %+v, spec %+v, want %s", pod.Name, status.Resources, got.Spec.Containers[0].Resources, request)
		}
		millis := got.Spec.Containers[0].Resources.Requests.Cpu().MilliValue()
		weight, want, err := s.weight(got, millis)
		if err != nil {
			return err.Error()
		}
		if weight != want {
			return fmt.Sprintf("%s: the kernel's weight is %d, want %d for %dm", pod.Name, weight, want, millis)
		}
		return ""
	})
}

// weight reads the CPU weight of the pod's first container from its cgroup, and says what it should be for that request. On v1 it is
// cpu.shares: 1024 a core. On v2 it is cpu.weight, into which runc turns shares: since its version 1.3.2 along a quadratic in the logarithm
// with 1024 at 100.
func (s *suite) weight(pod *v1.Pod, millis int64) (weight, want int64, err error) {
	shares := max(2, millis*1024/1000)
	file, want := "cpu.shares", shares
	dir, err := s.cgroup(pod, "cpu", false)
	if err != nil {
		file, want = "cpu.weight", v2Weight(shares)
		dir, err = s.cgroup(pod, "cpu", true)
	}
	if err != nil {
		return 0, 0, err
	}
	text, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return 0, 0, err
	}
	weight, err = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return weight, want, err
}

// v2Weight is opencontainers/cgroups' ConvertCPUSharesToCgroupV2Value: 2 shares are 1, 1024 are 100, 262144 are 10000.
func v2Weight(shares int64) int64 {
	if shares <= 2 {
		return 1
	}
	l := math.Log2(float64(shares))
	return int64(math.Ceil(math.Pow(10, (l*l+125*l)/612-7.0/34)))
}

// TestWeights holds the formula against the values that it is made to pass through.
func TestWeights(t *testing.T) {
	for shares, want := range map[int64]int64{2: 1, 1024: 100, 262144: 10000} {
		if got := v2Weight(shares); got != want {
			t.Errorf("%d shares are a weight of %d, want %d", shares, got, want)
		}
	}
}
