package vmnode_test

import (
	"context"
	"fmt"
	"net/url"
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
	"github.com/ballast-k8s/ballast/test/component"
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
	logs, _ := filepath.Glob(filepath.Join(s.Dir(), "logs", "*.log"))
	for _, log := range logs {
		lines := 5
		if strings.HasPrefix(filepath.Base(log), vmnode.Name) {
			lines = 80
		}
		t.Logf("log %s:\n%s", filepath.Base(log), component.Tail(log, lines))
	}
	out, err := s.Kubectl(context.Background(), "get", "pods,events", "-A")
	t.Logf("%s%v", out, err)
}

// testNode starts the machine and reads what the node says of itself.
func testNode(t *testing.T, s *suite) {
	begin := time.Now()
	var images []string
	for _, name := range []string{"workload", "placer", "ballast-node"} {
		images = append(images, filepath.Join(os.Getenv(imagesEnv), name+".tar"))
	}
	node, err := vmnode.Start(context.WithoutCancel(t.Context()), s.Cluster, vmnode.Config{Images: images, Pause: image})
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
	never, grace := false, int64(0)
	return &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"},
		Spec: v1.PodSpec{
			DNSPolicy: v1.DNSDefault, // there are no names
			NodeName:  vmnode.Name, AutomountServiceAccountToken: &never, TerminationGracePeriodSeconds: &grace,
			Volumes: []v1.Volume{
				{Name: "data", VolumeSource: v1.VolumeSource{EmptyDir: &v1.EmptyDirVolumeSource{}}},
				{Name: "cgroup", VolumeSource: v1.VolumeSource{HostPath: &v1.HostPathVolumeSource{Path: "/sys/fs/cgroup"}}},
			},
			Containers: []v1.Container{{
				Name: "main", Image: image, ImagePullPolicy: v1.PullNever, Args: args, Resources: resources,
				VolumeMounts: []v1.VolumeMount{{Name: "data", MountPath: "/data"}, {Name: "cgroup", MountPath: "/cgroup", ReadOnly: true}},
			}},
		},
	}
}

// run creates the pod and returns it when it runs.
func (s *suite) run(t *testing.T, pod *v1.Pod) *v1.Pod {
	t.Helper()
	if _, err := s.client.CoreV1().Pods(pod.Namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return s.awaitPod(t, pod.Namespace, metav1.ListOptions{FieldSelector: "metadata.name=" + pod.Name})
}

// awaitPod returns the one pod of the list when it runs.
func (s *suite) awaitPod(t *testing.T, namespace string, list metav1.ListOptions) (pod *v1.Pod) {
	t.Helper()
	component.Eventually(t, soon, func() string {
		got, err := s.client.CoreV1().Pods(namespace).List(t.Context(), list)
		if err != nil || len(got.Items) != 1 {
			return fmt.Sprintf("%d pods in %s with %+v, want 1: %v", len(got.Items), namespace, list, err)
		}
		if pod = &got.Items[0]; pod.Status.Phase != v1.PodRunning || pod.Status.PodIP == "" {
			return fmt.Sprintf("%s does not run: %+v", pod.Name, pod.Status)
		}
		return ""
	})
	return pod
}

// overlay is the kustomization of this cluster on top of manifests/node: there is no proxy that makes the API server's Service reachable, no
// registry, and no scheduler. The arguments are the way to manifests/node, the API server's host and port, and the node.
const overlay = `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [%q]
patches:
- target: {kind: DaemonSet}
  patch: |-
    - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: KUBERNETES_SERVICE_HOST, value: %q}}
    - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: KUBERNETES_SERVICE_PORT, value: %q}}
    - {op: add, path: /spec/template/spec/containers/0/imagePullPolicy, value: Never}
    - {op: add, path: /spec/template/spec/nodeName, value: %q}
`

// applyAgent applies ballast-node's manifests through an overlay, as an administrator would.
func (s *suite) applyAgent(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	manifests, err := filepath.Abs("../../manifests/node")
	if err != nil {
		t.Fatal(err)
	}
	way, err := filepath.Rel(dir, manifests)
	if err != nil {
		t.Fatal(err)
	}
	server, err := url.Parse(s.Server())
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Appendf(nil, overlay, way, vmnode.ControlPlaneAddress, server.Port(), vmnode.Name)
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.ApplyFiles(t.Context(), "../../manifests/base", "../../manifests/crd/ballast.dev_nodeisolations.yaml", dir); err != nil {
		t.Fatal(err)
	}
	if err := s.Apply(t.Context(), "reader", []byte(reader)); err != nil {
		t.Fatal(err)
	}
}
