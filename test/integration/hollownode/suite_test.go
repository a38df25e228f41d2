// Package hollownode_test plays pods on a simulated node of a real control plane, under the permissions that package hollownode asks for,
// and looks at what the API server, a reader of metrics and a receiver of telemetry get to see.
package hollownode_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ballast-k8s/ballast/simulator/hollownode"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/simulator/plant/arrival"
	"github.com/ballast-k8s/ballast/simulator/plant/park"
	"github.com/ballast-k8s/ballast/simulator/plant/queueing"
	"github.com/ballast-k8s/ballast/simulator/plant/servicegraph"
	"github.com/ballast-k8s/ballast/test/component"
)

const (
	// soon bounds what should take a moment; it is generous for busy machines and the race detector.
	soon = 30 * time.Second
	// node is the node's name: AddNodes numbers them.
	node, namespace, bystander = "park-0", "shop", "other"
	kubelet, owner             = "ballast:hollownode", "ballast:batch"
	// speedup is low enough for any machine: the load costs it 2 % of a core.
	speedup = 20
	// startSeconds is what a pod takes to start, of the plant: three seconds of the wall, in which a test has to see that it starts.
	startSeconds = 60
	rate         = 40 // requests a second, of the plant
)

// suite is the cluster that all tests share, and what runs on its node.
type suite struct {
	*localcluster.Cluster
	client   kubernetes.Interface // of the administrator
	batch    kubernetes.Interface // of the owner of the batch pods
	nodes    *hollownode.Nodes
	receiver *receiver
}

// TestHollowNode takes one node through the life of its pods. Subtests depend on those before.
func TestHollowNode(t *testing.T) {
	ctx := context.WithoutCancel(t.Context()) // the cluster must outlive it: the node is stopped in the clean-up
	cluster, err := localcluster.Start(ctx, localcluster.Config{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	s := &suite{Cluster: cluster, receiver: newReceiver(t)}
	s.connect(t)
	for _, sub := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"first pods are ready at once", testFirstPods},
		{"resize applied", testResize},
		{"resize deferred until there is room", testDeferred},
		{"later pods pay for their start", testStart},
		{"no room, no pod", testRejected},
		{"metrics are the plant's usage", testMetrics},
		{"telemetry is the plant's", testTelemetry},
		{"batch fills the node and gives way", testFill},
		{"deletion and eviction", testRemoval},
		{"has no right to more", testRights},
		{"minutes", testSeries},
		{"a kubelet without KWOK", testAlone},
	} {
		if !t.Run(sub.name, func(t *testing.T) { sub.run(t, s) }) {
			t.Logf("status: %+v", s.nodes.Status())
			return
		}
	}
}

// connect makes a node, namespaces, permissions and clients, and runs the hollow node.
func (s *suite) connect(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	s.client = kubernetes.NewForConfigOrDie(s.AdminConfig())
	shape := localcluster.NodeShape{Capacity: v1.ResourceList{v1.ResourceCPU: resource.MustParse("4"), v1.ResourceMemory: resource.MustParse("16Gi")}}
	if err := s.AddNodes(ctx, "park", 1, shape); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{namespace, bystander} {
		if _, err := s.client.CoreV1().Namespaces().Create(ctx, &v1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		component.Eventually(t, soon, func() string { // pods need it
			if _, err := s.client.CoreV1().ServiceAccounts(name).Get(ctx, "default", metav1.GetOptions{}); err != nil {
				return err.Error()
			}
			return ""
		})
	}
	for name, manifest := range map[string][]byte{kubelet: hollownode.RBAC(kubelet, namespace), owner: hollownode.BatchRBAC(owner, namespace)} {
		if err := s.Apply(ctx, name, manifest); err != nil {
			t.Fatal(err)
		}
	}
	s.batch = s.as(t, owner)
	var err error
	s.nodes, err = hollownode.New(hollownode.Config{
		Client: s.as(t, kubelet), Namespaces: []string{namespace}, Plant: shop(), Speedup: speedup,
		Memory: map[string]hollownode.Memory{"web": {Bytes: 100 << 20, CallBytes: 1 << 20}},
		OTLP:   &hollownode.OTLP{Endpoint: s.receiver.url, Token: token, TLS: s.receiver.tls, Period: 200 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	run(t, s.nodes)
}

// as returns a client with the rights of a user.
func (s *suite) as(t *testing.T, user string) kubernetes.Interface {
	t.Helper()
	path, err := s.UserKubeconfig(user)
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	return kubernetes.NewForConfigOrDie(config)
}

// run starts a hollow node; it is stopped at the end of the test, and must then return without an error.
func run(t *testing.T, nodes *hollownode.Nodes) {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- nodes.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(soon):
			t.Error("the hollow node does not end")
		}
	})
	select {
	case <-nodes.Ready():
	case err := <-done:
		t.Fatal(err)
	case <-time.After(soon):
		t.Fatal("the hollow node is not ready")
	}
}

// shop is a front end that calls a store. At rate, web uses 0.2 and store 0.4 cores.
func shop() queueing.Config {
	read := servicegraph.Call{
		Service: "store", Operation: "read", Network: servicegraph.Constant(0.0002), Stages: []servicegraph.Stage{{Work: servicegraph.Exp(0.01)}},
	}
	page := servicegraph.Call{Service: "web", Operation: "GET /page", Network: servicegraph.Constant(0.0005), Stages: []servicegraph.Stage{
		{Work: servicegraph.Exp(0.003), Calls: []servicegraph.Call{read}}, {Work: servicegraph.Exp(0.002)},
	}}
	start := servicegraph.Start{DelaySeconds: startSeconds}
	return queueing.Config{
		Application: servicegraph.Application{
			Services:   []servicegraph.Service{{Name: "web", Start: start}, {Name: "store", Start: start}},
			Operations: []servicegraph.Operation{{Name: "page", TargetSeconds: 0.1, Patterns: []servicegraph.Pattern{{Share: 1, Root: page}}}},
		},
		Machines: []park.MachineSpec{{Name: node, Cores: 4}},
		Loads:    []queueing.Load{{Operation: "page", Rates: arrival.Rates{StepSeconds: 60, PerSecond: []float64{rate}, Repeat: true}}},
		Seed:     1, SpanRate: 0.25,
	}
}

// create makes a pod that is bound to the node.
func (s *suite) create(t *testing.T, name, cpu string, labels map[string]string) {
	t.Helper()
	s.createOn(t, node, name, cpu, labels)
}

func (s *suite) createOn(t *testing.T, node, name, cpu string, labels map[string]string) {
	t.Helper()
	pod := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: labels},
		Spec: v1.PodSpec{NodeName: node, Containers: []v1.Container{{
			Name: "main", Image: "shop:1",
			Resources: v1.ResourceRequirements{Requests: v1.ResourceList{
				v1.ResourceCPU: resource.MustParse(cpu), v1.ResourceMemory: resource.MustParse("256Mi"),
			}},
		}}},
	}
	if _, err := s.client.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func service(name string) map[string]string { return map[string]string{"app": name} }

// get reads a pod that must be there. A busy API server may fail to answer once.
func (s *suite) get(t *testing.T, name string) (pod *v1.Pod) {
	t.Helper()
	component.Eventually(t, soon, func() string {
		var err error
		pod, err = s.client.CoreV1().Pods(namespace).Get(t.Context(), name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
		if err != nil {
			return err.Error()
		}
		return ""
	})
	return pod
}

// resize changes a pod's request as the VPA updater does, by a JSON patch of the resize sub-resource.
func (s *suite) resize(t *testing.T, name, cpu string) *v1.Pod {
	t.Helper()
	patch := fmt.Appendf(nil, `[{"op":"add","path":"/spec/containers/0/resources/requests/cpu","value":%q}]`, cpu)
	pod, err := s.client.CoreV1().Pods(namespace).Patch(t.Context(), name, types.JSONPatchType, patch, metav1.PatchOptions{}, "resize")
	if err != nil {
		t.Fatal(err)
	}
	return pod
}
