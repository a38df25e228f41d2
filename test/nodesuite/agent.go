package nodesuite

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/test/component"
)

const (
	// AgentNamespace is that of manifests/node, whose ServiceAccount has the same name.
	AgentNamespace = "ballast-node"
	agentPort      = 8943
)

// overlay is the kustomization of a cluster on top of ballast-node's manifests: there is no proxy that makes the API server's Service reachable, and
// no registry. The arguments are the way to the manifests, the API server's host and port, and a field of the pods' spec with its value.
const overlay = `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [%q]
patches:
- target: {kind: DaemonSet}
  patch: |-
    - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: KUBERNETES_SERVICE_HOST, value: %q}}
    - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: KUBERNETES_SERVICE_PORT, value: %q}}
    - {op: add, path: /spec/template/spec/containers/0/imagePullPolicy, value: Never}
    - {op: add, path: /spec/template/spec/%s, value: %q}
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

// Agents says how ballast-node is installed.
type Agents struct {
	// Manifests is the folder, seen from the test.
	Manifests string
	// ControlPlane is the API server's address, seen from the node.
	ControlPlane string
	// Field of the pods' spec, such as nodeName, gets Value: what finds them their node.
	Field, Value string
}

// Apply applies ballast-node's manifests through an overlay, as an administrator would, and lets a reader read metrics.
func (a Agents) Apply(t *testing.T, cluster *localcluster.Cluster) {
	t.Helper()
	dir := t.TempDir()
	manifests, err := filepath.Abs(a.Manifests)
	if err != nil {
		t.Fatal(err)
	}
	way, err := filepath.Rel(dir, manifests)
	if err != nil {
		t.Fatal(err)
	}
	server, err := url.Parse(cluster.Server())
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Appendf(nil, overlay, way, a.ControlPlane, server.Port(), a.Field, a.Value)
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := cluster.ApplyFiles(t.Context(), "../../manifests/base", "../../manifests/crd/ballast.dev_nodeisolations.yaml", dir); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Apply(t.Context(), "reader", []byte(reader)); err != nil {
		t.Fatal(err)
	}
}

// AwaitObject returns the node's NodeIsolation when it has no problem.
func AwaitObject(t *testing.T, cluster *localcluster.Cluster, soon time.Duration, node string, problem func(*v1alpha1.NodeIsolation) string) *v1alpha1.NodeIsolation {
	t.Helper()
	objects, err := dynamic.NewForConfig(cluster.AdminConfig())
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
