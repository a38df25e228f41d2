package node_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/test/component"
)

// testDenied makes calls with an agent's own token.
func testDenied(t *testing.T, s *suite) {
	config := s.as(t, plain)
	own, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	unbound, err := dynamic.NewForConfig(s.as(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	status := func(c dynamic.Interface, node string) error {
		_, err := c.Resource(v1alpha1.NodeIsolations).Patch(ctx, node, types.MergePatchType, []byte(`{"status":{"mode":"off"}}`), metav1.PatchOptions{}, "status")
		return err
	}
	create := func(c dynamic.Interface, name string, spec map[string]any) error {
		o := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "ballast.dev/v1alpha1", "kind": "NodeIsolation", "metadata": map[string]any{"name": name}, "spec": spec,
		}}
		_, err := c.Resource(v1alpha1.NodeIsolations).Create(ctx, o, metav1.CreateOptions{})
		return err
	}
	claim := func(name string, owner map[string]any) error {
		o := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "ballast.dev/v1alpha1", "kind": "NodeIsolation",
			"metadata": map[string]any{"name": name, "ownerReferences": []any{owner}},
		}}
		_, err := own.Resource(v1alpha1.NodeIsolations).Create(ctx, o, metav1.CreateOptions{})
		return err
	}
	its, err := s.client.CoreV1().Nodes().Get(ctx, plain, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	others, err := s.client.CoreV1().Nodes().Get(ctx, divided, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	owner := func(kind, name string, uid types.UID) map[string]any {
		return map[string]any{"apiVersion": "v1", "kind": kind, "name": name, "uid": string(uid)}
	}
	blocking := owner("Node", plain, its.UID)
	blocking["blockOwnerDeletion"] = true
	const noOwner = "of the UID that its token says"
	if err := status(own, plain); err != nil {
		t.Errorf("its own status: %v", err)
	}
	// The policy is in force since the API server has compiled it, which the agents' own writes do not tell.
	component.Eventually(t, soon, func() string {
		if err := status(own, divided); err == nil {
			return "an agent writes another node's object"
		}
		return ""
	})
	_, updateErr := own.Resource(v1alpha1.NodeIsolations).Patch(ctx, plain, types.MergePatchType, []byte(`{"spec":{"partitions":[]}}`), metav1.PatchOptions{})
	_, secretErr := client.CoreV1().Secrets("kube-system").List(ctx, metav1.ListOptions{})
	_, mapErr := client.CoreV1().ConfigMaps(v1alpha1.SwitchNamespace).List(ctx, metav1.ListOptions{})
	_, nodeErr := client.CoreV1().Nodes().Patch(ctx, plain, types.MergePatchType, []byte(`{"metadata":{"labels":{"a":"b"}}}`), metav1.PatchOptions{})
	listPods := func(namespace, selector string) error {
		_, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{FieldSelector: selector})
		return err
	}
	watchPods := func(namespace, selector string) error {
		w, err := client.CoreV1().Pods(namespace).Watch(ctx, metav1.ListOptions{FieldSelector: selector})
		if err == nil {
			w.Stop()
		}
		return err
	}
	getPod := func(node string) error {
		_, err := client.CoreV1().Pods(system).Get(ctx, "ballast-node-"+node, metav1.GetOptions{})
		return err
	}
	_, oneSecretErr := client.CoreV1().Secrets("kube-system").Get(ctx, "any", metav1.GetOptions{})
	_, readErr := client.CoreV1().Nodes().Get(ctx, divided, metav1.GetOptions{})
	for what, c := range map[string]struct {
		err  error
		says string
	}{
		"status of another node's object": {status(own, divided), "the agent of node plain may write NodeIsolation plain only, not divided"},
		"status, by a token without node": {status(unbound, plain), "bound to no node"},
		"make another node's object":      {create(own, "third", nil), "not third"},
		"make one with a wish": {
			create(own, plain, map[string]any{"partitions": []any{map[string]any{"name": "a"}}}), "makes its object without a wish",
		},
		"make one with a local loop": {
			create(own, plain, map[string]any{"control": map[string]any{"mode": "Observe"}}), "makes its object without a wish",
		},
		"make one that another node owns":   {claim(plain, owner("Node", divided, others.UID)), noOwner},
		"make one of a Node of another UID": {claim(plain, owner("Node", plain, others.UID)), noOwner},
		"make one that another kind owns":   {claim(plain, owner("Namespace", plain, its.UID)), noOwner},
		"make one that holds up its Node":   {claim(plain, blocking), noOwner},
		"its own spec":                      {updateErr, `cannot patch resource "nodeisolations"`},
		"delete its own object":             {own.Resource(v1alpha1.NodeIsolations).Delete(ctx, plain, metav1.DeleteOptions{}), "cannot delete"},
		"read secrets":                      {secretErr, `cannot list resource "secrets"`},
		"read a secret":                     {oneSecretErr, `cannot get resource "secrets"`},
		"read configuration of others":      {mapErr, `cannot list resource "configmaps"`},
		"label its node":                    {nodeErr, `cannot patch resource "nodes"`},
		"read nodes":                        {readErr, `cannot get resource "nodes"`},
		"delete pods":                       {client.CoreV1().Pods("default").Delete(ctx, "web", metav1.DeleteOptions{}), "cannot delete"},
		"list all pods":                     {listPods("", ""), `cannot list resource "pods"`},
		"list pods of another node":         {listPods("", "spec.nodeName="+divided), `cannot list resource "pods"`},
		"list pods of its own node":         {listPods("", "spec.nodeName="+plain), `cannot list resource "pods"`},
		"list pods of its own namespace":    {listPods(system, ""), `cannot list resource "pods"`},
		"watch pods of another node":        {watchPods("", "spec.nodeName="+divided), `cannot watch resource "pods"`},
		"watch pods of its own node":        {watchPods("", "spec.nodeName="+plain), `cannot watch resource "pods"`},
		"read a pod of another node":        {getPod(divided), `cannot get resource "pods"`},
		"read its own pod":                  {getPod(plain), `cannot get resource "pods"`},
	} {
		if !apierrors.IsForbidden(c.err) || !strings.Contains(c.err.Error(), c.says) {
			t.Errorf("%s: %v, want a refusal that says %q", what, c.err, c.says)
		}
	}
}

// testMetadata: what an agent writes with the status of its object's metadata is not taken.
func testMetadata(t *testing.T, s *suite) {
	own, err := dynamic.NewForConfig(s.as(t, plain))
	if err != nil {
		t.Fatal(err)
	}
	const patch = `{"metadata":{"ownerReferences":null,"finalizers":["a.b/c"],"labels":{"a":"b"}},"status":{"mode":"shadow"}}`
	o, err := own.Resource(v1alpha1.NodeIsolations).Patch(t.Context(), plain, types.MergePatchType, []byte(patch), metav1.PatchOptions{}, "status")
	if err != nil {
		t.Fatal(err)
	}
	if mode, _, _ := unstructured.NestedString(o.Object, "status", "mode"); mode != "shadow" {
		t.Errorf("mode %q, want what was written", mode)
	}
	if len(o.GetOwnerReferences()) != 1 || len(o.GetFinalizers()) > 0 || len(o.GetLabels()) > 0 {
		t.Errorf("owners %v, finalizers %v, labels %v: want its Node and nothing else", o.GetOwnerReferences(), o.GetFinalizers(), o.GetLabels())
	}
}

// testPermissions reads the logs of all that went before.
func testPermissions(t *testing.T, s *suite) {
	bad := regexp.MustCompile(`(?i:forbidden|unauthorized)|DATA RACE|panic`)
	for _, a := range s.agents {
		a.Stop()
		text, err := os.ReadFile(a.LogPath())
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if bad.MatchString(line) && !strings.Contains(line, "FLAG:") {
				t.Errorf("%s logged: %s", a.Name(), line)
			}
		}
	}
}
