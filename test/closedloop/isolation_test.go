package closedloop

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/manifests"
	"github.com/ballast-k8s/ballast/simulator/closedloop/isolation"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/test/component"
)

// divided are the nodes of the test, by whether their batch work streams.
var divided = map[string]bool{"node-0": true, "node-1": false}

// cluster is a control plane with the agents' types, permissions and admission policy, and two nodes.
type cluster struct {
	*localcluster.Cluster
	client  kubernetes.Interface
	objects dynamic.Interface
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	started, err := localcluster.Start(context.WithoutCancel(t.Context()), localcluster.Config{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := started.Stop(); err != nil {
			t.Error(err)
		}
	})
	c := &cluster{Cluster: started}
	if c.client, err = kubernetes.NewForConfig(c.AdminConfig()); err != nil {
		t.Fatal(err)
	}
	if c.objects, err = dynamic.NewForConfig(c.AdminConfig()); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"base/namespace.yaml", "crd/ballast.dev_nodeisolations.yaml", "node/rbac.yaml", "node/admission.yaml"} {
		text, err := manifests.FS.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Apply(t.Context(), file, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.AddNodes(t.Context(), "node", len(divided), localcluster.NodeShape{}); err != nil {
		t.Fatal(err)
	}
	return c
}

// isolation reads a node's object.
func (c *cluster) isolation(ctx context.Context, name string) (*v1alpha1.NodeIsolation, error) {
	u, err := c.objects.Resource(v1alpha1.NodeIsolations).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	o := &v1alpha1.NodeIsolation{}
	return o, runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, o)
}

// agents runs the agents of all nodes until the test ends.
func (c *cluster) agents(t *testing.T, log *bytes.Buffer) *isolation.Agents {
	t.Helper()
	agents := isolation.New(t.TempDir(), &locked{to: log})
	for name := range divided {
		identity, err := isolation.Identity(t.Context(), c.client, c.AdminConfig(), name)
		if err != nil {
			t.Fatal(err)
		}
		if err := agents.Add(name, identity); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- agents.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("log of the agents:\n%s", log)
		}
	})
	return agents
}

// locked is a writer for several goroutines.
type locked struct {
	mu sync.Mutex
	to *bytes.Buffer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(b)
}

// The demonstration's agents divide their nodes as objects on a real API server say, with tokens that are bound to the nodes, and none of them
// can write what is another's.
func TestNodesAreDivided(t *testing.T) {
	c := newCluster(t)
	var log bytes.Buffer
	agents := c.agents(t, &log)
	for name, streaming := range divided {
		text, err := json.Marshal(isolation.Wish(name, streaming))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Apply(t.Context(), "the wish", text); err != nil {
			t.Fatal(err)
		}
	}
	const soon = 30 * time.Second // a status is written every 10 s at most
	for name := range divided {
		component.Eventually(t, soon, func() string {
			o, err := c.isolation(t.Context(), name)
			if err != nil {
				return err.Error()
			}
			n, err := agents.Node(o)
			if err != nil {
				return err.Error()
			}
			return strings.Join(n.Differences, "; ")
		})
	}
	c.testDenied(t)
}

// testDenied tries calls under the identity of the first node's agent.
func (c *cluster) testDenied(t *testing.T) {
	t.Helper()
	identity, err := isolation.Identity(t.Context(), c.client, c.AdminConfig(), "node-0")
	if err != nil {
		t.Fatal(err)
	}
	agent, err := dynamic.NewForConfig(identity)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, subresources ...string) error {
		body := []byte(`{"status":{"mode":"off"},"spec":{"partitions":[]}}`)
		_, err := agent.Resource(v1alpha1.NodeIsolations).Patch(t.Context(), name, types.MergePatchType, body, metav1.PatchOptions{}, subresources...)
		return err
	}
	if err := write("node-1", "status"); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "may write NodeIsolation node-0 only") {
		t.Errorf("the status of another node's object: %v, want that it is forbidden", err)
	}
	if err := write("node-0"); !apierrors.IsForbidden(err) {
		t.Errorf("the spec of its own object: %v, want that it is forbidden", err)
	}
	if err := write("node-0", "status"); err != nil {
		t.Errorf("the status of its own object: %v", err)
	}
}
