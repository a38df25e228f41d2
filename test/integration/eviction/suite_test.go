// Package eviction_test runs the built ballast-recommender on a real control plane, under the permissions of manifests/recommender, and lets
// nodes ask for evictions.
package eviction_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/test/component"
)

const (
	// soon bounds what should take a moment; requests are looked at every 5 s, and again 5, 10 and 20 s after a try that failed.
	soon = 45 * time.Second
	// config has minutes as seconds: a leader holds off for 5 s, and evicts a pod of a node in 5 s and one of the cluster in 1 s.
	config = "interval: 1m\nspeedup: 60\ntelemetry: {port: 0}\nleaderElection: {leaderElect: false}\n"
	// pool is the name of the nodes up to their number.
	pool = "node"
)

// suite is the cluster and the recommender.
type suite struct {
	*localcluster.Cluster
	client      kubernetes.Interface
	objects     dynamic.Interface
	http        *http.Client
	recommender *localcluster.Child
	base        string // URL
	// nodes are how many have been used.
	nodes int
	// counted are the requests so far, by outcome.
	counted map[string]int
}

// TestEviction takes one recommender through requests, each of a node of its own. The right to evict comes with the second subtest.
func TestEviction(t *testing.T) {
	binary := make(chan string, 1)
	go func() { binary <- component.Build(t, "ballast-recommender") }()
	ctx := context.WithoutCancel(t.Context()) // the cluster must outlive it: its logs are read in the clean-up
	cluster, err := localcluster.Start(ctx, localcluster.Config{TempDir: t.TempDir()})
	if err != nil {
		<-binary
		t.Fatal(err)
	}
	s := &suite{Cluster: cluster, counted: map[string]int{}}
	t.Cleanup(func() {
		if t.Failed() && s.recommender != nil {
			t.Logf("log of the recommender:\n%s", component.Tail(s.recommender.LogPath(), 60))
		}
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	s.connect(t)
	s.start(t, <-binary)
	for _, sub := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"denied without the right", testDenied},
		{"evicts", testEvicts},
		{"a budget of disruption holds", testDisruptionBudget},
		{"a pod of another node", testAnotherNode},
		{"another pod of that name", testUID},
		{"no batch", testNoBatch},
		{"never", testNever},
		{"old and future requests", testTimes},
		{"one of a node in a while", testNodeBudget},
		{"shadow", testShadow},
		{"stays within its permissions", testLog},
	} {
		if !t.Run(sub.name, func(t *testing.T) { sub.run(t, s) }) {
			return
		}
	}
}

// connect makes the administrator's clients, the recommender's permissions and simulated nodes.
func (s *suite) connect(t *testing.T) {
	t.Helper()
	admin := s.AdminConfig()
	var err error
	if s.client, err = kubernetes.NewForConfig(admin); err != nil {
		t.Fatal(err)
	}
	if s.objects, err = dynamic.NewForConfig(admin); err != nil {
		t.Fatal(err)
	}
	if s.http, err = component.Client(admin); err != nil {
		t.Fatal(err)
	}
	manifests := filepath.Join(component.Root, "manifests")
	if err := s.ApplyFiles(t.Context(), filepath.Join(manifests, "base"), filepath.Join(manifests, "crd/ballast.dev_nodeisolations.yaml"),
		filepath.Join(manifests, "recommender/rbac.yaml")); err != nil {
		t.Fatal(err)
	}
	shape := localcluster.NodeShape{Capacity: v1.ResourceList{v1.ResourceCPU: resource.MustParse("8"), v1.ResourceMemory: resource.MustParse("32Gi")}}
	if err := s.AddNodes(t.Context(), pool, 20, shape); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"jobs", "shop"} {
		n := &v1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if _, err := s.client.CoreV1().Namespaces().Create(t.Context(), n, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// start runs the recommender under its ServiceAccount, until it is healthy. VPA's types are not there: nodes do not wait for them.
func (s *suite) start(t *testing.T, binary string) {
	t.Helper()
	kubeconfig, err := s.ServiceAccountKubeconfig(t.Context(), "ballast-system", "ballast-recommender")
	if err != nil {
		t.Fatal(err)
	}
	port, err := s.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	s.base = fmt.Sprintf("https://127.0.0.1:%d", port)
	s.recommender, err = s.Run(t.Context(), localcluster.Process{
		Name: "ballast-recommender", Path: binary, Ready: localcluster.Healthz(s.base + "/healthz"),
		Args: []string{"--config=" + file, "--kubeconfig=" + kubeconfig, "--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port), "--v=2"},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// node is the name of a node that no test has used.
func (s *suite) node() string {
	s.nodes++
	return fmt.Sprintf("%s-%02d", pool, s.nodes-1)
}

// run makes a pod on a node and waits until it is ready.
func (s *suite) run(t *testing.T, namespace, name, node string) *v1.Pod {
	t.Helper()
	p := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"app": name}},
		Spec: v1.PodSpec{NodeName: node, Containers: []v1.Container{{
			Name: "app", Image: "none", Resources: v1.ResourceRequirements{Requests: v1.ResourceList{v1.ResourceCPU: resource.MustParse("100m")}},
		}}},
	}
	component.Eventually(t, soon, func() string { // the ServiceAccount may have to be made first
		_, err := s.client.CoreV1().Pods(namespace).Create(t.Context(), p, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return err.Error()
		}
		made, err := s.client.CoreV1().Pods(namespace).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil || made.Status.Phase != v1.PodRunning {
			return fmt.Sprintf("pod %s/%s is %s, error %v", namespace, name, made.Status.Phase, err)
		}
		p = made
		return ""
	})
	return p
}

// spec has namespace jobs as batch, but for pods of one kind.
const spec = `{"partitions":[{"name":"lc","role":"Latency","members":[{"namespace":"shop"},{"namespace":"jobs","pod":"urgent-*"}]},
	{"name":"be","role":"Batch","members":[{"namespace":"jobs"}]}],"control":{"mode":"Act","eviction":"LastStep"}}`

// sentence is the agents'.
const sentence = "shop/web waits 0.41 s a second, 0.2 is its bound; batch has 50 of 50 milli-CPU"

// ask writes the request of a node's agent for a pod, made at a time, into an object of that spec.
func (s *suite) ask(t *testing.T, node, spec string, pod *v1.Pod, at time.Time) {
	t.Helper()
	objects := s.objects.Resource(v1alpha1.NodeIsolations)
	body := fmt.Sprintf(`{"apiVersion":"ballast.dev/v1alpha1","kind":"NodeIsolation","metadata":{"name":%q},"spec":%s}`, node, spec)
	if _, err := objects.Patch(t.Context(), node, types.ApplyPatchType, []byte(body), metav1.PatchOptions{FieldManager: "test", Force: new(true)}); err != nil {
		t.Fatal(err)
	}
	status, err := json.Marshal(map[string]any{"status": v1alpha1.NodeIsolationStatus{
		LastReport: new(metav1.Now()), Control: &v1alpha1.LocalControlStatus{Mode: v1alpha1.ControlAct, Evict: &v1alpha1.EvictionRequest{
			Namespace: pod.Namespace, Pod: pod.Name, UID: string(pod.UID), Why: sentence, Time: metav1.NewTime(at),
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := objects.Patch(t.Context(), node, types.MergePatchType, status, metav1.PatchOptions{}, "status"); err != nil {
		t.Fatal(err)
	}
}

// comes waits until so many requests more have that outcome.
func (s *suite) comes(t *testing.T, outcome string, more int) {
	t.Helper()
	s.counted[outcome] += more
	component.Eventually(t, soon, func() string {
		if got := s.count(t, outcome); got != s.counted[outcome] {
			return fmt.Sprintf("%d requests are %s, want %d", got, outcome, s.counted[outcome])
		}
		return ""
	})
}

// count is how many requests have had that outcome.
func (s *suite) count(t *testing.T, outcome string) (n int) {
	t.Helper()
	component.Eventually(t, soon, func() string {
		body, err := component.Get(t.Context(), s.http, s.base+"/metrics")
		if err != nil {
			return err.Error()
		}
		_, rest, _ := strings.Cut(body, fmt.Sprintf("\nsla_recommender_eviction_requests_total{outcome=%q} ", outcome))
		text, _, _ := strings.Cut(rest, "\n")
		if n, err = strconv.Atoi(text); err != nil {
			return fmt.Sprintf("the number of requests that are %s: %v", outcome, err)
		}
		return ""
	})
	return n
}

// gone waits until a pod is no more.
func (s *suite) gone(t *testing.T, pod *v1.Pod) {
	t.Helper()
	component.Eventually(t, soon, func() string {
		p, err := s.client.CoreV1().Pods(pod.Namespace).Get(t.Context(), pod.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return ""
		}
		return fmt.Sprintf("pod %s/%s is there: %v, error %v", pod.Namespace, pod.Name, p.Status.Conditions, err)
	})
}

// stays says whether a pod is there, and not on its way out.
func (s *suite) stays(t *testing.T, pod *v1.Pod) {
	t.Helper()
	p, err := s.client.CoreV1().Pods(pod.Namespace).Get(t.Context(), pod.Name, metav1.GetOptions{})
	if err != nil || p.DeletionTimestamp != nil || p.UID != pod.UID {
		t.Errorf("pod %s/%s of UID %s is now of UID %s, deleted %v, error %v", pod.Namespace, pod.Name, pod.UID, p.UID, p.DeletionTimestamp, err)
	}
}

// said waits for an event about an object, such as Pod/sort, whose message has the words.
func (s *suite) said(t *testing.T, namespace, about, reason string, words ...string) {
	t.Helper()
	component.Eventually(t, soon, func() string {
		list, err := s.client.CoreV1().Events(namespace).List(t.Context(), metav1.ListOptions{FieldSelector: "reason=" + reason})
		if err != nil {
			return err.Error()
		}
		var messages []string
		for _, e := range list.Items {
			if e.InvolvedObject.Kind+"/"+e.InvolvedObject.Name != about || e.InvolvedObject.UID == "" {
				continue
			}
			messages = append(messages, e.Message)
			missing := false
			for _, w := range words {
				missing = missing || !strings.Contains(e.Message, w)
			}
			if !missing {
				return ""
			}
		}
		return fmt.Sprintf("events %s about %s say %q, want %q", reason, about, messages, words)
	})
}
