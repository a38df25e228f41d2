// Package node_test runs the built ballast-node on a real control plane, under the permissions of manifests/node and with a token that is
// bound to a pod of its node, against an emulated resctrl tree and a made-up folder of cgroups.
package node_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/test/component"
)

const (
	// soon bounds what should take a moment; a status is written every 10 seconds at most.
	soon = 40 * time.Second
	// divided is a node whose machine has resctrl, plain one without.
	divided, plain = "divided", "plain"
	// leaving and wanted are nodes that are removed, and wanted is one whose object a person made.
	leaving, wanted = "leaving", "wanted"
	system          = "ballast-node" // the agents' namespace
)

// suite is the cluster that all tests share, and its agents.
type suite struct {
	*localcluster.Cluster
	client  kubernetes.Interface
	objects dynamic.Interface
	http    *http.Client
	binary  string
	machine *machine
	agents  []*agent
	kept    *agent // that of the divided node
	line    *line  // between that one and the API server
}

// agent is a process of ballast-node.
type agent struct {
	*localcluster.Child
	base string // URL
}

// TestNode takes the agents through what happens to a node. Subtests depend on those before.
func TestNode(t *testing.T) {
	binary := make(chan string, 1)
	go func() { binary <- component.Build(t, "ballast-node") }()
	ctx := context.WithoutCancel(t.Context()) // the cluster must outlive it: its logs are read in the clean-up
	cluster, err := localcluster.Start(ctx, localcluster.Config{TempDir: t.TempDir()})
	if err != nil {
		<-binary
		t.Fatal(err)
	}
	s := &suite{Cluster: cluster, binary: <-binary}
	t.Cleanup(func() {
		for _, a := range s.agents {
			if t.Failed() {
				t.Logf("log of %s:\n%s", a.Name(), component.Tail(a.LogPath(), 40))
			}
		}
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	s.connect(t)
	for _, sub := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"works without resctrl", testWithoutResctrl},
		{"shows containers", testContainers},
		{"waits for a wish", testNothingWanted},
		{"divides the node", testDivides},
		{"follows a changed wish", testChangedWish},
		{"refuses what cannot be", testRefused},
		{"shadow and off", testSwitch},
		{"adopts its groups after a restart", testRestart},
		{"protects while the API server is away", testOutage},
		{"makes its object anew", testDeletedObject},
		{"objects go with their nodes", testRemovedNode},
		{"denied calls", testDenied},
		{"writes no metadata", testMetadata},
		{"stays within its permissions", testPermissions},
	} {
		if !t.Run(sub.name, func(t *testing.T) { sub.run(t, s) }) {
			return
		}
	}
}

// connect makes the administrator's clients, the agents' permissions, two nodes without a kubelet, and a pod of ballast-node on each.
func (s *suite) connect(t *testing.T) {
	t.Helper()
	config := s.AdminConfig()
	var err error
	if s.client, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	if s.objects, err = dynamic.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	if s.http, err = component.Client(config); err != nil {
		t.Fatal(err)
	}
	manifests := filepath.Join(component.Root, "manifests")
	if err := s.ApplyFiles(t.Context(), filepath.Join(manifests, "base"), filepath.Join(manifests, "crd/ballast.dev_nodeisolations.yaml"),
		filepath.Join(manifests, "node/rbac.yaml"), filepath.Join(manifests, "node/admission.yaml")); err != nil {
		t.Fatal(err)
	}
	s.node(t, divided)
	s.node(t, plain)
	s.machine = newMachine(t)
	s.line = newLine(t, s)
}

// node makes a node without a kubelet, and a pod of ballast-node on it.
func (s *suite) node(t *testing.T, name string) {
	t.Helper()
	n := &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := s.client.CoreV1().Nodes().Create(t.Context(), n, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.pod(t, system, "ballast-node-"+name, "ballast-node", name)
}

// pod makes a pod on a node.
func (s *suite) pod(t *testing.T, namespace, name, account, node string) *v1.Pod {
	t.Helper()
	p := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       v1.PodSpec{NodeName: node, ServiceAccountName: account, Containers: []v1.Container{{Name: "app", Image: "none"}}},
	}
	var made *v1.Pod
	component.Eventually(t, soon, func() string { // the ServiceAccount may have to be made first
		var err error
		if made, err = s.client.CoreV1().Pods(namespace).Create(t.Context(), p, metav1.CreateOptions{}); err != nil {
			return err.Error()
		}
		return ""
	})
	return made
}

// token is that of the agent's pod on a node; bound to nothing for "".
func (s *suite) token(t *testing.T, node string) string {
	t.Helper()
	request := &authenticationv1.TokenRequest{}
	if node != "" {
		p, err := s.client.CoreV1().Pods(system).Get(t.Context(), "ballast-node-"+node, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		request.Spec.BoundObjectRef = &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: p.Name, UID: p.UID}
	}
	answer, err := s.client.CoreV1().ServiceAccounts(system).CreateToken(t.Context(), "ballast-node", request, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return answer.Status.Token
}

// as is a configuration with the agent's token.
func (s *suite) as(t *testing.T, node string) *rest.Config {
	t.Helper()
	admin := s.AdminConfig()
	return &rest.Config{Host: admin.Host, BearerToken: s.token(t, node), TLSClientConfig: rest.TLSClientConfig{CAData: admin.CAData, CAFile: admin.CAFile}}
}

// kubeconfig is a file with the agent's token.
func (s *suite) kubeconfig(t *testing.T, node string) string {
	t.Helper()
	config := s.as(t, node)
	file := filepath.Join(t.TempDir(), "kubeconfig")
	err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{"local": {
			Server: config.Host, CertificateAuthorityData: config.CAData, CertificateAuthority: config.CAFile,
		}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"agent": {Token: config.BearerToken}},
		Contexts:       map[string]*clientcmdapi.Context{"local": {Cluster: "local", AuthInfo: "agent"}},
		CurrentContext: "local",
	}, file)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// start runs the agent of a node until it is healthy.
func (s *suite) start(t *testing.T, name, node, resctrl, logs string) *agent {
	t.Helper()
	port, err := s.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	// The files must outlive the subtest that starts the agent.
	kubeconfig, err := os.ReadFile(s.kubeconfig(t, node))
	if node == divided {
		kubeconfig = []byte(strings.ReplaceAll(string(kubeconfig), s.Server(), "https://"+s.line.address))
	}
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.Dir(), name+".kubeconfig")
	if err := os.WriteFile(file, kubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	a := &agent{base: fmt.Sprintf("https://127.0.0.1:%d", port)}
	a.Child, err = s.Run(t.Context(), localcluster.Process{
		Name: name, Path: s.binary, Ready: localcluster.Healthz(a.base + "/healthz"),
		Args: []string{
			"--node-name=" + node, "--kubeconfig=" + file, "--resctrl-root=" + resctrl, "--cgroup-root=" + s.machine.cgroup(),
			"--proc-root=" + s.machine.proc(), "--container-log-root=" + logs, "--bind-address=127.0.0.1",
			fmt.Sprintf("--secure-port=%d", port), "--v=2",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.agents = append(s.agents, a)
	return a
}

// isolation reads a node's object.
func (s *suite) isolation(ctx context.Context, node string) (*v1alpha1.NodeIsolation, error) {
	u, err := s.objects.Resource(v1alpha1.NodeIsolations).Get(ctx, node, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	o := &v1alpha1.NodeIsolation{}
	return o, runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, o)
}

// await waits until a node's report answers to the present spec and a check of it finds nothing.
func (s *suite) await(t *testing.T, node string, problem func(*v1alpha1.NodeIsolation) string) *v1alpha1.NodeIsolation {
	t.Helper()
	var last *v1alpha1.NodeIsolation
	component.Eventually(t, soon, func() string {
		o, err := s.isolation(t.Context(), node)
		if err != nil {
			return err.Error()
		}
		last = o
		if o.Status.ObservedGeneration != o.Generation {
			return fmt.Sprintf("the report is of generation %d, the spec of %d", o.Status.ObservedGeneration, o.Generation)
		}
		return problem(o)
	})
	return last
}

// applied checks condition Applied.
func applied(status metav1.ConditionStatus, reason string, words ...string) func(*v1alpha1.NodeIsolation) string {
	return condition(v1alpha1.ConditionApplied, status, reason, words...)
}

// condition checks a condition, and that its message has the words.
func condition(kind string, status metav1.ConditionStatus, reason string, words ...string) func(*v1alpha1.NodeIsolation) string {
	return func(o *v1alpha1.NodeIsolation) string {
		c := meta.FindStatusCondition(o.Status.Conditions, kind)
		if c == nil {
			return "no condition " + kind
		}
		missing := slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(c.Message, w) })
		if c.Status != status || c.Reason != reason || missing {
			return fmt.Sprintf("%s is %s, %s: %s; want %s, %s: %q", kind, c.Status, c.Reason, c.Message, status, reason, words)
		}
		return ""
	}
}

// want sets the partitions of a node's object, as JSON.
func (s *suite) want(ctx context.Context, node, partitions string) error {
	patch := fmt.Sprintf(`{"spec":{"partitions":%s}}`, partitions)
	_, err := s.objects.Resource(v1alpha1.NodeIsolations).Patch(ctx, node, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	return err
}
