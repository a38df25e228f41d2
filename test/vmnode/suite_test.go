package vmnode_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/simulator/localcluster/sandbox"
	"github.com/ballast-k8s/ballast/simulator/localcluster/vmnode"
	"github.com/ballast-k8s/ballast/test/nodesuite"
)

// soon bounds what takes seconds on emulated CPUs; it is generous for busy machines.
const soon = 3 * time.Minute

// suite is the cluster that all tests in the sandbox share.
type suite struct {
	*localcluster.Cluster
	client kubernetes.Interface
	agent  *v1.Pod
	pods   map[string]*v1.Pod // those with a known load, and the witness, in which files of the node are read
}

// runSuite takes one cluster with the node through the tests. Those after depend on those before.
func runSuite(t *testing.T) {
	ctx := context.WithoutCancel(t.Context()) // the cluster must outlive it: its logs are read in the clean-up
	box, _ := sandbox.Current()
	cluster, err := localcluster.Start(ctx, localcluster.Config{TempDir: box.Dir, NodeAddress: vmnode.ControlPlaneAddress})
	if err != nil {
		t.Fatal(err)
	}
	s := &suite{Cluster: cluster, pods: map[string]*v1.Pod{}}
	t.Cleanup(func() {
		if t.Failed() {
			s.tellLogs(t)
		}
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	if s.client, err = kubernetes.NewForConfig(s.AdminConfig()); err != nil {
		t.Fatal(err)
	}
	for _, sub := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"the node", testNode},
		{"ballast-node on it", testAgent},
		{"counters of known loads", testCounters},
		{"in-place resize", testResize},
		{"limit by the runtime", testLimit},
	} {
		if !t.Run(sub.name, func(t *testing.T) { sub.run(t, s) }) {
			return
		}
	}
}

// tellLogs shows the ends of all logs; the node's is its serial port.
func (s *suite) tellLogs(t *testing.T) {
	t.Helper()
	nodesuite.TellLogs(t, s.Cluster, func(log string) int {
		if strings.HasPrefix(log, vmnode.Name) {
			return 80
		}
		return 5
	})
}

// testNode starts the machine and reads what the node says of itself.
func testNode(t *testing.T, s *suite) {
	begin := time.Now()
	var images []string
	for _, name := range []string{"workload", "placer", "ballast-node"} {
		images = append(images, filepath.Join(os.Getenv(imagesEnv), name+".tar"))
	}
	node, err := vmnode.Start(context.WithoutCancel(t.Context()), s.Cluster, vmnode.Config{Images: images, Pause: nodesuite.WorkloadImage})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.client.CoreV1().Nodes().Get(t.Context(), vmnode.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	info := got.Status.NodeInfo
	t.Logf("figure: the node is ready after %s: kubelet %s, %s, kernel %s, allocatable %s CPUs", time.Since(begin).Round(100*time.Millisecond),
		info.KubeletVersion, info.ContainerRuntimeVersion, info.KernelVersion, got.Status.Allocatable.Cpu())
	log, err := os.ReadFile(node.Machine.LogPath())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(log)) {
		if strings.HasPrefix(line, "node: ") {
			t.Logf("figure: %s", strings.TrimSpace(line))
		}
	}
}

// newPod returns a pod for the node with these resources and arguments of the workload.
func newPod(name string, resources v1.ResourceRequirements, args ...string) *v1.Pod {
	pod := nodesuite.Pod(name, "main", resources, args...)
	pod.Spec.NodeName = vmnode.Name
	pod.Spec.Volumes = []v1.Volume{
		{Name: "data", VolumeSource: v1.VolumeSource{EmptyDir: &v1.EmptyDirVolumeSource{}}},
		{Name: "cgroup", VolumeSource: v1.VolumeSource{HostPath: &v1.HostPathVolumeSource{Path: "/sys/fs/cgroup"}}},
	}
	pod.Spec.Containers[0].VolumeMounts = []v1.VolumeMount{{Name: "data", MountPath: "/data"}, {Name: "cgroup", MountPath: "/cgroup", ReadOnly: true}}
	return pod
}

// run creates the pod and returns it when it runs.
func (s *suite) run(t *testing.T, pod *v1.Pod) *v1.Pod {
	t.Helper()
	if _, err := s.client.CoreV1().Pods(pod.Namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return nodesuite.AwaitPod(t, s.client, soon, pod.Namespace, metav1.ListOptions{FieldSelector: "metadata.name=" + pod.Name})
}
