package realnodes_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/simulator/localcluster/realnodes"
	"github.com/ballast-k8s/ballast/test/nodesuite"
)

// soon bounds what should take a moment; it is generous for busy machines.
const soon = time.Minute

// suite is the cluster that all tests in the sandbox share.
type suite struct {
	*localcluster.Cluster
	client kubernetes.Interface
	nodes  []*realnodes.Node
	agents []v1.Pod   // ballast-node's, one a node, in the order of nodes
	addons chan error // of startAddons
}

// runSuite takes one cluster with two nodes through the tests. Those after depend on those before.
func runSuite(t *testing.T) {
	ctx := context.WithoutCancel(t.Context()) // the cluster must outlive it: its logs are read in the clean-up
	begin := time.Now()
	cluster, nodes, err := startNodes(ctx, imageFile("workload"), imageFile("ballast-node"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("figure: a control plane and %d nodes are ready after %s", len(nodes), time.Since(begin).Round(10*time.Millisecond))
	s := &suite{Cluster: cluster, nodes: nodes, addons: make(chan error, 1)}
	t.Cleanup(func() {
		if t.Failed() {
			nodesuite.TellLogs(t, s.Cluster, func(string) int { return 12 })
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
		{"nodes", testNodes},
		{"ballast-scheduler binds", testScheduler},
		{"ballast-node on both nodes", testAgent},
		{"contention, and a larger request against it", testContention},
		{"ballast-node reports both containers", testReport},
		{"from recommendation to cgroup", testRecommendation},
		{"the local loop throttles an antagonist", testLocalLoop},
	} {
		if !t.Run(sub.name, func(t *testing.T) { sub.run(t, s) }) {
			return
		}
	}
}

// testNodes reads what the nodes say of themselves.
func testNodes(t *testing.T, s *suite) {
	list, err := s.client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) != 2 {
		t.Fatalf("%d nodes, want 2: %v", len(list.Items), err)
	}
	for _, node := range s.nodes { // where whoever runs on a node expects them
		process := node.Inside(localcluster.Process{Path: "/bin/ls", Args: []string{
			"/run/containerd/containerd.sock", "/run/nri/nri.sock", "/var/lib/kubelet/pod-resources/kubelet.sock", "/var/log/pods",
		}})
		if out, err := exec.CommandContext(t.Context(), process.Path, process.Args...).CombinedOutput(); err != nil {
			t.Errorf("inside %s: %v\n%s", node.Name, err, out)
		}
	}
	for _, node := range list.Items {
		info := node.Status.NodeInfo
		t.Logf("%s: kubelet %s, %s, kernel %s, allocatable %s CPUs", node.Name, info.KubeletVersion, info.ContainerRuntimeVersion,
			info.KernelVersion, node.Status.Allocatable.Cpu())
	}
}

// newPod returns a pod for the node, without limits, that runs the workload with these arguments.
func newPod(name, node, request string, args ...string) *v1.Pod {
	resources := v1.ResourceRequirements{Requests: v1.ResourceList{v1.ResourceCPU: resource.MustParse(request)}}
	pod := nodesuite.Pod(name, "workload", resources, args...)
	pod.Spec.NodeSelector = map[string]string{v1.LabelHostname: node}
	return pod
}

// runPod creates the pod and returns when it runs.
func runPod(ctx context.Context, cluster *localcluster.Cluster, pod *v1.Pod) error {
	client, err := kubernetes.NewForConfig(cluster.AdminConfig())
	if err != nil {
		return err
	}
	if _, err := client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		return err
	}
	for end := time.Now().Add(soon); ; time.Sleep(50 * time.Millisecond) {
		got, err := client.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if got.Status.Phase == v1.PodRunning {
			*pod = *got
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("pod %s is not running after %s: %+v", pod.Name, soon, got.Status)
		}
	}
}

// binary is the path of one under test.
func binary(name string) string { return filepath.Join(os.Getenv(binariesEnv), name) }
