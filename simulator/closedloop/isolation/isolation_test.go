package isolation

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// log is a writer for several goroutines.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// server is an API server of one object.
type server struct {
	objects *dynamicfake.FakeDynamicClient
}

func newServer(t *testing.T, o v1alpha1.NodeIsolation) *server {
	t.Helper()
	o.Generation, o.UID = 1, "u"
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&o)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[schema.GroupVersionResource]string{v1alpha1.NodeIsolations: "NodeIsolationList"}
	return &server{dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), kinds, &unstructured.Unstructured{Object: content})}
}

func (s *server) read(t *testing.T, name string) *v1alpha1.NodeIsolation {
	t.Helper()
	u, err := s.objects.Resource(v1alpha1.NodeIsolations).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	o := &v1alpha1.NodeIsolation{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, o); err != nil {
		t.Fatal(err)
	}
	return o
}

// applied runs the product's agent on a tree until its report is that the wish is in force, and returns agents and report.
func applied(t *testing.T, wish v1alpha1.NodeIsolation) (*Agents, *v1alpha1.NodeIsolation) {
	t.Helper()
	s := newServer(t, wish)
	var messages log
	a := New(t.TempDir(), &messages)
	if err := a.add(wish.Name, fake.NewClientset(), s.objects); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		o := s.read(t, wish.Name)
		n, err := a.Node(o)
		if err != nil {
			t.Fatal(err)
		}
		if len(n.Differences) == 0 {
			return a, o
		}
		if time.Now().After(deadline) {
			t.Fatalf("not applied: %q\n%s", n.Differences, &messages)
		}
	}
}

// The agent divides the machine as both wishes say; what is drawn of it is in testdata, which was read by a human.
func TestAgentAppliesWishes(t *testing.T) {
	t.Parallel()
	for name, streaming := range map[string]bool{"streaming": true, "computing": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, o := applied(t, Wish("node-"+name, streaming))
			n, err := a.Node(o)
			if err != nil {
				t.Fatal(err)
			}
			n.Streaming, n.Batch, n.Services = streaming, 3, []string{"geo", "rate"}
			for i := range n.Conditions {
				n.Conditions[i].LastTransitionTime = metav1.Time{}
			}
			golden(t, name, n)
		})
	}
}

// golden compares a node with testdata.
func golden(t *testing.T, name string, n Node) {
	t.Helper()
	got, err := json.MarshalIndent(n, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name+".json")
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; got\n%s", err, got)
	}
	if string(got)+"\n" != string(want) {
		t.Errorf("not that of %s:\n%s", file, got)
	}
	var back Node
	if err := json.Unmarshal(got, &back); err != nil || !reflect.DeepEqual(back, n) {
		t.Errorf("read back %+v, %v", back, err)
	}
}

// What is not so must be seen: in the report, in the tree, in both.
func TestDifferences(t *testing.T) {
	t.Parallel()
	a, report := applied(t, Wish("n", true))
	for want, change := range map[string]func(o *v1alpha1.NodeIsolation){
		"answers to generation 1 of the spec, which is at 2": func(o *v1alpha1.NodeIsolation) { o.Generation = 2 },
		"the report is of 12 ways of 1572864 bytes, those of devices 9-10; the machine has 11 of": func(o *v1alpha1.NodeIsolation) {
			r := o.Status.Capacity.Resources
			r[slices.IndexFunc(r, func(r v1alpha1.IsolationResource) bool { return r.Name == "L3" })].Ways++
		},
		"has not said whether":                      func(o *v1alpha1.NodeIsolation) { o.Status.Conditions = nil },
		"steps are left to do, first: 1. mkdir":     func(o *v1alpha1.NodeIsolation) { o.Status.Plan = "1. mkdir\n2. write\n" },
		`group ballast-batch is "L3:0=180 MB:0=30"`: func(o *v1alpha1.NodeIsolation) { o.Status.Groups = o.Status.Groups[:1] },
		`"L3:0=380 MB:0=30" for the spec`:           func(o *v1alpha1.NodeIsolation) { *o.Spec.Partitions[1].Caches[0].To = 10 },
		`"L3:0=180 MB:0=40" for the spec`:           func(o *v1alpha1.NodeIsolation) { *o.Spec.Partitions[1].Bandwidth[0].Percent = 40 },
		`group ballast-services is "L3:0=7f MB:0=100" in the tree, "" for the spec`: func(o *v1alpha1.NodeIsolation) {
			o.Spec.Partitions = o.Spec.Partitions[1:]
		},
		"Applied is False (Refused): no": func(o *v1alpha1.NodeIsolation) {
			for i := range o.Status.Conditions {
				if c := &o.Status.Conditions[i]; c.Type == v1alpha1.ConditionApplied {
					c.Status, c.Reason, c.Message = metav1.ConditionFalse, v1alpha1.ReasonRefused, "no"
				}
			}
		},
	} {
		o := report.DeepCopy()
		change(o)
		n, err := a.Node(o)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.Join(n.Differences, "\n"), want) {
			t.Errorf("differences %q, want %q", n.Differences, want)
		}
	}
	// Somebody writes to the tree past the agent, which has ended.
	if err := a.homes["n"].tree.WriteFile("ballast-batch/schemata", []byte("MB:0=50\n")); err != nil {
		t.Fatal(err)
	}
	n, err := a.Node(report)
	if err != nil {
		t.Fatal(err)
	}
	if len(n.Differences) != 2 { // from the report and from the spec
		t.Errorf("differences %q", n.Differences)
	}
	if _, err := a.Node(&v1alpha1.NodeIsolation{}); err == nil {
		t.Error("a node without an agent is no error")
	}
}
