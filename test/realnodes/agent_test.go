package realnodes_test

import (
	"fmt"
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
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/simulator/localcluster/realnodes"
	"github.com/ballast-k8s/ballast/test/component"
	"github.com/ballast-k8s/ballast/test/nodesuite"
)

// testAgent puts ballast-node on the nodes by its manifests, as a DaemonSet, and waits until each node's object says what there is.
func testAgent(t *testing.T, s *suite) {
	nodesuite.Agents{
		Manifests: "../../manifests/node-control", ControlPlane: realnodes.ControlPlaneAddress, Field: "schedulerName", Value: schedulerName,
	}.Apply(t, s.Cluster)
	for _, node := range s.nodes {
		s.agents = append(s.agents, *nodesuite.AwaitPod(t, s.client, soon, nodesuite.AgentNamespace, metav1.ListOptions{FieldSelector: "spec.nodeName=" + node.Name}))
		object := nodesuite.AwaitObject(t, s.Cluster, soon, node.Name, func(o *v1alpha1.NodeIsolation) string {
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
	_, pod := client.CoreV1().Pods(nodesuite.AgentNamespace).Get(ctx, s.agents[1].Name, metav1.GetOptions{})
	for _, call := range []struct {
		err  error
		says string
	}{
		{status(other), fmt.Sprintf("the agent of node %s may write NodeIsolation %s only, not %s", own, own, other)},
		{secrets, `cannot list resource "secrets"`},
		{pods, `cannot list resource "pods"`},
		{ownPods, `cannot list resource "pods"`},
		{pod, `cannot get resource "pods"`},
		{client.CoreV1().Pods(nodesuite.AgentNamespace).Delete(ctx, s.agents[1].Name, metav1.DeleteOptions{DryRun: dry}), `cannot delete resource "pods"`},
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

// checkAgents reads what the agents have logged until now, and whether one has crashed. On a machine that is busy enough one may be too late
// to say that it lives, with the little CPU that it requests: then the kubelet starts it anew.
func (s *suite) checkAgents(t *testing.T) {
	t.Helper()
	bad := regexp.MustCompile(`(?i:forbidden|unauthorized)|panic`)
	for _, agent := range s.agents {
		text, err := s.Kubectl(t.Context(), "logs", "-n", nodesuite.AgentNamespace, agent.Name)
		if err != nil {
			t.Error(err)
		}
		for line := range strings.Lines(string(text)) {
			if bad.MatchString(line) && !strings.Contains(line, "FLAG:") {
				t.Errorf("%s logged: %s", agent.Name, line)
			}
		}
		got, err := s.client.CoreV1().Pods(nodesuite.AgentNamespace).Get(t.Context(), agent.Name, metav1.GetOptions{})
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
