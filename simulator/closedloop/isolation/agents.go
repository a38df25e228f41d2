package isolation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/textlogger"
	"k8s.io/utils/clock"

	"github.com/ballast-k8s/ballast/plugins/node"
	"github.com/ballast-k8s/ballast/plugins/node/isolator"
)

// Agents are the agents of some nodes, each with a tree of its own.
type Agents struct {
	folder string
	log    io.Writer
	homes  map[string]*home // by node
}

// home is a node's tree and its agent's way to the API server.
type home struct {
	tree    tree
	kube    kubernetes.Interface
	objects dynamic.Interface
}

// New returns the agents of no node. Folder is an empty one: simulated pods have no cgroups, and the agents say that they see none. What they
// log goes to log, which is written from several goroutines.
func New(folder string, log io.Writer) *Agents {
	return &Agents{folder: folder, log: log, homes: map[string]*home{}}
}

// Add gives a node a tree and an agent, which reaches the API server with that configuration. Call it before Run.
func (a *Agents) Add(name string, identity *rest.Config) error {
	kube, err := kubernetes.NewForConfig(identity)
	if err != nil {
		return fmt.Errorf("agent of node %s: %w", name, err)
	}
	objects, err := dynamic.NewForConfig(identity)
	if err != nil {
		return fmt.Errorf("agent of node %s: %w", name, err)
	}
	return a.add(name, kube, objects)
}

func (a *Agents) add(name string, kube kubernetes.Interface, objects dynamic.Interface) error {
	t, err := newTree()
	if err != nil {
		return fmt.Errorf("agent of node %s: %w", name, err)
	}
	a.homes[name] = &home{t, kube, objects}
	return nil
}

// Run is the agents until the context ends. The trees stay as they are then.
func (a *Agents) Run(ctx context.Context) error {
	var group sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	logger := textlogger.NewLogger(textlogger.NewConfig(textlogger.Output(a.log)))
	for name, h := range a.homes {
		agent := node.New(node.Options{
			Node: name, Open: func() (isolator.Tree, error) { return h.tree, nil }, Cgroup: a.folder, Proc: a.folder,
			Kube: h.kube, Objects: h.objects, Clock: clock.RealClock{}, Alive: func() {},
		})
		group.Go(func() {
			if err := agent.Run(klog.NewContext(ctx, logger.WithValues("node", name))); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, fmt.Errorf("agent of node %s: %w", name, err))
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// The ServiceAccount that all agents share; its permissions are manifests/node's.
const account, accountNamespace = "ballast-node", "ballast-node"

// Identity is the configuration of the agent of a node: a token of the agents' ServiceAccount that is bound to the node, so that the admission
// policy of manifests/node lets it write its own object only. In a cluster the token is bound to the agent's pod, and through it to the
// node. Here there is no such pod: it would be one more on the node, for the scheduler to reckon with.
func Identity(ctx context.Context, client kubernetes.Interface, admin *rest.Config, name string) (*rest.Config, error) {
	n, err := client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading node %s: %w", name, err)
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: new(int64(tokenSeconds)),
		BoundObjectRef:    &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Node", Name: n.Name, UID: n.UID},
	}}
	answer, err := client.CoreV1().ServiceAccounts(accountNamespace).CreateToken(ctx, account, request, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("requesting a token for the agent of node %s: %w", name, err)
	}
	return &rest.Config{
		Host: admin.Host, BearerToken: answer.Status.Token, TLSClientConfig: rest.TLSClientConfig{CAData: admin.CAData, CAFile: admin.CAFile},
		UserAgent: account,
	}, nil
}

// tokenSeconds is longer than a run at speedup 1 takes.
const tokenSeconds = 4 * 60 * 60
