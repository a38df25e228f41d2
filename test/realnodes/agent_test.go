package realnodes_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/simulator/localcluster/realnodes"
	"github.com/ballast-k8s/ballast/test/component"
)

const (
	// agentImage is the one that manifests/node names.
	agentImage = "docker.io/ballast-k8s/ballast-node:dev"
	// agentNamespace is that of manifests/node, whose ServiceAccount has the same name.
	agentNamespace = "ballast-node"
	agentPort      = 8943
)

// overlay is the kustomization of this cluster on top of manifests/node-control: there is no proxy that makes the API server's Service reachable, no
// registry, and no scheduler but ours. The arguments are the way to manifests/node-control, the API server's host and port, and the scheduler.
const overlay = `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [%q]
patches:
- target: {kind: DaemonSet}
  patch: |-
    - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: KUBERNETES_SERVICE_HOST, value: %q}}
    - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: KUBERNETES_SERVICE_PORT, value: %q}}
    - {op: add, path: /spec/template/spec/containers/0/imagePullPolicy, value: Never}
    - {op: add, path: /spec/template/spec/schedulerName, value: %q}
`

// reader is who scrapes, with the right to /metrics and no other.
const reader = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader, namespace: default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules: [{nonResourceURLs: [/metrics], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
subjects: [{kind: ServiceAccount, name: reader, namespace: default}]
`

// testAgent puts ballast-node on the nodes by its manifests, as a DaemonSet, and waits until each node's object says what there is.
func testAgent(t *testing.T, s *suite) {
	s.applyAgent(t)
	for _, node := range s.nodes {
		s.agents = append(s.agents, s.awaitAgent(t, node))
		object := s.awaitObject(t, node.Name, func(o *v1alpha1.NodeIsolation) string {
			for _, want := range []struct {
				condition, reason string
				status            metav1.ConditionStatus
			}{
				{v1alpha1.ConditionReady, v1alpha1.ReasonWorking, metav1.ConditionTrue},
				{v1alpha1.ConditionBlind, v1alpha1.ReasonNoResctrl, metav1.ConditionTrue},
				{v1alpha1.ConditionApplied, v1alpha1.ReasonNoResctrl, metav1.ConditionFalse},
			} {
				if c := meta.FindStatusCondition(o.Status.Conditions, want.condition); c == nil || c.Status != want.status || c.Reason != want.reason {
					return fmt.Sprintf("NodeIsolation %s: condition %s is %+v, want %s, %s", o.Name, want.condition, c, want.status, want.reason)
				}
			}
			return ""
		})
		ready := meta.FindStatusCondition(object.Status.Conditions, v1alpha1.ConditionReady)
		t.Logf("figure: ballast-node on %s: %s Absent: %+v", node.Name, ready.Message, object.Status.Absent)
	}
	testDenied(t, s)
}

// applyAgent applies the manifests through an overlay, as an administrator would.
func (s *suite) applyAgent(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	manifests, err := filepath.Abs("../../manifests/node-control")
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
	text := fmt.Appendf(nil, overlay, way, realnodes.ControlPlaneAddress, server.Port(), schedulerName)
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

// awaitAgent returns the agent's pod on the node when it runs.
func (s *suite) awaitAgent(t *testing.T, node *realnodes.Node) v1.Pod {
	t.Helper()
	var pod v1.Pod
	component.Eventually(t, soon, func() string {
		list, err := s.client.CoreV1().Pods(agentNamespace).List(t.Context(), metav1.ListOptions{FieldSelector: "spec.nodeName=" + node.Name})
		if err != nil || len(list.Items) != 1 {
			return fmt.Sprintf("%d agents on %s, want 1: %v", len(list.Items), node.Name, err)
		}
		if pod = list.Items[0]; pod.Status.Phase != v1.PodRunning || pod.Status.PodIP == "" {
			return fmt.Sprintf("%s on %s does not run: %+v", pod.Name, node.Name, pod.Status)
		}
		return ""
	})
	return pod
}

// awaitObject returns the node's NodeIsolation when it has no problem.
func (s *suite) awaitObject(t *testing.T, node string, problem func(*v1alpha1.NodeIsolation) string) *v1alpha1.NodeIsolation {
	t.Helper()
	objects, err := dynamic.NewForConfig(s.AdminConfig())
	if err != nil {
		t.Fatal(err)
	}
	object := &v1alpha1.NodeIsolation{}
	component.Eventually(t, soon, func() string {
		got, err := objects.Resource(v1alpha1.NodeIsolations).Get(t.Context(), node, metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		object = &v1alpha1.NodeIsolation{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(got.Object, object); err != nil {
			t.Fatal(err)
		}
		return problem(object)
	})
	return object
}

// testDenied makes calls with the token that the kubelet gave to the agent of the first node. Nothing is changed (dry run), also where a call
// is not refused.
func testDenied(t *testing.T, s *suite) {
	config := rest.AnonymousClientConfig(s.AdminConfig())
	config.BearerToken = s.tokenOf(t, s.nodes[0], s.agents[0])
	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, dry := t.Context(), []string{metav1.DryRunAll}
	own, other := s.nodes[0].Name, s.nodes[1].Name
	status := func(node string) error {
		_, err := objects.Resource(v1alpha1.NodeIsolations).Patch(ctx, node, types.MergePatchType, []byte(`{"status":{"mode":"off"}}`),
			metav1.PatchOptions{DryRun: dry}, "status")
		return err
	}
	if err := status(own); err != nil {
		t.Errorf("its own status: %v", err)
	}
	component.Eventually(t, soon, func() string { // the API server takes a moment to compile the policy
		if status(other) == nil {
			return "the agent of " + own + " may write the object of " + other
		}
		return ""
	})
	_, secrets := client.CoreV1().Secrets("kube-system").List(ctx, metav1.ListOptions{})
	_, pods := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + other})
	_, ownPods := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + own})
	_, pod := client.CoreV1().Pods(agentNamespace).Get(ctx, s.agents[1].Name, metav1.GetOptions{})
	for _, call := range []struct {
		err  error
		says string
	}{
		{status(other), fmt.Sprintf("the agent of node %s may write NodeIsolation %s only, not %s", own, own, other)},
		{secrets, `cannot list resource "secrets"`},
		{pods, `cannot list resource "pods"`},
		{ownPods, `cannot list resource "pods"`},
		{pod, `cannot get resource "pods"`},
		{client.CoreV1().Pods(agentNamespace).Delete(ctx, s.agents[1].Name, metav1.DeleteOptions{DryRun: dry}), `cannot delete resource "pods"`},
	} {
		if !apierrors.IsForbidden(call.err) || !strings.Contains(call.err.Error(), call.says) {
			t.Errorf("got %v, want a refusal that says %q", call.err, call.says)
		}
	}
}

// tokenOf reads the ServiceAccount's token where the kubelet has put it for the pod.
func (s *suite) tokenOf(t *testing.T, node *realnodes.Node, pod v1.Pod) string {
	t.Helper()
	volume := slices.IndexFunc(pod.Spec.Volumes, func(v v1.Volume) bool { return v.Projected != nil })
	if volume < 0 {
		t.Fatalf("%s has no volume with a token", pod.Name)
	}
	process := node.Inside(localcluster.Process{Path: "/bin/cat", Args: []string{
		filepath.Join("/var/lib/kubelet/pods", string(pod.UID), "volumes/kubernetes.io~projected", pod.Spec.Volumes[volume].Name, "token"),
	}})
	token, err := exec.CommandContext(t.Context(), process.Path, process.Args...).Output()
	if err != nil || len(token) == 0 {
		t.Fatalf("the token of %s: %v", pod.Name, err)
	}
	return string(token)
}

// readerClient returns a client that shows a reader's token to servers that sign their own certificates.
func (s *suite) readerClient(t *testing.T) *http.Client {
	t.Helper()
	kubeconfig, err := s.ServiceAccountKubeconfig(t.Context(), "default", "reader")
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	client, err := component.Client(config)
	if err != nil {
		t.Fatal(err)
	}
	if client.Transport, err = rest.HTTPWrappersForConfig(config, client.Transport); err != nil {
		t.Fatal(err)
	}
	return client
}

// checkAgents reads what the agents have logged until now, and whether one has crashed. On a machine that is busy enough one may be too late
// to say that it lives, with the little CPU that it requests: then the kubelet starts it anew.
func (s *suite) checkAgents(t *testing.T) {
	t.Helper()
	bad := regexp.MustCompile(`(?i:forbidden|unauthorized)|panic`)
	for _, agent := range s.agents {
		text, err := s.Kubectl(t.Context(), "logs", "-n", agentNamespace, agent.Name)
		if err != nil {
			t.Error(err)
		}
		for line := range strings.Lines(string(text)) {
			if bad.MatchString(line) && !strings.Contains(line, "FLAG:") {
				t.Errorf("%s logged: %s", agent.Name, line)
			}
		}
		got, err := s.client.CoreV1().Pods(agentNamespace).Get(t.Context(), agent.Name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		switch end := got.Status.ContainerStatuses[0].LastTerminationState.Terminated; {
		case end == nil:
		case end.ExitCode == 0 || end.ExitCode == int32(128+syscall.SIGKILL):
			t.Logf("figure: %s was started anew: %+v", agent.Name, end)
		default:
			t.Errorf("%s has crashed: %+v", agent.Name, end)
		}
	}
}
